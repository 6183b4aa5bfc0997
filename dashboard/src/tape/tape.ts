// The swaps that the tape holds, newest first: pages of history put together, and what is known to
// lie between them and was not fetched.

import type { SwapView, SwapsView } from "../api";

export const ROWS_MAX = 500;

/** Below the swap `under` some were not fetched: how many, or null where that is not known. */
export interface Skipped { under: string; swaps: number | null }

export interface Held {
  rows: SwapView[];
  skipped: Skipped[];
  /** Of all that came since the tape began: how many passed the filter, and how many were not shown. */
  passed: number;
  missed: number;
}

export const keyOf = (one: SwapView): string => `${one.signature}:${one.ordinal}`;

/** Newest first, as history orders them. */
export function byPlace(a: SwapView, b: SwapView): number {
  return b.event_time_ms - a.event_time_ms || b.slot - a.slot || b.index - a.index ||
    (a.signature < b.signature ? 1 : a.signature > b.signature ? -1 : b.ordinal - a.ordinal);
}

export class Tape {
  held: Held = { rows: [], skipped: [], passed: 0, missed: 0 };
  /** Every swap of the newest pages, shown or not: a page that has one of them meets what is held. */
  private seen = new Set<string>();
  private kept: number | null = null;

  /** `isCounted`: pages are of all swaps, so that `kept` says how many came. */
  constructor(private readonly matches: (swap: SwapView) => boolean, private readonly isCounted: boolean) {}

  /** Whether nothing was taken yet. */
  get isNew(): boolean {
    return this.kept === null;
  }

  /** Whether nothing can lie between this page and what is held. */
  meets(page: SwapsView): boolean {
    return page.next_before === null || page.swaps.some(one => this.seen.has(keyOf(one)));
  }

  /** Take the newest pages, each going on where the one before ended. */
  take(pages: SwapsView[]): void {
    const [first] = pages;
    if (first === undefined) return;
    const swaps = pages.flatMap(one => one.swaps);
    const fresh = swaps.filter(one => !this.seen.has(keyOf(one)));
    const isMet = this.isNew || pages.some(one => this.meets(one));
    const came = this.kept === null || !this.isCounted ? null : first.kept - this.kept;
    const missed = came === null ? 0 : Math.max(0, came - fresh.length);
    const passing = swaps.filter(this.matches);
    const isOf = new Set(fresh.map(keyOf));
    const passed = this.isNew ? 0 : passing.filter(one => isOf.has(keyOf(one))).length;
    this.kept = first.kept;
    this.seen = new Set(swaps.map(keyOf));
    const rows = merged(this.held.rows, passing);
    const under = passing.at(-1);
    const isTorn = !isMet && under !== undefined && rows.at(-1) !== under;
    const shown = new Set(rows.map(keyOf));
    const skipped = [...(isTorn ? [{ under: keyOf(under), swaps: missed || null }] : []), ...this.held.skipped];
    this.held = {
      rows, skipped: skipped.filter(one => shown.has(one.under)),
      passed: this.held.passed + passed, missed: this.held.missed + missed,
    };
  }
}

/** Both, each swap once as it was said last, no more than the newest ROWS_MAX. */
export function merged(before: SwapView[], page: SwapView[]): SwapView[] {
  const all = new Map(before.map(one => [keyOf(one), one]));
  for (const one of page) all.set(keyOf(one), one);
  return [...all.values()].sort(byPlace).slice(0, ROWS_MAX);
}

const WINDOW_MS = 10_000;

/** How many came in a second, over the last ten. */
export class Rate {
  private said: Array<{ atMs: number; total: number }> = [];

  /** A total that only grows; a smaller one means that counting started over. */
  add(atMs: number, total: number): void {
    const last = this.said.at(-1);
    if (last && total < last.total) this.said = [];
    this.said.push({ atMs, total });
    while (this.said.length > 2 && this.said[1]!.atMs <= atMs - WINDOW_MS) this.said.shift();
  }

  /** Null until two totals are known. */
  get perS(): number | null {
    const [first] = this.said;
    const last = this.said.at(-1);
    if (!first || !last || last.atMs <= first.atMs) return null;
    return (last.total - first.total) * 1000 / (last.atMs - first.atMs);
  }
}
