// One day's alerts by rule, and what came after each.

import { useMemo, useState } from "preact/hooks";
import type { Day } from "../api";
import { count, span } from "../format";
import { price, quoteName } from "../frame/amounts";
import { Lacks } from "../frame/asked";
import { TokenOf } from "../frame/cells";
import { At } from "../frame/times";
import { Command, Said, Table } from "../parts";
import { LABEL_MAX, plain, SENTENCE_MAX, words } from "../text";
import { changed } from "../token/alerts";
import { dayText } from "./dates";
import { ALERTS_MAX, useDay } from "./load";
import { byRule, type Outcome, type Rang, type RuleDay } from "./outcomes";

const MINUTE_MS = 60_000;
const TIMES = [5 * MINUTE_MS, 60 * MINUTE_MS, 360 * MINUTE_MS, 1440 * MINUTE_MS];
const SHOWN = 25;
const PERCENT = new Intl.NumberFormat("en", { maximumFractionDigits: 1, signDisplay: "exceptZero" });

export function DayOf({ beginMs, kept }: { beginMs: number; kept: Day | undefined }) {
  const asked = useDay(beginMs);
  const { rang, head, problem } = asked;
  // Notices of the system have no token, so nothing comes after them.
  const ofTokens = useMemo(() => (rang ?? []).filter(one => one.mint), [rang]);
  const rules = useMemo(() => byRule(ofTokens, timesOf(ofTokens)), [ofTokens]);
  const notices = (rang?.length ?? 0) - ofTokens.length;
  return (
    <section class="of-day" aria-labelledby="day-head">
      <div class="head">
        <h2 id="day-head">{dayText(beginMs)}</h2>
        {kept && <span class="dim">{count(kept.alerts)} alerts, {count(kept.swaps)} swaps, {count(kept.tokens_created)} tokens created</span>}
      </div>
      {problem && <p class="note away" role="status"><Said text={problem} max={SENTENCE_MAX} />{" "}
        {rang !== null && "What stands below is what came last. "}
        <button type="button" class="plain small" onClick={asked.again}>Ask again</button></p>}
      {rang === null && !problem && <p class="none" role="status">…</p>}
      {head !== null && <Lacks head={head} />}
      {rang !== null && ofTokens.length === 0 && <div class="empty"><p><strong>No rule rang on this day.</strong></p></div>}
      {rang !== null && ofTokens.length > 0 && (
        <>
          <div class="card">
            <h3>What came after, by rule</h3>
            <Summary rules={rules} />
            <p class="dim small">This is what followed, not proof that a rule works: no difference is claimed from tokens for which nothing rang.
              Each change is that of the last price at that time against the price at the alert; the median is of those that are known, and “–” is a time that has not passed yet.
              {asked.isCut && ` Only the newest ${count(ALERTS_MAX)} alerts of the day are in it.`}{" "}
              As of <At ms={asked.askedMs} />. <button type="button" class="plain small" onClick={asked.again}>Ask again</button></p>
          </div>
          {rules.map(one => <Rule key={one.trigger} rule={one} />)}
        </>
      )}
      {notices > 0 && <p class="none">And {count(notices)} {notices === 1 ? "notice" : "notices"} of the system, which {notices === 1 ? "is" : "are"} about no token.</p>}
    </section>
  );
}

/** The times that history looks at; the usual ones where no time has passed yet. */
const timesOf = (rang: Rang[]): number[] =>
  [...new Set([...TIMES, ...rang.flatMap(one => one.after?.map(each => each.after_ms) ?? [])])].sort((a, b) => a - b);

const afterName = (ms: number): string => `after ${span(ms / 1000)}`;

function Summary({ rules }: { rules: RuleDay[] }) {
  const times = rules[0]?.outcomes.map(one => one.afterMs) ?? [];
  return (
    <Table label="What came after, by rule" none="" columns={[{ name: "rule" }, { name: "alerts", number: true }, ...times.map(ms => ({ name: afterName(ms), number: true }))]}
      rows={rules.map(one => [
        <a href={`#${idOf(one.trigger)}`}><Said text={words(one.trigger)} max={LABEL_MAX} /></a>,
        count(one.rang.length),
        ...one.outcomes.map(each => <OutcomeOf one={each} />),
      ])} />
  );
}

function OutcomeOf({ one }: { one: Outcome }) {
  const rest = [one.unknown ? `${count(one.unknown)} unknown` : "", one.ahead ? `${count(one.ahead)} not yet` : ""].filter(Boolean);
  return (
    <span class="outcome">
      {one.median === null ? <span class="dim">–</span>
        : <span class={one.median < 0 ? "sell" : one.median > 0 ? "buy" : ""}>{PERCENT.format(100 * one.median)} %</span>}
      <span class="dim small">{one.known > 0 && `${count(one.rose)} of ${count(one.known)} rose`}</span>
      <span class="dim small">{rest.join(", ")}</span>
    </span>
  );
}

const idOf = (trigger: string): string => `rule-${plain(trigger, LABEL_MAX).replace(/[^A-Za-z0-9_-]/g, "-")}`;

function Rule({ rule }: { rule: RuleDay }) {
  const [isAll, setAll] = useState(false);
  const shown = isAll ? rule.rang : rule.rang.slice(0, SHOWN);
  const times = rule.outcomes.map(one => one.afterMs);
  const name = words(rule.trigger);
  const severity = rule.rang[0]?.severity ?? "info";
  return (
    <div class="card" id={idOf(rule.trigger)}>
      <div class="head"><h3><Said text={name} max={LABEL_MAX} /></h3><span class={`severity ${severity}`}>{plain(severity)}</span><span class="dim">{count(rule.rang.length)} {rule.rang.length === 1 ? "alert" : "alerts"}</span></div>
      <Table label={`Alerts of ${name}`} none="" columns={[
        { name: "time" }, { name: "token" }, { name: "price then", number: true }, ...times.map(ms => ({ name: afterName(ms), number: true })), { name: "prove" }]}
        rows={shown.map(one => [
          <At ms={one.atMs} />,
          <TokenOf mint={one.mint} symbol={one.symbol} name={one.name} />,
          one.price === null ? <span class="dim">unknown</span> : `${price(one.price)} ${quoteName(one.quote)}`,
          ...times.map(ms => (one.after === null ? <span class="dim">unknown</span> : changed(one.price, one.after.find(each => each.after_ms === ms)))),
          <Command text={`pw prove ${plain(one.id.slice(0, 10))}`} />,
        ])} />
      {rule.rang.length > shown.length && (
        <p class="more"><button type="button" class="plain small" onClick={() => setAll(true)}>Show {count(rule.rang.length - shown.length)} more</button></p>
      )}
    </div>
  );
}
