// Slots that a source did not give: which, why, and the command that fills them.

import { useState } from "preact/hooks";
import type { GapsView, GapView } from "../api";
import { count } from "../format";
import { Answer } from "../frame/asked";
import { At } from "../frame/times";
import { Command, Said, Table } from "../parts";
import { LABEL_MAX } from "../text";
import { fillFromCaptures, fillFromNode, gapId } from "./commands";
import { More, useGrowing } from "./more";
import { Panel } from "./panel";

const EVERY_MS = 10_000;
const URL_MAX = 500;

export function Gaps({ pw }: { pw: string }) {
  const asked = useGrowing<GapsView>("/api/v1/gaps", EVERY_MS);
  const [onlyOpen, setOnlyOpen] = useState(false);
  const [chosen, setChosen] = useState<number | null>(null);
  return (
    <section class="card" aria-labelledby="gaps-head">
      <div class="head">
        <h2 id="gaps-head">Gaps</h2>
        <span class="dim">slots that a source did not give</span>
        <label class="check files"><input type="checkbox" checked={onlyOpen} onChange={event => setOnlyOpen(event.currentTarget.checked)} /> open ones only</label>
      </div>
      <Answer asked={asked}>
        {({ gaps, unreadable, next_before_seq }) => {
          const shown = onlyOpen ? gaps.filter(one => !one.filled) : gaps;
          const gap = gaps.find(one => one.seq === chosen && !one.filled);
          return (
            <>
              {gap && <Fill key={gap.seq} gap={gap} pw={pw} close={() => setChosen(null)} />}
              <Rows gaps={shown} chosen={gap?.seq ?? null} choose={setChosen} isFiltered={onlyOpen && gaps.length > 0} />
              {unreadable > 0 && <p class="dim">{count(unreadable)} more cannot be read here: another version stored them.</p>}
              <More of={asked} isMore={next_before_seq !== null} older={`${pw} backfill`} />
            </>
          );
        }}
      </Answer>
    </section>
  );
}

function Rows({ gaps, chosen, choose, isFiltered }: {
  gaps: GapView[]; chosen: number | null; choose: (seq: number) => void; isFiltered: boolean;
}) {
  const rows = gaps.map(one => [
    <At ms={one.time_ms} />,
    `${count(one.first_missing_slot)} – ${count(one.last_missing_slot)}`,
    count(one.last_missing_slot - one.first_missing_slot + 1),
    <Said text={one.source} max={LABEL_MAX} />,
    <span class="wraps"><Said text={one.why} max={200} /></span>,
    one.filled ? <span class="on">filled</span> : (
      <span class="doing"><span class="warn">open</span>{" "}
        <button type="button" class="plain small" aria-pressed={one.seq === chosen} onClick={() => choose(one.seq)}
          aria-label={`Fill ${count(one.first_missing_slot)} to ${count(one.last_missing_slot)}`}>Fill</button></span>
    ),
  ]);
  return (
    <Table label="Gaps" rows={rows} none={isFiltered ? "No open gap among these." : "No gap: every slot came."} columns={[
      { name: "recorded" }, { name: "slots" }, { name: "count", number: true }, { name: "source" }, { name: "why" }, { name: "state" }]} />
  );
}

function Fill({ gap, pw, close }: { gap: GapView; pw: string; close: () => void }) {
  const [node, setNode] = useState("");
  const id = gapId(gap);
  return (
    <Panel title={`Fill ${count(gap.first_missing_slot)} – ${count(gap.last_missing_slot)}`} close={close}>
      <p class="dim">
        Blocks are read from a JSON-RPC node or from captures, which takes minutes, so this is a command for the machine
        where Pocketwatcher runs. A gap is closed only when the blocks prove that nothing of it is missing; no alert is raised for it.
      </p>
      {id === null
        ? <p class="bad">No command can name it: its source is called <Said text={gap.source} max={LABEL_MAX} />, which a shell could read otherwise.</p>
        : (
          <>
            <label class="field">Node (stays in this page) <input type="url" value={node} maxLength={URL_MAX} placeholder="http://127.0.0.1:8899"
              autocomplete="off" spellcheck={false} onInput={event => setNode(event.currentTarget.value)} /></label>
            <p class="commands"><Command text={fillFromNode(pw, id, node)} /> <span class="dim">or</span> <Command text={fillFromCaptures(pw, id)} /></p>
          </>
        )}
    </Panel>
  );
}
