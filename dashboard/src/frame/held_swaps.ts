// Swaps that are shown, newest first: newer ones come to their head, older ones are asked for, and
// what was shown stays. Pure.

import type { SwapView, SwapsView } from "../api";

export const HELD_MAX = 1000;

export interface HeldSwaps {
  swaps: SwapView[];
  /** Where older ones go on; null where there are none. */
  next: string | null;
}

const keyOf = (one: SwapView): string => `${one.signature}.${one.ordinal}`;

/** As the API wants a place back. */
export const placeOf = (one: SwapView): string =>
  [one.event_time_ms, one.slot, one.index, one.ordinal, one.signature].join(".");

function newestFirst(a: SwapView, b: SwapView): number {
  const by = b.event_time_ms - a.event_time_ms || b.slot - a.slot || b.index - a.index;
  if (by !== 0) return by;
  if (a.signature !== b.signature) return a.signature < b.signature ? 1 : -1;
  return b.ordinal - a.ordinal;
}

/** What is held after the newest page has come: where nothing joins the two, the page alone. */
export function withNewest(held: HeldSwaps | null, page: SwapsView): HeldSwaps {
  const fresh = { swaps: page.swaps, next: page.next_before };
  if (held === null || page.swaps.length === 0) return fresh;
  const known = new Set(held.swaps.map(keyOf));
  if (page.next_before !== null && !page.swaps.some(one => known.has(keyOf(one)))) return fresh;
  return bounded(page.swaps, held.swaps, held.next);
}

/** What is held with an older page behind it. */
export const withOlder = (held: HeldSwaps, page: SwapsView): HeldSwaps => bounded(held.swaps, page.swaps, page.next_before);

function bounded(first: SwapView[], rest: SwapView[], next: string | null): HeldSwaps {
  const all = new Map([...rest, ...first].map(one => [keyOf(one), one]));
  const swaps = [...all.values()].sort(newestFirst);
  const shown = swaps.slice(0, HELD_MAX);
  const last = shown.at(-1);
  return { swaps: shown, next: swaps.length > HELD_MAX && last ? placeOf(last) : next };
}
