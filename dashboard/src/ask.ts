// Asking the API, and what is said where it gives no answer.

import type { WhyRow } from "./api";
import { plain, SENTENCE_MAX } from "./text";

export const PATIENCE_MS = 4000;

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

export function sentence(error: unknown): string {
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return "The API gave no answer in time.";
  }
  // What a browser says when nothing listens there differs from one to the next.
  if (error instanceof TypeError || error instanceof SyntaxError) return "The API does not answer.";
  return error instanceof Error ? error.message : "The API does not answer.";
}
