// What the page knows, kept up to date: the status by asking, alerts by a stream of events.
//
// The link is one of five: loading (nothing has come yet), live, back (live again, said for a
// moment), away (no answer; what is shown is what came last), locked (this browser must log in).

import type {
  AlertsAnswer, StatusView, StoredAlert, SwapsView, Token, TokensAnswer, TriggersAnswer, WhyRow,
} from "./api";
import { bounded } from "./episodes";
import { plain, SENTENCE_MAX } from "./text";

export type Link = "loading" | "live" | "back" | "away" | "locked";

export interface Known {
  link: Link;
  problem: string;
  /** What of the rest did not come the last time; empty where all of it did. */
  missing: string;
  awaySinceMs: number;
  startedMs: Record<string, number>;
  status: StatusView | null;
  /** The server's clock minus ours, in ms. */
  aheadMs: number;
  alerts: Map<string, StoredAlert>;
  alertsLoaded: boolean;
  olderBefore: number | null;
  streaming: boolean;
  hot: Token[] | null;
  rules: TriggersAnswer | null;
  swaps: SwapsView | null;
}

const EVERY_MS = 1000;
const PATIENCE_MS = 4000;
// Before anything has come there is nothing old that could be taken for new.
const FIRST_PATIENCE_MS = 15_000;
const BACK_SHOWN_MS = 4000;
const STREAM_AGAIN_MS = 2000;
const PAGE = 100;
const INSTANCES_MAX = 64;
const HOT_EVERY = 2;
const RULES_EVERY = 30;

export class Locked extends Error {}

/** One answer of the API. Raises Locked, or an Error that says why there is none. */
export async function ask<T>(path: string, patienceMs: number = PATIENCE_MS): Promise<T> {
  const answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(patienceMs) });
  if (answer.status === 401) throw new Locked("locked");
  const body: unknown = await answer.json();
  if (!answer.ok) {
    const said = (body as { detail?: unknown } | null)?.detail ?? answer.statusText;
    throw new Error(plain(String(said), SENTENCE_MAX));
  }
  return body as T;
}

export const whyOf = (mint: string): Promise<WhyRow[]> =>
  ask<WhyRow[]>(`/api/v1/tokens/${encodeURIComponent(mint)}/why`);

export class Live {
  known: Known = {
    link: "loading", problem: "", missing: "", startedMs: {}, awaySinceMs: 0, status: null, aheadMs: 0, alerts: new Map(),
    alertsLoaded: false, olderBefore: null, streaming: false, hot: null, rules: null, swaps: null,
  };
  /** Whether the page that is shown needs the swaps. */
  wantsSwaps = false;
  onAlert: (alert: StoredAlert) => void = () => {};
  private instances = new Map<string, Set<string>>();
  private listeners = new Set<() => void>();
  private due = false;
  private turns = 0;
  private events: EventSource | null = null;
  private again = 0;

  start(): void {
    void this.turn();
    document.addEventListener("visibilitychange", () => { if (!document.hidden) void this.poll(); });
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  nowMs(): number {
    return Date.now() + this.known.aheadMs;
  }

  async older(): Promise<void> {
    const before = this.known.olderBefore;
    if (before !== null) await this.load(`&before_seq=${before}`);
  }

  private set(change: Partial<Known>): void {
    this.known = { ...this.known, ...change };
    if (this.due) return;
    // Alerts may come in a burst: they are drawn once.
    this.due = true;
    queueMicrotask(() => {
      this.due = false;
      for (const one of this.listeners) one();
    });
  }

  private async turn(): Promise<void> {
    if (!document.hidden) await this.poll();
    setTimeout(() => void this.turn(), EVERY_MS);
  }

  private async poll(): Promise<void> {
    try {
      const turn = this.turns++;
      const patienceMs = this.known.status === null ? FIRST_PATIENCE_MS : PATIENCE_MS;
      const status = await ask<StatusView>("/api/v1/status", patienceMs);
      this.answered(status);
      if (this.events === null) this.listen();
      await this.beside(turn);
    } catch (error) {
      this.failed(error);
    }
  }

  /** What stands beside the status. One that does not come is said, and makes nobody blind. */
  private async beside(turn: number): Promise<void> {
    let missing = "";
    const one = async <T>(path: string, keep: (found: T) => Partial<Known>) => {
      try {
        this.set(keep(await ask<T>(path)));
      } catch (error) {
        if (error instanceof Locked) throw error;
        missing = sentence(error);
      }
    };
    if (this.wantsSwaps) await one<SwapsView>("/api/v1/swaps?limit=25", swaps => ({ swaps }));
    if (turn % HOT_EVERY === 0) {
      await one<TokensAnswer>("/api/v1/tokens?state=HOT", found => ({ hot: found.tokens }));
    }
    if (turn % RULES_EVERY === 0 || this.known.rules === null) {
      await one<TriggersAnswer>("/api/v1/triggers", rules => ({ rules }));
    }
    if (!this.known.alertsLoaded && this.known.streaming) await this.loadAgain();
    this.set({ missing });
  }

  /** Which services were started again while somebody looked, and when that was seen. */
  private noteStarts(status: StatusView): void {
    const startedMs = { ...this.known.startedMs };
    for (const { service, instances } of status.services) {
      const before = this.instances.get(service);
      const now = new Set(instances.map(one => one.instance));
      if (before && [...now].some(one => !before.has(one))) startedMs[service] = Date.now();
      // What has just gone is still known, so that it does not count as new when it is named again.
      this.instances.set(service, new Set([...(before ?? []), ...now].slice(-INSTANCES_MAX)));
    }
    this.set({ startedMs });
  }

  private answered(status: StatusView): void {
    this.noteStarts(status);
    const aheadMs = status.at_ms - Date.now();
    const was = this.known.link;
    const link: Link = was === "away" || was === "locked" ? "back" : was === "loading" ? "live" : was;
    // A clock that is as good as ours is left alone, so that ages do not tremble.
    this.set({ status, link, problem: "", aheadMs: Math.abs(aheadMs) < 1500 ? 0 : aheadMs });
    if (link === "back" && was !== "back") {
      setTimeout(() => { if (this.known.link === "back") this.set({ link: "live" }); }, BACK_SHOWN_MS);
    }
  }

  private failed(error: unknown): void {
    const locked = error instanceof Locked;
    const was = this.known.link;
    const fresh = was !== "away" && was !== "locked";
    this.set({
      link: locked ? "locked" : "away",
      problem: locked ? "" : sentence(error),
      awaySinceMs: fresh ? Date.now() : this.known.awaySinceMs,
    });
    if (locked) this.hangUp();
  }

  private listen(): void {
    const events = new EventSource("/api/v1/alerts/stream");
    this.events = events;
    events.onopen = () => {
      this.set({ streaming: true });
      // What came before, or while nobody listened: asked for once the stream is open, so that
      // nothing falls between the two.
      void this.loadAgain();
    };
    events.addEventListener("alert", event => this.take(event as MessageEvent<string>));
    events.onerror = () => {
      this.set({ streaming: false });
      // The browser comes again by itself, unless it was refused for good.
      if (events.readyState === EventSource.CLOSED) this.hangUp();
    };
  }

  private hangUp(): void {
    this.events?.close();
    clearTimeout(this.again);
    this.again = setTimeout(() => { this.events = null; }, STREAM_AGAIN_MS);
  }

  private take(event: MessageEvent<string>): void {
    let alert: StoredAlert;
    try {
      alert = JSON.parse(event.data) as StoredAlert;
    } catch {
      return; // Another version's; the next page of alerts leaves it out as well.
    }
    const isNew = !this.known.alerts.has(alert.id);
    this.keep([alert]);
    if (isNew && this.known.alertsLoaded) this.onAlert(alert);
  }

  private async load(more: string): Promise<void> {
    const page = await ask<AlertsAnswer>(`/api/v1/alerts?limit=${PAGE}${more}`);
    this.keep(page.alerts);
    const before = more || this.known.olderBefore === null ? page.next_before_seq : this.known.olderBefore;
    this.set({ alertsLoaded: true, olderBefore: before });
  }

  /** The newest page; where it does not come, the next turn asks again. */
  private async loadAgain(): Promise<void> {
    try {
      await this.load("");
    } catch (error) {
      if (error instanceof Locked) this.failed(error);
      else this.set({ missing: sentence(error) });
    }
  }

  private keep(alerts: StoredAlert[]): void {
    const held = new Map(this.known.alerts);
    for (const one of alerts) held.set(one.id, one);
    this.set({ alerts: bounded(held) });
  }
}

function sentence(error: unknown): string {
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return "The API gave no answer in time.";
  }
  // What a browser says when nothing listens there differs from one to the next.
  if (error instanceof TypeError || error instanceof SyntaxError) return "The API does not answer.";
  return error instanceof Error ? error.message : "The API does not answer.";
}
