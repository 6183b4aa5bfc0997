// The candles of a token that are held here: the newest are asked for again and again, older ones
// when somebody looks that far back, and all of them once in a while, since a gap may be filled.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Candle, CandlesAnswer, HistoryHead, SwapsView } from "../api";
import { ask as askApi, sentence } from "../ask";

export const STEPS = { "1m": 60_000, "5m": 300_000, "15m": 900_000, "1h": 3_600_000, "4h": 14_400_000, "1d": 86_400_000 };
export type Step = keyof typeof STEPS;

const EVERY_MS = 2000;
const ALL_EVERY = 30;
const PATIENCE_MS = 27_000;
const STEPS_FIRST = 300;
const HELD_MAX = 5000;
const EVER_MS = 253_402_300_799_999;
// The newest ones may still grow, and one that came late may be the one before.
const AGAIN_STEPS = 3;

export interface Held {
  candles: Candle[];
  head: HistoryHead | null;
  problem: string;
  isLoaded: boolean;
}
const NONE: Held = { candles: [], head: null, problem: "", isLoaded: false };
type Ask = <T>(path: string, patienceMs: number) => Promise<T>;

export function useCandles(mint: string, step: Step): Held & { older: () => void } {
  const [held, setHeld] = useState<Held>(NONE);
  const older = useRef<() => void>(() => undefined);
  useEffect(() => {
    const loader = new Loader(mint, step, setHeld);
    older.current = () => void loader.older();
    setHeld(NONE);
    void loader.turn();
    return () => loader.stop();
  }, [mint, step]);
  return { ...held, older: () => older.current() };
}

export class Loader {
  private held: Held = NONE;
  /** From here on all candles are held; nothing is while it is null. */
  private firstMs: number | null = null;
  private isOver = false;
  private isAskingOlder = false;
  private turns = 0;
  private span: number;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly mint: string, private readonly step: Step, private readonly told: (held: Held) => void,
    private readonly ask: Ask = askApi,
  ) {
    this.span = STEPS_FIRST * STEPS[step];
  }

  stop(): void {
    this.isOver = true;
    clearTimeout(this.timer);
  }

  async turn(): Promise<void> {
    if (!document.hidden) {
      try {
        await this.newest();
      } catch (error) {
        this.set({ problem: sentence(error) });
      }
    }
    if (!this.isOver) this.timer = setTimeout(() => void this.turn(), EVERY_MS);
  }

  async newest(): Promise<void> {
    const last = this.held.candles.at(-1);
    if (last === undefined || this.firstMs === null) {
      await this.first();
    } else if (++this.turns % ALL_EVERY === 0) {
      // What was filled meanwhile is shown, and what is still missing is said.
      await this.take(this.firstMs, null, { isAll: true });
    } else {
      await this.take(Math.max(this.firstMs, last.begin_ms - AGAIN_STEPS * STEPS[this.step]), null);
    }
  }

  /** The newest candles there are, however long ago: a source may play what was, so no clock knows. */
  private async first(): Promise<void> {
    const newest = await this.ask<SwapsView>(`/api/v1/tokens/${this.mint}/swaps?limit=1`, PATIENCE_MS);
    // Of swaps that are kept no longer there still are candles.
    const at = newest.swaps[0]?.event_time_ms ?? newest.history.event_time_ms;
    let firstMs = Math.max(0, at - this.span);
    await this.take(firstMs, null, { isAll: true, isLoaded: false });
    while (this.held.candles.length === 0 && firstMs > this.sinceMs() && !this.isOver) {
      const endMs = firstMs;
      this.span *= 2;
      firstMs = Math.max(this.sinceMs(), endMs - this.span);
      await this.take(firstMs, endMs, { isLoaded: false });
    }
    this.span = STEPS_FIRST * STEPS[this.step];
    this.firstMs = firstMs;
    this.set({ isLoaded: true });
  }

  private sinceMs = (): number => Math.max(0, this.held.head?.minutes_since_ms ?? 0);

  /** Those before what is held: a pause may be long, so each look back is twice as far. */
  async older(): Promise<void> {
    const endMs = this.firstMs;
    if (this.isAskingOlder || endMs === null || endMs <= this.sinceMs() || this.held.candles.length >= HELD_MAX) return;
    this.isAskingOlder = true;
    try {
      const firstMs = Math.max(this.sinceMs(), endMs - this.span);
      if (await this.take(firstMs, endMs) === 0) this.span *= 2;
      this.firstMs = firstMs;
    } catch (error) {
      this.set({ problem: sentence(error) });
    }
    this.isAskingOlder = false;
  }

  /** Ask for a span and put it in; how many candles came. */
  private async take(firstMs: number, endMs: number | null, { isAll = false, isLoaded = true } = {}): Promise<number> {
    let from: number | null = firstMs;
    const found: Candle[] = [];
    let head: HistoryHead | null = null;
    while (from !== null) {
      const path: string = `/api/v1/tokens/${this.mint}/candles?step=${this.step}&first_ms=${from}&end_ms=${endMs ?? EVER_MS}`;
      const answer: CandlesAnswer = await this.ask<CandlesAnswer>(path, PATIENCE_MS);
      found.push(...answer.candles);
      head = joined(head, answer.history);
      from = found.length >= HELD_MAX ? null : answer.next_first_ms;
    }
    const before = isAll ? [] : this.held.candles;
    const byTime = new Map(before.map(one => [one.begin_ms, one]));
    for (const one of found) byTime.set(one.begin_ms, one);
    const candles = [...byTime.values()].sort((a, b) => a.begin_ms - b.begin_ms).slice(-HELD_MAX);
    // An answer names the holes of its own span; those of what is held beside it are still there.
    this.set({ candles, head: isAll ? head : joined(this.held.head, head), problem: "", isLoaded });
    return found.length;
  }

  private set(change: Partial<Held>): void {
    if (this.isOver) return;
    this.held = { ...this.held, ...change };
    this.told(this.held);
  }
}

/** How far history has come by the newer of two answers, with the holes of both. */
function joined(before: HistoryHead | null, now: HistoryHead | null): HistoryHead | null {
  if (before === null || now === null) return now ?? before;
  const holes = new Map([...before.holes, ...now.holes].map(one => [[one.why, one.gap, one.first_slot, one.last_slot].join(), one]));
  return { ...now, holes: [...holes.values()] };
}
