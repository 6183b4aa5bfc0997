// Who changed what when.

import type { Difference, ProgramsHistory, RulesHistory } from "../api";
import { count } from "../format";
import { useAsked } from "../frame/asked";
import { At } from "../frame/times";
import { Said, Table } from "../parts";
import { LABEL_MAX, plain, SENTENCE_MAX } from "../text";
import { changesOf, type Change } from "./changes";

const EVERY_MS = 60_000;
const NAMES_SHOWN = 6;

export function Audit() {
  const rules = useAsked<RulesHistory>("/api/v1/triggers/history?limit=20", EVERY_MS);
  const programs = useAsked<ProgramsHistory>("/api/v1/programs/history?limit=20", EVERY_MS);
  const problem = rules.problem || programs.problem;
  const isAsking = !problem && (rules.value === null || programs.value === null);
  return (
    <section class="card" aria-labelledby="audit-head">
      <div class="head">
        <h2 id="audit-head">Changes</h2>
        <span class="dim">of rules and programs, the newest of each; lists, mutes and channels keep no history that can be asked for</span>
      </div>
      {problem && <p class="note away" role="status"><Said text={problem} max={SENTENCE_MAX} />{" "}
        <button type="button" class="plain small" onClick={() => { rules.again(); programs.again(); }}>Ask again</button></p>}
      {isAsking ? <p class="none" role="status">…</p> : <Rows changes={changesOf(rules.value, programs.value)} />}
    </section>
  );
}

function Rows({ changes }: { changes: Change[] }) {
  const rows = changes.map(one => [
    <At ms={one.atMs} />, one.of,
    one.who ? <Said text={one.who} max={100} /> : <span class="dim">not said</span>,
    one.unusable ? <span class="bad wraps">cannot be used: <Said text={one.unusable} max={200} /></span> : <What diff={one.diff} />,
    one.note ? <span class="wraps"><Said text={one.note} max={200} /></span> : "",
    count(one.revision),
  ]);
  return (
    <Table label="Changes" rows={rows} none="Nothing was changed: all is as shipped." columns={[
      { name: "time" }, { name: "of" }, { name: "who" }, { name: "what" }, { name: "note" }, { name: "revision", number: true }]} />
  );
}

function What({ diff }: { diff: Difference }) {
  const parts = (["added", "removed", "changed"] as const).filter(one => diff[one].length > 0);
  if (!parts.length) return <span class="dim">nothing else than before</span>;
  return <span class="wraps">{parts.map((one, at) => <span key={one}>{at > 0 && "; "}{one} <Said text={named(diff[one])} max={SENTENCE_MAX} /></span>)}</span>;
}

function named(names: string[]): string {
  const shown = names.slice(0, NAMES_SHOWN).map(one => plain(one, LABEL_MAX)).join(", ");
  return names.length > NAMES_SHOWN ? `${shown} and ${count(names.length - NAMES_SHOWN)} more` : shown;
}
