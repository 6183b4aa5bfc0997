// Changing a document of the API: what it is changed to, and why it was refused.

import { Locked, PATIENCE_MS, sentence } from "../ask";
import { plain, SENTENCE_MAX } from "../text";

/** A refusal: each problem with the field that it is about. */
export class Refused extends Error {
  constructor(message: string, readonly status: number, readonly errors: Array<Record<string, string>>) {
    super(message);
  }
}

const JSON_TYPE = "application/json";

interface How {
  /** The type of a body that is text already; otherwise it is sent as JSON. */
  type?: string;
  patienceMs?: number;
}

/** Send a change; what the API answers. Raises Locked, Refused, or what `ask` raises. */
export async function change<T>(
  method: "POST" | "PUT" | "DELETE", path: string, body?: unknown, { type = JSON_TYPE, patienceMs = 3 * PATIENCE_MS }: How = {},
): Promise<T> {
  const sent = type === JSON_TYPE ? JSON.stringify(body) : String(body);
  const answer = await fetch(path, {
    method, cache: "no-store", signal: AbortSignal.timeout(patienceMs),
    ...(body === undefined ? {} : { body: sent, headers: { "Content-Type": type } }),
  });
  if (answer.status === 401) throw new Locked("locked");
  const found: unknown = answer.status === 204 ? null : await answer.json();
  if (answer.ok) return found as T;
  const problem = found as { detail?: unknown; errors?: Array<Record<string, string>> | null } | null;
  const errors = Array.isArray(problem?.errors) ? problem.errors : [];
  throw new Refused(plain(String(problem?.detail ?? answer.statusText), SENTENCE_MAX), answer.status, errors);
}

/** What a refusal says, problem by problem. */
export function reasons(error: unknown): string[] {
  if (error instanceof Locked) return ["This browser is not logged in."];
  if (!(error instanceof Refused)) return [sentence(error)];
  const each = error.errors.map(({ where = "", what = "" }) => plain(!where || what.startsWith(where) ? what : `${where}: ${what}`, SENTENCE_MAX));
  return each.length ? each : [error.message];
}

/** Who made a change, as the audit shows it. */
export const WHO = "page";
