// The watch list: whom rules look for, one by one or by a file.

import { useState } from "preact/hooks";
import type { Watched, WatchlistsAnswer } from "../api";
import { Field, Wrong } from "../editing/field";
import { hasNone, refusedFor, type Problems } from "../editing/problems";
import { Outcome, useSending } from "../editing/sending";
import { count } from "../format";
import { change, WHO } from "../frame/change";
import { isAddress } from "../frame/route";
import { Said, Table } from "../parts";
import { LABEL_MAX, plain, SENTENCE_MAX } from "../text";
import { AddressOf } from "./address";
import { csvOf, matching, OFS, WATCHED_PATH as PATH, type Of } from "./entries";
import { Import } from "./import";

const SHOWN_STEP = 100;
const isField = (name: string): boolean => ["address", "of", "label"].includes(name);

export function WatchList({ document: doc, again }: { document: WatchlistsAnswer; again: () => void }) {
  const sending = useSending(PATH, again);
  const [wanted, setWanted] = useState("");
  const [most, setMost] = useState(SHOWN_STEP);
  const found = matching(doc.entries, wanted);
  const remove = (one: Watched) => void sending.send(doc, ({ revision }) => change("DELETE",
    `${PATH}/${encodeURIComponent(one.address)}?${new URLSearchParams({ revision: String(revision), who: WHO, of: one.of })}`), "Removed.");
  const rows = found.slice(0, most).map(one => [
    <AddressOf address={one.address} of={one.of} />,
    one.of, one.label ? <Said text={one.label} max={LABEL_MAX} /> : <span class="dim">no label</span>,
    <button type="button" class="plain small" aria-label={`Remove ${plain(one.label || one.address, LABEL_MAX)}`} disabled={sending.isBusy} onClick={() => remove(one)}>Remove</button>,
  ]);
  return (
    <section class="card form" aria-labelledby="watched-head">
      <div class="head">
        <h2 id="watched-head">Watch list</h2>
        <span class="dim">{count(doc.entries.length)} watched{doc.revision > 0 && ` · revision ${doc.revision}`}</span>
        {doc.entries.length > 0 && <span class="files"><Export entries={doc.entries} /></span>}
      </div>
      <p class="dim small">Rules count watched buyers, and every page shows the label beside the address.</p>
      {doc.unusable && <p class="note away"><Said text={doc.unusable} max={SENTENCE_MAX} /></p>}
      <Add document={doc} again={again} />
      <Outcome sending={sending} />
      {doc.entries.length > SHOWN_STEP / 10 && <Filter id="watched-filter" text={wanted} set={setWanted} />}
      <Table label="Watch list" rows={rows} none={doc.entries.length ? "None of them has this in its address or label." : "Nobody is watched yet."} columns={[
        { name: "address" }, { name: "of" }, { name: "label" }, { name: "change" }]} />
      {found.length > most && <p class="more"><button type="button" class="plain" onClick={() => setMost(most + SHOWN_STEP)}>More: {count(found.length - most)} are not shown</button></p>}
      <Import document={doc} again={again} />
    </section>
  );
}

function Filter({ id, text, set }: { id: string; text: string; set: (text: string) => void }) {
  return (
    <Field id={id} label="Show those with this in them">
      {marks => <input {...marks} type="search" value={text} maxLength={LABEL_MAX} onInput={event => set(event.currentTarget.value)} />}
    </Field>
  );
}

function Add({ document: doc, again }: { document: WatchlistsAnswer; again: () => void }) {
  const [draft, setDraft] = useState<Watched>({ address: "", of: "wallet", label: "" });
  const [problems, setProblems] = useState<Problems>({});
  const sending = useSending(PATH, again);
  const add = async () => {
    const entry = { ...draft, address: draft.address.trim(), label: draft.label.trim() };
    if (!isAddress(entry.address)) {
      setProblems({ address: ["An address in base58, 32 to 44 signs, none of them 0, O, I or l."] });
      return;
    }
    setProblems({});
    let refused: Problems | null = null;
    const done = await sending.send(doc, ({ revision }) => change("POST", PATH, { revision, who: WHO, note: "", replace: true, entry }).catch((error: unknown) => {
      refused = refusedFor(error, isField);
      throw error;
    }), "Watched.");
    if (done) setDraft({ ...draft, address: "", label: "" });
    else setProblems(refused ?? {});
  };
  const set = (part: Partial<Watched>) => { setProblems({}); setDraft({ ...draft, ...part }); };
  return (
    <form class="form" onSubmit={event => { event.preventDefault(); void add(); }}>
      <div class="form-fields adding">
        <Field id="watched-address" label="Address" problems={problems["address"]}>
          {marks => <input {...marks} value={draft.address} maxLength={100} autocomplete="off" spellcheck={false} onInput={event => set({ address: event.currentTarget.value })} />}
        </Field>
        <Field id="watched-of" label="It is a" problems={problems["of"]}>
          {marks => <select {...marks} value={draft.of} onChange={event => set({ of: event.currentTarget.value as Of })}>{OFS.map(one => <option key={one}>{one}</option>)}</select>}
        </Field>
        <Field id="watched-label" label="Label" problems={problems["label"]}>
          {marks => <input {...marks} value={draft.label} maxLength={LABEL_MAX} onInput={event => set({ label: event.currentTarget.value })} />}
        </Field>
        <div class="form-field"><button class="plain" disabled={sending.isBusy}>Watch</button></div>
      </div>
      <Wrong problems={problems[""]} />
      {hasNone(problems) && <Outcome sending={sending} />}
    </form>
  );
}

/** The list as a file, made here. */
function Export({ entries }: { entries: Watched[] }) {
  const save = () => {
    const address = URL.createObjectURL(new Blob([csvOf(entries)], { type: "text/csv" }));
    const link = Object.assign(document.createElement("a"), { href: address, download: "watch-list.csv" });
    link.click();
    URL.revokeObjectURL(address);
  };
  return <button type="button" class="plain small" onClick={save}>Save as CSV</button>;
}

