// What is new in the layouts of venues, and taking note of it, so that it is no longer shown.

import { useState } from "preact/hooks";
import type { Acknowledged, AcknowledgedAnswer, LayoutDrift } from "../../api";
import { count } from "../../format";
import { Answer, useAsked } from "../../frame/asked";
import { TransactionOf } from "../../frame/cells";
import { change, reasons, WHO } from "../../frame/change";
import { Said, Table } from "../../parts";
import { LABEL_MAX, plain, SENTENCE_MAX } from "../../text";
import { Saying } from "./unlisted";

const EVERY_MS = 10_000;
const PATH = "/api/v1/programs/acknowledged";
const TAGS_SHOWN = 6;

const isSame = (a: Acknowledged, b: Acknowledged): boolean => a.program === b.program && a.tag === b.tag;

export function Drift() {
  const asked = useAsked<AcknowledgedAnswer>(PATH, EVERY_MS);
  return (
    <section class="card" aria-labelledby="drift-head">
      <div class="head">
        <h2 id="drift-head">New in layouts</h2>
        <span class="dim">a venue added something; its trades still agree with the balances</span>
      </div>
      <Answer asked={asked}>{found => <Seen found={found} again={asked.again} />}</Answer>
    </section>
  );
}

function Seen({ found, again }: { found: AcknowledgedAnswer; again: () => void }) {
  const [said, setSaid] = useState<string[]>([]);
  const store = async (entries: Acknowledged[], done: string) => {
    setSaid(["…"]);
    try {
      await change("PUT", PATH, { revision: found.revision, who: WHO, note: "", entries });
      setSaid([done]);
    } catch (error) {
      setSaid(reasons(error));
    }
    again();
  };
  const seen = (one: LayoutDrift) => {
    const now = one.tags.map(tag => ({ program: one.venue, tag })).filter(each => !found.entries.some(known => isSame(known, each)));
    return store([...found.entries, ...now], "Noted. Parsers stop showing it within seconds.");
  };
  const rows = found.new.map(one => [
    <Said text={one.venue} max={LABEL_MAX} />, count(one.first_slot), `${count(one.unparsed)} of ${count(one.called)}`, <Tags tags={one.tags} />,
    <span class="doing">{one.signatures.map(each => <TransactionOf key={each} signature={each} />)}</span>,
    <button type="button" class="plain small" onClick={() => void seen(one)} aria-label={`Seen: what is new of ${plain(one.venue, LABEL_MAX)}`}>Seen</button>,
  ]);
  return (
    <>
      {found.unusable && <p class="bad"><Said text={found.unusable} max={SENTENCE_MAX} /></p>}
      <Table label="New in layouts" rows={rows} none="Nothing new: every venue writes what its table explains." columns={[
        { name: "venue" }, { name: "since slot", number: true }, { name: "instructions", number: true }, { name: "tags (hex)" }, { name: "such as" }, { name: "action" }]} />
      <Saying said={said} />
      {found.entries.length > 0 && (
        <details>
          <summary>{count(found.entries.length)} seen before</summary>
          <Table label="Seen before" none="" columns={[{ name: "venue" }, { name: "tag (hex)" }, { name: "action" }]} rows={found.entries.map(one => [
            <Said text={one.program} max={LABEL_MAX} />, <code>{plain(one.tag) || "no data"}</code>,
            <button type="button" class="plain small" onClick={() => void store(found.entries.filter(each => !isSame(each, one)), "It is shown again where it still happens.")}
              aria-label={`Show again: ${plain(one.program, LABEL_MAX)} ${plain(one.tag)}`}>Show again</button>,
          ])} />
        </details>
      )}
    </>
  );
}

function Tags({ tags }: { tags: string[] }) {
  return <code>{tags.slice(0, TAGS_SHOWN).map(one => plain(one) || "no data").join(", ")}{tags.length > TAGS_SHOWN && ` and ${tags.length - TAGS_SHOWN} more`}</code>;
}
