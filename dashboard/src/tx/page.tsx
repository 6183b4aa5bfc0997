// One transaction: every swap that was read out of it, and how to look at it elsewhere.

import type { SwapsView, SwapView } from "../api";
import { count } from "../format";
import { Answer, Lacks, useAsked } from "../frame/asked";
import { WalletOf, Whole } from "../frame/cells";
import type { Shown } from "../frame/pages";
import { SwapTable } from "../frame/swaps";
import { At, utc } from "../frame/times";
import { Away, Said } from "../parts";
import { LABEL_MAX } from "../text";

const EVERY_MS = 10_000;

export function TransactionPage({ of: signature, known }: Shown) {
  const path = `/api/v1/transactions/${signature}`;
  const asked = useAsked<SwapsView>(path, EVERY_MS);
  const isDemo = known.status?.demo ?? true;
  return (
    <>
      <header class="thing">
        <h1>Transaction</h1>
        <p class="facts">
          <Whole text={signature} what="signature" />
          {!isDemo && <span class="links"><Away to={`https://solscan.io/tx/${signature}`}>Solscan</Away></span>}
          <a href={path}>as JSON</a>
        </p>
        {isDemo && known.status?.demo && <p class="dim">This transaction is made up: no explorer knows it.</p>}
      </header>
      <section class="card" aria-labelledby="swaps-head">
        <h2 id="swaps-head">What was swapped in it</h2>
        <Answer asked={asked}>
          {({ swaps, history }) => (
            <>
              <Lacks head={history} />
              {swaps.length === 0
                ? <p class="none">History has no swap of this transaction. It keeps swaps {history.swaps_since_ms !== null && <>since <At ms={history.swaps_since_ms} /></>}, and only those that the source was asked for.</p>
                : <><SwapTable swaps={[...swaps].reverse()} label="Swaps of this transaction" hidden={["signature"]} />{swaps[0] && <Facts one={swaps[0]} />}</>}
            </>
          )}
        </Answer>
      </section>
    </>
  );
}

function Facts({ one }: { one: SwapView }) {
  const others = one.signers.filter(each => each !== one.fee_payer);
  return (
    <dl class="metrics">
      <div><dt>slot</dt><dd>{count(one.slot)}, place {count(one.index)}</dd></div>
      <div><dt>time of the slot</dt><dd>{utc(one.event_time_ms)}</dd></div>
      <div><dt>fee payer</dt><dd><WalletOf address={one.fee_payer} /></dd></div>
      {others.length > 0 && <div><dt>other signers</dt><dd>{others.map(each => <WalletOf key={each} address={each} />)}</dd></div>}
      <div><dt>hops</dt><dd>{count(one.route_hops)}</dd></div>
      <div><dt>confidence</dt><dd>{Math.round(one.confidence * 100)} %{one.reasons.length > 0 && <>: <Said text={one.reasons.join(", ")} max={LABEL_MAX * 2} /></>}</dd></div>
      {one.amended && <div><dt>came later</dt><dd>with a gap that was filled</dd></div>}
    </dl>
  );
}
