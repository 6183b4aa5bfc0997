// Swaps of anything, newest first, each with its transaction; older ones are asked for.

import { useEffect, useState } from "preact/hooks";
import type { SwapsView, SwapView } from "../api";
import { ask, sentence } from "../ask";
import { Said, Table, type Column } from "../parts";
import { LABEL_MAX } from "../text";
import { exact, quoted, tokens } from "./amounts";
import { Answer, Lacks, useAsked } from "./asked";
import { PriceIn, TokenOf, TransactionOf, WalletOf } from "./cells";
import { HELD_MAX, withNewest, withOlder, type HeldSwaps } from "./held_swaps";
import { At } from "./times";

const EVERY_MS = 2000;
const PATIENCE_MS = 27_000;
const LOW = 0.7;

export type Hidden = "mint" | "trader" | "signature";

interface SwapsProps {
  /** The operation with its filters, without limit and cursor. */
  path: string;
  label: string;
  hidden: Hidden[];
  /** How often newer ones are asked for; 0 for never. */
  everyMs?: number;
  rows?: number;
}

export function Swaps({ path, label, hidden, everyMs = EVERY_MS, rows = 50 }: SwapsProps) {
  const first = `${path}${path.includes("?") ? "&" : "?"}limit=${rows}`;
  const asked = useAsked<SwapsView>(first, everyMs);
  const [held, setHeld] = useState<{ of: string; found: HeldSwaps } | null>(null);
  const [said, setSaid] = useState("");
  useEffect(() => {
    const { value } = asked;
    if (value !== null) setHeld(before => ({ of: first, found: withNewest(before?.of === first ? before.found : null, value) }));
  }, [first, asked.value]);
  const found = held?.of === first ? held.found : null;
  const more = async (from: string) => {
    setSaid("…");
    try {
      const page = await ask<SwapsView>(`${first}&before=${encodeURIComponent(from)}`, PATIENCE_MS);
      setHeld(before => (before?.of === first ? { of: first, found: withOlder(before.found, page) } : before));
      setSaid("");
    } catch (error) {
      setSaid(sentence(error));
    }
  };
  return (
    <Answer asked={asked}>
      {({ history, swaps }) => {
        const { next } = found ?? { next: null };
        const shown = found?.swaps ?? swaps;
        return (
          <>
            <Lacks head={history} />
            <SwapTable swaps={shown} label={label} hidden={hidden} />
            {shown.length >= HELD_MAX && <p class="dim small">These are the newest {HELD_MAX}; a file has more.</p>}
            {next !== null && shown.length < HELD_MAX && (
              <p class="more">
                <button type="button" class="plain" onClick={() => void more(next)}>Older swaps</button>{" "}
                <span role="status">{said}</span>
              </p>
            )}
          </>
        );
      }}
    </Answer>
  );
}

export function SwapTable({ swaps, label, hidden }: { swaps: SwapView[]; label: string; hidden: Hidden[] }) {
  const columns: Column[] = [
    { name: "time" }, { name: "side" },
    ...(hidden.includes("mint") ? [] : [{ name: "token" }]),
    { name: "tokens", number: true }, { name: "for", number: true }, { name: "price", number: true },
    ...(hidden.includes("trader") ? [] : [{ name: "trader" }]),
    { name: "venue" },
    ...(hidden.includes("signature") ? [] : [{ name: "transaction" }]),
  ];
  const rows = swaps.map(one => [
    <At ms={one.event_time_ms} />,
    <span class={one.side}>{one.side}{one.confidence < LOW && <span class="dim" title="Read with low confidence: no metric counts it"> ?</span>}</span>,
    ...(hidden.includes("mint") ? [] : [<TokenOf mint={one.mint} />]),
    <span title={exact(one.base_amount_raw, one.base_decimals)}>{tokens(one.base_amount_raw, one.base_decimals)}</span>,
    one.quote_mint === null ? <span class="dim">unknown</span>
      : <span title={exact(one.quote_amount_raw, one.quote_decimals)}>{quoted(one.quote_amount_raw, one.quote_mint, one.quote_decimals)}</span>,
    <PriceIn value={one.price === null ? null : Number(one.price)} quote={one.quote_mint} />,
    ...(hidden.includes("trader") ? [] : [<WalletOf address={one.trader} />]),
    <Said text={one.venues.join(", ") || "unknown"} max={LABEL_MAX} />,
    ...(hidden.includes("signature") ? [] : [<TransactionOf signature={one.signature} />]),
  ]);
  return <Table label={label} rows={rows} keys={swaps.map(one => `${one.signature}.${one.ordinal}`)} none="No swap." columns={columns} />;
}

