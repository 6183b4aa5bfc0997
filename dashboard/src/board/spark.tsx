// A token's last hour as a small line, asked for while its row is in view.

import { useEffect, useMemo, useReducer, useRef } from "preact/hooks";
import type { CandlesAnswer } from "../api";
import { ask } from "../ask";
import { price } from "../frame/amounts";
import { HEIGHT, WIDTH, type Line } from "./spark_line";
import { SparkQueue } from "./spark_queue";

const TICK_MS = 1000;
const PATIENCE_MS = 27_000;
const AROUND = "120px";

/** Rows in view, and the lines of their tokens. */
export class Sparks {
  private readonly queue: SparkQueue;
  private readonly rows = new Map<Element, { mint: string; isIn: boolean; draw: () => void }>();
  private observer: IntersectionObserver | null = null;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(private readonly troubled: () => void) {
    const asking = (path: string) => ask<CandlesAnswer>(path, PATIENCE_MS);
    this.queue = new SparkQueue({ ask: asking, now: () => Date.now(), told: () => this.told() });
  }

  get problem(): string {
    return this.queue.problem;
  }

  lineOf(mint: string): Line | null | undefined {
    return this.queue.lineOf(mint);
  }

  /** Ask for a token's line while this element is in view; what is returned ends that. */
  watch(element: Element, mint: string, draw: () => void): () => void {
    this.observer ??= new IntersectionObserver(seen => this.seen(seen), { rootMargin: AROUND });
    this.timer ??= setInterval(() => this.turn(), TICK_MS);
    this.rows.set(element, { mint, isIn: false, draw });
    this.observer.observe(element);
    return () => {
      this.observer?.unobserve(element);
      if (this.rows.get(element)?.isIn) this.queue.leave(mint);
      this.rows.delete(element);
    };
  }

  stop(): void {
    this.observer?.disconnect();
    this.observer = null;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private seen(entries: IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) {
      const row = this.rows.get(target);
      if (row === undefined || row.isIn === isIntersecting) continue;
      row.isIn = isIntersecting;
      if (isIntersecting) this.queue.want(row.mint);
      else this.queue.leave(row.mint);
    }
    this.turn();
  }

  private turn(): void {
    if (!document.hidden && this.observer !== null) this.queue.turn();
  }

  private said = "";

  private told(): void {
    for (const one of this.rows.values()) if (one.isIn) one.draw();
    if (this.said === this.queue.problem) return;
    this.said = this.queue.problem;
    this.troubled();
  }
}

export function useSparks(): Sparks {
  const [, draw] = useReducer<number, void>(n => n + 1, 0);
  const sparks = useMemo(() => new Sparks(() => draw()), []);
  useEffect(() => () => sparks.stop(), [sparks]);
  return sparks;
}

export function Spark({ mint, sparks }: { mint: string; sparks: Sparks }) {
  const at = useRef<HTMLSpanElement>(null);
  const [, draw] = useReducer<number, void>(n => n + 1, 0);
  useEffect(() => (at.current ? sparks.watch(at.current, mint, () => draw()) : undefined), [mint, sparks]);
  return <span class="spark" ref={at}><Drawn line={sparks.lineOf(mint)} /></span>;
}

const PERCENT = new Intl.NumberFormat("en", { maximumFractionDigits: 1, signDisplay: "exceptZero" });

/** What a line says in words. */
export function saidOf(line: Line): string {
  const change = line.first > 0 ? `, ${PERCENT.format(100 * (line.last / line.first - 1))} %` : "";
  return `last hour: from ${price(line.first)} to ${price(line.last)} SOL${change}; traded in ${line.minutes} of 60 minutes`;
}

function Drawn({ line }: { line: Line | null | undefined }) {
  if (line === undefined) return null;
  if (line === null) return <span class="dim small" title="Not traded for SOL within the last hour">none in SOL</span>;
  const said = saidOf(line);
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT} role="img" aria-label={said} class={line.direction}>
      <title>{said}</title>
      <polyline points={line.points} fill="none" stroke="currentColor" stroke-width="1.5" stroke-linejoin="round" stroke-linecap="round" />
    </svg>
  );
}
