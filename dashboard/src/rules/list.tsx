// The rules that hold: whether each is on, what it asks for, and how often it fired lately.

import { useMemo } from "preact/hooks";
import type { Rule, StoredAlert } from "../api";
import { Switch } from "../editing/field";
import { count, span } from "../format";
import { TokenOf } from "../frame/cells";
import { At } from "../frame/times";
import { Said } from "../parts";
import { LABEL_MAX, plain, SENTENCE_MAX, words } from "../text";
import { wordsOf } from "./core/condition";
import { rangOf, type Rang } from "./core/rang";

interface ListProps {
  rules: Rule[];
  alerts: Map<string, StoredAlert>;
  isLoaded: boolean;
  chosen: string | null;
  isBusy: boolean;
  edit: (rule: Rule) => void;
  turn: (rule: Rule) => void;
  remove: (rule: Rule) => void;
}

export function RuleList({ rules, alerts, isLoaded, chosen, isBusy, edit, turn, remove }: ListProps) {
  const rang = useMemo(() => rangOf(alerts.values()), [alerts]);
  if (!rules.length) {
    return (
      <div class="empty">
        <h2>There is no rule.</h2>
        <p>Nothing fires until there is one. Make one, or reset to the rules that are shipped.</p>
      </div>
    );
  }
  return (
    <ul class="rule-list">
      {rules.map(one => (
        <li key={one.name} class={chosen === one.name ? "card rule-card chosen" : "card rule-card"} data-rule={one.name}>
          <div class="bar">
            <h2><Said text={words(one.name)} max={LABEL_MAX} /></h2>
            <span class={`severity ${one.severity}`}>{one.severity}</span>
            <Switch isOn={one.enabled} label={`${words(one.name)} is on`} isBusy={isBusy} turn={() => turn(one)} />
          </div>
          {one.description && <p><Said text={one.description} max={SENTENCE_MAX} /></p>}
          <ul class="fired" aria-label="Conditions">
            {one.conditions.map(text => <li key={text} title={plain(text, 120)}>{wordsOf(text)}</li>)}
            {one.gates.map(text => <li key={`gate ${text}`} class="gate" title={plain(text, 120)}>gate: {wordsOf(text)}</li>)}
          </ul>
          <div class="foot">
            <p class="dim small">
              <Lately rang={rang.by.get(one.name)} sinceMs={rang.sinceMs} isLoaded={isLoaded} />{" · "}
              cooldown {span(one.cooldown_s)} · escalates at {count(one.escalate_factor)} ×
            </p>
            <div class="buttons">
              <button type="button" class="plain small" aria-label={`Edit ${words(one.name)}`} onClick={() => edit(one)}>Edit</button>
              <button type="button" class="plain small" aria-label={`Delete ${words(one.name)}`} onClick={() => remove(one)}>Delete</button>
            </div>
          </div>
        </li>
      ))}
    </ul>
  );
}

function Lately({ rang, sinceMs, isLoaded }: { rang: Rang | undefined; sinceMs: number | null; isLoaded: boolean }) {
  if (!isLoaded) return <>…</>;
  if (rang === undefined) return sinceMs === null ? <>no alert yet</> : <>no alert since <At ms={sinceMs} /></>;
  const { times, last } = rang;
  return (
    <>
      <strong>{count(times)} {times === 1 ? "alert" : "alerts"}</strong> since <At ms={sinceMs} />, the last at <At ms={last.stored_ms} /> of{" "}
      <TokenOf mint={last.mint} symbol={last.symbol} name={last.name} />
    </>
  );
}
