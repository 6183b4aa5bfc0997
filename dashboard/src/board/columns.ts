// What the board shows of each token, and in which order the tokens stand.

import type { Token } from "../api";
import type { Episode } from "../episodes";

/** A token, and what rang for it as far as it is held here, the newest first. */
export interface Row { token: Token; rang: Episode[] }

export interface Sortable {
  key: string;
  name: string;
  number?: boolean;
  /** What it is sorted by; null is unknown, and stands last either way. */
  of: (row: Row) => number | string | null;
  /** Whether the first press sorts upwards. */
  upFirst?: boolean;
}

const metric = (name: string) => ({ token }: Row): number | null => {
  const value = token.metrics[name];
  return typeof value === "number" && Number.isFinite(value) ? value : null;
};
const call = ({ token }: Row): string | null =>
  (token.symbol || token.name || "").trim().toLowerCase() || null;

/** The metric that a column shows. */
export const METRIC_OF: Record<string, string> = {
  price: "price_sol", change5: "price_change_5m", change60: "price_change_1h", cap: "market_cap_sol",
  bought: "buy_volume_sol_5m", sold: "sell_volume_sol_5m", buyers: "unique_buyers_5m", sellers: "unique_sellers_5m",
};
const measured = (key: string, name: string): Sortable => ({ key, name, number: true, of: metric(METRIC_OF[key] ?? key) });

export const SORTABLE: Sortable[] = [
  { key: "token", name: "token", of: call, upFirst: true },
  measured("price", "price"),
  measured("change5", "5 min"),
  measured("change60", "1 h"),
  measured("cap", "market cap"),
  measured("bought", "bought, 5 min"),
  measured("sold", "sold, 5 min"),
  measured("buyers", "buyers, 5 min"),
  measured("sellers", "sellers, 5 min"),
  { key: "traded", name: "last trade", number: true, of: ({ token }) => token.last_trade_ms },
  { key: "rang", name: "rang", of: ({ rang }) => rang[0]?.shown.stored_ms ?? null },
];
const FIRST = "bought";

export interface Order { key: string; isUp: boolean }

/** An order as the address of the page says it: a key, with "-" in front where it goes down. */
export function orderOf(text: string): Order {
  const key = text.replace(/^-/, "");
  const found = SORTABLE.some(one => one.key === key);
  return found ? { key, isUp: !text.startsWith("-") } : { key: FIRST, isUp: false };
}

/** What the address says after a press on a column: the other way round where it was this one. */
export function pressed(before: Order, key: string): string {
  const isUp = before.key === key ? !before.isUp : SORTABLE.find(one => one.key === key)?.upFirst ?? false;
  return `${isUp ? "" : "-"}${key}`;
}

/** Rows in an order: what is unknown comes last, and equal ones stand by their mint. */
export function sorted(rows: Row[], { key, isUp }: Order): Row[] {
  const of = SORTABLE.find(one => one.key === key)?.of ?? (() => null);
  const sign = isUp ? 1 : -1;
  const compared = (a: Row, b: Row): number => {
    const [x, y] = [of(a), of(b)];
    if (x !== null && y !== null && x !== y) return x < y ? -sign : sign;
    if ((x === null) !== (y === null)) return x === null ? 1 : -1;
    return a.token.mint < b.token.mint ? -1 : 1;
  };
  return [...rows].sort(compared);
}

/** Whether a token has every word of a text in its symbol, its name, its mint or its rules. */
export function passes({ token, rang }: Row, text: string): boolean {
  const said = [token.symbol ?? "", token.name ?? "", token.mint, ...rang.map(one => one.shown.trigger.replace(/_/g, " "))]
    .join(" ").toLowerCase();
  return text.toLowerCase().split(/\s+/).every(word => said.includes(word));
}

/** Each token with what rang for it. */
export function rowsOf(tokens: Token[], episodes: Episode[]): Row[] {
  const byMint = new Map<string, Episode[]>();
  for (const one of episodes) {
    if (!one.shown.mint || one.isEndAlone) continue;
    const several = byMint.get(one.shown.mint);
    if (several) several.push(one);
    else byMint.set(one.shown.mint, [one]);
  }
  return tokens.map(token => ({ token, rang: byMint.get(token.mint) ?? [] }));
}
