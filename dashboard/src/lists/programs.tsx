// Programs of one's own: what the shipped table does not name.

import { useState } from "preact/hooks";
import type { ProgramEntry, ProgramsAnswer } from "../api";
import { Field, Wrong } from "../editing/field";
import { hasNone, refusedFor, type Problems } from "../editing/problems";
import { Outcome, useSending } from "../editing/sending";
import { count } from "../format";
import { change, WHO } from "../frame/change";
import { isAddress } from "../frame/route";
import { Copy, Said, Table } from "../parts";
import { LABEL_MAX, plain, SENTENCE_MAX, short } from "../text";
import { EMPTY, entryOf, isField, PROGRAM_KINDS, usersOf, type Draft } from "./program";

const PATH = "/api/v1/programs";
const NAME_MAX = 32;
const SOURCE_MAX = 120;

export function Programs({ document: doc, again, nowMs }: { document: ProgramsAnswer; again: () => void; nowMs: number }) {
  const sending = useSending(PATH, again);
  const remove = (gone: ProgramEntry) => void sending.send(doc, ({ revision, entries }) =>
    change("PUT", PATH, { revision, who: WHO, note: `without ${gone.name}`, entries: entries.filter(one => one.id !== gone.id) }), "Removed.");
  const rows = doc.entries.map(one => [
    <span class="mint"><code title={plain(one.id, 100)}>{short(one.id)}</code><Copy text={plain(one.id, 100)} what="address" /></span>,
    <Said text={one.name} max={LABEL_MAX} />, one.kind.replace("_", " "), one.launches ? "yes" : "no",
    one.source ? <Said text={one.source} max={SOURCE_MAX} /> : <span class="dim">none</span>, one.date || <span class="dim">unknown</span>,
    <button type="button" class="plain small" aria-label={`Remove ${plain(one.name, LABEL_MAX)}`} disabled={sending.isBusy} onClick={() => remove(one)}>Remove</button>,
  ]);
  const behind = Object.values(doc.in_force).filter(one => one === "").length;
  return (
    <section class="card form" aria-labelledby="programs-head">
      <div class="head">
        <h2 id="programs-head">Programs of your own</h2>
        <span class="dim">{count(doc.entries.length)}{doc.revision > 0 && ` · revision ${doc.revision}`}</span>
      </div>
      <p class="dim small">They name what reads as unlisted, or stand in place of a shipped entry. Swaps from then on are read by them.
        {doc.entries.length > 0 && behind > 0 && ` ${count(behind)} of ${count(Object.keys(doc.in_force).length)} sources still have the shipped table.`}</p>
      {doc.unusable && <p class="note away"><Said text={doc.unusable} max={SENTENCE_MAX} /></p>}
      <Outcome sending={sending} />
      <Table label="Programs of your own" rows={rows} none="None: the shipped table names all that is known." columns={[
        { name: "program" }, { name: "name" }, { name: "kind" }, { name: "launches" }, { name: "source" }, { name: "checked" }, { name: "change" }]} />
      <details class="import">
        <summary>Add a program</summary>
        <Add document={doc} again={again} nowMs={nowMs} />
      </details>
    </section>
  );
}

function Add({ document: doc, again, nowMs }: { document: ProgramsAnswer; again: () => void; nowMs: number }) {
  const [draft, setDraft] = useState<Draft>(EMPTY);
  const [problems, setProblems] = useState<Problems>({});
  const sending = useSending(PATH, again);
  const add = async () => {
    const wrong = usersOf(draft.users).wrong;
    const found: Problems = {
      ...(isAddress(draft.id.trim()) ? {} : { id: ["An address in base58, 32 to 44 signs, none of them 0, O, I or l."] }),
      ...(wrong.length ? { users: wrong.map(one => `${one}: allowed: a tag in hex or *, a colon, and indexes with commas`) } : {}),
    };
    setProblems(found);
    if (!hasNone(found)) return;
    const entry = entryOf(draft, new Date(nowMs).toISOString().slice(0, 10));
    let refused: Problems | null = null;
    const put = (now: ProgramsAnswer) => change("PUT", PATH, {
      revision: now.revision, who: WHO, note: `with ${entry.name}`, entries: [...now.entries, entry],
    }).catch((error: unknown) => {
      refused = refusedFor(error, isField);
      throw error;
    });
    if (await sending.send(doc, put, "Added.")) setDraft(EMPTY);
    else setProblems(refused ?? {});
  };
  const set = (part: Partial<Draft>) => { setProblems({}); setDraft({ ...draft, ...part }); };
  return (
    <form class="form" onSubmit={event => { event.preventDefault(); void add(); }}>
      <div class="form-fields">
        <Field id="program-id" label="Program" problems={problems["id"]}>
          {marks => <input {...marks} value={draft.id} maxLength={100} autocomplete="off" spellcheck={false} onInput={event => set({ id: event.currentTarget.value })} />}
        </Field>
        <Field id="program-name" label="Name" problems={problems["name"]}>
          {marks => <input {...marks} value={draft.name} maxLength={NAME_MAX} autocomplete="off" onInput={event => set({ name: event.currentTarget.value })} />}
        </Field>
        <Field id="program-kind" label="Kind" problems={problems["kind"]}>
          {marks => <select {...marks} value={draft.kind} onChange={event => set({ kind: event.currentTarget.value as Draft["kind"] })}>
            {Object.entries(PROGRAM_KINDS).map(([kind, text]) => <option key={kind} value={kind}>{text}</option>)}
          </select>}
        </Field>
        <Field id="program-source" label="How you know" problems={problems["source"]}>
          {marks => <input {...marks} value={draft.source} maxLength={SOURCE_MAX} onInput={event => set({ source: event.currentTarget.value })} />}
        </Field>
        <Field id="program-users" label="Where the user stands" problems={problems["users"]} isWide hint="lines of tag: indexes, such as 66063d12: 7 or *: 0">
          {marks => <textarea {...marks} value={draft.users} maxLength={2000} spellcheck={false} onInput={event => set({ users: event.currentTarget.value })} />}
        </Field>
        <Field id="program-takes" label="Instructions that trade" problems={problems["takes"]} isWide hint="beginnings in hex, where most do not trade">
          {marks => <input {...marks} value={draft.takes} maxLength={400} spellcheck={false} onInput={event => set({ takes: event.currentTarget.value })} />}
        </Field>
      </div>
      <div class="checks"><label><input type="checkbox" checked={draft.launches} onChange={() => set({ launches: !draft.launches })} />New tokens are traded here</label></div>
      <div class="buttons"><button class="plain" disabled={sending.isBusy}>Add</button></div>
      <Wrong problems={problems[""]} />
      {hasNone(problems) && <Outcome sending={sending} />}
    </form>
  );
}
