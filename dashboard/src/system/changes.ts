// Who changed what when, of every document whose history the API tells, as one list.

import type { Difference, ProgramsHistory, RulesHistory } from "../api";

export interface Change {
  of: "rules" | "programs";
  revision: number;
  /** Null where the revision does not say. */
  atMs: number | null;
  who: string;
  note: string;
  /** What was added, taken away and changed, by name. */
  diff: Difference;
  /** Why the revision cannot be used; empty where it can. */
  unusable: string;
}

type Revision = Pick<Change, "revision" | "diff"> & { at_ms?: number; who?: string; note?: string; unusable?: string };

/** Newest first; of what has no time, the higher revision first and after the rest. */
export function changesOf(rules: RulesHistory | null, programs: ProgramsHistory | null): Change[] {
  const each = (of: Change["of"], found: Revision[]): Change[] => found.map(one => ({
    of, revision: one.revision, atMs: one.at_ms ?? null, who: one.who ?? "", note: one.note ?? "", diff: one.diff, unusable: one.unusable ?? "",
  }));
  const all = [...each("rules", rules?.history ?? []), ...each("programs", programs?.history ?? [])];
  return all.sort((a, b) => (b.atMs ?? -Infinity) - (a.atMs ?? -Infinity) || b.revision - a.revision);
}
