// The swap tape: every swap as it comes, newest first, filtered, and held still on demand.

import { useEffect, useRef, useState } from "preact/hooks";
import { count, rate } from "../format";
import { Lacks } from "../frame/asked";
import { useLists } from "../frame/lists";
import type { Shown } from "../frame/pages";
import { useQuery } from "../frame/query";
import { Said } from "../parts";
import { SENTENCE_MAX } from "../text";
import "../board/stack.css";
import { Choices } from "./choices";
import { filterOf, isFiltered, nameOf } from "./filter";
import { useTape, type Followed } from "./follow";
import { TapeTable } from "./table";
import { ROWS_MAX } from "./tape";
import "./tape.css";

export function TapePage({ known }: Shown) {
  const [query, change] = useQuery();
  const filter = filterOf(query);
  const watched = useLists().watched?.entries ?? [];
  const tape = useTape(filter, watched);
  const [isPaused, setPaused] = useState(false);
  const [isIn, setIn] = useState({ pointer: false, focus: false });
  const isHeld = isPaused || isIn.pointer || isIn.focus;
  // What stands still is what was there when it was stopped; a new filter is shown as it comes.
  const still = useRef<Followed | null>(null);
  const said = nameOf(filter);
  const stillOf = useRef(said);
  if (!isHeld || stillOf.current !== said || !still.current?.isLoaded) still.current = tape;
  stillOf.current = said;
  const shown = still.current;
  const waiting = tape.passed - shown.passed;
  usePauseKey(() => setPaused(before => !before));
  return (
    <div class="tape-page">
      <div class="head tools">
        <h1>Live</h1>
        <button type="button" class="plain small pause" aria-pressed={isPaused} onClick={() => setPaused(!isPaused)}>{isPaused ? "Go on" : "Pause"}</button>
        <span class="dim">{paceOf(tape, isFiltered(filter))}</span>
        <span class="waits" role="status">{isPaused ? "Paused" : ""}</span>
        {isHeld && <span class="waits">{!isPaused && "Held while somebody is in it"}{waiting > 0 && ` · ${count(waiting)} wait${waiting > ROWS_MAX ? `, the newest ${ROWS_MAX} will be shown` : ""}`}</span>}
      </div>
      <Choices filter={filter} query={query} change={change} venues={tape.venues} watches={watched.length} />
      {tape.problem && <p class="note away" role="status"><Said text={tape.problem} max={SENTENCE_MAX} />{" "}
        {tape.isLoaded && "What stands below is what came last. "}This page asks again every second.</p>}
      {tape.head !== null && <Lacks head={tape.head} />}
      {tape.missed > 0 && <p class="gapped small">{count(tape.missed)} more came since this page was opened and are not shown: more at once than it fetches, or of a gap that was filled. History has them.</p>}
      {!tape.isLoaded && !tape.problem && <p class="none" role="status">…</p>}
      {shown.isLoaded && (shown.rows.length > 0
        ? <TapeTable held={shown} known={known} inside={change => setIn(before => ({ ...before, ...change }))} />
        : <None tape={shown} isAny={isFiltered(filter)} clear={() => change({ side: "", min: "", venue: "", mint: "", wallet: "", watched: "" })} />)}
      {shown.isLoaded && shown.rows.length > 0 && <p class="none">{endOf(shown, isFiltered(filter))}</p>}
    </div>
  );
}

function paceOf(tape: Followed, isAny: boolean): string {
  if (tape.perS === null) return tape.isLoaded ? "…" : "";
  const passed = isAny && tape.passedPerS !== null ? `, ${rate(tape.passedPerS)}/s pass` : "";
  return `${rate(tape.perS)} swaps/s come in${passed}`;
}

function endOf(tape: Followed, isAny: boolean): string {
  if (tape.rows.length >= ROWS_MAX) return `The newest ${ROWS_MAX} are held here.`;
  if (!tape.hasOlder) return isAny ? "History has no older ones that pass." : "History has none before these.";
  return isAny ? `When this filter was chosen the newest ${count(tape.lookedAt)} swaps were looked through.` : "History has older ones: each token's and wallet's page shows them.";
}

function None({ tape, isAny, clear }: { tape: Followed; isAny: boolean; clear: () => void }) {
  return (
    <div class="empty">
      <p><strong>{isAny ? "No swap passes yet." : "No swap has come yet."}</strong></p>
      {isAny && <p class="dim">None of the newest {count(tape.lookedAt)} swaps did; what comes is looked at as it comes.</p>}
      {isAny && <p><button type="button" class="plain" onClick={clear}>Show all swaps</button></p>}
    </div>
  );
}

const USES_SPACE = /^(INPUT|TEXTAREA|SELECT|BUTTON|A|SUMMARY)$/;

/** The space key stops the tape, unless something that has the focus uses it. */
function usePauseKey(press: () => void): void {
  const now = useRef(press);
  now.current = press;
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const isPlain = !event.metaKey && !event.ctrlKey && !event.altKey && !event.shiftKey;
      const uses = event.target instanceof HTMLElement && (event.target.isContentEditable || USES_SPACE.test(event.target.tagName));
      if (event.key !== " " || !isPlain || uses || document.querySelector("dialog[open]")) return;
      event.preventDefault();
      if (!event.repeat) now.current();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
}
