// Why each rule holds for a token or not, right now, and how far it is from firing.

import { useEffect, useState } from "preact/hooks";
import type { Condition, WhyRow } from "./api";
import { whyOf } from "./ask";
import { bound, metricName, metricValue, unknown } from "./format";
import { Said } from "./parts";
import { entry, LABEL_MAX, plain, SENTENCE_MAX, words } from "./text";

const WHY_EVERY_MS = 2000;
const RANK: Record<string, number> = { holds: 1, unknown: 2, fails: 3 };

export function Why({ mint, own, isSection = false }: { mint: string; own: string; isSection?: boolean }) {
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
      {isSection ? <h2>Why, rule by rule, right now</h2> : <h4>Why, rule by rule, right now</h4>}
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

/** One condition: its value, and what it has to be. */
export function Fired({ one }: { one: Condition }) {
  return (
    <li class={one.verdict} title={plain(one.text, LABEL_MAX)}>
      <span class="dim">{metricName(one.metric)}</span>{" "}
      <strong>{one.value === null ? unknown(one.unknown) : metricValue(one.metric, one.value)}</strong>{" "}
      <span class="dim">{bound(one)}</span>
    </li>
  );
}
