// Rules tried on what is stored of the last hour: how far it is, what it covers, what would have fired.

import { useEffect, useRef, useState } from "preact/hooks";
import type { DryRunAnswer } from "../api";
import { ask, sentence } from "../ask";
import { count } from "../format";
import { TokenOf, TransactionOf } from "../frame/cells";
import { change, reasons, Refused } from "../frame/change";
import { At } from "../frame/times";
import { Said, Table } from "../parts";
import { LABEL_MAX, SENTENCE_MAX, words } from "../text";
import { isConflict } from "../editing/sending";

const PATH = "/api/v1/triggers/dry-run";
const EVERY_MS = 700;
const FAILS_MAX = 8;
const ALERTS_SHOWN = 50;
const ID = /\b[0-9a-f]{16}\b/;

const end = (id: string): void => void fetch(`${PATH}/${id}`, { method: "DELETE", keepalive: true }).catch(() => undefined);

interface DryRunProps {
  /** The rules as they would be sent. */
  rules: unknown[];
  isReady: boolean;
  label: string;
}

export function DryRun({ rules, isReady, label }: DryRunProps) {
  const [view, setView] = useState<DryRunAnswer | null>(null);
  const [said, setSaid] = useState<string[]>([]);
  const [fails, setFails] = useState(0);
  const [busy, setBusy] = useState<string | null>(null);
  const [tried, setTried] = useState("");
  const running = useRef<string | null>(null);
  running.current = view?.state === "running" ? view.id : null;
  // Whoever leaves does not keep the one place for a dry run.
  useEffect(() => {
    const leave = () => { if (running.current !== null) end(running.current); };
    addEventListener("pagehide", leave);
    return () => { removeEventListener("pagehide", leave); leave(); };
  }, []);
  useEffect(() => {
    if (view?.state !== "running" || fails >= FAILS_MAX) return undefined;
    let isGone = false;
    const timer = setTimeout(async () => {
      try {
        const next = await ask<DryRunAnswer>(`${PATH}/${view.id}`);
        if (!isGone) { setView(next); setFails(0); setSaid([]); }
      } catch (error) {
        if (!isGone) { setSaid([sentence(error)]); setFails(n => n + 1); }
      }
    }, EVERY_MS);
    return () => { isGone = true; clearTimeout(timer); };
  }, [view, fails]);

  const start = async () => {
    setSaid([]);
    setBusy(null);
    setFails(0);
    setTried(JSON.stringify(rules));
    try {
      setView(await change<DryRunAnswer>("POST", PATH, rules));
    } catch (error) {
      setView(null);
      setSaid(reasons(error));
      setBusy(isConflict(error) ? ID.exec((error as Refused).message)?.[0] ?? null : null);
    }
  };
  const cancel = async (id: string) => {
    try {
      const last = await change<DryRunAnswer>("DELETE", `${PATH}/${id}`);
      setView(before => (before?.id === id ? last : before));
    } catch (error) {
      setSaid(reasons(error));
    }
  };
  const isRunning = view?.state === "running" && fails < FAILS_MAX;
  const isOld = view !== null && tried !== JSON.stringify(rules);
  return (
    <div class="dry-run">
      <div class="buttons">
        <button type="button" class="plain" disabled={!isReady || isRunning} onClick={() => void start()}>{label}</button>
        {isRunning && <button type="button" class="plain" onClick={() => void cancel(view.id)}>Cancel</button>}
        {busy !== null && <button type="button" class="plain" onClick={() => void cancel(busy).then(start)}>End that one and start mine</button>}
        <span class="dim small">Nothing is sent, and no alert is stored.</span>
      </div>
      {said.map(one => <p class="bad" role="status" key={one}><Said text={one} max={SENTENCE_MAX} /></p>)}
      {isOld && <p class="small gapped">What stands below is of the rule as it was before you changed it again.</p>}
      {view !== null && <Found view={view} />}
    </div>
  );
}

const STATES: Record<DryRunAnswer["state"], string> = { running: "running", done: "done", failed: "failed", cancelled: "cancelled" };

function Found({ view }: { view: DryRunAnswer }) {
  const rows = view.alerts.slice(0, ALERTS_SHOWN).map(one => [
    <At ms={one.event_time_ms} />, <TokenOf mint={one.mint} symbol={one.symbol} name={one.name} />,
    <Said text={words(one.trigger)} max={LABEL_MAX} />, <span class={`severity ${one.severity}`}>{one.severity}</span>, one.kind,
    one.evidence[0] === undefined ? <span class="dim">none</span> : <TransactionOf signature={one.evidence[0]} />,
  ]);
  const opened = Object.entries(view.opened_by_rule).filter(([, n]) => n > 0);
  return (
    <>
      <p class="progress">
        <progress max={1} value={view.share} aria-label="How far the dry run is" />{" "}
        <span role="status">{STATES[view.state]}{view.why && <>: <Said text={view.why} max={SENTENCE_MAX} /></>}</span>{" "}
        <span class="dim">{Math.round(view.share * 100)} % of {count(view.total)} messages, {count(view.swaps)} swaps
          {view.unreadable > 0 && `, ${count(view.unreadable)} unreadable`}</span>
      </p>
      <p class="dim small">
        It covers <Said text={view.covers} max={200} />{view.from_ms !== null && <>: from <At ms={view.from_ms} /> to <At ms={view.to_ms} /></>}.
      </p>
      <p><strong>{count(view.opened)} {view.opened === 1 ? "episode" : "episodes"}</strong> would have opened.</p>
      {opened.length > 0 && (
        <ul class="fired" aria-label="By rule">
          {opened.map(([name, n]) => <li key={name}><Said text={words(name)} max={LABEL_MAX} /> <strong>{count(n)}</strong></li>)}
        </ul>
      )}
      {(view.state !== "running" || rows.length > 0) && (
        <Table label="The first alerts of the dry run" rows={rows} none="No alert." columns={[
          { name: "time" }, { name: "token" }, { name: "rule" }, { name: "severity" }, { name: "what" }, { name: "transaction" }]} />
      )}
      {view.alerts.length > ALERTS_SHOWN && <p class="dim small">The first {ALERTS_SHOWN} of {count(view.alerts.length)} alerts that are kept.</p>}
    </>
  );
}
