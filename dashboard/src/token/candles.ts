// The candles of a token that are held here: the newest are asked for again and again, older ones
// when somebody looks that far back.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Candle, CandlesAnswer, HistoryHead, SwapsView } from "../api";
import { ask, sentence } from "../ask";

export const STEPS = { "1m": 60_000, "5m": 300_000, "15m": 900_000, "1h": 3_600_000, "4h": 14_400_000, "1d": 86_400_000 };
export type Step = keyof typeof STEPS;

const EVERY_MS = 2000;
const PATIENCE_MS = 27_000;
const STEPS_FIRST = 300;
const HELD_MAX = 5000;
// The newest ones may still grow, and one that came late may be the one before.
const AGAIN_STEPS = 3;

interface Held {
  candles: Candle[];
  head: HistoryHead | null;
  problem: string;
  isLoaded: boolean;
}
const NONE: Held = { candles: [], head: null, problem: "", isLoaded: false };

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

class Loader {
  private held: Held = NONE;
  private firstMs = Number.MAX_SAFE_INTEGER;
  private isOver = false;
  private isAskingOlder = false;
  private span: number;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly mint: string, private readonly step: Step, private readonly told: (held: Held) => void) {
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

  private async newest(): Promise<void> {
    const stepMs = STEPS[this.step];
    const last = this.held.candles.at(-1);
    const firstMs = last ? last.begin_ms - AGAIN_STEPS * stepMs : await this.begin();
    if (firstMs === null) {
      this.set({ isLoaded: true, problem: "" });
      return;
    }
    this.firstMs = Math.min(this.firstMs, firstMs);
    await this.take(firstMs, null);
  }

  /** Where the newest candles begin: a source may play what was, so no clock knows. */
  private async begin(): Promise<number | null> {
    const newest = await ask<SwapsView>(`/api/v1/tokens/${this.mint}/swaps?limit=1`, PATIENCE_MS);
    const at = newest.swaps[0]?.event_time_ms;
    return at === undefined ? null : Math.max(0, at - this.span);
  }

  /** Those before what is held: a pause may be long, so each look back is twice as far. */
  async older(): Promise<void> {
    const since = this.held.head?.minutes_since_ms ?? 0;
    if (this.isAskingOlder || this.firstMs <= since || this.held.candles.length >= HELD_MAX || !this.held.isLoaded) return;
    this.isAskingOlder = true;
    try {
      const endMs = this.firstMs;
      this.firstMs = Math.max(0, since, endMs - this.span);
      if (await this.take(this.firstMs, endMs) === 0) this.span *= 2;
    } catch (error) {
      this.set({ problem: sentence(error) });
    }
    this.isAskingOlder = false;
  }

  /** Ask for a span and put it in; how many candles came. */
  private async take(firstMs: number, endMs: number | null): Promise<number> {
    let from: number | null = firstMs;
    const found: Candle[] = [];
    let head: HistoryHead | null = null;
    while (from !== null) {
      const path: string = `/api/v1/tokens/${this.mint}/candles?step=${this.step}&first_ms=${from}&end_ms=${endMs ?? 253402300799999}`;
      const answer: CandlesAnswer = await ask<CandlesAnswer>(path, PATIENCE_MS);
      found.push(...answer.candles);
      head = answer.history;
      from = found.length >= HELD_MAX ? null : answer.next_first_ms;
    }
    const byTime = new Map(this.held.candles.map(one => [one.begin_ms, one]));
    for (const one of found) byTime.set(one.begin_ms, one);
    const candles = [...byTime.values()].sort((a, b) => a.begin_ms - b.begin_ms).slice(-HELD_MAX);
    this.set({ candles, head, problem: "", isLoaded: true });
    return found.length;
  }

  private set(change: Partial<Held>): void {
    if (this.isOver) return;
    this.held = { ...this.held, ...change };
    this.told(this.held);
  }
}
