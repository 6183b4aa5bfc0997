// The alerts that the page holds: from the newest down to where older ones begin, without a hole.
//
// While the stream is open it brings each new one. Where it broke off, pages are asked for from the
// newest down until one meets what was held whole before; where that is too far, what is older is
// dropped and can be asked for again.

import type { AlertsAnswer, StoredAlert } from "./api";
import { ask } from "./ask";
import { ALERTS_MAX, bounded } from "./episodes";

const PAGE = 100;

export interface Held {
  alerts: Map<string, StoredAlert>;
  alertsLoaded: boolean;
  /** Alerts before this sequence are not held; null where there are none. */
  olderBefore: number | null;
}

export const NONE_HELD: Held = { alerts: new Map(), alertsLoaded: false, olderBefore: null };

export class AlertLog {
  onNew: (alerts: StoredAlert[]) => void = () => {};
  /** The newest sequence that the status names. */
  storedSeq = 0;
  /** Up to here has been told, by the stream or by pages; what nobody can read counts as well. */
  toldSeq = 0;
  private held = NONE_HELD;
  private madeMs: number | null = null;
  /** Where the stream broke off: up to here nothing is missing. Null while nothing is owed. */
  private wholeTo: number | null = null;
  private breaks = 0;
  private filling = false;

  constructor(private readonly changed: (held: Held) => void) {}

  get isWhole(): boolean {
    return this.held.alertsLoaded && this.wholeTo === null;
  }

  /** Whether something may be missing that no stream will bring, and nobody asks for it. */
  get owes(): boolean {
    return !this.isWhole && !this.filling;
  }

  /** What the status says of the stream. True where it is another one than before: sequences
   *  began again, and what was held is of an earlier run. */
  placed(lastSeq: number, madeMs: number): boolean {
    const isOther = this.madeMs !== null && this.madeMs !== madeMs;
    this.madeMs = madeMs;
    if (isOther) {
      this.breaks++;
      this.wholeTo = null;
      this.toldSeq = 0;
      this.put(NONE_HELD);
    }
    this.storedSeq = lastSeq;
    return isOther;
  }

  /** From now on events come, which say nothing of what came before them. */
  broke(): void {
    this.breaks++;
    this.wholeTo ??= this.newestSeq();
  }

  /** One that the stream brought. */
  take(alert: StoredAlert): void {
    const isNew = !this.held.alerts.has(alert.id);
    this.keep([alert], this.held.olderBefore);
    if (isNew && this.held.alertsLoaded) this.onNew([alert]);
  }

  told(seq: number): void {
    this.toldSeq = Math.max(this.toldSeq, seq);
  }

  /** Ask for what is missing. Raises as `ask` does; then it is still owed. */
  async fill(): Promise<void> {
    if (this.filling) return;
    this.filling = true;
    try {
      let before: number;
      // A stream that broke off meanwhile owes more than was asked for.
      do before = this.breaks; while (!await this.fillOnce(before));
    } finally {
      this.filling = false;
    }
  }

  /** A page of those that are older than what is held. */
  async older(): Promise<void> {
    const before = this.held.olderBefore;
    if (before === null) return;
    const page = await pageBefore(before);
    // Meanwhile what is held may begin elsewhere, or be of another run.
    if (this.held.olderBefore === before) this.keep(page.alerts, page.next_before_seq);
  }

  /** False where the stream broke off once more before everything was there. */
  private async fillOnce(breaks: number): Promise<boolean> {
    const whole = (this.wholeTo ??= this.newestSeq());
    const stored = this.storedSeq;
    const wasLoaded = this.held.alertsLoaded;
    let before: number | null = null;
    for (let pages = 1, isDone = false; !isDone; pages++) {
      const page: AlertsAnswer = await pageBefore(before);
      if (breaks !== this.breaks) return false;
      before = page.next_before_seq;
      const isMet = before === null || (whole > 0 && before <= whole + 1);
      const isCut = !isMet && (whole === 0 || pages * PAGE >= ALERTS_MAX);
      const fresh = page.alerts.filter(one => one.seq > whole && !this.held.alerts.has(one.id));
      if (isCut) this.dropBefore(before ?? 0);
      this.keep(page.alerts, isCut || before === null ? before : this.held.olderBefore);
      if (wasLoaded && fresh.length) this.onNew(fresh);
      isDone = isMet || isCut;
    }
    this.wholeTo = null;
    this.told(Math.max(stored, this.newestSeq()));
    this.put({ ...this.held, alertsLoaded: true });
    return true;
  }

  private keep(alerts: StoredAlert[], olderBefore: number | null): void {
    const all = new Map(this.held.alerts);
    for (const one of alerts) all.set(one.id, one);
    const kept = bounded(all);
    // What no longer fits is older than what is held.
    const from = kept.size < all.size ? Math.min(...seqs(kept)) : olderBefore;
    this.put({ ...this.held, alerts: kept, olderBefore: from });
  }

  private dropBefore(seq: number): void {
    const kept = [...this.held.alerts].filter(([, one]) => one.seq >= seq);
    this.put({ ...this.held, alerts: new Map(kept) });
  }

  private put(held: Held): void {
    this.held = held;
    this.changed(held);
  }

  private newestSeq(): number {
    return Math.max(0, ...seqs(this.held.alerts));
  }
}

const seqs = (alerts: Map<string, StoredAlert>): number[] => [...alerts.values()].map(one => one.seq);

const pageBefore = (before: number | null): Promise<AlertsAnswer> =>
  ask<AlertsAnswer>(`/api/v1/alerts?limit=${PAGE}${before === null ? "" : `&before_seq=${before}`}`);
