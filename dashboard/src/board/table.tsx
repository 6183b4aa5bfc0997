// The table of the board: two groups, each in the same order; who points at a row finds it there.

import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import { age, count, metricValue, missingIn, sol, unknown } from "../format";
import { price, SOL_MINT } from "../frame/amounts";
import { PriceIn } from "../frame/cells";
import { A, isAddress } from "../frame/route";
import { At, utc } from "../frame/times";
import { stay } from "../order";
import { MintOf, Said } from "../parts";
import { entry, LABEL_MAX, NAME_MAX, words } from "../text";
import { METRIC_OF, SORTABLE, sorted, type Order, type Row } from "./columns";
import { Spark, type Sparks } from "./spark";

export type State = "HOT" | "WARM";
interface Group { state: State; rows: Row[] }

const SHOWN = 100;
const SHOWN_MAX = 1000;
const MEANS: Record<State, string> = { HOT: "a rule rang within the hour", WARM: "traded; the most bought" };
const NONE: Record<State, string> = { HOT: "no rule rang within the hour", WARM: "none" };
// An age of days says less than the day.
const AGE_MAX_MS = 2 * 86_400_000;

interface BoardProps {
  groups: Group[];
  order: Order;
  press: (key: string) => void;
  isFiltered: boolean;
  /** What was asked for by hand: another one puts every row where it belongs. */
  asked: string;
  sparks: Sparks;
  nowMs: number;
  isRecorded: boolean;
  alertsLoaded: boolean;
}

export function BoardTable(props: BoardProps) {
  const { groups, order, press } = props;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Tokens: the table">
      <table class="board stack" role="table" aria-label="Tokens">
        <thead role="rowgroup">
          <tr role="row">
            {SORTABLE.map(one => (
              <>
                <th key={one.key} scope="col" role="columnheader" class={one.number ? "n" : ""}
                  aria-sort={order.key !== one.key ? undefined : order.isUp ? "ascending" : "descending"}>
                  <button type="button" class="sort" onClick={() => press(one.key)}>
                    {one.name}<span class="arrow" aria-hidden="true">{order.key !== one.key ? "" : order.isUp ? "▲" : "▼"}</span>
                  </button>
                </th>
                {one.key === "token" && <th key="hour" scope="col" role="columnheader" class="hour">last hour</th>}
              </>
            ))}
          </tr>
        </thead>
        {groups.map(one => <Tokens key={one.state} group={one} {...props} />)}
      </table>
    </div>
  );
}

function Tokens({ group, order, asked, isFiltered, ...rest }: BoardProps & { group: Group }) {
  const [isAll, setAll] = useState(false);
  const before = useRef<{ asked: string; rows: Row[] }>({ asked, rows: [] });
  const isIn = useRef({ pointer: false, focus: false });
  const now = sorted(group.rows, order);
  const stays = (isIn.current.pointer || isIn.current.focus) && before.current.asked === asked;
  const shown = (stays ? stay(before.current.rows, now, one => one.token.mint) : now).slice(0, isAll ? SHOWN_MAX : SHOWN);
  before.current = { asked, rows: shown };
  const isThere = new Set(now.map(one => one.token.mint));
  return (
    <tbody role="rowgroup"
      onPointerEnter={() => { isIn.current.pointer = true; }} onPointerLeave={() => { isIn.current.pointer = false; }}
      onFocusIn={() => { isIn.current.focus = true; }} onFocusOut={() => { isIn.current.focus = false; }}>
      <tr role="row" class="group">
        <th role="rowheader" scope="rowgroup" colSpan={SORTABLE.length + 1}>
          <span class={`badge is-${group.state.toLowerCase()}`}>{group.state}</span> {count(now.length)} <span class="dim">· {now.length ? MEANS[group.state] : isFiltered ? "none passes the filter" : NONE[group.state]}</span>
        </th>
      </tr>
      {shown.map(one => <TokenRow key={one.token.mint} row={one} gone={isThere.has(one.token.mint) ? "" : group.state} {...rest} />)}
      {now.length > shown.length && (
        <tr role="row" class="more">
          <td role="cell" colSpan={SORTABLE.length + 1}>
            <button type="button" class="plain small" onClick={() => setAll(true)}>Show {count(now.length - shown.length)} more</button>
          </td>
        </tr>
      )}
    </tbody>
  );
}

type RowProps = Pick<BoardProps, "sparks" | "nowMs" | "isRecorded" | "alertsLoaded"> & { row: Row; gone: State | "" };

function TokenRow({ row, gone, sparks, nowMs, isRecorded, alertsLoaded }: RowProps) {
  const { token } = row;
  const traded = token.last_trade_ms;
  return (
    <tr role="row" class={gone && "gone"}>
      <th role="rowheader" scope="row" class="who">
        <NameOf row={row} />
        <span class="under"><MintOf mint={token.mint} />
          {gone && <span class="dim">no longer {gone}</span>}
          {token.gapped && <span class="gapped">{missingIn(token.gapped)}</span>}</span>
      </th>
      <td role="cell" class="hour" data-name="last hour"><Spark mint={token.mint} sparks={sparks} /></td>
      <Value row={row} column="price" show={value => <PriceIn value={value} quote={SOL_MINT} />} />
      <Value row={row} column="change5" show={value => <Change value={value} />} />
      <Value row={row} column="change60" show={value => <Change value={value} />} />
      <Value row={row} column="cap" show={sol} />
      <Value row={row} column="bought" show={sol} />
      <Value row={row} column="sold" show={sol} />
      <Value row={row} column="buyers" show={count} />
      <Value row={row} column="sellers" show={count} />
      <td role="cell" class="n" data-name="last trade">
        {traded === null ? <span class="dim">unknown</span> : isRecorded || nowMs - traded > AGE_MAX_MS ? <At ms={traded} /> : <span title={utc(traded)}>{age(nowMs - traded)} ago</span>}
      </td>
      <td role="cell" class={`rang${row.rang.length ? "" : " nothing"}`} data-name="rang"><Rang row={row} nowMs={nowMs} alertsLoaded={alertsLoaded} /></td>
    </tr>
  );
}

function NameOf({ row: { token } }: { row: Row }) {
  const shown = (
    <>
      {token.symbol ? <strong><Said text={token.symbol} max={NAME_MAX} /></strong> : !token.name && <em>name unknown</em>}{" "}
      {token.name && <span class="dim"><Said text={token.name} max={NAME_MAX} /></span>}
    </>
  );
  return isAddress(token.mint) ? <A to={`/token/${token.mint}`} class="name">{shown}</A> : <span class="name">{shown}</span>;
}

function Value({ row: { token }, column, show }: { row: Row; column: string; show: (value: number) => ComponentChildren }) {
  const name = METRIC_OF[column] ?? column;
  const value = token.metrics[name];
  const said = SORTABLE.find(one => one.key === column)?.name ?? column;
  if (typeof value === "number") return <td role="cell" class="n" data-name={said}>{show(value)}</td>;
  const [short = "unknown", why = ""] = unknown(entry(token.unknown, name)).split(": ");
  return <td role="cell" class="n dim" data-name={said} title={why}>{short}</td>;
}

function Change({ value }: { value: number }) {
  return <span class={value < 0 ? "sell" : value > 0 ? "buy" : ""}>{value > 0 && "+"}{metricValue("price_change_5m", value)}</span>;
}

function Rang({ row: { rang, token }, nowMs, alertsLoaded }: { row: Row; nowMs: number; alertsLoaded: boolean }) {
  const [newest] = rang;
  if (newest === undefined) {
    if (token.state !== "HOT") return <span class="dim">–</span>;
    return <span class="dim">{alertsLoaded ? "before the alerts held here" : "…"}</span>;
  }
  const { shown, ended } = newest;
  return (
    <>
      <span class={`severity ${shown.severity}`}><Said text={words(shown.trigger)} max={LABEL_MAX} /></span>{" "}
      <span class="dim small">{age(nowMs - shown.stored_ms)} ago{shown.price_sol !== null && ` at ${price(shown.price_sol)} SOL`}{ended && ", ended"}
        {rang.length > 1 && `, ${rang.length - 1} more`}</span>
    </>
  );
}
