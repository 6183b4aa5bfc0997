// A channel in fields: exactly those of its kind.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Channel, ChannelsAnswer } from "../api";
import { ask } from "../ask";
import { Confirm } from "../editing/confirm";
import { Field, Switch, Wrong } from "../editing/field";
import { hasNone, joined, refusedFor, type Problems } from "../editing/problems";
import { isConflict } from "../editing/sending";
import { useLeaving } from "../editing/unsaved";
import { span } from "../format";
import { change, reasons, WHO } from "../frame/change";
import { Said } from "../parts";
import { LABEL_MAX, plain, words } from "../text";
import { draftOf, entryOf, KEPT, ofKind, ownProblems, type Draft } from "./draft";
import { ALERT_KINDS, fieldsOf, KINDS, WORDS, type FieldOf } from "./kinds";
import { Secret } from "./secret";

const PATH = "/api/v1/channels";
const NAME_MAX = 32;
const MORE = ["name", "kind", "enabled", "triggers", "kinds"];

/** An edit that was left before it was saved: of which channel, at which revision. */
export interface Left { entry: Channel | null; revision: number; draft: Draft }

interface FormProps {
  entry: Channel | null;
  /** What an earlier edit was left at. */
  left: Left | null;
  document: ChannelsAnswer;
  /** The names of the rules. */
  rules: string[];
  shut: () => void;
  saved: (said: string) => void;
  /** Called where it goes with something that is neither saved nor thrown away. */
  leave: (left: Left) => void;
}

export function ChannelForm({ entry, left, document: known, rules, shut, saved, leave }: FormProps) {
  const [revision, setRevision] = useState(left?.revision ?? known.revision);
  const [draft, setDraft] = useState<Draft>(() => left?.draft ?? draftOf(entry));
  const [refused, setRefused] = useState<{ of: string; problems: Problems } | null>(null);
  const [said, setSaid] = useState<string[]>([]);
  const [theirs, setTheirs] = useState<ChannelsAnswer | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [isTried, setTried] = useState(false);
  const [isLeaving, setLeaving] = useState(false);
  const head = useRef<HTMLHeadingElement>(null);
  useEffect(() => { head.current?.focus(); }, []);
  const fields = fieldsOf(draft.kind);
  const isField = (name: string) => MORE.includes(name.replace(/\[\d+\]$/, "")) || fields.some(one => one.name === name);
  const text = JSON.stringify(entryOf(draft));
  const isChanged = text !== JSON.stringify(entryOf(draftOf(draft.entry, draft.kind)));
  useLeaving(isChanged);
  const unsaved = useRef<Left | null>(null);
  unsaved.current = isChanged ? { entry, revision, draft } : null;
  const isDone = useRef(false);
  useEffect(() => () => { if (unsaved.current !== null && !isDone.current) leave(unsaved.current); }, []);
  const end = () => {
    isDone.current = true;
    shut();
  };
  const own = ownProblems(draft, known.entries.map(one => one.name));
  const problems = joined(isTried ? own : {}, refused?.of === text ? refused.problems : {});
  const set = (part: Partial<Draft>) => setDraft(before => ({ ...before, ...part }));

  const save = async (at: number, replace: boolean) => {
    setTried(true);
    if (!hasNone(own)) return;
    setBusy(true);
    setSaid([]);
    setTheirs(null);
    try {
      const done = await change<{ revision: number }>("POST", PATH, { revision: at, who: WHO, note: "", entry: entryOf(draft), replace });
      isDone.current = true;
      saved(`${draft.name.trim()} is saved as revision ${done.revision}.`);
    } catch (error) {
      const found = refusedFor(error, isField);
      setRefused(found && { of: text, problems: found });
      setSaid(found ? [] : reasons(error));
      const newest = isConflict(error) ? await ask<ChannelsAnswer>(PATH).catch(() => null) : null;
      if (newest !== null && newest.revision !== at) { setTheirs(newest); setSaid([]); }
      setBusy(false);
    }
  };
  const takeTheirs = (newest: ChannelsAnswer) => {
    setTheirs(null);
    setRevision(newest.revision);
    const found = newest.entries.find(one => one.name === draft.name.trim());
    if (found) setDraft(draftOf(found));
  };
  return (
    <section class="card form channel-form" aria-labelledby="form-head">
      <div class="head">
        <h2 id="form-head" ref={head} tabIndex={-1}>{entry === null ? "New channel" : <Said text={entry.name} max={LABEL_MAX} />}</h2>
        <span class="files"><Switch isOn={draft.isOn} label="The channel is on" turn={() => set({ isOn: !draft.isOn })} /></span>
        <button type="button" class="plain small" onClick={() => (isChanged ? setLeaving(true) : end())}>Close</button>
      </div>
      {theirs !== null && (
        <div class="note away" role="alert">
          <p><strong>Somebody else saved revision {theirs.revision} while you edited.</strong> {differs(entry, theirs, draft.name)} Nothing of yours is lost.</p>
          <div class="buttons">
            <button type="button" class="plain" onClick={() => void save(theirs.revision, true)}>Keep mine: save it over theirs</button>
            <button type="button" class="plain" onClick={() => takeTheirs(theirs)}>Take theirs</button>
          </div>
        </div>
      )}
      <form class="form" onSubmit={event => { event.preventDefault(); if (!isBusy) void save(revision, entry !== null); }}>
        <div class="form-fields">
          <Field id="channel-kind" label="Kind" problems={problems["kind"]}>
            {marks => <select {...marks} value={draft.kind} onChange={event => setDraft(ofKind(draft, event.currentTarget.value as Channel["kind"]))}>
              {Object.entries(KINDS).map(([kind, one]) => <option key={kind} value={kind}>{one.text}</option>)}
            </select>}
          </Field>
          <Field id="channel-name" label="Name" problems={problems["name"]} hint={entry === null ? "" : "Secrets are kept by name: another name is another channel."}>
            {marks => <input {...marks} value={draft.name} maxLength={NAME_MAX} disabled={entry !== null} autocomplete="off" spellcheck={false}
              onInput={event => set({ name: event.currentTarget.value })} />}
          </Field>
        </div>
        <div class="form-fields">
          {fields.map(one => <OneField key={one.name} one={one} draft={draft} problems={problems[one.name]} set={set} />)}
        </div>
        <Ticks legend="Of these rules; none ticked: of all" all={[...new Set([...rules, ...draft.triggers])].map(name => ({ value: name, text: words(name) }))}
          chosen={draft.triggers} problems={problems["triggers"]} set={triggers => set({ triggers })} />
        <Ticks legend="These alerts; none ticked: all" all={ALERT_KINDS.map(one => ({ value: one.kind, text: one.text }))}
          chosen={draft.kinds} problems={problems["kinds"]} set={kinds => set({ kinds: kinds as Draft["kinds"] })} />
        <div class="buttons">
          <button class="primary" disabled={isBusy}>Save</button>
          {!hasNone(problems) && <span class="bad" role="status">It is not saved: see what stands beside the fields.</span>}
        </div>
        <Wrong problems={[...(problems[""] ?? []), ...said]} />
      </form>
      {isLeaving && (
        <Confirm title="Throw away what you changed?" yes="Throw it away" onYes={end} shut={() => setLeaving(false)}>
          <p>What you changed in <Said text={entry?.name ?? "a new channel"} max={LABEL_MAX} /> is not saved.</p>
        </Confirm>
      )}
    </section>
  );
}

function differs(entry: Channel | null, theirs: ChannelsAnswer, name: string): string {
  const found = theirs.entries.find(one => one.name === (entry?.name ?? name.trim()));
  if (!found) return entry === null ? "It has no channel of this name." : "This channel was removed.";
  if (entry === null) return "It has a channel of this name.";
  const changed = Object.entries(found).filter(([field, value]) => JSON.stringify(value) !== JSON.stringify((entry as unknown as Record<string, unknown>)[field]));
  return changed.length ? `In this channel they changed: ${changed.map(([field]) => words(field)).join(", ")}.` : "This channel is as it was, as far as it is shown.";
}

function OneField({ one, draft, problems, set }: { one: FieldOf; draft: Draft; problems: string[] | undefined; set: (part: Partial<Draft>) => void }) {
  const text = draft.texts[one.name] ?? "";
  const put = (next: string) => set({ texts: { ...draft.texts, [one.name]: next } });
  const isLong = one.form === "number" && /^\d+$/.test(text.trim());
  const kept = draft.entry?.kind === draft.kind && (draft.entry as unknown as Record<string, unknown>)[one.name] === KEPT;
  return (
    <Field id={`channel-${one.name}`} label={one.label} hint={isLong ? `${span(Number(text))}: ${one.hint}` : one.hint} problems={problems} isWide={one.form === "secret"}>
      {marks => one.form === "secret"
        ? <Secret marks={marks} text={text} isKept={kept} most={one.most ?? 256} canMake={one.name === "secret"} set={put} />
        : typeof one.form !== "string"
          ? <select {...marks} value={text} onChange={event => put(event.currentTarget.value)}>
              {one.form.map(each => <option key={each} value={each}>{WORDS[each] ?? each}</option>)}
            </select>
          : <input {...marks} value={text} maxLength={one.most} inputMode={one.form === "number" ? "numeric" : undefined} autocomplete="off"
              onInput={event => put(event.currentTarget.value)} />}
    </Field>
  );
}

function Ticks({ legend, all, chosen, problems, set }: {
  legend: string; all: Array<{ value: string; text: string }>; chosen: readonly string[]; problems: string[] | undefined; set: (chosen: string[]) => void;
}) {
  return (
    <fieldset>
      <legend>{legend}</legend>
      <div class="checks">
        {all.map(({ value, text }) => (
          <label key={value}>
            <input type="checkbox" checked={chosen.includes(value)}
              onChange={() => set(chosen.includes(value) ? chosen.filter(one => one !== value) : [...chosen, value])} />
            <bdi>{plain(text, LABEL_MAX)}</bdi>
          </label>
        ))}
        {!all.length && <span class="dim">No rule is known yet.</span>}
      </div>
      <Wrong problems={problems} />
    </fieldset>
  );
}
