// Days as history counts them: in UTC, whatever the clock on the wall says.

import type { Day } from "../api";
import { isTime } from "../frame/times";
import { plain } from "../text";

export const DAY_MS = 86_400_000;
const WHOLE = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const SHORT = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" });
const NAME = /^\d{4}-\d{2}-\d{2}$/;

/** `2026-11-27`, as the address of the page names it. */
export const nameOf = (beginMs: number): string => (isTime(beginMs) ? new Date(beginMs).toISOString().slice(0, 10) : "");

/** When a day of that name begins; null where there is no such day. */
export function beginOf(name: string): number | null {
  if (!NAME.test(name)) return null;
  const ms = Date.parse(`${name}T00:00:00Z`);
  return Number.isFinite(ms) && nameOf(ms) === name ? ms : null;
}

export const dayText = (beginMs: number): string => (isTime(beginMs) ? WHOLE.format(new Date(beginMs)) : plain(String(beginMs)));

/** The same without its year where that is this one. */
export const shortText = (beginMs: number, nowMs: number): string =>
  (isTime(beginMs) && new Date(beginMs).getUTCFullYear() === new Date(nowMs).getUTCFullYear() ? SHORT.format(new Date(beginMs)) : dayText(beginMs));

export interface Listed { day: Day; /** Days between it and the next later one of which nothing is kept. */ gap: number }

/** Days, newest first, each with what is missing above it. */
export function listed(days: Day[]): Listed[] {
  return days.map((day, at) => {
    const later = days[at - 1];
    return { day, gap: later ? Math.max(0, Math.round((later.begin_ms - day.begin_ms) / DAY_MS) - 1) : 0 };
  });
}

/** Pages of days put together, each day once, newest first. */
export function together(pages: Day[][]): Day[] {
  const all = new Map(pages.flat().reverse().map(one => [one.begin_ms, one]));
  return [...all.values()].sort((a, b) => b.begin_ms - a.begin_ms);
}
