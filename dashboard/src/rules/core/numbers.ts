// Numbers of conditions in the unit in which people read them: a share of 0.8 is written 80 %.
// They are moved digit by digit, as text, so that what is shown and what is stored are the same
// number exactly.

import { isShare } from "../../format";
import { plain } from "../../text";

// As the API takes them.
const NUMBER = /^(-?)(\d{1,18})(?:\.(\d{1,12}))?$/;
const PLACES_MAX = 12;
const PERCENT = 2;
const DIGITS = 3;

const UNITS: Array<[RegExp, string]> = [
  [/^price_sol$/, "SOL a token"],
  [/_sol(_|$)|^avg_buy_size/, "SOL"],
  [/^unique_|^watched_buyers/, "wallets"],
  [/_count(_|$)/, "trades"],
  [/^buy_sell_ratio/, "buys per sell"],
  [/^supply$/, "tokens"],
  [/^watched_/, "1 is yes"],
];

/** The unit in which a metric's number is entered. */
export const unitOf = (metric: string): string =>
  isShare(metric) ? "%" : UNITS.find(([of]) => of.test(metric))?.[1] ?? "";

/** A number's text with its point moved to the right by `by` places; what is no number stays. */
export function shifted(text: string, by: number): string {
  const [, sign = "", whole, part = ""] = NUMBER.exec(text) ?? [];
  if (whole === undefined) return text;
  const zeros = "0".repeat(Math.abs(by));
  const digits = by < 0 ? zeros + whole + part : whole + part + zeros;
  const point = by < 0 ? whole.length : whole.length + by;
  const before = digits.slice(0, point).replace(/^0+(?=\d)/, "");
  const after = digits.slice(point).replace(/0+$/, "");
  const size = after ? `${before}.${after}` : before;
  return sign && /[1-9]/.test(size) ? `-${size}` : size;
}

/** A stored number as it is shown. */
export const shownNumber = (metric: string, stored: string): string => shifted(stored, isShare(metric) ? PERCENT : 0);

/** A number that somebody entered as it is stored; what is none is left for the API to refuse. */
export const storedNumber = (metric: string, shown: string): string => shifted(shown.trim(), isShare(metric) ? -PERCENT : 0);

/** Why a text is no number of a condition, in words; empty where it is one. */
export function numberProblem(metric: string, shown: string): string {
  if (!shown.trim()) return "A number is missing.";
  return NUMBER.test(storedNumber(metric, shown)) && NUMBER.test(shown.trim())
    ? "" : "Allowed: digits with a point, such as 12.5; at most 18 before it and 12 after it.";
}

/** A metric's value as the text of a number that can be entered: three digits that count. */
export function enterable(metric: string, value: number): string {
  const size = Number(value.toPrecision(DIGITS));
  const stored = Math.abs(size) >= 1e18 ? "" : size.toFixed(PLACES_MAX);
  return shownNumber(metric, shifted(stored, 0));
}

/** A number with its unit, every digit of it: `1,250 SOL`. */
export function withUnit(metric: string, shown: string): string {
  const [whole = "", part] = shown.split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",") + (part === undefined ? "" : `.${part}`);
  const unit = unitOf(metric);
  // How many buys or wallets there are says the metric's name.
  return plain(["trades", "wallets", "buys per sell", ""].includes(unit) ? grouped : `${grouped} ${unit}`, 80);
}
