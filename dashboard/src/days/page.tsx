// Days: what was kept of each, and what came after each alert of the one that is chosen.

import { useState } from "preact/hooks";
import type { Day, DaysAnswer } from "../api";
import { ask, sentence } from "../ask";
import { count } from "../format";
import { Answer, Lacks, useAsked } from "../frame/asked";
import { useQuery } from "../frame/query";
import { A } from "../frame/route";
import { Said } from "../parts";
import { SENTENCE_MAX } from "../text";
import { beginOf, listed, nameOf, shortText, together } from "./dates";
import { DayOf } from "./day";
import "./days.css";

const EVERY_MS = 30_000;
const PATIENCE_MS = 27_000;
const PAGE = 31;
const DAYS_MAX = 3660;
const BAR = 60;
const COMPACT = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
const WHOLE_MAX = 100_000;

export function Days() {
  const asked = useAsked<DaysAnswer>(`/api/v1/days?limit=${PAGE}`, EVERY_MS);
  const [query] = useQuery();
  const named = query("day");
  const chosen = named ? beginOf(named) : asked.value?.days[0]?.begin_ms ?? null;
  return (
    <div class="days-page">
      <div class="head"><h1>Days</h1><span class="dim">Each from 00:00 to 24:00 UTC, by the time of the chain.</span></div>
      {named && beginOf(named) === null && <p class="note" role="status"><Said text={named} max={30} /> is not a day, as 2026-11-27 is. Choose one below.</p>}
      <Answer asked={asked}>
        {({ days, next_before_ms, history }) => days.length === 0 ? (
          <div class="empty"><p><strong>History has kept no day yet.</strong></p><p class="dim">The first one stands here as soon as a swap is kept.</p></div>
        ) : (
          <div class="of-days">
            <section aria-labelledby="days-head" class="card">
              <h2 id="days-head">What was kept of each day</h2>
              <Lacks head={history} />
              <List first={days} next={next_before_ms} chosen={chosen} />
            </section>
            {chosen !== null && <DayOf key={chosen} beginMs={chosen} kept={days.find(one => one.begin_ms === chosen)} />}
          </div>
        )}
      </Answer>
    </div>
  );
}

/** The days, and earlier ones by request. */
function List({ first, next, chosen }: { first: Day[]; next: number | null; chosen: number | null }) {
  const [older, setOlder] = useState<{ days: Day[]; next: number | null }>({ days: [], next: null });
  const [isMore, setMore] = useState(false);
  const [said, setSaid] = useState("");
  const days = together([first, older.days]);
  const from = isMore ? older.next : next;
  const more = async (beforeMs: number) => {
    setSaid("…");
    try {
      const page = await ask<DaysAnswer>(`/api/v1/days?limit=${PAGE}&before_ms=${beforeMs}`, PATIENCE_MS);
      setOlder(before => ({ days: [...before.days, ...page.days].slice(0, DAYS_MAX), next: page.next_before_ms }));
      setMore(true);
      setSaid("");
    } catch (error) {
      setSaid(sentence(error));
    }
  };
  const most = (of: (day: Day) => number): number => Math.max(1, ...days.map(of));
  const [alerts, swaps, created] = [most(one => one.alerts), most(one => one.swaps), most(one => one.tokens_created)];
  return (
    <>
      <ol class="days">
        <li class="names dim small" aria-hidden="true"><span>day (UTC)</span><span>alerts</span><span>swaps</span><span>tokens created</span></li>
        {listed(days).map(({ day, gap }) => (
          <>
            {gap > 0 && <li key={`${day.begin_ms}:above`} class="gap dim small">{gap === 1 ? "One day" : `${count(gap)} days`} of which nothing is kept</li>}
            <li key={day.begin_ms}>
              <A to={`/days?day=${nameOf(day.begin_ms)}`} aria-current={chosen === day.begin_ms ? "date" : undefined}>
                <span class="date">{shortText(day.begin_ms, Date.now())}</span>
                <Bar value={day.alerts} most={alerts} what="alerts" kind="of-alerts" />
                <Bar value={day.swaps} most={swaps} what="swaps" kind="of-swaps" />
                <Bar value={day.tokens_created} most={created} what="tokens created" kind="of-tokens" />
              </A>
            </li>
          </>
        ))}
      </ol>
      {from !== null && days.length < DAYS_MAX && (
        <p class="more"><button type="button" class="plain small" onClick={() => void more(from)}>Earlier days</button>{" "}
          <span role="status"><Said text={said} max={SENTENCE_MAX} /></span></p>
      )}
    </>
  );
}

function Bar({ value, most, what, kind }: { value: number; most: number; what: string; kind: string }) {
  // One that is there can be seen, however few it is beside the others.
  const width = value > 0 ? Math.max(1.5, BAR * value / most) : 0;
  return (
    <span class={`bar-of ${kind}`}>
      <span title={count(value)}>{value < WHOLE_MAX ? count(value) : COMPACT.format(value)}<span class="hidden-text"> {what}</span></span>
      <svg viewBox={`0 0 ${BAR} 4`} width={BAR} height="4" aria-hidden="true"><rect class="under" width={BAR} height="4" rx="2" /><rect width={width} height="4" rx="2" /></svg>
    </span>
  );
}
