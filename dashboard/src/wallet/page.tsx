// A wallet: what it traded in all, by token with its profit, and each of its swaps.

import { useState } from "preact/hooks";
import type { WalletAnswer, WalletToken, WalletTotalsAnswer } from "../api";
import { ask, sentence } from "../ask";
import { count } from "../format";
import { quoteDecimals, quoted, quoteName, tokens } from "../frame/amounts";
import { Answer, Lacks, useAsked } from "../frame/asked";
import { TokenOf, Whole } from "../frame/cells";
import { entriesOf, useLists } from "../frame/lists";
import { Own } from "../frame/own";
import type { Shown } from "../frame/pages";
import { isRecorded } from "../live";
import { Swaps } from "../frame/swaps";
import { At } from "../frame/times";
import { Away, Said, Table } from "../parts";
import { LABEL_MAX, SENTENCE_MAX } from "../text";

const EVERY_MS = 5000;
const PATIENCE_MS = 27_000;

export function WalletPage({ of: wallet, live, known }: Shown) {
  const at = `/api/v1/wallets/${wallet}`;
  const totals = useAsked<WalletTotalsAnswer>(`${at}/totals`, EVERY_MS);
  const traded = useAsked<WalletAnswer>(`${at}?limit=100`, EVERY_MS);
  const labels = entriesOf(useLists(), wallet).map(one => one.label).filter(Boolean);
  return (
    <>
      <header class="thing">
        <h1>{labels.length ? labels.map(one => <Said key={one} text={one} max={LABEL_MAX} />) : "Wallet"}</h1>
        <p class="facts">
          <Whole text={wallet} what="wallet" />
          {!(known.status?.demo ?? true) && <span class="links"><Away to={`https://solscan.io/account/${wallet}`}>Solscan</Away></span>}
        </p>
        <Own address={wallet} kind="wallet" nowMs={live.nowMs()} isRecorded={isRecorded(known)} />
      </header>
      <section class="card" aria-labelledby="totals-head">
        <h2 id="totals-head">In all</h2>
        <Answer asked={totals}>
          {answer => (
            <>
              <Lacks head={answer.history} />
              <Table label="In all" none="History knows no swap of this wallet." columns={[
                { name: "quote" }, { name: "tokens", number: true }, { name: "buys / sells", number: true }, { name: "spent", number: true },
                { name: "received", number: true }, { name: "first" }, { name: "last" }]}
                rows={answer.totals.map(one => [
                  quoteName(one.quote_mint) || <span class="dim">unknown</span>, count(one.tokens), `${count(one.buys)} / ${count(one.sells)}`,
                  quoted(one.spent_raw, one.quote_mint), quoted(one.received_raw, one.quote_mint), <At ms={one.first_ms} />, <At ms={one.last_ms} />,
                ])} />
            </>
          )}
        </Answer>
        <p class="dim small">What it received less what it spent is no profit: what it still holds is not sold, and what it was sent was not bought.</p>
      </section>
      <section class="card" aria-labelledby="tokens-head">
        <h2 id="tokens-head">By token, the last traded first</h2>
        <Answer asked={traded}>
          {answer => (
            <>
              <Lacks head={answer.history} />
              <Tokens wallet={wallet} rows={answer.tokens} />
              <p class="dim small">Profit reads the swaps that are kept{answer.history.swaps_since_ms !== null && <>, since <At ms={answer.history.swaps_since_ms} /></>}: what was bought before is of unknown cost.</p>
              {answer.next_before !== null && <p class="dim small">These are the last 100 that it traded; <code>pw wallet</code> lists all.</p>}
            </>
          )}
        </Answer>
      </section>
      <section class="card" aria-labelledby="swaps-head">
        <div class="head">
          <h2 id="swaps-head">Its swaps</h2>
          <span class="dim files">as a file: <a href={`${at}/swaps.csv`} download>CSV</a> <a href={`${at}/swaps.parquet`} download>Parquet</a></span>
        </div>
        <Swaps path={`${at}/swaps`} label="Swaps of this wallet" hidden={["trader"]} />
      </section>
    </>
  );
}

function Tokens({ wallet, rows }: { wallet: string; rows: WalletToken[] }) {
  return (
    <Table label="By token" none="None." columns={[
      { name: "token" }, { name: "buys / sells", number: true }, { name: "spent", number: true }, { name: "received", number: true },
      { name: "bought less sold (tokens)", number: true }, { name: "profit, first in first out", number: true }, { name: "last" }]}
      keys={rows.map(one => [one.mint, one.quote_mint, one.buys, one.sells].join())}
      rows={rows.map(one => [
        <TokenOf mint={one.mint} symbol={one.symbol} name={one.name} />, `${count(one.buys)} / ${count(one.sells)}`,
        quoted(one.spent_raw, one.quote_mint), quoted(one.received_raw, one.quote_mint),
        tokens(one.net_raw, one.base_decimals), <Profit wallet={wallet} one={one} />, <At ms={one.last_ms} />,
      ])} />
  );
}

/** Counted when it is asked for: it reads every swap of the wallet with the token. */
function Profit({ wallet, one }: { wallet: string; one: WalletToken }) {
  const [found, setFound] = useState<WalletToken | null>(null);
  const [said, setSaid] = useState("");
  if (found !== null) {
    const lost = found.realized_raw?.startsWith("-");
    const unknown = found.unknown_sold_raw !== null && found.unknown_sold_raw !== "0";
    return (
      <span>
        <span class={lost ? "sell" : "buy"}>{quoted(found.realized_raw, found.quote_mint)}</span>
        {unknown && <span class="dim" title="Sold without a purchase among the swaps that are kept: not in the profit"> +{tokens(found.unknown_sold_raw, found.base_decimals)} of unknown cost</span>}
        {found.held_raw !== "0" && <span class="dim"> holds {tokens(found.held_raw, found.base_decimals)} for {quoted(found.held_cost_raw, found.quote_mint)}</span>}
      </span>
    );
  }
  const reckon = async () => {
    setSaid("…");
    try {
      const answer = await ask<WalletAnswer>(`/api/v1/wallets/${wallet}?mint=${one.mint}`, PATIENCE_MS);
      const mine = answer.tokens.find(each => each.quote_mint === one.quote_mint);
      if (mine) setFound(mine);
      setSaid(mine ? "" : "not known");
    } catch (error) {
      setSaid(sentence(error));
    }
  };
  if (quoteDecimals(one.quote_mint) === null) return <span class="dim">no known quote</span>;
  return said ? <Said text={said} max={SENTENCE_MAX} /> : <button type="button" class="plain small" onClick={() => void reckon()}>reckon</button>;
}
