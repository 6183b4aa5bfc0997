// Mutes: tokens that never fire and wallets that do not count, one's own and those that are shipped.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Mute, MutesAnswer } from "../api";
import { stillAs } from "../editing/entries";
import { Field, Wrong } from "../editing/field";
import { hasNone, refusedFor, type Problems } from "../editing/problems";
import { Outcome, useSending, type Sending } from "../editing/sending";
import { count } from "../format";
import { change, WHO } from "../frame/change";
import { isAddress } from "../frame/route";
import { At } from "../frame/times";
import { Said, Table } from "../parts";
import { LABEL_MAX, plain, SENTENCE_MAX } from "../text";
import { AddressOf } from "./address";
import { sameAs, shippedThatHold, stateOfMute, without } from "./entries";

const PATH = "/api/v1/mutes";
const HOUR_MS = 3_600_000;
const DURATIONS: Array<{ text: string; forMs: number | null }> = [
  { text: "for good", forMs: null }, { text: "1 hour", forMs: HOUR_MS }, { text: "6 hours", forMs: 6 * HOUR_MS },
  { text: "24 hours", forMs: 24 * HOUR_MS }, { text: "7 days", forMs: 168 * HOUR_MS },
];
const SHOWN_STEP = 100;
const isField = (name: string): boolean => ["address", "of", "reason", "until_ms"].includes(name);

export function Mutes({ document: doc, again, nowMs }: { document: MutesAnswer; again: () => void; nowMs: number }) {
  const sending = useSending(PATH, again);
  const [most, setMost] = useState(SHOWN_STEP);
  const over = doc.entries.filter(one => stateOfMute(one, nowMs) === "over");
  const put = (entriesOf: (now: Mute[]) => Mute[], note: string, done: string) => void sending.send(doc, async ({ revision, entries }) =>
    change("PUT", PATH, { revision, who: WHO, note, entries: entriesOf(entries) }), done);
  const putBack = (one: Mute) => put(now => {
    stillAs(one, sameAs(now, one));
    return without(now, one);
  }, "shipped mute put back", "The shipped mute holds again.");
  const remove = (one: Mute) => void sending.send(doc, async now => {
    // Without an own entry it is the shipped one that goes, and with a new one that is another's.
    stillAs(sameAs(doc.entries, one), sameAs(now.entries, one));
    return change("DELETE", `${PATH}/${encodeURIComponent(one.address)}?${new URLSearchParams({ revision: String(now.revision), who: WHO, of: one.of })}`);
  }, "No longer muted.");
  const shipped = shippedThatHold(doc.shipped, doc.entries);
  const rows = [
    ...doc.entries.map(one => own(one, nowMs, sending,
      () => (stateOfMute(one, nowMs) === "taken away" ? putBack(one) : remove(one)))),
    ...shipped.map(one => cells(one, <span class="dim">shipped</span>, <Button text="Take away" one={one} sending={sending} click={() => remove(one)} />)),
  ];
  return (
    <section class="card form" aria-labelledby="mutes-head">
      <div class="head">
        <h2 id="mutes-head">Mutes</h2>
        <span class="dim">{count(doc.entries.length)} of your own, {count(shipped.length)} shipped{doc.revision > 0 && ` · revision ${doc.revision}`}</span>
      </div>
      <p class="dim small">A muted token never fires. Trades of a muted wallet do not count in any metric.</p>
      {doc.unusable && <p class="note away"><Said text={doc.unusable} max={SENTENCE_MAX} /></p>}
      <Add document={doc} again={again} nowMs={nowMs} />
      <Outcome sending={sending} />
      {over.length > 0 && (
        <p><button type="button" class="plain small" disabled={sending.isBusy}
          onClick={() => put(now => now.filter(one => stateOfMute(one, nowMs) !== "over"), "those that are over", "Removed.")}>Remove the {count(over.length)} that are over</button></p>
      )}
      <Table label="Mutes" rows={rows.slice(0, most)} none="Nothing is muted." columns={[
        { name: "address" }, { name: "of" }, { name: "why" }, { name: "until" }, { name: "state" }, { name: "change" }]} />
      {rows.length > most && <p class="more"><button type="button" class="plain" onClick={() => setMost(most + SHOWN_STEP)}>More: {count(rows.length - most)} are not shown</button></p>}
    </section>
  );
}

function own(one: Mute, nowMs: number, sending: Sending, click: () => void) {
  const state = stateOfMute(one, nowMs);
  const shown = state === "holds" ? <span class="on">holds</span> : state === "over" ? <span class="dim">over</span> : <span class="dim">shipped, taken away</span>;
  return cells(one, shown, <Button text={state === "taken away" ? "Put back" : "Remove"} one={one} sending={sending} click={click} />);
}

const cells = (one: Mute, state: ComponentChildren, button: ComponentChildren) => [
  <AddressOf address={one.address} of={one.of} />,
  one.of, one.reason ? <Said text={one.reason} max={LABEL_MAX} /> : <span class="dim">no reason</span>,
  one.muted === false ? "" : one.until_ms === null ? "for good" : <At ms={one.until_ms} />, state, button,
];

function Button({ text, one, sending, click }: { text: string; one: Mute; sending: Sending; click: () => void }) {
  return <button type="button" class="plain small" aria-label={`${text}: ${plain(one.reason || one.address, LABEL_MAX)}`} disabled={sending.isBusy} onClick={click}>{text}</button>;
}

interface Draft { address: string; of: Mute["of"]; reason: string; duration: number }

function Add({ document: doc, again, nowMs }: { document: MutesAnswer; again: () => void; nowMs: number }) {
  const [draft, setDraft] = useState<Draft>({ address: "", of: "token", reason: "", duration: 0 });
  const [problems, setProblems] = useState<Problems>({});
  const sending = useSending(PATH, again);
  // Windows remember wallets: one that counts again after a while would count what it did before.
  const duration = draft.of === "wallet" ? 0 : draft.duration;
  const add = async () => {
    const address = draft.address.trim();
    if (!isAddress(address)) {
      setProblems({ address: ["An address in base58, 32 to 44 signs, none of them 0, O, I or l."] });
      return;
    }
    setProblems({});
    const forMs = DURATIONS[duration]?.forMs ?? null;
    const entry: Mute = { address, of: draft.of, reason: draft.reason.trim(), until_ms: forMs === null ? null : Math.round(nowMs + forMs) };
    let refused: Problems | null = null;
    const done = await sending.send(doc, ({ revision }) => change("POST", PATH, { revision, who: WHO, note: "", replace: true, entry }).catch((error: unknown) => {
      refused = refusedFor(error, isField);
      throw error;
    }), "Muted.");
    if (done) setDraft({ ...draft, address: "", reason: "" });
    else setProblems(refused ?? {});
  };
  const set = (part: Partial<Draft>) => { setProblems({}); setDraft({ ...draft, ...part }); };
  return (
    <form class="form" onSubmit={event => { event.preventDefault(); void add(); }}>
      <div class="form-fields adding">
        <Field id="mute-address" label="Address" problems={problems["address"]}>
          {marks => <input {...marks} value={draft.address} maxLength={100} autocomplete="off" spellcheck={false} onInput={event => set({ address: event.currentTarget.value })} />}
        </Field>
        <Field id="mute-of" label="It is a" problems={problems["of"]}>
          {marks => <select {...marks} value={draft.of} onChange={event => set({ of: event.currentTarget.value as Mute["of"] })}><option>token</option><option>wallet</option></select>}
        </Field>
        <Field id="mute-reason" label="Why" problems={problems["reason"]}>
          {marks => <input {...marks} value={draft.reason} maxLength={LABEL_MAX} onInput={event => set({ reason: event.currentTarget.value })} />}
        </Field>
        <Field id="mute-for" label="For how long" problems={problems["until_ms"]} hint={draft.of === "wallet" ? "a wallet is muted for good" : ""}>
          {marks => <select {...marks} value={String(duration)} disabled={draft.of === "wallet"} onChange={event => set({ duration: Number(event.currentTarget.value) })}>
            {DURATIONS.map((one, at) => <option key={one.text} value={String(at)}>{one.text}</option>)}
          </select>}
        </Field>
        <div class="form-field"><button class="plain" disabled={sending.isBusy}>Mute</button></div>
      </div>
      <Wrong problems={problems[""]} />
      {hasNone(problems) && <Outcome sending={sending} />}
    </form>
  );
}
