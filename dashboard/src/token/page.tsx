// A token: what it costs and how it moved, who holds it, which rule is how far, and every swap of it.

import { useState } from "preact/hooks";
import { Why } from "../why";
import type { BuyersAnswer, FactsAnswer, PastAlertsAnswer, PoolsAnswer, SwapsView, Token } from "../api";
import { missingIn } from "../format";
import { useAsked } from "../frame/asked";
import { WalletOf, Whole } from "../frame/cells";
import { Own } from "../frame/own";
import type { Shown } from "../frame/pages";
import { Swaps } from "../frame/swaps";
import { isRecorded } from "../live";
import { clock } from "../frame/times";
import { Away, Command, Said } from "../parts";
import { LABEL_MAX, NAME_MAX, plain, SENTENCE_MAX } from "../text";
import { AlertsOf } from "./alerts";
import { Chart } from "./chart";
import { Buyers } from "./buyers";
import { Figures } from "./figures";
import { NodeFacts } from "./node_facts";
import { Pools } from "./pools";

const FACTS_EVERY_MS = 2000;
const SLOW_EVERY_MS = 10_000;
// Facts of a node are kept for minutes.
const NODE_EVERY_MS = 60_000;

export interface Span { firstMs: number; endMs: number }

export function TokenPage({ of: mint, live, known }: Shown) {
  const at = `/api/v1/tokens/${mint}`;
  const facts = useAsked<Token>(at, FACTS_EVERY_MS);
  const alerts = useAsked<PastAlertsAnswer>(`/api/v1/alerts?mint=${mint}&first_ms=0&limit=50`, SLOW_EVERY_MS);
  const pools = useAsked<PoolsAnswer>(`${at}/pools`, SLOW_EVERY_MS);
  const buyers = useAsked<BuyersAnswer>(`${at}/buyers?limit=20`, SLOW_EVERY_MS);
  const node = useAsked<FactsAnswer>(`${at}/facts`, NODE_EVERY_MS);
  const newest = useAsked<SwapsView>(`${at}/swaps?limit=1`, SLOW_EVERY_MS);
  const recorded = isRecorded(known);
  const [span, setSpan] = useState<Span | null>(null);
  const decimals = newest.value?.swaps[0]?.base_decimals ?? null;
  const own = alerts.value?.alerts[0]?.alert;
  const swaps = span === null ? `${at}/swaps` : `${at}/swaps?first_ms=${span.firstMs}&end_ms=${span.endMs}`;
  return (
    <>
      <Head token={facts.value} mint={mint} live={live} isDemo={known.status?.demo ?? true} recorded={recorded} />
      {facts.problem && <p class="note away" role="status"><Said text={facts.problem} max={SENTENCE_MAX} /> What history keeps of this token stands below.</p>}
      <Figures token={facts.value} pools={pools.value} nowMs={live.nowMs()} isRecorded={recorded} />
      <div class="two">
        <div>
          <section class="card" aria-labelledby="chart-head">
            <Chart mint={mint} alerts={alerts.value?.alerts ?? []} chosen={span} choose={setSpan} />
          </section>
          <section class="card" aria-labelledby="swaps-head">
            <div class="head">
              <h2 id="swaps-head">{span === null ? "Latest swaps" : `Swaps from ${clock(span.firstMs)}`}</h2>
              {span !== null && <button type="button" class="plain small" onClick={() => setSpan(null)}>All swaps</button>}
              <span class="dim files">as a file: <a href={`${at}/swaps.csv`} download>CSV</a> <a href={`${at}/swaps.parquet`} download>Parquet</a></span>
            </div>
            <Swaps path={swaps} label="Swaps of this token" hidden={["mint"]} rows={25} />
          </section>
          <section class="card" aria-labelledby="alerts-head">
            <h2 id="alerts-head">Its alerts, and what came after each</h2>
            <AlertsOf asked={alerts} />
          </section>
        </div>
        <div>
          <section class="card" aria-label="Rules">
            <Why mint={mint} own={own?.trigger ?? ""} isSection />
            {own && <p class="commands"><Command text={`pw why ${plain(mint, LABEL_MAX)}`} /><Command text={`pw prove ${plain(own.id, LABEL_MAX)}`} /></p>}
          </section>
          <section class="card" aria-labelledby="buyers-head">
            <h2 id="buyers-head">Who bought most</h2>
            <Buyers asked={buyers} decimals={decimals} />
          </section>
          <section class="card" aria-labelledby="pools-head">
            <h2 id="pools-head">Liquidity</h2>
            <Pools asked={pools} mint={mint} decimals={decimals} />
          </section>
          <section class="card" aria-labelledby="node-head">
            <h2 id="node-head">What the chain says of it</h2>
            <NodeFacts asked={node} />
          </section>
        </div>
      </div>
    </>
  );
}

function Head({ token, mint, live, isDemo, recorded }: {
  token: Token | null; mint: string; live: Shown["live"]; isDemo: boolean; recorded: boolean;
}) {
  const state = token?.state ?? "";
  return (
    <header class="thing">
      <h1>
        {token?.symbol && <Said text={token.symbol} max={NAME_MAX} />}{" "}
        {token?.name && <span class="name"><Said text={token.name} max={NAME_MAX} /></span>}
        {token !== null && !token.symbol && !token.name && <em>name unknown</em>}
        {token === null && <span class="name">Token</span>}
        {state && <span class={`badge is-${state.toLowerCase()}`}>{plain(state)}</span>}
      </h1>
      <p class="facts">
        <Whole text={mint} what="mint" />
        {token?.creator && <span><span class="dim">created by</span> <WalletOf address={token.creator} /></span>}
        {token !== null && token.venues.length > 0 && <span><span class="dim">traded at</span> <Said text={token.venues.join(", ")} max={LABEL_MAX} /></span>}
        {token?.gapped && <span class="gapped">{missingIn(token.gapped)}</span>}
        {!isDemo && (
          <span class="links">
            <Away to={`https://solscan.io/token/${mint}`}>Solscan</Away>
            <Away to={`https://birdeye.so/token/${mint}?chain=solana`}>Birdeye</Away>
            <Away to={`https://dexscreener.com/solana/${mint}`}>DexScreener</Away>
          </span>
        )}
      </p>
      <Own address={mint} kind="token" nowMs={live.nowMs()} isRecorded={recorded} />
    </header>
  );
}
