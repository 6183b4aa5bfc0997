// One rule in fields: checked while it is typed, held against the tokens of this moment, tried on the
// last hour, and saved at the revision that it was read from.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Rule, TokensAnswer, TriggersAnswer } from "../api";
import { ask } from "../ask";
import { Confirm } from "../editing/confirm";
import { Field, Switch, Wrong } from "../editing/field";
import { hasNone, joined, placed, refusedFor, type Problems } from "../editing/problems";
import { isConflict } from "../editing/sending";
import { useLeaving } from "../editing/unsaved";
import { span } from "../format";
import { useAsked } from "../frame/asked";
import { change, reasons, WHO } from "../frame/change";
import { Said } from "../parts";
import { LABEL_MAX, SENTENCE_MAX, words } from "../text";
import { Conflict } from "./conflict";
import { draftOf, isField, ownProblems, rowOf, ROWS_MAX, ruleOf, type Draft, type Row, type RowsOf } from "./core/draft";
import { DryRun } from "./dry_run";
import { HoldsNow } from "./holds_now";
import { RowOf } from "./row";
import { useVerdict } from "./verdict";

const PATH = "/api/v1/triggers";
const TOKENS_EVERY_MS = 3000;
const NOTE_MAX = 200;
const DESCRIPTION_MAX = 500;

/** What an edit begins from: a revision and the rule in it; null for a new rule. */
export interface Base { revision: number; rule: Rule | null }

/** An edit that was left before it was saved. */
export interface Left { base: Base; draft: Draft }

interface EditorProps {
  from: Base;
  /** What an earlier edit was left at. */
  left: Draft | null;
  document: TriggersAnswer;
  shut: () => void;
  saved: (said: string) => void;
  /** Called where it goes with something that is neither saved nor thrown away. */
  leave: (left: Left) => void;
}

export function Editor({ from, left, document: known, shut, saved, leave }: EditorProps) {
  const [base, setBase] = useState(from);
  const [draft, setDraft] = useState<Draft>(() => left ?? draftOf(from.rule));
  const [note, setNote] = useState("");
  const [said, setSaid] = useState<string[]>([]);
  const [refused, setRefused] = useState<{ of: string; problems: Problems } | null>(null);
  const [theirs, setTheirs] = useState<TriggersAnswer | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [isLeaving, setLeaving] = useState(false);
  const tokens = useAsked<TokensAnswer>("/api/v1/tokens", TOKENS_EVERY_MS).value?.tokens ?? null;
  const head = useRef<HTMLHeadingElement>(null);
  useEffect(() => { head.current?.focus(); }, []);

  const rule = ruleOf(draft);
  const text = JSON.stringify([rule]);
  const isChanged = text !== JSON.stringify([ruleOf(draftOf(base.rule))]);
  useLeaving(isChanged);
  const unsaved = useRef<Left | null>(null);
  unsaved.current = isChanged ? { base, draft } : null;
  const isDone = useRef(false);
  useEffect(() => () => { if (unsaved.current !== null && !isDone.current) leave(unsaved.current); }, []);
  const end = () => {
    isDone.current = true;
    shut();
  };
  const others = known.rules.map(one => one.name).filter(one => one !== base.rule?.name);
  const { verdict, problem } = useVerdict(text);
  const problems = joined(ownProblems(draft, others), joined(
    refused?.of === text ? refused.problems : {}, placed(verdict?.errors ?? [], isField)));
  const isRight = hasNone(problems) && verdict?.valid === true;

  const set = (part: Partial<Draft>) => setDraft(before => ({ ...before, ...part }));
  const save = async (at: { revision: number; rules: Rule[] }, isOver = base.rule !== null) => {
    setBusy(true);
    setSaid([]);
    try {
      const done = await change<{ revision: number }>(...changeOf(at, base, rule, note, isOver));
      isDone.current = true;
      saved(`${words(draft.name)} is saved as revision ${done.revision}.`);
    } catch (error) {
      const newest = isConflict(error) ? await ask<TriggersAnswer>(PATH).catch(() => null) : null;
      const found = refusedFor(error, isField);
      // At the same revision it is refused for another reason.
      const isFaster = newest !== null && newest.revision !== at.revision;
      setTheirs(isFaster ? newest : null);
      setRefused(found && { of: text, problems: found });
      setSaid(found || isFaster ? [] : reasons(error));
      setBusy(false);
    }
  };
  const takeTheirs = (newest: TriggersAnswer) => {
    const found = newest.rules.find(one => one.name === (base.rule?.name ?? draft.name)) ?? null;
    setTheirs(null);
    setSaid([]);
    setBase({ revision: newest.revision, rule: found });
    setDraft(draftOf(found));
  };
  const title = base.rule === null ? "New rule" : words(base.rule.name);
  return (
    <section class="card editor form" aria-labelledby="editor-head">
      <div class="head">
        <h2 id="editor-head" ref={head} tabIndex={-1}>{title}</h2>
        <span class="dim">{base.rule === null ? "not saved yet" : `as of revision ${base.revision}`}</span>
        <span class="files"><Switch isOn={draft.isOn} label="The rule is on" turn={() => set({ isOn: !draft.isOn })} /></span>
        <button type="button" class="plain small" onClick={() => (isChanged ? setLeaving(true) : end())}>Close</button>
      </div>
      <form class="form" onSubmit={event => { event.preventDefault(); if (isRight && isChanged && !isBusy) void save({ revision: base.revision, rules: known.rules }); }}>
        <Facts draft={draft} problems={problems} set={set} />
        <Rows of="conditions" title="All of these must hold" draft={draft} problems={problems} set={set} known={known} tokens={tokens} />
        {tokens !== null && <HoldsNow draft={draft} tokens={tokens} />}
        <Rows of="gates" title="Gates: it stays silent unless these hold too, and while one is unknown" draft={draft} problems={problems} set={set} known={known} tokens={tokens} />
        <Field id="rule-note" label="Why (kept in the history)" problems={problems["note"]} isWide>
          {marks => <input {...marks} value={note} maxLength={NOTE_MAX} onInput={event => setNote(event.currentTarget.value)} />}
        </Field>
        {theirs !== null && <Conflict mine={rule} base={base.rule} theirs={theirs} name={base.rule?.name ?? draft.name}
          take={() => takeTheirs(theirs)} keep={() => { setTheirs(null); void save(theirs, true); }} />}
        {theirs === null && (
          <div class="buttons">
            <button class="primary" disabled={!isRight || !isChanged || isBusy}>Save</button>
            <span class="state" role="status">{stateOf(problems, verdict?.valid, problem, isChanged)}</span>
          </div>
        )}
        <Wrong problems={[...(problems[""] ?? []), ...said]} />
      </form>
      <DryRun rules={[{ ...rule, enabled: true }]} isReady={isRight} label="Try it on the last hour" />
      {isLeaving && (
        <Confirm title="Throw away what you changed?" yes="Throw it away" onYes={end} shut={() => setLeaving(false)}>
          <p>What you changed in <Said text={title} max={LABEL_MAX} /> is not saved.</p>
        </Confirm>
      )}
    </section>
  );
}

type Change = Parameters<typeof change>;

/** A rule that keeps its name is sent alone; another name replaces it among all of them. */
function changeOf(
  at: { revision: number; rules: Rule[] }, base: Base, rule: Record<string, unknown>, note: string, replace: boolean,
): Change {
  const said = { revision: at.revision, who: WHO, note: note.trim() };
  const was = base.rule?.name;
  if (was === undefined || was === rule["name"]) {
    return ["POST", PATH, { ...said, entry: rule, replace }];
  }
  const isThere = at.rules.some(one => one.name === was);
  const rules = isThere ? at.rules.map(one => (one.name === was ? rule : one)) : [...at.rules, rule];
  return ["PUT", PATH, { ...said, rules }];
}

function stateOf(problems: Problems, isValid: boolean | undefined, problem: string, isChanged: boolean) {
  if (!hasNone(problems)) return <span class="bad">It cannot be saved yet: see what stands beside the fields.</span>;
  if (problem) return <span class="bad">Not checked: <Said text={problem} max={SENTENCE_MAX} /></span>;
  if (isValid === undefined) return <span class="dim">Checking…</span>;
  return isChanged ? <span class="on">It can be saved.</span> : <span class="dim">Nothing is changed yet.</span>;
}

function Facts({ draft, problems, set }: { draft: Draft; problems: Problems; set: (part: Partial<Draft>) => void }) {
  const cooldown = Number(draft.cooldown);
  return (
    <div class="form-fields">
      <Field id="rule-name" label="Name" problems={problems["name"]}>
        {marks => <input {...marks} value={draft.name} maxLength={LABEL_MAX} autocomplete="off" spellcheck={false}
          onInput={event => set({ name: event.currentTarget.value })} />}
      </Field>
      <Field id="rule-severity" label="Severity" problems={problems["severity"]}>
        {marks => <select {...marks} value={draft.severity} onChange={event => set({ severity: event.currentTarget.value as Draft["severity"] })}>
          {["info", "warning", "critical"].map(one => <option key={one}>{one}</option>)}
        </select>}
      </Field>
      <Field id="rule-cooldown" label="Cooldown, in seconds" problems={problems["cooldown_s"]}
        hint={draft.cooldown.trim() && Number.isFinite(cooldown) ? `${span(cooldown)} after an opening` : ""}>
        {marks => <input {...marks} value={draft.cooldown} inputMode="numeric" onInput={event => set({ cooldown: event.currentTarget.value })} />}
      </Field>
      <Field id="rule-escalate" label="Escalates at, in times" problems={problems["escalate_factor"]} hint="its first > or ≥ metric has grown">
        {marks => <input {...marks} value={draft.escalate} inputMode="decimal" onInput={event => set({ escalate: event.currentTarget.value })} />}
      </Field>
      <Field id="rule-description" label="Description" problems={problems["description"]} isWide>
        {marks => <input {...marks} value={draft.description} maxLength={DESCRIPTION_MAX} onInput={event => set({ description: event.currentTarget.value })} />}
      </Field>
    </div>
  );
}

interface RowsProps {
  of: RowsOf;
  title: string;
  draft: Draft;
  problems: Problems;
  set: (part: Partial<Draft>) => void;
  known: TriggersAnswer;
  tokens: TokensAnswer["tokens"] | null;
}

function Rows({ of, title, draft, problems, set, known, tokens }: RowsProps) {
  const rows = draft[of];
  const word = of === "gates" ? "gate" : "condition";
  const put = (next: Row[]) => set({ [of]: next });
  const shown = useMemo(() => [...new Set([...known.operators])], [known.operators]);
  return (
    <fieldset>
      <legend>{title}</legend>
      <ol class="rows">
        {rows.map((row, at) => (
          <RowOf key={row.id} row={row} what={`${word} ${at + 1}`} metrics={known.metrics} operators={shown} tokens={tokens}
            problems={problems[`${of}[${at}]`]} change={next => put(rows.map(one => (one.id === row.id ? next : one)))}
            remove={() => put(rows.filter(one => one.id !== row.id))} />
        ))}
      </ol>
      <Wrong problems={problems[of]} />
      {rows.length < ROWS_MAX && <button type="button" class="plain small" onClick={() => put([...rows, rowOf()])}>Add a {word}</button>}
    </fieldset>
  );
}
