// Who changed what when.

import type { Difference, DocumentChange, DocumentChanges } from "../api";
import { count } from "../format";
import { Answer, useAsked } from "../frame/asked";
import { At } from "../frame/times";
import { Said, Table } from "../parts";
import { LABEL_MAX, plain, SENTENCE_MAX } from "../text";

const EVERY_MS = 30_000;
const NAMES_SHOWN = 6;
const NAMES: Record<DocumentChange["of"], string> = {
  triggers: "rules", watchlists: "watch lists", mutes: "mutes", channels: "channels", programs: "programs", acknowledged: "layouts seen",
};

export function Audit() {
  const asked = useAsked<DocumentChanges>("/api/v1/changes?limit=50", EVERY_MS);
  return (
    <section class="card" aria-labelledby="audit-head">
      <div class="head">
        <h2 id="audit-head">Changes</h2>
        <span class="dim">who changed what of the configuration, the last 50</span>
      </div>
      <Answer asked={asked}>{({ changes }) => <Rows changes={changes} />}</Answer>
    </section>
  );
}

function Rows({ changes }: { changes: DocumentChange[] }) {
  const rows = changes.map(one => [
    <At ms={one.at_ms ?? null} />, NAMES[one.of] ?? plain(one.of, LABEL_MAX),
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

function What({ diff }: { diff: Difference | null }) {
  if (diff === null) return <span class="dim">not known: the revision before is not kept or cannot be used</span>;
  const parts = (["added", "removed", "changed"] as const).filter(one => diff[one].length > 0);
  if (!parts.length) return <span class="dim">nothing else than before</span>;
  return <span class="wraps">{parts.map((one, at) => <span key={one}>{at > 0 && "; "}{one} <Said text={named(diff[one])} max={SENTENCE_MAX} /></span>)}</span>;
}

function named(names: string[]): string {
  const shown = names.slice(0, NAMES_SHOWN).map(one => plain(one, LABEL_MAX)).join(", ");
  return names.length > NAMES_SHOWN ? `${shown} and ${count(names.length - NAMES_SHOWN)} more` : shown;
}
