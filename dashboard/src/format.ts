// Numbers for people. What is unknown is said as unknown, never as a zero.

import type { Condition } from "./api";
import { entry, LABEL_MAX, plain, words } from "./text";

const WHOLE = new Intl.NumberFormat("en");
const ONE = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const THREE = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const COMPACT = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

export const count = (value: number | null | undefined): string =>
  value === null || value === undefined ? "–" : WHOLE.format(value);
export const rate = (value: number): string => ONE.format(value);

/** SOL with three digits that count. */
export function sol(value: number): string {
  return `${Math.abs(value) >= 10_000 ? COMPACT.format(value) : THREE.format(value)} SOL`;
}

/** A length of time. */
export function span(seconds: number): string {
  const s = Math.max(0, seconds);
  if (s < 90) return `${s < 10 ? ONE.format(s) : Math.round(s)} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  return s < 172_800 ? `${Math.round(s / 3600)} h` : `${Math.round(s / 86_400)} d`;
}

/** The same without tenths: what is counted up every second must not flicker. */
export const age = (ms: number): string => span(Math.floor(Math.max(0, ms) / 1000));

export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let at = 0;
  let left = value;
  for (; left >= 1000 && at < 4; at++) left /= 1000;
  return `${ONE.format(left)} ${units[at]}`;
}

/** Raw units as text, shortened; they may exceed what a number keeps exact. */
export function amount(raw: string | null, decimals: number | null): string {
  if (raw === null) return "–";
  const digits = raw.padStart((decimals ?? 0) + 1, "0");
  const whole = decimals ? digits.slice(0, -decimals) : digits;
  const part = decimals ? digits.slice(-decimals) : "";
  const shown = whole.length > 3 ? "" : part.slice(0, 4).replace(/0+$/, "");
  if (whole === "0" && !shown && /[1-9]/.test(part)) return "<0.0001";
  return whole.replace(/\B(?=(\d{3})+$)/g, ",") + (shown ? `.${shown}` : "");
}

const UNKNOWN: Record<string, string> = {
  cold: "unknown: not seen for long enough",
  no_trades: "unknown: no trades",
  no_buys: "unknown: no buys",
  no_sells: "no sell at all",
  unvalued: "unknown: no value in SOL",
  no_price: "unknown: no price",
  no_supply: "unknown: launch not seen",
  no_earlier_price: "unknown: no earlier price",
};
/** Why there is no value. */
export const unknown = (why: string | null | undefined): string =>
  (why && entry(UNKNOWN, why)) || "unknown";

const STEMS: Record<string, string> = {
  buy_count: "buys",
  sell_count: "sells",
  unique_buyers: "buyers",
  unique_sellers: "sellers",
  buy_volume_sol: "bought",
  sell_volume_sol: "sold",
  net_volume_sol: "net bought",
  avg_buy_size: "average buy",
  buy_sell_ratio: "buys per sell",
  top_3_buyers_volume_share: "share of three largest buyers",
  new_wallet_pct: "new wallets",
  unvalued_count: "trades without a value",
  price_change: "price change",
  price_sol: "price",
  market_cap_sol: "market cap",
};
const SPANS: Record<string, string> = { "1m": "1 min", "5m": "5 min", "15m": "15 min", "1h": "1 h" };
const WINDOWS_MAX = 8;

/** A metric's name in words: `buy_volume_sol_5m` is "bought, 5 min". */
export function metricName(name: string): string {
  const [, stem = name, tail = ""] = /^(.*)_(\d+[mh])$/.exec(name) ?? [];
  const shown = entry(STEMS, stem) ?? words(stem);
  return tail ? `${shown}, ${entry(SPANS, tail) ?? plain(tail, LABEL_MAX)}` : shown;
}

/** In which windows blocks are missing, or nothing where none are. */
export const missingIn = (windows: string[] | undefined): string =>
  windows?.length ? `blocks missing in ${windows.slice(0, WINDOWS_MAX).map(one => entry(SPANS, one) ?? plain(one, LABEL_MAX)).join(", ")}` : "";

/** Whether a metric is a share of a whole, which people read in percent. */
export const isShare = (name: string): boolean => /share|_pct_|^price_change/.test(name);

/** A metric's value with its unit. */
export function metricValue(name: string, value: number): string {
  if (isShare(name)) return `${ONE.format(value * 100)} %`;
  if (/_sol(_|$)|^avg_buy_size/.test(name)) return sol(value);
  return THREE.format(Math.abs(value) >= 1000 ? Math.round(value) : value);
}

const SIGNS: Record<string, string> = { ">=": "≥", "<=": "≤", "==": "=", ">": ">", "<": "<" };

/** What a condition asks for: `buy_count_5m >= 15` is "≥ 15". */
export function bound(one: Condition): string {
  const [, op = "", number = ""] = /\s(>=|<=|==|>|<)\s*(\S+)\s*$/.exec(one.text) ?? [];
  if (!op) return plain(one.text, LABEL_MAX);
  const value = Number(number);
  const asked = Number.isFinite(value) ? metricValue(one.metric, value) : plain(number, LABEL_MAX);
  return `${entry(SIGNS, op)} ${asked}`;
}
