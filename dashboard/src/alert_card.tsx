// One episode: what rang and why at a glance; opened, everything that is known of it.

import { useEffect, useState } from "preact/hooks";
import type { Condition, StoredAlert, WhyRow } from "./api";
import { whyOf } from "./ask";
import type { Episode } from "./episodes";
import { age, bound, count, metricName, metricValue, missingIn, sol, unknown } from "./format";
import { Away, Command, MintOf, Said, Table } from "./parts";
import { entry, LABEL_MAX, NAME_MAX, plain, SENTENCE_MAX, short, words } from "./text";

const WHY_EVERY_MS = 2000;

interface CardProps {
  episode: Episode; nowMs: number; demo: boolean; isOpen: boolean; toggle: () => void;
}

export function AlertCard({ episode, nowMs, demo, isOpen, toggle }: CardProps) {
  const { shown, key } = episode;
  const body = `body-${key}`;
  return (
    <li class={`alert ${shown.severity}${episode.ended ? " ended" : ""}`}>
      <div class="bar">
        <h3>
          <button type="button" data-alert={key} aria-expanded={isOpen} aria-controls={body} onClick={toggle}>
            <span class={`severity ${shown.severity}`}>{shown.severity}</span>
            <span class="name"><NameOf alert={shown} /></span>
            <span class="rule"><Said text={words(shown.trigger)} max={LABEL_MAX} /></span>
          </button>
        </h3>
        <span class="age" title={new Date(shown.stored_ms).toLocaleString()}>{age(nowMs - shown.stored_ms)} ago</span>
      </div>
      {shown.mint ? <Facts alert={shown} episode={episode} /> : (
        <p class="detail"><Said text={shown.title} max={120} /> <Said text={shown.detail} max={SENTENCE_MAX} /></p>
      )}
      {episode.isEndAlone && <p class="detail">Only its end is here: its alert is further back than what is shown.</p>}
      {!episode.isEndAlone && shown.conditions.length > 0 && (
        <ul class="fired" aria-label="What fired">
          {shown.conditions.map(one => <Fired key={one.text} one={one} />)}
        </ul>
      )}
      <div id={body} hidden={!isOpen}>{isOpen && <Opened alert={shown} episode={episode} demo={demo} nowMs={nowMs} />}</div>
    </li>
  );
}

function NameOf({ alert }: { alert: StoredAlert }) {
  if (!alert.mint) return <>{alert.kind === "blind" || alert.kind === "sighted" ? "System" : "Notice"}</>;
  if (!alert.name && !alert.symbol) return <em>name unknown</em>;
  return (
    <>
      {alert.symbol && <strong><Said text={alert.symbol} max={NAME_MAX} /></strong>}{" "}
      {alert.name && <Said text={alert.name} max={NAME_MAX} />}
    </>
  );
}

function Facts({ alert, episode }: { alert: StoredAlert; episode: Episode }) {
  return (
    <p class="facts">
      <MintOf mint={alert.mint} />
      <span><span class="dim">price</span> {alert.price_sol === null ? unknown(alert.unknown["price_sol"]) : sol(alert.price_sol)}</span>
      <span><span class="dim">cap</span> {alert.market_cap_sol === null ? unknown(alert.unknown["market_cap_sol"]) : sol(alert.market_cap_sol)}</span>
      {alert.gapped && <span class="gapped">{missingIn(alert.gapped)}</span>}
      {episode.grew > 0 && <span class="grew">grew {episode.grew}×</span>}
      <span class="state">{episode.ended ? "ended" : "ongoing"}</span>
    </p>
  );
}

function Fired({ one }: { one: Condition }) {
  return (
    <li class={one.verdict} title={plain(one.text, LABEL_MAX)}>
      <span class="dim">{metricName(one.metric)}</span>{" "}
      <strong>{one.value === null ? unknown(one.unknown) : metricValue(one.metric, one.value)}</strong>{" "}
      <span class="dim">{bound(one)}</span>
    </li>
  );
}

function Opened({ alert, episode, demo, nowMs }: { alert: StoredAlert; episode: Episode; demo: boolean; nowMs: number }) {
  return (
    <div class="opened">
      {alert.detail && alert.mint && <p><Said text={alert.detail} max={SENTENCE_MAX} /></p>}
      {alert.mint && <Why mint={alert.mint} own={alert.trigger} />}
      {alert.top_buyers.length > 0 && (
        <div>
          <h4>Largest buyers in 5 minutes</h4>
          <Table label="Largest buyers" none="" columns={[{ name: "wallet" }, { name: "buys", number: true }, { name: "bought", number: true }, { name: "share", number: true }, { name: "label" }]}
            rows={alert.top_buyers.map(one => [
              <code title={plain(one.trader, LABEL_MAX)}>{short(one.trader)}</code>, one.buys, sol(one.volume_sol),
              `${Math.round(one.share * 100)} %`, <Said text={one.labels.join(", ")} max={LABEL_MAX} />,
            ])} />
        </div>
      )}
      <Evidence alert={alert} demo={demo} />
      <Metrics alert={alert} />
      <div>
        <h4>Prove it</h4>
        {alert.mint && (
          <p class="commands">
            <Command text={`pw why ${plain(alert.mint, LABEL_MAX)}`} />
            <Command text={`pw prove ${plain(alert.id, LABEL_MAX)}`} />
          </p>
        )}
        <p class="dim">
          {episode.first.kind === "opened" && <>Opened at slot {count(episode.first.slot)}, {age(nowMs - episode.first.stored_ms)} ago. </>}
          This alert: slot {count(alert.slot)}, {alert.kind}{alert.venues.length > 0 && <>, traded at <Said text={alert.venues.join(", ")} max={LABEL_MAX} /></>}
          {alert.creator && <>, created by <code title={plain(alert.creator, LABEL_MAX)}>{short(alert.creator)}</code></>}.
        </p>
      </div>
    </div>
  );
}

const RANK: Record<string, number> = { holds: 1, unknown: 2, fails: 3 };

export function Why({ mint, own }: { mint: string; own: string }) {
  const [rows, setRows] = useState<WhyRow[] | null>(null);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    let gone = false;
    const turn = async () => {
      try {
        const found = await whyOf(mint);
        if (!gone) { setRows(found); setProblem(""); }
      } catch (error) {
        if (!gone) setProblem(error instanceof Error ? error.message : "no answer");
      }
    };
    void turn();
    const timer = setInterval(() => { if (!document.hidden) void turn(); }, WHY_EVERY_MS);
    return () => { gone = true; clearInterval(timer); };
  }, [mint]);
  // The rule that rang comes first, then those that hold.
  const rank = (row: WhyRow) => (row.trigger === own ? 0 : entry(RANK, row.verdict) ?? 3);
  const ordered = rows === null ? null : [...rows].sort((a, b) => rank(a) - rank(b));
  return (
    <div class="why">
      <h4>Why, rule by rule, right now</h4>
      {problem && <p class="bad" role="status">{plain(problem, SENTENCE_MAX)}</p>}
      {rows === null && !problem && <p class="none" role="status">asking the detector…</p>}
      {rows?.length === 0 && <p class="none">This token has not traded within the hour.</p>}
      <ul>
        {ordered?.map(row => (
          <li key={row.trigger}>
            <p><span class={`verdict ${row.verdict}`}>{row.verdict}</span> <strong><Said text={words(row.trigger)} max={LABEL_MAX} /></strong>{" "}
              {row.blocked.map(one => <span class="blocked" key={one}><Said text={one} max={SENTENCE_MAX} /></span>)}</p>
            <ul class="fired">{row.conditions.map(one => <Fired key={one.text} one={one} />)}</ul>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Evidence({ alert, demo }: { alert: StoredAlert; demo: boolean }) {
  const links = Object.entries(alert.links);
  if (!alert.evidence.length && !links.length) return null;
  return (
    <div>
      <h4>Evidence</h4>
      {demo && <p class="dim">These transactions are made up: no explorer knows them.</p>}
      <p class="links">
        {alert.evidence.map(one => {
          const shown = <code>{short(one)}</code>;
          return demo ? <span key={one} title={plain(one, 100)}>{shown}</span>
            : <Away key={one} to={`https://solscan.io/tx/${encodeURIComponent(one)}`}>{shown}</Away>;
        })}
      </p>
      {!demo && <p class="links">{links.map(([name, to]) => <Away key={name} to={to}><Said text={name} max={NAME_MAX} /></Away>)}</p>}
    </div>
  );
}

function Metrics({ alert }: { alert: StoredAlert }) {
  const all = Object.entries(alert.metrics);
  if (!all.length) return null;
  return (
    <details>
      <summary>All {all.length} metrics at slot {count(alert.slot)}</summary>
      <dl class="metrics">
        {all.map(([name, value]) => (
          <div key={name}><dt title={plain(name, LABEL_MAX)}>{metricName(name)}</dt>
            <dd>{value === null ? unknown(entry(alert.unknown, name)) : metricValue(name, value)}</dd></div>
        ))}
      </dl>
    </details>
  );
}
