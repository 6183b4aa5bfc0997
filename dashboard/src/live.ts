// What the page knows, kept up to date: the status by asking, alerts by a stream of events.
//
// The link is one of five: loading (nothing has come yet), live, back (live again, said for a
// moment), away (no answer; what is shown is what came last), locked (this browser must log in).
// A page that nobody looks at asks less often, and after a while gives its stream up: a browser
// opens six connections to one place, and a seventh page would wait for them for ever.

import { AlertLog, NONE_HELD, type Held } from "./alert_log";
import type {
  AlertsAnswer, StatusView, StoredAlert, StreamView, Token, TokensAnswer, TriggersAnswer,
} from "./api";
import { ask, Locked, PATIENCE_MS, sentence } from "./ask";
import { isFromItsStart, STORY_WITHIN, storyOf } from "./story";
import { AlertStream } from "./stream";

export type Link = "loading" | "live" | "back" | "away" | "locked";

export interface Known extends Held {
  link: Link;
  problem: string;
  /** What of the rest did not come the last time; empty where all of it did. */
  missing: string;
  awaySinceMs: number;
  startedMs: Record<string, number>;
  status: StatusView | null;
  /** The server's clock minus ours, in ms. */
  aheadMs: number;
  streaming: boolean;
  /** The demo's: what rang first in this run. */
  story: StoredAlert | null;
  hot: Token[] | null;
  rules: TriggersAnswer | null;
}

const EVERY_MS = 1000;
const HIDDEN_EVERY_MS = 10_000;
const STREAM_HIDDEN_MS = 60_000;
// Before anything has come there is nothing old that could be taken for new.
const FIRST_PATIENCE_MS = 15_000;
const BACK_SHOWN_MS = 4000;
// A stream may be cut where neither end learns of it.
const OVERDUE_MS = 5000;
const INSTANCES_MAX = 64;
const HOT_EVERY = 2;
const RULES_EVERY = 30;
const STREAM = "PW_ALERT";

/** Whether a source plays what was: its times are not of today. */
export const isRecorded = (known: Known): boolean =>
  known.status?.sources.some(one => one.kind === "recorded") ?? false;

export const streamOfAlerts = (status: StatusView | null): StreamView | undefined =>
  status?.streams.find(one => one.stream === STREAM);

export class Live {
  known: Known = {
    ...NONE_HELD, link: "loading", problem: "", missing: "", startedMs: {}, awaySinceMs: 0, status: null, aheadMs: 0,
    streaming: false, story: null, hot: null, rules: null,
  };
  private log = new AlertLog(held => this.set(held));
  private stream = new AlertStream({
    opened: () => {
      // What came before, or while nobody listened: asked for once the stream is open, so that
      // nothing falls between the two.
      this.log.broke();
      void this.fill();
    },
    alert: event => this.take(event),
    turned: streaming => this.set({ streaming }),
  });
  private instances = new Map<string, Set<string>>();
  private listeners = new Set<() => void>();
  private due = false;
  private turns = 0;
  private polledMs = 0;
  private hiddenSinceMs = Date.now();
  private overdue: { seq: number; sinceMs: number } | null = null;
  private storySought = false;

  start(): void {
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.hiddenSinceMs = Date.now();
      else void this.poll();
    });
    void this.turn();
  }

  /** Called with new alerts, including those that fired while the stream was away. */
  set onNew(listener: (alerts: StoredAlert[]) => void) {
    this.log.onNew = listener;
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  nowMs(): number {
    return Date.now() + this.known.aheadMs;
  }

  older(): Promise<void> {
    return this.log.older();
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
    if (!this.wantsStream()) this.stream.close();
    if (!document.hidden || Date.now() - this.polledMs >= HIDDEN_EVERY_MS) await this.poll();
    setTimeout(() => void this.turn(), EVERY_MS);
  }

  private wantsStream(): boolean {
    return !document.hidden || Date.now() - this.hiddenSinceMs < STREAM_HIDDEN_MS;
  }

  private async poll(): Promise<void> {
    try {
      this.polledMs = Date.now();
      const turn = this.turns++;
      const patienceMs = this.known.status === null ? FIRST_PATIENCE_MS : PATIENCE_MS;
      const status = await ask<StatusView>("/api/v1/status", patienceMs);
      this.answered(status);
      this.follow(streamOfAlerts(status));
      const missing = this.needsPages() ? await this.fill() : "";
      if (!document.hidden) await this.beside(turn, missing);
    } catch (error) {
      this.failed(error);
    }
  }

  /** Whether alerts are there that no stream brings; one that is about to open asks by itself. */
  private needsPages(): boolean {
    const isAway = this.stream.isAway(Date.now());
    if (this.log.owes) return isAway || this.known.streaming;
    return isAway && this.log.storedSeq > this.log.toldSeq;
  }

  /** Keep to the stream that the status names, as long as somebody may look. */
  private follow(stored: StreamView | undefined): void {
    if (stored && this.log.placed(stored.last_seq, stored.created_ms)) {
      // The old one goes on after a sequence that says nothing here.
      this.stream.close();
      this.set({ story: null });
      this.storySought = false;
    }
    if (!this.wantsStream()) return;
    if (this.isOverdue()) this.stream.reopen();
    else this.stream.listen();
  }

  /** Whether an open stream has kept quiet about what was stored a while ago. */
  private isOverdue(): boolean {
    const { storedSeq, toldSeq, isWhole } = this.log;
    if (!this.known.streaming || !isWhole || storedSeq <= toldSeq) this.overdue = null;
    else if (this.overdue === null || toldSeq >= this.overdue.seq) this.overdue = { seq: storedSeq, sinceMs: Date.now() };
    return this.overdue !== null && Date.now() - this.overdue.sinceMs >= OVERDUE_MS;
  }

  /** What stands beside the status. One that does not come is said, and makes nobody blind. */
  private async beside(turn: number, saidMissing: string): Promise<void> {
    let missing = saidMissing;
    const one = async <T>(path: string, keep: (found: T) => Partial<Known>) => {
      try {
        this.set(keep(await ask<T>(path)));
      } catch (error) {
        if (error instanceof Locked) throw error;
        missing = sentence(error);
      }
    };
    if (turn % HOT_EVERY === 0) {
      await one<TokensAnswer>("/api/v1/tokens?state=HOT", found => ({ hot: found.tokens }));
    }
    if (turn % RULES_EVERY === 0 || this.known.rules === null) {
      await one<TriggersAnswer>("/api/v1/triggers", rules => ({ rules }));
    }
    if (this.seeksStory()) {
      await one<AlertsAnswer>(`/api/v1/alerts?limit=${STORY_WITHIN}&before_seq=${STORY_WITHIN + 1}`, page => {
        this.storySought = this.log.storedSeq >= STORY_WITHIN;
        return { story: storyOf(page.alerts) };
      });
    }
    this.set({ missing });
  }

  /** Take the story from what is held; whether it lies before that and has to be asked for. */
  private seeksStory(): boolean {
    const { status, story, alerts, alertsLoaded, olderBefore } = this.known;
    const stored = streamOfAlerts(status);
    if (!status?.demo || story !== null || !alertsLoaded || !isFromItsStart(stored)) return false;
    if (olderBefore === null) this.set({ story: storyOf(alerts.values()) });
    return olderBefore !== null && !this.storySought;
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
    if (locked) this.stream.close();
  }

  private take(event: MessageEvent<string>): void {
    // The id is its sequence, also of one that cannot be read here.
    this.log.told(Number(event.lastEventId) || 0);
    let alert: StoredAlert;
    try {
      alert = JSON.parse(event.data) as StoredAlert;
    } catch {
      return; // Another version's; the next page of alerts leaves it out as well.
    }
    this.log.take(alert);
  }

  /** Ask for what is missing of the alerts; why it does not come, and the next turn asks again. */
  private async fill(): Promise<string> {
    try {
      await this.log.fill();
      return "";
    } catch (error) {
      if (error instanceof Locked) this.failed(error);
      return sentence(error);
    }
  }
}
