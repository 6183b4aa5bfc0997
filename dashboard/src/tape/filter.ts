// What of the tape is shown: the choices of a person, as the address of the page says them.

import type { SwapView, Watched } from "../api";
import { SOL_MINT } from "../frame/amounts";
import type { Query } from "../frame/query";

const ADDRESS = /^[1-9A-HJ-NP-Za-km-z]{32,44}$/;
const NUMBER = /^\d+(\.\d+)?$/;
const LAMPORTS = 1_000_000_000;

export interface Filter {
  side: "" | "buy" | "sell";
  /** In SOL; 0 for every size. */
  minSol: number;
  venue: string;
  mint: string;
  wallet: string;
  watched: boolean;
  /** By field: what cannot be used, and why; such a choice filters nothing. */
  wrong: Record<string, string>;
}

export function filterOf(query: Query): Filter {
  const wrong: Record<string, string> = {};
  const address = (name: string): string => {
    const text = query(name).trim();
    if (!text || ADDRESS.test(text)) return text;
    wrong[name] = "is not an address: 32 to 44 letters and digits";
    return "";
  };
  const size = query("min").trim();
  if (size && !NUMBER.test(size)) wrong["min"] = "is not a number, as 1.5 is";
  const side = query("side");
  return {
    side: side === "buy" || side === "sell" ? side : "",
    minSol: size && NUMBER.test(size) ? Number(size) : 0,
    venue: query("venue"), mint: address("mint"), wallet: address("wallet"), watched: query("watched") === "1", wrong,
  };
}

/** What history itself filters by; the rest is looked at here. */
export function pathOf({ mint, wallet }: Filter): string {
  const asked = new URLSearchParams();
  if (mint) asked.set("mint", mint);
  if (wallet) asked.set("wallet", wallet);
  const said = asked.toString();
  return `/api/v1/swaps${said && `?${said}`}`;
}

/** Two filters of which this is the same let the same through. */
export const nameOf = (one: Filter): string => JSON.stringify({ ...one, wrong: {} });

export const isFiltered = (one: Filter): boolean =>
  Boolean(one.side || one.minSol || one.venue || one.mint || one.wallet || one.watched);

/** Whether a swap is shown. One whose size in SOL is not known has none that is large enough. */
export function matcher(filter: Filter, watched: Watched[]): (swap: SwapView) => boolean {
  const mints = new Set(watched.filter(one => one.of === "token").map(one => one.address));
  const wallets = new Set(watched.filter(one => one.of !== "token").map(one => one.address));
  const isWatched = (one: SwapView): boolean =>
    mints.has(one.mint) || wallets.has(one.trader) || wallets.has(one.fee_payer) || one.signers.some(each => wallets.has(each));
  return one =>
    (!filter.side || one.side === filter.side) &&
    (!filter.minSol || (solOf(one) ?? -1) >= filter.minSol) &&
    (!filter.venue || one.venues.includes(filter.venue)) &&
    (!filter.watched || isWatched(one));
}

/** What was paid or received, in SOL; null where it was something else. */
export function solOf({ quote_mint, quote_amount_raw }: SwapView): number | null {
  return quote_mint === SOL_MINT && quote_amount_raw !== null ? Number(quote_amount_raw) / LAMPORTS : null;
}
