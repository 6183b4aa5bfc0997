// How often each rule fired lately, by the alerts that the page holds.

import type { StoredAlert } from "../../api";

export interface Rang {
  times: number;
  last: StoredAlert;
}

/** Episodes by rule, and the newest alert of each; and since when alerts are held. */
export function rangOf(alerts: Iterable<StoredAlert>): { sinceMs: number | null; by: Map<string, Rang> } {
  const by = new Map<string, Rang>();
  let sinceMs: number | null = null;
  for (const one of alerts) {
    sinceMs = Math.min(sinceMs ?? one.stored_ms, one.stored_ms);
    if (one.kind !== "opened") continue;
    const before = by.get(one.trigger);
    const isNewer = before === undefined || one.seq > before.last.seq;
    by.set(one.trigger, { times: (before?.times ?? 0) + 1, last: isNewer ? one : before.last });
  }
  return { sinceMs, by };
}
