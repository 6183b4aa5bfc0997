// Asks for the newest swaps again and again, and puts them on the tape.

import { useEffect, useState } from "preact/hooks";
import type { HistoryHead, SwapView, SwapsView, Watched } from "../api";
import { ask, Locked, sentence } from "../ask";
import { matcher, nameOf, pathOf, type Filter } from "./filter";
import { Rate, Tape, type Held } from "./tape";

const EVERY_MS = 1000;
const PATIENCE_MS = 27_000;
const PAGE = 100;
// What did not fit: with the first page as many as are held.
const MORE = 400;
// So far is asked for what came meanwhile, and looked back for what a filter lets through.
const PAGES_MAX = 2;
const FIRST_PAGES_MAX = 3;
const ROWS_FIRST = 40;
const VENUES_MAX = 60;

export interface Followed extends Held {
  head: HistoryHead | null;
  problem: string;
  isLoaded: boolean;
  /** How many swaps were looked through when it began, and whether there are older ones. */
  lookedAt: number;
  hasOlder: boolean;
  perS: number | null;
  passedPerS: number | null;
  /** Where the swaps that were seen were traded. */
  venues: string[];
}
const NONE: Followed = {
  rows: [], skipped: [], passed: 0, missed: 0, head: null, problem: "", isLoaded: false, lookedAt: 0, hasOlder: false,
  perS: null, passedPerS: null, venues: [],
};

/** The tape of what a filter lets through; another filter begins another tape. */
export function useTape(filter: Filter, watched: Watched[]): Followed {
  const [followed, setFollowed] = useState<Followed>(NONE);
  const said = nameOf(filter) + (filter.watched ? JSON.stringify(watched) : "");
  useEffect(() => {
    const follower = new Follower(pathOf(filter), matcher(filter, watched), setFollowed);
    setFollowed(before => ({ ...NONE, venues: before.venues }));
    void follower.turn();
    return () => follower.stop();
  }, [said]);
  return followed;
}

export class Follower {
  private readonly tape: Tape;
  private readonly all = new Rate();
  private readonly passed = new Rate();
  private venues = new Set<string>();
  private looked = { at: 0, hasOlder: false };
  private isOver = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly path: string, private readonly matches: (swap: SwapView) => boolean,
    private readonly told: (change: (before: Followed) => Followed) => void,
  ) {
    // A token's or a wallet's pages say how many history keeps of all, and not of these.
    this.tape = new Tape(matches, !path.includes("?"));
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
        const problem = error instanceof Locked ? "This browser is not logged in." : sentence(error);
        this.tell(before => ({ ...before, problem }));
      }
    }
    if (!this.isOver) this.timer = setTimeout(() => void this.turn(), EVERY_MS);
  }

  private async newest(): Promise<void> {
    const pages = [await this.page(null)];
    const isNew = this.tape.isNew;
    const isEnough = (): boolean => (isNew
      ? pages.flatMap(one => one.swaps).filter(this.matches).length >= ROWS_FIRST || pages.length >= FIRST_PAGES_MAX
      : pages.some(one => this.tape.meets(one)) || pages.length >= PAGES_MAX);
    for (let next = pages[0]!.next_before; next !== null && !isEnough() && !this.isOver;) {
      const page = await this.page(next);
      pages.push(page);
      next = page.next_before;
    }
    if (this.isOver) return;
    this.tape.take(pages);
    if (isNew) this.looked = { at: pages.reduce((sum, one) => sum + one.swaps.length, 0), hasOlder: pages.at(-1)!.next_before !== null };
    const nowMs = Date.now();
    this.all.add(nowMs, pages[0]!.kept);
    this.passed.add(nowMs, this.tape.held.passed);
    this.note(pages);
    this.tell(before => ({
      ...this.tape.held, head: pages[0]!.history, problem: "", isLoaded: true, lookedAt: this.looked.at, hasOlder: this.looked.hasOlder,
      perS: this.all.perS, passedPerS: this.passed.perS, venues: this.venuesWith(before.venues),
    }));
  }

  private page(before: string | null): Promise<SwapsView> {
    const more = `${this.path.includes("?") ? "&" : "?"}limit=${before === null ? PAGE : `${MORE}&before=${encodeURIComponent(before)}`}`;
    return ask<SwapsView>(this.path + more, PATIENCE_MS);
  }

  private note(pages: SwapsView[]): void {
    for (const { swaps } of pages) for (const one of swaps) for (const venue of one.venues) this.venues.add(venue);
  }

  private venuesWith(before: string[]): string[] {
    const all = [...new Set([...before, ...this.venues])].sort().slice(0, VENUES_MAX);
    this.venues = new Set(all);
    return all.length === before.length && all.every((one, at) => one === before[at]) ? before : all;
  }

  private tell(change: (before: Followed) => Followed): void {
    if (!this.isOver) this.told(change);
  }
}
