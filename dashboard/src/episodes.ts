// Alerts by episode: one rule holding for one token, from the alert that opened it on.

import type { StoredAlert } from "./api";

export interface Episode {
  key: string;
  /** The newest alert that says what happened; an end alone never hides what rang. */
  shown: StoredAlert;
  first: StoredAlert;
  grew: number;
  ended: boolean;
  /** Nothing of what rang is held: its values at the end are not what rang. */
  isEndAlone: boolean;
}

// The page holds no more than this; older ones are asked for by page.
export const ALERTS_MAX = 600;

/** Episodes, the one that rang last first. */
export function episodesOf(alerts: Iterable<StoredAlert>): Episode[] {
  const byKey = new Map<string, StoredAlert[]>();
  const over = new Set<string>();
  for (const one of alerts) {
    for (const ended of one.ended ?? []) over.add(ended.episode);
    // A summary is about episodes that are shown themselves.
    if (one.ended?.length) continue;
    const key = one.episode || one.id;
    const found = byKey.get(key);
    if (found) found.push(one);
    else byKey.set(key, [one]);
  }
  const episodes = [...byKey].map(([key, several]): Episode => {
    several.sort((a, b) => a.seq - b.seq || a.n - b.n);
    const rang = several.filter(one => one.kind !== "closed");
    const shown = rang.at(-1) ?? several[several.length - 1]!;
    return {
      key,
      shown,
      first: several[0]!,
      grew: several.filter(one => one.kind === "escalated").length,
      isEndAlone: shown.kind === "closed",
      ended: over.has(key) || several.some(one => one.kind === "closed" || one.kind === "sighted"),
    };
  });
  return episodes.sort((a, b) => b.shown.seq - a.shown.seq);
}

/** The newest of what is held, no more than ALERTS_MAX. */
export function bounded(held: Map<string, StoredAlert>): Map<string, StoredAlert> {
  if (held.size <= ALERTS_MAX) return held;
  const newest = [...held].sort(([, a], [, b]) => b.seq - a.seq).slice(0, ALERTS_MAX);
  return new Map(newest);
}
