// A program while it is added: texts of its fields, and the entry that they make.

import type { ProgramEntry } from "../api";

export interface Draft {
  id: string;
  name: string;
  kind: ProgramEntry["kind"];
  users: string;
  takes: string;
  launches: boolean;
  source: string;
}

export const PROGRAM_KINDS: Record<ProgramEntry["kind"], string> = {
  venue: "venue: tokens are traded there",
  router: "router: it trades on venues for others",
  bot: "bot: it trades for its owner",
  non_exchange: "no exchange: lending, stake pools",
  infrastructure: "infrastructure",
};

export const EMPTY: Draft = { id: "", name: "", kind: "venue", users: "", takes: "", launches: false, source: "" };
const USER = /^\s*([0-9a-f]{2,16}|\*)\s*[:=]\s*(-?\d+(?:\s*,\s*-?\d+)*)\s*$/;

/** `tag: 1, 2` lines as the API takes them; the lines that are none are given back. */
export function usersOf(text: string): { users: Record<string, number[]>; wrong: string[] } {
  const users: Record<string, number[]> = {};
  const wrong: string[] = [];
  for (const line of text.split("\n").filter(one => one.trim())) {
    const [, tag, indexes] = USER.exec(line) ?? [];
    if (tag === undefined || indexes === undefined) wrong.push(line.trim());
    else users[tag] = indexes.split(",").map(Number);
  }
  return { users, wrong };
}

export function entryOf(draft: Draft, day: string): ProgramEntry {
  return {
    id: draft.id.trim(), name: draft.name.trim(), kind: draft.kind, users: usersOf(draft.users).users,
    takes: draft.takes.split(/[\s,]+/).filter(Boolean), launches: draft.launches, source: draft.source.trim(), date: day,
  };
}

const FIELDS = ["id", "name", "kind", "users", "takes", "launches", "source", "date"];
export const isField = (name: string): boolean => FIELDS.includes(name);
