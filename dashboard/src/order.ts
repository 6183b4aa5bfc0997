// In which order lists stand, so that nothing moves away from under a finger, an eye or the focus.

import { useLayoutEffect } from "preact/hooks";
import type { Episode } from "./episodes";

/** As it stood before, while somebody is in the list: what is new comes last, and what has gone
 *  stays as it was. */
export function stay<T>(before: T[], now: T[], keyOf: (one: T) => string): T[] {
  const found = new Map(now.map(one => [keyOf(one), one]));
  const stood = new Set(before.map(keyOf));
  return [...before.map(one => found.get(keyOf(one)) ?? one), ...now.filter(one => !stood.has(keyOf(one)))];
}

/** The one that rang last first; but one that is read keeps the place that it had. `places` holds
 *  them from one time to the next. */
export function inPlace(episodes: Episode[], places: Map<string, number>, isRead: (key: string) => boolean): Episode[] {
  const now = new Map(episodes.map(({ key, shown }) => [key, (isRead(key) ? places.get(key) : undefined) ?? shown.seq]));
  places.clear();
  for (const [key, place] of now) places.set(key, place);
  return [...episodes].sort((a, b) => now.get(b.key)! - now.get(a.key)!);
}

/** What has the focus in this part of the page, and has it afterwards as well: a browser takes it
 *  from what is put in at another place. */
export function useKeptFocus(part: { current: HTMLElement | null }): HTMLElement | null {
  // Only here is it still where it was: what is drawn is moved right after this.
  const at = document.activeElement;
  const focused = at instanceof HTMLElement && part.current?.contains(at) ? at : null;
  useLayoutEffect(() => {
    const isLost = document.activeElement === null || document.activeElement === document.body;
    if (isLost && focused?.isConnected) focused.focus({ preventScroll: true });
  });
  return focused;
}
