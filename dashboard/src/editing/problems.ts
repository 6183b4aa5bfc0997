// What the API says is wrong with a document, brought to the field of the form that it is about.

import { Refused } from "../frame/change";

/** What is wrong, by field; "" is about the whole. */
export type Problems = Record<string, string[]>;

// `rules[3].name: …`, `entry (phone): url: …`, `entries[0].address: …`
const ENTRY = /^(?:entry|(?:rules|entries)\[\d+\])(?: \([^)]*\))?(?:\.|: |$)/;
const FIELD = /^([a-z_]+(?:\.[a-z_]+)*(?:\[\d+\])?): /;
// A condition's own text stands beside what is wrong with it.
const QUOTED = /^'[^']*': /;

/** Each error at its field. One of a field that the form has not is about the whole. */
export function placed(errors: readonly string[], isField: (field: string) => boolean): Problems {
  const found: Problems = {};
  for (const error of errors) {
    const rest = error.replace(ENTRY, "");
    const field = FIELD.exec(rest)?.[1] ?? "";
    const known = field !== "" && isField(field);
    const text = known ? rest.replace(FIELD, "").replace(QUOTED, "") : rest;
    add(found, known ? field : "", text);
  }
  return found;
}

/** What a refusal says, at its fields; null where the error is no refusal of what was sent. */
export function refusedFor(error: unknown, isField: (field: string) => boolean): Problems | null {
  if (!(error instanceof Refused) || error.status !== 422) return null;
  const errors = error.errors.map(one => one["what"] ?? Object.values(one).join(": "));
  return placed(errors.length ? errors : [error.message], isField);
}

function add(found: Problems, field: string, text: string): void {
  if (Object.hasOwn(found, field)) found[field]?.push(text);
  else found[field] = [text];
}

/** Two sets of problems. Where the first says something of a field, the second need not. */
export function joined(first: Problems, second: Problems): Problems {
  return { ...second, ...first };
}

export const hasNone = (problems: Problems): boolean => Object.values(problems).every(one => one.length === 0);
