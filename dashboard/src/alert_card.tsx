// One episode: what rang and why at a glance; opened, everything that is known of it.

import type { StoredAlert } from "./api";
import type { Episode } from "./episodes";
import { age, count, metricName, metricValue, missingIn, sol, unknown } from "./format";
import { PriceIn, TransactionOf, WalletOf } from "./frame/cells";
import { SOL_MINT } from "./frame/amounts";
import { A, isAddress } from "./frame/route";
import { Away, Command, MintOf, Said, Table } from "./parts";
import { entry, LABEL_MAX, NAME_MAX, plain, SENTENCE_MAX, words } from "./text";
import { Fired, Why } from "./why";

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
      {isAddress(alert.mint) && <A to={`/token/${alert.mint}`}>Chart</A>}
      <span><span class="dim">price</span> {alert.price_sol === null ? unknown(alert.unknown["price_sol"]) : <PriceIn value={alert.price_sol} quote={SOL_MINT} />}</span>
      <span><span class="dim">cap</span> {alert.market_cap_sol === null ? unknown(alert.unknown["market_cap_sol"]) : sol(alert.market_cap_sol)}</span>
      {alert.gapped && <span class="gapped">{missingIn(alert.gapped)}</span>}
      {episode.grew > 0 && <span class="grew">grew {episode.grew}×</span>}
      <span class="state">{episode.ended ? "ended" : "ongoing"}</span>
    </p>
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
              <WalletOf address={one.trader} />, one.buys, sol(one.volume_sol),
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
          {alert.creator && <>, created by <WalletOf address={alert.creator} /></>}.
        </p>
      </div>
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
        {alert.evidence.map(one => <TransactionOf key={one} signature={one} />)}
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
