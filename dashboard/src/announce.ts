// What a screen reader says about new alerts.

import type { StoredAlert } from "./api";
import { LABEL_MAX, plain, short } from "./text";

// Nobody hears it, and it makes a text another one: what stays the same is not read out again.
const UNHEARD = "\u{a0}";
const TITLE_MAX = 120;

/** One sentence for all that came within a moment, never the same as the one before. */
export function announcement(alerts: StoredAlert[], before: string): string {
  const newest = alerts.reduce((a, b) => (b.seq > a.seq ? b : a));
  const of = newest.mint ? `, ${short(plain(newest.mint, LABEL_MAX))}` : "";
  const one = `${plain(newest.title, TITLE_MAX)}${of}`;
  const said = alerts.length === 1 ? `New alert: ${one}` : `${alerts.length} new alerts, the newest: ${one}`;
  return said === before ? said + UNHEARD : said;
}
