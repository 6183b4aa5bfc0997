// What the person's own lists say of an address: labels, and what is muted. Asked for once a while,
// for all pages together.

import { useEffect, useReducer } from "preact/hooks";
import type { Mute, MutesAnswer, Watched, WatchlistsAnswer } from "../api";
import { ask } from "../ask";

const EVERY_MS = 15_000;

interface Lists { watched: WatchlistsAnswer | null; mutes: MutesAnswer | null }

let held: Lists = { watched: null, mutes: null };
let askedMs = 0;
let isAsking = false;
const listeners = new Set<() => void>();

async function refresh(): Promise<void> {
  if (isAsking) return;
  isAsking = true;
  askedMs = Date.now();
  try {
    const [watched, mutes] = await Promise.all([
      ask<WatchlistsAnswer>("/api/v1/watchlists"), ask<MutesAnswer>("/api/v1/mutes"),
    ]);
    held = { watched, mutes };
    for (const one of listeners) one();
  } catch {
    // Labels are a help: what is shown is right without them, and the frame says that the API is away.
  }
  isAsking = false;
}

/** The lists as they were asked for last; null before the first answer. */
export function useLists(): Lists & { again: () => void } {
  const [, draw] = useReducer<number, void>(n => n + 1, 0);
  useEffect(() => {
    const one = () => draw();
    listeners.add(one);
    const turn = () => { if (!document.hidden && Date.now() - askedMs >= EVERY_MS) void refresh(); };
    turn();
    const timer = setInterval(turn, EVERY_MS);
    return () => {
      listeners.delete(one);
      clearInterval(timer);
    };
  }, []);
  return { ...held, again: () => void refresh() };
}

export const entriesOf = (lists: Lists, address: string): Watched[] =>
  lists.watched?.entries.filter(one => one.address === address) ?? [];

/** The mute of an address that holds now, a shipped one too. */
export const muteOf = (lists: Lists, address: string, nowMs: number): Mute | undefined =>
  [...(lists.mutes?.entries ?? []), ...(lists.mutes?.shipped ?? [])].find(one =>
    one.address === address && one.muted !== false && (one.until_ms === null || one.until_ms > nowMs));
