// One condition of a rule: what it says, and whether it holds for a token, as the detector finds it.

import type { Token } from "../../api";
import { metricName } from "../../format";
import { entry, LABEL_MAX, plain } from "../../text";
import { shownNumber, storedNumber, withUnit } from "./numbers";

export type Verdict = "holds" | "fails" | "unknown";

export interface Condition { metric: string; op: string; number: string }

const CONDITION = /^\s*([A-Za-z0-9_]+)\s*(>=|<=|==|>|<)\s*(\S+)\s*$/;
const SIGNS: Record<string, string> = { ">=": "≥", "<=": "≤", "==": "=", ">": ">", "<": "<" };
const COMPARE: Record<string, (value: number, number: number) => boolean> = {
  ">=": (value, number) => value >= number,
  ">": (value, number) => value > number,
  "<=": (value, number) => value <= number,
  "<": (value, number) => value < number,
  "==": (value, number) => value === number,
};
const RISING = [">", ">="];

/** What the API does not name as a metric, and rules may: what the watch lists say. */
export const LIST_METRICS = ["watched_buyers_5m", "watched_buyers_1h", "watched_token", "watched_creator"];

export const signOf = (op: string): string => entry(SIGNS, op) ?? plain(op, 4);

/** The three parts of a condition, its number as it is shown; null for what is none. */
export function partsOf(text: string): Condition | null {
  const [, metric, op, number] = CONDITION.exec(text) ?? [];
  if (metric === undefined || op === undefined || number === undefined) return null;
  return { metric, op, number: shownNumber(metric, number) };
}

export const textOf = (one: Condition): string => `${one.metric} ${one.op} ${storedNumber(one.metric, one.number)}`;

/** A condition as people say it: `bought, 5 min ≥ 10 SOL`. */
export function wordsOf(text: string): string {
  const one = partsOf(text);
  return one === null ? plain(text, LABEL_MAX * 2) : `${metricName(one.metric)} ${boundOf(one)}`;
}

export const boundOf = (one: Condition): string => `${signOf(one.op)} ${withUnit(one.metric, one.number)}`;

/** Whether a condition holds for a token now. A value that can only be larger is a bound. */
export function verdictOf(one: Condition, token: Pick<Token, "metrics" | "unknown">): Verdict {
  const number = Number(storedNumber(one.metric, one.number));
  const compare = entry(COMPARE, one.op);
  const value = entry(token.metrics, one.metric) ?? null;
  const why = entry(token.unknown, one.metric);
  if (compare === undefined || !one.number.trim() || !Number.isFinite(number)) return "unknown";
  if (value === null) {
    // Without a sell there are infinitely many buys per sell.
    return why === "no_sells" ? (RISING.includes(one.op) ? "holds" : "fails") : "unknown";
  }
  const holds = compare(value, number);
  if (why !== "cold" || (holds && RISING.includes(one.op))) return holds ? "holds" : "fails";
  return !RISING.includes(one.op) && value > number ? "fails" : "unknown";
}

/** The verdict of several that must all hold. */
export function together(verdicts: Verdict[]): Verdict {
  return verdicts.includes("fails") ? "fails" : verdicts.includes("unknown") ? "unknown" : "holds";
}
