// One condition or gate of the editor: metric, operator and number, and how the metric is spread now.

import { useMemo } from "preact/hooks";
import type { Token } from "../api";
import { Wrong } from "../editing/field";
import { count, metricName, metricValue } from "../format";
import { plain } from "../text";
import { LIST_METRICS, signOf } from "./core/condition";
import { changedRow, type Row } from "./core/draft";
import { enterable, unitOf } from "./core/numbers";
import { countsOf, spreadOf } from "./core/spread";

const NUMBER_MAX = 40;
const GROUPS: Array<{ text: string; has: (metric: string) => boolean }> = [
  { text: "Watch lists", has: one => LIST_METRICS.includes(one) },
  { text: "Last 5 minutes", has: one => one.endsWith("_5m") },
  { text: "Last hour", has: one => one.endsWith("_1h") },
  { text: "At the moment", has: () => true },
];

interface RowProps {
  row: Row;
  /** What it is called: "condition 2". */
  what: string;
  metrics: string[];
  operators: string[];
  /** The tokens that are HOT or WARM; null before they have come. */
  tokens: Token[] | null;
  problems: string[] | undefined;
  change: (row: Row) => void;
  remove: () => void;
}

export function RowOf({ row, what, metrics, operators, tokens, problems, change, remove }: RowProps) {
  const id = `row-${row.id}`;
  const marks = { "aria-invalid": Boolean(problems?.length), "aria-describedby": `${id}-problem` };
  const unit = unitOf(row.metric);
  return (
    <li class="row-of">
      <div class="parts">
        <select class="control metric" aria-label={`Metric of ${what}`} {...marks} value={row.metric}
          onChange={event => change(changedRow(row, { metric: event.currentTarget.value }))}>
          <Options metrics={metrics} chosen={row.metric} />
        </select>
        <select class="control op" aria-label={`Operator of ${what}`} {...marks} value={row.op}
          onChange={event => change(changedRow(row, { op: event.currentTarget.value }))}>
          {operators.map(one => <option key={one} value={one}>{signOf(one)}</option>)}
        </select>
        <span class="number">
          <input class="control" aria-label={`Number of ${what}${unit && `, in ${unit}`}`} {...marks} inputMode="decimal" autocomplete="off"
            value={row.number} maxLength={NUMBER_MAX} onInput={event => change(changedRow(row, { number: event.currentTarget.value }))} />
          <span class="dim small unit">{unit}</span>
        </span>
        <button type="button" class="plain small" aria-label={`Remove ${what}`} onClick={remove}>Remove</button>
      </div>
      <Wrong id={`${id}-problem`} problems={problems} />
      {tokens !== null && <SpreadOf row={row} tokens={tokens} take={number => change(changedRow(row, { number }))} />}
    </li>
  );
}

function Options({ metrics, chosen }: { metrics: string[]; chosen: string }) {
  const all = [...new Set([...metrics, ...LIST_METRICS])];
  const isKnown = all.includes(chosen);
  const groupOf = (metric: string) => GROUPS.find(one => one.has(metric));
  return (
    <>
      {!isKnown && <option value={chosen}>{plain(chosen, 80)}</option>}
      {[...GROUPS.slice(1), ...GROUPS.slice(0, 1)].map(group => (
        <optgroup key={group.text} label={group.text}>
          {all.filter(one => groupOf(one) === group).map(one => (
            <option key={one} value={one}>{metricName(one)}{unitOf(one) && ` (${unitOf(one)})`}</option>
          ))}
        </optgroup>
      ))}
    </>
  );
}

/** How the metric is spread over the tokens now; each figure can be taken for the number. */
function SpreadOf({ row, tokens, take }: { row: Row; tokens: Token[]; take: (number: string) => void }) {
  const spread = useMemo(() => spreadOf(row.metric, tokens), [row.metric, tokens]);
  const passing = useMemo(() => countsOf([row], tokens), [row.metric, row.op, row.number, tokens]);
  if (!tokens.length) return null;
  if (LIST_METRICS.includes(row.metric)) {
    return <p class="dim small">How this is spread now is not known here: it is counted for rules alone.</p>;
  }
  if (!spread.known && !spread.endless) return <p class="dim small">Now it is unknown for all {count(tokens.length)} tokens.</p>;
  const figures: Array<[string, number | null]> = [["least", spread.least], ["median", spread.half], ["90 %", spread.ninety], ["most", spread.most]];
  const beside = [spread.bounds && `${count(spread.bounds)} seen in part: at least this`, spread.unknown && `${count(spread.unknown)} unknown`, spread.endless && `${count(spread.endless)} without a sell`].filter(Boolean);
  return (
    <p class="spread small">
      <span class="dim">Now, of {count(spread.known)} tokens:</span>
      {figures.map(([name, value]) => value !== null && (
        <button type="button" key={name} class="figure" title="Take this as the number" onClick={() => take(enterable(row.metric, value))}>
          <span class="dim">{name}</span> {metricValue(row.metric, value)}
        </button>
      ))}
      {beside.length > 0 && <span class="dim">({beside.join(", ")})</span>}
      {row.number.trim() && <strong>{count(passing.holds)} of {count(tokens.length)} pass this{passing.unknown > 0 && `, ${count(passing.unknown)} unknown`}</strong>}
    </p>
  );
}
