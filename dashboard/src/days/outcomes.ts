// What came after alerts, rule by rule: how the price changed at each time, and of how many that is
// not known. A median is not moved by one token that rose a thousandfold.

import type { PastAlert, PriceAfter } from "../api";

/** As much of an alert as a day shows: a whole one is some thousand characters. */
export interface Rang {
  id: string;
  mint: string;
  symbol: string | null;
  name: string | null;
  trigger: string;
  severity: string;
  atMs: number;
  quote: string | null;
  price: number | null;
  after: PriceAfter[] | null;
}

export const rangOf = ({ alert, quote_mint, price, after }: PastAlert): Rang => ({
  id: alert.id, mint: alert.mint, symbol: alert.symbol, name: alert.name, trigger: alert.trigger, severity: alert.severity,
  atMs: alert.event_time_ms, quote: quote_mint, price, after,
});

/** The changes at one time after these alerts, as parts of the price at the alert: 0.5 is +50 %. */
export interface Outcome {
  afterMs: number;
  median: number | null;
  known: number;
  rose: number;
  /** The time has passed, and there is no price then or now. */
  unknown: number;
  /** The time has not passed yet. */
  ahead: number;
}

export interface RuleDay { trigger: string; rang: Rang[]; outcomes: Outcome[] }

export function median(values: number[]): number | null {
  const inOrder = values.filter(Number.isFinite).sort((a, b) => a - b);
  const middle = inOrder.length >> 1;
  const upper = inOrder[middle];
  if (upper === undefined) return null;
  const lower = inOrder.length % 2 ? upper : inOrder[middle - 1]!;
  return lower / 2 + upper / 2;
}

/** How a price changed; null where that is not known. */
export function changeOf(from: number | null, to: number | null): number | null {
  if (from === null || to === null || !(from > 0) || !Number.isFinite(to)) return null;
  const change = to / from - 1;
  return Number.isFinite(change) ? change : null;
}

export function outcomeOf(rang: Rang[], afterMs: number): Outcome {
  const changes: number[] = [];
  let [unknown, ahead] = [0, 0];
  for (const { after, price } of rang) {
    const row = after?.find(one => one.after_ms === afterMs);
    const change = row === undefined ? null : changeOf(price, row.price);
    if (change !== null) changes.push(change);
    // Where nothing is known of the minutes around the alert there is no row either.
    else if (after !== null && row === undefined) ahead++;
    else unknown++;
  }
  return { afterMs, median: median(changes), known: changes.length, rose: changes.filter(one => one > 0).length, unknown, ahead };
}

/** The alerts of each rule with what came after them, the rule that rang most first. */
export function byRule(alerts: Rang[], times: number[]): RuleDay[] {
  const byTrigger = new Map<string, Rang[]>();
  for (const one of alerts) {
    const several = byTrigger.get(one.trigger);
    if (several) several.push(one);
    else byTrigger.set(one.trigger, [one]);
  }
  return [...byTrigger]
    .map(([trigger, rang]) => ({ trigger, rang, outcomes: times.map(afterMs => outcomeOf(rang, afterMs)) }))
    .sort((a, b) => b.rang.length - a.rang.length || (a.trigger < b.trigger ? -1 : 1));
}
