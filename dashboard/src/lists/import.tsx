// A watch list from a file: what it would add is shown before anything is stored.

import { useState } from "preact/hooks";
import type { CsvAnswer, WatchlistsAnswer } from "../api";
import { Field, Wrong } from "../editing/field";
import { Outcome, useSending } from "../editing/sending";
import { count } from "../format";
import { change, reasons, Refused, WHO } from "../frame/change";
import { Said } from "../parts";
import { LABEL_MAX, short } from "../text";
import { merged, OFS, WATCHED_PATH as PATH, type Merged, type Of } from "./entries";

const BYTES_MAX = 1_000_000;
const SHOWN_MAX = 12;

export function Import({ document: doc, again }: { document: WatchlistsAnswer; again: () => void }) {
  const [text, setText] = useState("");
  const [of, setOf] = useState<Of>("wallet");
  const [read, setRead] = useState<CsvAnswer["entries"] | null>(null);
  const [problems, setProblems] = useState<string[]>([]);
  const sending = useSending(PATH, again);
  const take = (next: string) => { setText(next); setRead(null); setProblems([]); };
  const load = async (file: File | undefined) => {
    if (!file) return;
    if (file.size > BYTES_MAX) setProblems([`${file.name} has over ${count(BYTES_MAX)} bytes.`]);
    else take(await file.text());
  };
  const look = async () => {
    setProblems([]);
    try {
      setRead((await change<CsvAnswer>("POST", `${PATH}/csv`, text, { type: "text/csv" })).entries);
    } catch (error) {
      setRead(null);
      setProblems(linesOf(error));
    }
  };
  const plan = read === null ? null : merged(doc.entries, read, of);
  const add = async (entries: CsvAnswer["entries"]) => {
    const put = (now: WatchlistsAnswer) => change("PUT", PATH, {
      revision: now.revision, who: WHO, note: "from a file", entries: merged(now.entries, entries, of).entries,
    });
    if (await sending.send(doc, put, "Added.")) take("");
  };
  return (
    <details class="import">
      <summary>Add many from a file</summary>
      <div class="form">
        <div class="form-fields">
          <Field id="import-file" label="A CSV file" hint="lines of address,label">
            {marks => <input {...marks} type="file" accept=".csv,.txt,text/csv" onChange={event => void load(event.currentTarget.files?.[0])} />}
          </Field>
          <Field id="import-of" label="They are">
            {marks => <select {...marks} value={of} onChange={event => setOf(event.currentTarget.value as Of)}>{OFS.map(one => <option key={one} value={one}>{one}s</option>)}</select>}
          </Field>
          <Field id="import-text" label="Or paste the lines" isWide>
            {marks => <textarea {...marks} value={text} maxLength={BYTES_MAX} spellcheck={false} onInput={event => take(event.currentTarget.value)} />}
          </Field>
        </div>
        <div class="buttons"><button type="button" class="plain" disabled={!text.trim()} onClick={() => void look()}>Show what it would add</button></div>
        <Wrong problems={problems} />
        {plan !== null && read !== null && <Plan plan={plan} isBusy={sending.isBusy} add={() => void add(read)} />}
        {(plan !== null || !text) && <Outcome sending={sending} />}
      </div>
    </details>
  );
}

function linesOf(error: unknown): string[] {
  if (error instanceof Refused && error.errors.length) return error.errors.map(one => one["what"] ?? "");
  return reasons(error);
}

function Plan({ plan, isBusy, add }: { plan: Merged; isBusy: boolean; add: () => void }) {
  const { added, renamed, same } = plan;
  const many = added.length + renamed.length;
  return (
    <div class="plan" role="status">
      <p><strong>{count(added.length)} new</strong>, {count(renamed.length)} with another label, {count(same)} there already.</p>
      <ul class="small">
        {added.slice(0, SHOWN_MAX).map(one => <li key={one.address}>+ <code>{short(one.address)}</code> <Said text={one.label} max={LABEL_MAX} /></li>)}
        {renamed.slice(0, SHOWN_MAX).map(({ entry, was }) => (
          <li key={entry.address}><code>{short(entry.address)}</code> <Said text={entry.label} max={LABEL_MAX} />, was <Said text={was || "without a label"} max={LABEL_MAX} /></li>))}
        {many > 2 * SHOWN_MAX && <li class="dim">and more</li>}
      </ul>
      <div class="buttons"><button type="button" class="primary" disabled={!many || isBusy} onClick={add}>{many ? `Take these ${count(many)}` : "Nothing to add"}</button></div>
    </div>
  );
}
