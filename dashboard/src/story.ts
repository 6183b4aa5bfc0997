// What the demo's market begins with: the token that rang first. Where its alert is not known to be
// the first one there is no story, rather than another token's.

import type { StoredAlert, StreamView } from "./api";

/** The story is among the first alerts of a stream, or there is none. */
export const STORY_WITHIN = 20;

/** Whether the first alert of this stream is still there, or has yet to come. */
export const isFromItsStart = (stream: StreamView | undefined): stream is StreamView =>
  stream !== undefined && stream.first_seq <= 1;

/** Whether the story may still come. */
export const isAhead = (stream: StreamView | undefined): boolean =>
  isFromItsStart(stream) && stream.last_seq < STORY_WITHIN;

/** The alert that tells the story, among all of the first ones. */
export function storyOf(alerts: Iterable<StoredAlert>): StoredAlert | null {
  let first: StoredAlert | null = null;
  for (const one of alerts) {
    if (one.seq > STORY_WITHIN || !one.mint || one.kind !== "opened") continue;
    if (first === null || one.seq < first.seq) first = one;
  }
  return first;
}
