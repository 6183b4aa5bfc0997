// Where alerts go: each channel, how it does, a test message through it, and a form for one.

import { useRef, useState } from "preact/hooks";
import type { Channel, ChannelsAnswer, StatusView } from "../api";
import { Confirm } from "../editing/confirm";
import "../editing/editing.css";
import { turned } from "../editing/entries";
import { Switch } from "../editing/field";
import { Outcome, useSending } from "../editing/sending";
import { LeftUnsaved, Unsaved, useUnsaved } from "../editing/unsaved";
import { count, span } from "../format";
import { Answer, useAsked } from "../frame/asked";
import { change, reasons, WHO } from "../frame/change";
import type { Shown } from "../frame/pages";
import { At } from "../frame/times";
import { Said } from "../parts";
import { entry, LABEL_MAX, plain, SENTENCE_MAX, words } from "../text";
import "../rules/rules.css";
import "./channels.css";
import { ChannelForm, type Left } from "./form";
import { KINDS } from "./kinds";
import { hasNotifier, reasonsOf, stateOf } from "./state";

const PATH = "/api/v1/channels";
const EVERY_MS = 5000;
const kept = new Unsaved<Left>();
// The API waits for fifteen seconds for what the channel says.
const TEST_PATIENCE_MS = 20_000;
const REASONS_SHOWN = 5;

const ORIGINS: Record<ChannelsAnswer["from"], string> = {
  stored: "",
  file: "They come from the notifier's file. The first change here stores them all, and from then on the file is not used.",
  output: "No channel is set: alerts go to the notifier's own output until you add one.",
};

export function ChannelsPage({ known }: Shown) {
  const asked = useAsked<ChannelsAnswer>(PATH, EVERY_MS);
  return (
    <>
      <Answer asked={asked}>
        {document => <Channels document={document} again={asked.again} status={known.status} rules={known.rules?.rules.map(one => one.name) ?? []} />}
      </Answer>
      {asked.value === null && <h1 class="hidden-text">Channels</h1>}
    </>
  );
}

interface ChannelsProps { document: ChannelsAnswer; again: () => void; status: StatusView | null; rules: string[] }

function Channels({ document: doc, again, status, rules }: ChannelsProps) {
  const sending = useSending(PATH, again);
  const [open, setOpen] = useState<{ entry: Channel | null; left: Left | null; times: number } | null>(null);
  const unsaved = useUnsaved(kept);
  const [saved, setSaved] = useState("");
  const [leaving, setLeaving] = useState<Channel | null>(null);
  const from = useRef<string | null>(null);
  const begin = (entry: Channel | null, left: Left | null) => {
    from.current = entry?.name ?? null;
    setSaved("");
    setOpen(before => ({ entry, left, times: (before?.times ?? 0) + 1 }));
  };
  const edit = (one: Channel | null) => {
    // It is open already: a second form would take the place of what stands in the first.
    if (open !== null && open.entry?.name === one?.name) {
      document.getElementById("form-head")?.focus();
      return;
    }
    const left = unsaved.take(one?.name ?? "");
    begin(left ? left.entry : one, left);
  };
  const goOn = (name: string) => {
    const left = unsaved.take(name);
    if (left !== null) begin(left.entry, left);
  };
  const shut = () => {
    setOpen(null);
    const card = [...document.querySelectorAll<HTMLElement>("[data-channel]")].find(one => one.dataset["channel"] === from.current);
    (card?.querySelector<HTMLElement>(".edit") ?? document.getElementById("new-channel"))?.focus();
  };
  const turn = (one: Channel) => void sending.send(doc, async ({ revision, entries }) => change("POST", PATH, {
    revision, who: WHO, note: one.enabled ? "turned off" : "turned on", replace: true, entry: turned(entries, one.name, !one.enabled),
  }), `${plain(one.name)} is ${one.enabled ? "off" : "on"}.`);
  const remove = (one: Channel) => void sending.send(doc, ({ revision }) => change("DELETE",
    `${PATH}/${encodeURIComponent(one.name)}?${new URLSearchParams({ revision: String(revision), who: WHO })}`), `${plain(one.name)} is removed.`);
  const running = hasNotifier(status);
  return (
    <>
      <div class="page-title">
        <h1>Channels</h1>
        <span class="dim">{doc.from === "stored" ? `revision ${doc.revision}` : doc.from === "file" ? "from the notifier's file" : "none set"}</span>
        <div class="buttons"><button type="button" id="new-channel" class="plain" onClick={() => edit(null)}>New channel</button></div>
      </div>
      {doc.unusable && <p class="note away"><Said text={doc.unusable} max={SENTENCE_MAX} /></p>}
      {ORIGINS[doc.from] && <p class="note">{ORIGINS[doc.from]}</p>}
      {running === false && <p class="note away">No notifier is running: alerts wait until there is one.</p>}
      {reasonsOf(status).slice(0, REASONS_SHOWN).map(one => <p class="note" key={one}>The notifier says: <Said text={one} max={SENTENCE_MAX} /></p>)}
      {saved && <p class="note back" role="status">{saved}</p>}
      <LeftUnsaved names={unsaved.all.map(([name]) => ({ name, text: name || "a new channel" }))} goOn={goOn} drop={unsaved.take} />
      <Outcome sending={sending} />
      {open !== null && <ChannelForm key={open.times} entry={open.entry} left={open.left} document={doc} rules={rules} shut={shut}
        leave={left => unsaved.keep(left.entry?.name ?? "", left)}
        saved={text => { setSaved(text); again(); shut(); }} />}
      {!doc.entries.length && open === null && (
        <div class="empty">
          <h2>There is no channel yet.</h2>
          <p>With one, alerts come to a phone, a chat or a program of yours. Each can be tried with a test message.</p>
        </div>
      )}
      <ul class="rule-list">
        {doc.entries.map(one => (
          <ChannelCard key={one.name} one={one} status={status} isBusy={sending.isBusy} isStored={doc.from === "stored"}
            edit={() => edit(one)} turn={() => turn(one)} remove={() => setLeaving(one)} />
        ))}
      </ul>
      {leaving !== null && (
        <Confirm title={`Remove ${plain(leaving.name)}?`} yes="Remove it" onYes={() => remove(leaving)} shut={() => setLeaving(null)}>
          <p>What it has not delivered goes with it, and so do its secrets. To only silence it, turn it off.</p>
        </Confirm>
      )}
    </>
  );
}

interface CardProps {
  one: Channel;
  status: StatusView | null;
  isBusy: boolean;
  isStored: boolean;
  edit: () => void;
  turn: () => void;
  remove: () => void;
}

function ChannelCard({ one, status, isBusy, isStored, edit, turn, remove }: CardProps) {
  const known = Object.hasOwn(KINDS, one.kind);
  const name = plain(one.name, LABEL_MAX);
  return (
    <li class="card rule-card" data-channel={one.name}>
      <div class="bar">
        <h2><Said text={one.name} max={LABEL_MAX} /></h2>
        <span class="badge">{entry(KINDS as Record<string, { text: string }>, one.kind)?.text ?? words(one.kind)}</span>
        <Switch isOn={one.enabled} label={`${name} is on`} isBusy={isBusy} turn={turn} />
      </div>
      <State one={one} status={status} />
      <p class="dim small">
        from {one.severity_min} · {one.triggers.length ? <>of <Said text={one.triggers.map(words).join(", ")} max={200} /></> : "of all rules"}
        {one.kinds.length > 0 && ` · ${one.kinds.join(", ")}`} · late after {span(one.late_after_s)}
        {one.chat_id && <> · chat <Said text={one.chat_id} max={LABEL_MAX} /></>}
      </p>
      <div class="buttons">
        <Test name={one.name} />
        {known && <button type="button" class="plain small edit" aria-label={`Edit ${name}`} onClick={edit}>Edit</button>}
        <button type="button" class="plain small" aria-label={`Remove ${name}`} onClick={remove}>Remove</button>
        {!isStored && <span class="dim small">not stored yet</span>}
      </div>
    </li>
  );
}

function State({ one, status }: { one: Channel; status: StatusView | null }) {
  const { waiting, lagS, redelivered, quiet, condition } = stateOf(one.name, status);
  return (
    <dl class="facts-of">
      <div><dt>Backlog</dt><dd>{waiting === null ? <span class="dim">unknown</span>
        : <>{count(waiting)} {waiting === 1 ? "alert" : "alerts"}{waiting > 0 && lagS !== null && `, the oldest waits for ${span(lagS)}`}{!one.enabled && waiting > 0 && " (it is off)"}
            {quiet && <>; quiet hours hold {quiet.alerts === waiting ? "them" : count(quiet.alerts)} until <At ms={quiet.untilMs} /></>}</>}</dd></div>
      <div><dt>Tried again</dt><dd>{redelivered === null ? <span class="dim">{quiet ? "unknown in quiet hours" : "unknown"}</span> : <>{count(redelivered)} {redelivered === 1 ? "alert" : "alerts"}</>}</dd></div>
      <div><dt>Last error</dt><dd>{condition === null
        ? status === null ? <span class="dim">unknown</span> : <span class="dim">none that holds now</span>
        : <><span class={`severity ${condition.severity}`}>{condition.severity}</span> <Said text={condition.why} max={SENTENCE_MAX} />{" "}
            <span class="dim"><Said text={condition.what_to_do} max={SENTENCE_MAX} /></span></>}</dd></div>
    </dl>
  );
}

/** A test message through a channel, and what its receiver said. */
function Test({ name }: { name: string }) {
  const [state, setState] = useState<{ isBusy: boolean; isSent: boolean; problems: string[] }>({ isBusy: false, isSent: false, problems: [] });
  const test = async () => {
    setState({ isBusy: true, isSent: false, problems: [] });
    try {
      await change("POST", `${PATH}/${encodeURIComponent(name)}/test`, {}, { patienceMs: TEST_PATIENCE_MS });
      setState({ isBusy: false, isSent: true, problems: [] });
    } catch (error) {
      setState({ isBusy: false, isSent: false, problems: reasons(error) });
    }
  };
  return (
    <>
      <button type="button" class="plain small test" disabled={state.isBusy} aria-label={`Send a test message through ${plain(name, LABEL_MAX)}`} onClick={() => void test()}>Send a test</button>
      <span role="status" class="small tested">
        {state.isBusy && <span class="dim">sending…</span>}
        {state.isSent && <span class="on">The receiver took it.</span>}
        {state.problems.map(one => <span class="bad" key={one}>Not sent: <Said text={one} max={SENTENCE_MAX} /></span>)}
      </span>
    </>
  );
}
