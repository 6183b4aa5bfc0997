// What is marked on a chart: alerts, the largest trades, and those of wallets that are watched.

import { useMemo } from "preact/hooks";
import type { PastAlert, SwapView, SwapsView, Watched } from "../api";
import { quoted, SOL_MINT } from "../frame/amounts";
import { useAsked } from "../frame/asked";
import { plain, words } from "../text";

export interface Mark {
  atMs: number;
  kind: "critical" | "warning" | "info" | "buy" | "sell";
  text: string;
}

const EVERY_MS = 10_000;
export const LOOKED_AT = 500;
// As pw_common/wire/limits.py: below it no metric counts a swap.
const CONFIDENCE_MIN = 0.7;
const EACH_MAX = 12;
const MARKS_MAX = 120;
const RANK = { critical: 0, warning: 1, info: 2 };

/** The newest swaps of a token, out of which the largest are marked; none without a mint. */
export function useLargest(mint: string | null): SwapView[] {
  const { value } = useAsked<SwapsView>(mint === null ? null : `/api/v1/tokens/${mint}/swaps?limit=${LOOKED_AT}`, EVERY_MS);
  return useMemo(() => value?.swaps.filter(one => one.quote_mint === SOL_MINT && one.quote_amount_raw !== null && one.confidence >= CONFIDENCE_MIN) ?? [], [value]);
}

export function marksOf(alerts: PastAlert[], swaps: SwapView[], watched: Watched[], stepMs: number): Mark[] {
  const begin = (ms: number) => Math.floor(ms / stepMs) * stepMs;
  const fired = alerts.map(one => one.alert).filter(one => one.kind === "opened" || one.kind === "escalated")
    .sort((a, b) => RANK[a.severity] - RANK[b.severity]);
  const rang = together(fired, one => String(begin(one.event_time_ms))).map((found): Mark => {
    const [first, ...more] = found;
    const others = new Set(more.map(one => one.trigger).filter(one => one !== first.trigger)).size;
    return {
      atMs: begin(first.event_time_ms), kind: first.severity, text: words(first.trigger) + (others ? ` and ${others} more` : ""),
    };
  });
  const label = new Map(watched.map(one => [one.address, one.label || "watched"]));
  const ours = swaps.filter(one => label.has(one.trader));
  const sizes = (side: string) => swaps.filter(one => one.side === side && !label.has(one.trader))
    .sort((a, b) => Number(b.quote_amount_raw) - Number(a.quote_amount_raw)).slice(0, EACH_MAX);
  const traded = together([...ours, ...sizes("buy"), ...sizes("sell")], one => [begin(one.event_time_ms), one.side, label.get(one.trader) ?? ""].join())
    .map((found): Mark => {
      const [first] = found;
      const sum = found.reduce((all, one) => all + BigInt(one.quote_amount_raw ?? 0), 0n);
      const who = label.get(first.trader);
      const times = found.length > 1 ? `${found.length} ${first.side === "buy" ? "buys" : "sells"},` : "";
      return {
        atMs: begin(first.event_time_ms), kind: first.side,
        text: [who && plain(who), times, quoted(String(sum), SOL_MINT)].filter(Boolean).join(" "),
      };
    });
  return [...rang, ...traded].sort((a, b) => a.atMs - b.atMs).slice(-MARKS_MAX);
}

/** What has the same key, in one group each. */
function together<T>(all: T[], keyOf: (one: T) => string): Array<[T, ...T[]]> {
  const groups = new Map<string, [T, ...T[]]>();
  for (const one of all) {
    const found = groups.get(keyOf(one));
    if (found) found.push(one);
    else groups.set(keyOf(one), [one]);
  }
  return [...groups.values()];
}
