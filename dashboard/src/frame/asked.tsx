// One answer of the API, asked for while it is shown: what came last stays until something newer does.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { HistoryHead, Hole } from "../api";
import { ask, Locked, sentence } from "../ask";
import { span } from "../format";
import { Said } from "../parts";
import { SENTENCE_MAX } from "../text";
import { clock } from "./times";

export interface Asked<T> {
  value: T | null;
  /** Why the last question brought nothing; empty where it did. */
  problem: string;
  again: () => void;
}

/** Ask for a path now, and every so often while somebody looks; null asks for nothing. */
export function useAsked<T>(path: string | null, everyMs: number): Asked<T> {
  const [state, setState] = useState<{ path: string | null; value: T | null; problem: string }>({ path, value: null, problem: "" });
  const again = useRef<() => void>(() => undefined);
  useEffect(() => {
    if (path === null) return undefined;
    let isGone = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isAsking = false;
    const turn = async () => {
      clearTimeout(timer);
      if (isAsking) return;
      if (!document.hidden) {
        isAsking = true;
        try {
          const value = await ask<T>(path, HISTORY_PATIENCE_MS);
          if (!isGone) setState({ path, value, problem: "" });
        } catch (error) {
          const problem = error instanceof Locked ? "This browser is not logged in." : sentence(error);
          if (!isGone) setState(before => ({ path, value: before.path === path ? before.value : null, problem }));
        }
        isAsking = false;
      }
      if (!isGone && everyMs > 0) timer = setTimeout(() => void turn(), everyMs);
    };
    again.current = () => void turn();
    const looked = () => { if (!document.hidden) void turn(); };
    document.addEventListener("visibilitychange", looked);
    void turn();
    return () => {
      isGone = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", looked);
    };
  }, [path, everyMs]);
  const mine = state.path === path;
  return { value: mine ? state.value : null, problem: mine ? state.problem : "", again: () => again.current() };
}

// History may take as long for one answer as the API waits for it.
const HISTORY_PATIENCE_MS = 27_000;

/** What an answer shows; before it has come that it is asked for, and why it does not come. */
export function Answer<T>({ asked, children }: { asked: Asked<T>; children: (value: T) => ComponentChildren }) {
  return (
    <>
      {asked.problem && (
        <p class="note away" role="status">
          <Said text={asked.problem} max={SENTENCE_MAX} />{" "}
          {asked.value !== null && "What stands below is what came last. "}
          <button type="button" class="plain small" onClick={asked.again}>Ask again</button>
        </p>
      )}
      {asked.value === null && !asked.problem && <p class="none" role="status">…</p>}
      {asked.value !== null && children(asked.value)}
    </>
  );
}

const BEHIND_SHOWN_S = 5;
const HOLES_SHOWN = 3;

/** What an answer of history may lack: how far behind it is, and the holes in its time. */
export function Lacks({ head }: { head: HistoryHead }) {
  const behind = head.behind_s >= BEHIND_SHOWN_S;
  if (!behind && !head.holes.length) return null;
  return (
    <p class="gapped small">
      {behind && <>History is {span(head.behind_s)} behind. </>}
      {head.holes.slice(0, HOLES_SHOWN).map(one => <HoleOf key={`${one.first_slot}${one.why}`} hole={one} />)}
      {head.holes.length > HOLES_SHOWN && <>And {head.holes.length - HOLES_SHOWN} more holes. </>}
    </p>
  );
}

function HoleOf({ hole }: { hole: Hole }) {
  const from = hole.first_ms === null ? "the beginning" : clock(hole.first_ms);
  const to = hole.last_ms === null ? "now" : clock(hole.last_ms);
  return <span>Something is missing from {from} to {to}: <Said text={hole.why} max={200} />. </span>;
}
