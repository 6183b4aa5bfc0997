// Times: local, with UTC as the title. A time of another day says which.

import { plain } from "../text";

const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const YEAR = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
// What a Date can hold.
const MS_MAX = 8.64e15;

export const isTime = (ms: number): boolean => Number.isFinite(ms) && Math.abs(ms) <= MS_MAX;

/** Local time, and the day where it is not today. */
export function clock(ms: number): string {
  if (!isTime(ms)) return plain(String(ms));
  const date = new Date(ms);
  const now = new Date();
  if (date.toDateString() === now.toDateString()) return TIME.format(date);
  return `${(date.getFullYear() === now.getFullYear() ? DAY : YEAR).format(date)}, ${TIME.format(date)}`;
}

/** `2026-11-27 20:15:03 UTC`. */
export const utc = (ms: number): string =>
  isTime(ms) ? `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")} UTC` : plain(String(ms));

/** A time as a person reads it; the pointer shows it in UTC. */
export function At({ ms }: { ms: number | null }) {
  if (ms === null || !isTime(ms)) return <span class="dim">unknown</span>;
  return <time dateTime={new Date(ms).toISOString()} title={utc(ms)}>{clock(ms)}</time>;
}
