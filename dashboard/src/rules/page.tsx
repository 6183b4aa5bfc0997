// The rules: which hold and how often they fire, one in an editor, all tried on the last hour, and what
// they were before.

import { useRef, useState } from "preact/hooks";
import type { Rule, RulesRevision, TriggersAnswer } from "../api";
import { Confirm } from "../editing/confirm";
import "../editing/editing.css";
import { turned } from "../editing/entries";
import { Outcome, useSending } from "../editing/sending";
import { LeftUnsaved, Unsaved, useUnsaved } from "../editing/unsaved";
import { Answer, useAsked } from "../frame/asked";
import { change, WHO } from "../frame/change";
import type { Shown } from "../frame/pages";
import { Said } from "../parts";
import { LABEL_MAX, SENTENCE_MAX, words } from "../text";
import { DryRun } from "./dry_run";
import { Editor, type Base, type Left } from "./editor";
import { History } from "./history";
import { RuleList } from "./list";
import "./rules.css";

const PATH = "/api/v1/triggers";
const EVERY_MS = 5000;

const kept = new Unsaved<Left>();
const keyOf = (base: Base): string => base.rule?.name ?? "";

type Asked = { what: "delete"; rule: Rule } | { what: "reset" } | null;

export function RulesPage({ known }: Shown) {
  const asked = useAsked<TriggersAnswer>(PATH, EVERY_MS);
  return (
    <>
      <Answer asked={asked}>
        {document => <Rules document={document} again={asked.again} known={known} />}
      </Answer>
      {asked.value === null && <h1 class="hidden-text">Rules</h1>}
    </>
  );
}

function Rules({ document: doc, again, known }: { document: TriggersAnswer; again: () => void; known: Shown["known"] }) {
  const sending = useSending(PATH, again);
  const [open, setOpen] = useState<Base | null>(null);
  const [opened, setOpened] = useState(0);
  const [saved, setSaved] = useState("");
  const [question, setQuestion] = useState<Asked>(null);
  const from = useRef<string | null>(null);
  const unsaved = useUnsaved(kept);
  const begun = useRef<Left | null>(null);
  const begin = (base: Base, earlier: Left | null) => {
    from.current = base.rule?.name ?? null;
    begun.current = earlier;
    setSaved("");
    setOpen(base);
    setOpened(n => n + 1);
  };
  const edit = (rule: Rule | null) => {
    const base = { revision: doc.revision, rule };
    // It is open already: a second editor would take the place of what stands in the first.
    if (open !== null && keyOf(open) === keyOf(base)) {
      document.getElementById("editor-head")?.focus();
      return;
    }
    const earlier = unsaved.take(keyOf(base));
    begin(earlier?.base ?? base, earlier);
  };
  const goOn = (name: string) => {
    const earlier = unsaved.take(name);
    if (earlier !== null) begin(earlier.base, earlier);
  };
  const shut = () => {
    setOpen(null);
    // Back to where one came from.
    const card = [...document.querySelectorAll<HTMLElement>("[data-rule]")].find(one => one.dataset["rule"] === from.current);
    (card?.querySelector<HTMLElement>(".buttons button") ?? document.getElementById("new-rule"))?.focus();
  };
  const said = (revision: number) => ({ revision, who: WHO, note: "" });
  const turn = (rule: Rule) => void sending.send(doc, async now => change("POST", PATH, {
    ...said(now.revision), note: rule.enabled ? "turned off" : "turned on", replace: true, entry: turned(now.rules, rule.name, !rule.enabled),
  }), `${words(rule.name)} is ${rule.enabled ? "off" : "on"}.`);
  const remove = (rule: Rule) => void sending.send(doc, ({ revision }) => change("DELETE",
    `${PATH}/${encodeURIComponent(rule.name)}?${new URLSearchParams({ revision: String(revision), who: WHO, note: "deleted" })}`), `${words(rule.name)} is deleted.`);
  const reset = () => void sending.send(doc, ({ revision }) =>
    change("POST", `${PATH}/reset`, { ...said(revision), note: "reset to what is shipped" }), "The shipped rules hold.");
  const restore = (old: RulesRevision) => void sending.send(doc, ({ revision }) =>
    change("PUT", PATH, { ...said(revision), note: `revision ${old.revision} put back`, rules: old.rules }), `Revision ${old.revision} holds again.`);
  const on = doc.rules.filter(one => one.enabled).length;
  return (
    <>
      <div class="page-title">
        <h1>Rules</h1>
        <span class="dim">{on} of {doc.rules.length} on · {doc.revision === 0 ? "as shipped" : `revision ${doc.revision}`}</span>
        <div class="buttons">
          <button type="button" id="new-rule" class="plain" onClick={() => edit(null)}>New rule</button>
          <button type="button" class="plain" onClick={() => setQuestion({ what: "reset" })}>Reset to shipped…</button>
        </div>
      </div>
      {doc.unusable && <p class="note away"><Said text={doc.unusable} max={SENTENCE_MAX} /></p>}
      {saved && <p class="note back" role="status">{saved}</p>}
      <LeftUnsaved names={unsaved.all.map(([name]) => ({ name, text: name ? words(name) : "a new rule" }))} goOn={goOn} drop={unsaved.take} />
      <Outcome sending={sending} />
      <div class={open === null ? "rules-of" : "rules-of editing"}>
        {open !== null && <Editor key={opened} from={open} left={begun.current?.draft ?? null} document={doc} shut={shut} leave={one => unsaved.keep(keyOf(open), one)}
          saved={text => { setSaved(text); again(); shut(); }} />}
        <RuleList rules={doc.rules} alerts={known.alerts} isLoaded={known.alertsLoaded} chosen={open?.rule?.name ?? null} isBusy={sending.isBusy}
          edit={edit} turn={turn} remove={rule => setQuestion({ what: "delete", rule })} />
      </div>
      {open === null && (
        <section class="card" aria-labelledby="try-head">
          <h2 id="try-head">Dry run</h2>
          <DryRun rules={doc.rules} isReady={doc.rules.length > 0} label="Try all rules on the last hour" />
        </section>
      )}
      <History revision={doc.revision} now={doc.rules} restore={restore} />
      {question?.what === "delete" && (
        <Confirm title={`Delete ${words(question.rule.name)}?`} yes="Delete it" onYes={() => remove(question.rule)} shut={() => setQuestion(null)}>
          <p>Its episodes end with one summary. The history keeps <Said text={words(question.rule.name)} max={LABEL_MAX} />, and can bring it back.</p>
        </Confirm>
      )}
      {question?.what === "reset" && (
        <Confirm title="Reset to the shipped rules?" yes="Reset" onYes={reset} shut={() => setQuestion(null)}>
          <p>All {doc.rules.length} rules of revision {doc.revision} are replaced. The history keeps them, and can bring them back.</p>
        </Confirm>
      )}
    </>
  );
}
