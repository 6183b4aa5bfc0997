// A rule while it is edited: what stands in the fields, and the rule that this makes.

import type { Rule } from "../../api";
import type { Problems } from "../../editing/problems";
import { partsOf, textOf, type Condition } from "./condition";
import { numberProblem } from "./numbers";

export interface Row extends Condition {
  id: number;
  /** The text as it is stored, until somebody changes a part of it. */
  kept: string | null;
}

export interface Draft {
  name: string;
  isOn: boolean;
  severity: Rule["severity"];
  description: string;
  cooldown: string;
  escalate: string;
  conditions: Row[];
  gates: Row[];
}

export type RowsOf = "conditions" | "gates";

const WHOLE = /^\d{1,9}$/;
const DECIMAL = /^\d{1,9}(\.\d{1,9})?$/;
const NAME = /^[a-z0-9][a-z0-9_-]{0,63}$/;
const COOLDOWN_MAX_S = 86_400;
const ESCALATE_MAX = 1000;
export const ROWS_MAX = 20;
const FIRST: Condition = { metric: "buy_volume_sol_5m", op: ">=", number: "" };

let ids = 0;

export const rowOf = (one: Condition = FIRST, kept: string | null = null): Row => ({ ...one, id: ++ids, kept });

const rowsOf = (texts: string[]): Row[] =>
  texts.map(text => rowOf(partsOf(text) ?? { metric: text, op: ">=", number: "" }, text));

export function draftOf(rule: Rule | null): Draft {
  if (rule === null) {
    return {
      name: "", isOn: true, severity: "warning", description: "", cooldown: "900", escalate: "2",
      conditions: [rowOf()], gates: [],
    };
  }
  return {
    name: rule.name, isOn: rule.enabled, severity: rule.severity, description: rule.description,
    cooldown: String(rule.cooldown_s), escalate: String(rule.escalate_factor),
    conditions: rowsOf(rule.conditions), gates: rowsOf(rule.gates),
  };
}

const textsOf = (rows: Row[]): string[] => rows.map(one => one.kept ?? textOf(one));
const numberOf = (text: string, form: RegExp): number | string => (form.test(text.trim()) ? Number(text) : text);

/** The rule as it is sent. What is no number goes as text, and is refused with the reason. */
export function ruleOf(draft: Draft): Record<string, unknown> {
  return {
    name: draft.name.trim(), enabled: draft.isOn, severity: draft.severity, description: draft.description.trim(),
    cooldown_s: numberOf(draft.cooldown, WHOLE), escalate_factor: numberOf(draft.escalate, DECIMAL),
    conditions: textsOf(draft.conditions), gates: textsOf(draft.gates),
  };
}

/** What can be said at once, in better words than the API has for it. */
export function ownProblems(draft: Draft, others: string[]): Problems {
  const found: Problems = {};
  const name = draft.name.trim();
  if (!NAME.test(name)) found["name"] = ["Allowed: a-z, 0-9, _ and -, at most 64 of them; a letter or a digit first."];
  else if (others.includes(name)) found["name"] = ["There is a rule of this name already."];
  if (!WHOLE.test(draft.cooldown.trim()) || Number(draft.cooldown) > COOLDOWN_MAX_S) {
    found["cooldown_s"] = [`Allowed: whole seconds, 0 to ${COOLDOWN_MAX_S}.`];
  }
  const factor = Number(draft.escalate);
  if (!DECIMAL.test(draft.escalate.trim()) || factor <= 1 || factor > ESCALATE_MAX) {
    found["escalate_factor"] = [`Allowed: above 1, to ${ESCALATE_MAX}.`];
  }
  if (!draft.conditions.length) found["conditions"] = ["A rule needs at least one condition."];
  for (const of of ["conditions", "gates"] as const) {
    draft[of].forEach((row, at) => {
      const why = row.kept === null ? numberProblem(row.metric, row.number) : "";
      if (why) found[`${of}[${at}]`] = [why];
    });
  }
  return found;
}

const FIELDS = ["name", "enabled", "severity", "description", "cooldown_s", "escalate_factor", "conditions", "gates", "note"];

/** Whether the form has a place for what is wrong with this. */
export const isField = (field: string): boolean => FIELDS.includes(field.replace(/\[\d+\]$/, ""));

export const changedRow = (row: Row, part: Partial<Condition>): Row => ({ ...row, ...part, kept: null });
