// The board: every token that is HOT or WARM, with its last hour, sorted by what one looks for.

import { useMemo } from "preact/hooks";
import type { TokensAnswer } from "../api";
import { episodesOf } from "../episodes";
import { count } from "../format";
import { Answer, useAsked } from "../frame/asked";
import type { Shown } from "../frame/pages";
import { useQuery } from "../frame/query";
import { Said } from "../parts";
import { LABEL_MAX, SENTENCE_MAX } from "../text";
import "./board.css";
import { orderOf, passes, pressed, rowsOf, type Row } from "./columns";
import { useSparks } from "./spark";
import "./stack.css";
import { BoardTable, type State } from "./table";

const EVERY_MS = 2000;
const STATES: Array<{ text: string; state: "" | State }> = [
  { text: "All", state: "" }, { text: "HOT", state: "HOT" }, { text: "WARM", state: "WARM" },
];

export function Board({ live, known }: Shown) {
  const [query, change] = useQuery();
  const chosen = STATES.find(one => one.state === query("state").toUpperCase())?.state ?? "";
  // HOT ones are few, and WARM ones hundreds: these are asked for only where they are shown.
  const asked = useAsked<TokensAnswer>(`/api/v1/tokens${chosen === "HOT" ? "?state=HOT" : ""}`, EVERY_MS);
  const sparks = useSparks();
  const episodes = useMemo(() => episodesOf(known.alerts.values()), [known.alerts]);
  const rows = useMemo(() => rowsOf(asked.value?.tokens ?? [], episodes), [asked.value, episodes]);
  const text = query("q");
  const order = orderOf(query("by"));
  const found = useMemo(() => (text.trim() ? rows.filter(one => passes(one, text.trim())) : rows), [rows, text]);
  const of = (state: State): Row[] => found.filter(one => one.token.state === state);
  const groups = (["HOT", "WARM"] as const).filter(one => chosen === "" || chosen === one).map(state => ({ state, rows: of(state) }));
  return (
    <div class="board-page">
      <div class="head tools">
        <h1>Tokens</h1>
        <label><span class="hidden-text">Filter tokens</span>
          <input type="search" value={text} placeholder="symbol, name, mint, rule" maxLength={LABEL_MAX}
            onInput={event => change({ q: event.currentTarget.value })} /></label>
        <span class="steps" role="group" aria-label="Which tokens">
          {STATES.map(one => (
            <button type="button" key={one.text} aria-pressed={chosen === one.state} onClick={() => change({ state: one.state })}>{one.text}</button>
          ))}
        </span>
        <span class="dim">{said(rows, text.trim() ? found : null)}</span>
      </div>
      {sparks.problem && <p class="note small" role="status">The lines of the last hour do not come now: <Said text={sparks.problem} max={SENTENCE_MAX} /> All else on this page is as it should be.</p>}
      <Answer asked={asked}>
        {({ tokens, next_after }) => (
          <>
            {tokens.length === 0 && chosen !== "HOT" ? <NoToken /> : groups.every(one => !one.rows.length) && text.trim() ? (
              <div class="empty"><p>No token has <strong><Said text={text} max={LABEL_MAX} /></strong> in its symbol, name, mint or rules.</p>
                <p><button type="button" class="plain" onClick={() => change({ q: "", state: "" })}>Show all</button></p></div>
            ) : (
              <BoardTable groups={groups} order={order} press={key => change({ by: pressed(order, key) })} asked={`${text} ${chosen} ${query("by")}`} isFiltered={text.trim() !== ""}
                sparks={sparks} nowMs={live.nowMs()} alertsLoaded={known.alertsLoaded}
                isRecorded={known.status?.sources.some(one => one.kind === "recorded") ?? false} />
            )}
            {next_after !== null && <p class="none">There are more tokens than these.</p>}
          </>
        )}
      </Answer>
    </div>
  );
}

function said(rows: Row[], found: Row[] | null): string {
  if (!rows.length) return "";
  return found === null ? `${count(rows.length)} tokens` : `${count(found.length)} of ${count(rows.length)} tokens`;
}

function NoToken() {
  return (
    <div class="empty">
      <p><strong>No token is HOT or WARM yet.</strong></p>
      <p class="dim">A token becomes WARM when it is traded, and HOT when a rule rings for it; it stays HOT while rules ring within the hour.</p>
    </div>
  );
}
