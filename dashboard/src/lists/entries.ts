// What lists become by a change, and how a watch list is written as a file.

import type { Mute, Watched } from "../api";

export type Of = Watched["of"];
export const OFS: Of[] = ["wallet", "creator", "token"];
export const WATCHED_PATH = "/api/v1/watchlists";

export interface Merged {
  /** The whole list as it would be stored. */
  entries: Watched[];
  added: Watched[];
  /** Entries that are there already under another label. */
  renamed: Array<{ entry: Watched; was: string }>;
  same: number;
}

const keyOf = (one: { address: string; of: string }): string => `${one.of} ${one.address}`;

/** Entries of a file over those that are there: a new label replaces the old one. */
export function merged(now: Watched[], fromFile: Watched[], of: Of): Merged {
  const found = new Map(now.map(one => [keyOf(one), one]));
  const result: Merged = { entries: [], added: [], renamed: [], same: 0 };
  for (const one of fromFile) {
    const entry = { ...one, of };
    const before = found.get(keyOf(entry));
    if (before === undefined) result.added.push(entry);
    else if (before.label === entry.label || !entry.label) result.same++;
    else result.renamed.push({ entry, was: before.label });
    // A file without labels takes none away.
    if (before === undefined || entry.label) found.set(keyOf(entry), entry);
  }
  return { ...result, entries: [...found.values()] };
}

/** A watch list as `address,label,of` lines, which the import reads again. */
export function csvOf(entries: Watched[]): string {
  const cell = (text: string) => (/[",\r\n]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = entries.map(one => [one.address, one.label, one.of].map(cell).join(","));
  return ["address,label,of", ...lines, ""].join("\r\n");
}

export type MuteState = "holds" | "over" | "taken away";

export function stateOfMute(one: Mute, nowMs: number): MuteState {
  if (one.muted === false) return "taken away";
  return one.until_ms !== null && one.until_ms <= nowMs ? "over" : "holds";
}

/** The shipped mutes that hold: those that no entry of one's own stands in place of. */
export function shippedThatHold(shipped: Mute[], own: Mute[]): Mute[] {
  const replaced = new Set(own.filter(one => one.muted === false || one.until_ms === null).map(keyOf));
  return shipped.filter(one => !replaced.has(keyOf(one)));
}

/** The entry of the same address and kind. */
export function sameAs<T extends { address: string; of: string }>(entries: T[], wanted: T): T | undefined {
  return entries.find(one => keyOf(one) === keyOf(wanted));
}

/** A list without one of its entries. */
export function without<T extends { address: string; of: string }>(entries: T[], gone: T): T[] {
  return entries.filter(one => keyOf(one) !== keyOf(gone));
}

/** Entries whose address or words have a text in them. */
export function matching<T extends { address: string; label?: string; reason?: string }>(entries: T[], wanted: string): T[] {
  const text = wanted.trim().toLowerCase();
  if (!text) return entries;
  return entries.filter(one => one.address.includes(wanted.trim()) || (one.label ?? one.reason ?? "").toLowerCase().includes(text));
}
