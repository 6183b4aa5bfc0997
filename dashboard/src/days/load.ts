// The alerts of one day, page by page, and again while the day is not over and they are few.

import { useEffect, useRef, useState } from "preact/hooks";
import type { HistoryHead, PastAlertsAnswer } from "../api";
import { ask, Locked, sentence } from "../ask";
import { DAY_MS } from "./dates";
import { rangOf, type Rang } from "./outcomes";

const PAGE = 200;
export const ALERTS_MAX = 2000;
// A day of more alerts is asked for again by hand: each is some thousand characters.
const AGAIN_ALERTS_MAX = 400;
const AGAIN_MS = 60_000;
const PATIENCE_MS = 27_000;

export interface DayAlerts {
  /** Null before they have come. */
  rang: Rang[] | null;
  /** There are more than are held here. */
  isCut: boolean;
  head: HistoryHead | null;
  problem: string;
  askedMs: number;
}
const NONE: DayAlerts = { rang: null, isCut: false, head: null, problem: "", askedMs: 0 };

export function useDay(beginMs: number | null): DayAlerts & { again: () => void } {
  const [state, setState] = useState<DayAlerts>(NONE);
  const again = useRef<() => void>(() => undefined);
  useEffect(() => {
    setState(NONE);
    if (beginMs === null) return undefined;
    let isGone = false;
    let isAsking = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const turn = async () => {
      if (isAsking) return;
      isAsking = true;
      clearTimeout(timer);
      const later = () => { if (!isGone) timer = setTimeout(() => void turn(), AGAIN_MS); };
      try {
        if (document.hidden) later();
        else if (await pagesOf(beginMs, () => isGone, change => { if (!isGone) setState(before => ({ ...before, ...change })); }) <= AGAIN_ALERTS_MAX) later();
      } catch (error) {
        const problem = error instanceof Locked ? "This browser is not logged in." : sentence(error);
        if (!isGone) setState(before => ({ ...before, problem }));
        later();
      }
      isAsking = false;
    };
    again.current = () => void turn();
    void turn();
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, [beginMs]);
  return { ...state, again: () => again.current() };
}

/** Load a whole day; returns how many alerts there were. Nothing is shown before all of them are
 *  here, since a summary of some would be wrong. */
async function pagesOf(beginMs: number, isOver: () => boolean, tell: (change: Partial<DayAlerts>) => void): Promise<number> {
  const rang: Rang[] = [];
  let before: string | null = null;
  let head: HistoryHead | null = null;
  do {
    const more: string = before === null ? "" : `&before=${encodeURIComponent(before)}`;
    const page: PastAlertsAnswer = await ask<PastAlertsAnswer>(
      `/api/v1/alerts?first_ms=${beginMs}&end_ms=${beginMs + DAY_MS}&kind=opened&limit=${PAGE}${more}`, PATIENCE_MS);
    rang.push(...page.alerts.map(rangOf));
    head = head ?? page.history;
    before = page.next_before;
  } while (before !== null && rang.length < ALERTS_MAX && !isOver());
  tell({ rang, isCut: before !== null, head, problem: "", askedMs: Date.now() });
  return rang.length;
}
