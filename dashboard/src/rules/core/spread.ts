// How a metric is spread over the tokens that are HOT or WARM now, and how many of them a condition
// lets through. What is unknown is counted as unknown.

import type { Token } from "../../api";
import { entry } from "../../text";
import { together, verdictOf, type Condition, type Verdict } from "./condition";

export interface Spread {
  /** Tokens with a value. */
  known: number;
  /** Those among them whose window was not wholly seen: their values can only be larger. */
  bounds: number;
  unknown: number;
  /** Tokens without a sell, whose buys per sell are infinite. */
  endless: number;
  least: number | null;
  half: number | null;
  ninety: number | null;
  most: number | null;
}

export function spreadOf(metric: string, tokens: Token[]): Spread {
  const values: number[] = [];
  let endless = 0;
  let bounds = 0;
  for (const { metrics, unknown } of tokens) {
    const value = entry(metrics, metric) ?? null;
    const why = entry(unknown, metric);
    if (value !== null) values.push(value);
    if (value !== null && why === "cold") bounds++;
    if (value === null && why === "no_sells") endless++;
  }
  values.sort((a, b) => a - b);
  return {
    known: values.length, bounds, endless, unknown: tokens.length - values.length - endless,
    least: values[0] ?? null, half: at(values, 0.5), ninety: at(values, 0.9), most: values.at(-1) ?? null,
  };
}

/** The value that this share of the sorted ones does not exceed: one that a token really has. */
function at(sorted: number[], share: number): number | null {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null;
}

export type Counts = Record<Verdict, number>;

export function countsOf(conditions: Condition[], tokens: Token[]): Counts {
  const counts: Counts = { holds: 0, fails: 0, unknown: 0 };
  for (const token of tokens) counts[verdictsOf(conditions, token)]++;
  return counts;
}

/** The tokens for which all of them hold now. */
export const through = (conditions: Condition[], tokens: Token[]): Token[] =>
  tokens.filter(one => verdictsOf(conditions, one) === "holds");

const verdictsOf = (conditions: Condition[], token: Token): Verdict =>
  together(conditions.map(one => verdictOf(one, token)));
