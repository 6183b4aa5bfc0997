// The rows of the tape. Each leads to its token, its wallet and its transaction.

import { useEffect, useMemo } from "preact/hooks";
import type { SwapView } from "../api";
import { count } from "../format";
import { exact, quoted, tokens } from "../frame/amounts";
import { PriceIn, TokenOf, TransactionOf, WalletOf } from "../frame/cells";
import { At } from "../frame/times";
import type { Known } from "../live";
import { Said } from "../parts";
import { LABEL_MAX, plain } from "../text";
import { solOf } from "./filter";
import { keyOf, type Held } from "./tape";

const LOW = 0.7;
const LARGE_SOL = 10;
const COLUMNS = ["time", "side", "token", "amount", "for", "price", "trader", "venue", "transaction"];
const NUMBERS = new Set(["amount", "for", "price"]);

export interface Inside { pointer?: boolean; focus?: boolean }

export function TapeTable({ held, known, inside }: { held: Held; known: Known; inside: (change: Inside) => void }) {
  const symbols = useMemo(() => symbolsOf(known), [known.hot, known.alerts]);
  const skipped = new Map(held.skipped.map(one => [one.under, one.swaps]));
  // Who is in a table that goes is in it no more.
  useEffect(() => () => inside({ pointer: false, focus: false }), []);
  // As long as nothing has come, nothing is drawn again.
  const rows = useMemo(() => held.rows.flatMap(one => {
    const key = keyOf(one);
    const row = <SwapRow key={key} swap={one} symbol={symbols.get(one.mint) ?? null} />;
    return skipped.has(key) ? [row, <Missing key={`${key}:below`} swaps={skipped.get(key) ?? null} />] : [row];
  }), [held.rows, held.skipped, symbols]);
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Swaps: the table">
      <table class="tape stack" role="table" aria-label="Swaps, newest first">
        <thead role="rowgroup"><tr role="row">{COLUMNS.map(one => <th key={one} scope="col" role="columnheader" class={NUMBERS.has(one) ? "n" : ""}>{one}</th>)}</tr></thead>
        <tbody role="rowgroup"
          onPointerEnter={event => { if (event.pointerType === "mouse") inside({ pointer: true }); }} onPointerLeave={() => inside({ pointer: false })}
          onFocusIn={() => inside({ focus: true })} onFocusOut={() => inside({ focus: false })}>{rows}</tbody>
      </table>
    </div>
  );
}

function SwapRow({ swap, symbol }: { swap: SwapView; symbol: string | null }) {
  const size = solOf(swap);
  return (
    <tr role="row" class={swap.side === "buy" ? "bought" : "sold"}>
      <td role="cell" class="when"><At ms={swap.event_time_ms} /></td>
      <td role="cell" class="side"><span class={swap.side}>{swap.side}</span>
        {swap.confidence < LOW && <span class="dim" title="Read with low confidence: no metric counts it"> ?</span>}
        {swap.amended && <span class="dim small" title="It came later, with a gap that was filled"> late</span>}</td>
      <td role="cell" class="of"><TokenOf mint={swap.mint} symbol={symbol} /></td>
      <td role="cell" class="n amount" title={exact(swap.base_amount_raw, swap.base_decimals)}>{tokens(swap.base_amount_raw, swap.base_decimals)}</td>
      <td role="cell" class={`for n${size !== null && size >= LARGE_SOL ? " large" : ""}`}>
        {swap.quote_mint === null ? <span class="dim">unknown</span>
          : <span title={exact(swap.quote_amount_raw, swap.quote_decimals)}>{quoted(swap.quote_amount_raw, swap.quote_mint, swap.quote_decimals)}</span>}
      </td>
      <td role="cell" class="n"><PriceIn value={swap.price === null ? null : Number(swap.price)} quote={swap.quote_mint} /></td>
      <td role="cell"><WalletOf address={swap.trader} /></td>
      <td role="cell" class="venue" title={plain(swap.venues.join(", "), LABEL_MAX)}><Said text={swap.venues.join(", ") || "unknown"} max={LABEL_MAX} /></td>
      <td role="cell"><TransactionOf signature={swap.signature} /></td>
    </tr>
  );
}

function Missing({ swaps }: { swaps: number | null }) {
  return (
    <tr role="row" class="skipped"><td role="cell" colSpan={COLUMNS.length}>
      {swaps === null ? "Some swaps between these" : `${count(swaps)} swaps between these`} came faster than this page fetches, and were not looked at.
    </td></tr>
  );
}

/** Names of tokens that are known here anyway. */
function symbolsOf(known: Known): Map<string, string> {
  const found = new Map<string, string>();
  for (const one of known.alerts.values()) if (one.mint && one.symbol) found.set(one.mint, one.symbol);
  for (const one of known.hot ?? []) if (one.symbol) found.set(one.mint, one.symbol);
  return found;
}
