// What is wrong, the worst first, and what to do about it.

import type { ConditionView, StatusView } from "../api";
import { span } from "../format";
import { Said } from "../parts";
import { SENTENCE_MAX } from "../text";

export function Conditions({ status }: { status: StatusView }) {
  return (
    <section aria-labelledby="conditions-head">
      <h2 id="conditions-head">Conditions</h2>
      {status.conditions.length
        ? <ul class="conditions" id="why">{status.conditions.map(one => <Item key={one.name} one={one} atMs={status.at_ms} />)}</ul>
        : <p class="card good">Everything is as it should be.</p>}
    </section>
  );
}

function Item({ one, atMs }: { one: ConditionView; atMs: number }) {
  return (
    <li class={one.severity}>
      <span class={`severity ${one.severity}`}>{one.severity}</span> <Said text={one.why} max={SENTENCE_MAX} />
      <div class="dim"><Said text={one.what_to_do} max={SENTENCE_MAX} /> · for {span(Math.max(0, atMs - one.since_ms) / 1000)}</div>
    </li>
  );
}
