// What `make up` opens on: that it is a demo, what happens in it, and how to check what rang.

import { useState } from "preact/hooks";
import type { StoredAlert } from "./api";
import { bound, count, metricName, metricValue, sol, unknown } from "./format";
import { streamOfAlerts, type Known } from "./live";
import { Command, Said } from "./parts";
import { isAhead } from "./story";
import { LABEL_MAX, plain, SENTENCE_MAX, words } from "./text";

/** What happened to the token, as the alert's own metrics say it. */
function bought(alert: StoredAlert): string {
  const { unique_buyers_5m: buyers, buy_count_5m: buys, buy_volume_sol_5m: volume } = alert.metrics;
  if (typeof buyers !== "number" || typeof buys !== "number" || typeof volume !== "number") return "was bought";
  return `was bought ${count(buys)} times by ${count(buyers)} wallets, for ${sol(volume)} in all`;
}

export function Banner({ known }: { known: Known }) {
  const [shut, setShut] = useState(false);
  if (shut) return null;
  const { story, status } = known;
  // Empty where nobody knows how `pw` is called there, as with containers.
  const pw = plain(status?.pw_command ?? "", SENTENCE_MAX);
  return (
    <section class="demo" aria-label="Demo">
      <p>
        <strong>This is a demo.</strong> The market is generated on this machine: no token, wallet or trade in it is
        real. {story && <Story found={story} />}
        {!story && isAhead(streamOfAlerts(status)) &&
          "Within seconds one of its tokens is quietly bought by many wallets in small pieces, and a rule rings."}
      </p>
      {story && pw && (
        <dl class="prove">
          <div><dt>Why each rule holds or not</dt> <dd><Command text={`${pw} why ${plain(story.mint, LABEL_MAX)}`} /></dd></div>
          <div><dt>Proof from the stored swaps</dt> <dd><Command text={`${pw} prove ${plain(story.id.slice(0, 10))}`} /></dd></div>
        </dl>
      )}
      <button type="button" class="shut" onClick={() => setShut(true)} aria-label="Close the demo's explanation">×</button>
    </section>
  );
}

function Story({ found }: { found: StoredAlert }) {
  return (
    <>
      <strong>{found.name ? <Said text={found.name} /> : "A token without a name"}</strong>{" "}
      {bought(found)}. The rule <em><Said text={words(found.trigger)} max={LABEL_MAX} /></em> rang because all of
      this held:{" "}
      {found.conditions.map((one, at) => (
        <span key={one.text}>{at > 0 && "; "}{metricName(one.metric)}{" "}
          <strong>{one.value === null ? unknown(one.unknown) : metricValue(one.metric, one.value)}</strong>{" "}
          <span class="nowrap">({bound(one)})</span></span>
      ))}.
    </>
  );
}
