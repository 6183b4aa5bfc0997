// Which tokens' last hours are asked for, and when: those that are in view, a few at once, each
// again after a while. The hour is the newest one that history has: a source may play what was.

import type { CandlesAnswer } from "../api";
import { sentence } from "../ask";
import { lineOf, MINUTE_MS, type Line } from "./spark_line";

export const AT_ONCE_MAX = 2;
export const AGAIN_MS = 30_000;
const REST_MS = 10_000;
const HOUR_MS = 60 * MINUTE_MS;
// Less of the hour may be missing at its begin than anybody sees.
const OFF_MAX_MS = 2 * MINUTE_MS;
const HELD_MAX = 600;

interface Kept { line: Line | null; askedMs: number }

export interface Asks {
  ask: (path: string) => Promise<CandlesAnswer>;
  now: () => number;
  /** A line came, or a problem, or one has gone. */
  told: () => void;
}

export class SparkQueue {
  /** Why the last question brought nothing; empty where it did. */
  problem = "";
  private wanted = new Map<string, number>();
  private held = new Map<string, Kept>();
  private running = new Set<string>();
  private restUntilMs = 0;
  /** The newest time that history has, and when it said so. */
  private end: { eventMs: number; saidMs: number } | null = null;

  constructor(private readonly asks: Asks) {}

  /** A row of this token came into view. */
  want(mint: string): void {
    this.wanted.set(mint, (this.wanted.get(mint) ?? 0) + 1);
  }

  leave(mint: string): void {
    const left = (this.wanted.get(mint) ?? 0) - 1;
    if (left > 0) this.wanted.set(mint, left);
    else this.wanted.delete(mint);
  }

  /** Its line; null where it was not traded within the hour, undefined before it has come. */
  lineOf(mint: string): Line | null | undefined {
    return this.held.get(mint)?.line;
  }

  /** Ask for what is due. */
  turn(): void {
    const nowMs = this.asks.now();
    if (nowMs < this.restUntilMs) return;
    const askedMs = (mint: string): number => this.held.get(mint)?.askedMs ?? -Infinity;
    const due = [...this.wanted.keys()]
      .filter(mint => !this.running.has(mint) && askedMs(mint) + AGAIN_MS <= nowMs)
      .sort((a, b) => (askedMs(a) < askedMs(b) ? -1 : askedMs(a) > askedMs(b) ? 1 : 0));
    for (const mint of due.slice(0, AT_ONCE_MAX - this.running.size)) void this.run(mint);
  }

  private async run(mint: string): Promise<void> {
    this.running.add(mint);
    try {
      const line = await this.hourOf(mint);
      this.held.delete(mint);
      this.held.set(mint, { line, askedMs: this.asks.now() });
      this.forget();
      this.problem = "";
    } catch (error) {
      this.problem = sentence(error);
      this.restUntilMs = this.asks.now() + REST_MS;
    }
    this.running.delete(mint);
    this.asks.told();
    this.turn();
  }

  private async hourOf(mint: string): Promise<Line | null> {
    const guessMs = this.guess();
    let answer = await this.candles(mint, guessMs);
    const eventMs = answer.history.event_time_ms;
    if (eventMs < guessMs - OFF_MAX_MS || eventMs >= guessMs + HOUR_MS) answer = await this.candles(mint, eventMs);
    this.end = { eventMs: answer.history.event_time_ms, saidMs: this.asks.now() };
    return lineOf(answer.candles, this.end.eventMs - HOUR_MS, this.end.eventMs);
  }

  private guess(): number {
    const nowMs = this.asks.now();
    return this.end === null ? nowMs : this.end.eventMs + (nowMs - this.end.saidMs);
  }

  private candles(mint: string, endMs: number): Promise<CandlesAnswer> {
    // There is nothing behind what history has, so that the end may lie ahead.
    const [first, end] = [Math.max(0, Math.floor(endMs - HOUR_MS)), Math.max(0, Math.floor(endMs + HOUR_MS))];
    return this.asks.ask(`/api/v1/tokens/${encodeURIComponent(mint)}/candles?step=1m&first_ms=${first}&end_ms=${end}`);
  }

  /** A day brings many tokens: what was asked for longest ago goes, unless it is in view. */
  private forget(): void {
    for (const mint of this.held.keys()) {
      if (this.held.size <= HELD_MAX) return;
      if (!this.wanted.has(mint)) this.held.delete(mint);
    }
  }
}
