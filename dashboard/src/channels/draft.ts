// A channel while it is edited: texts of its fields, and the entry that this makes.

import type { Channel } from "../api";
import { fieldsOf, KINDS, type FieldOf } from "./kinds";

/** What the API shows in place of a secret, and what keeps it. */
export const KEPT = "(kept)";

export interface Draft {
  name: string;
  kind: Channel["kind"];
  isOn: boolean;
  triggers: string[];
  kinds: Channel["kinds"];
  /** Texts by field; a secret that is not touched is KEPT. */
  texts: Record<string, string>;
  /** The entry that is edited, with whatever this form has no field for; null for a new one. */
  entry: Channel | null;
}

const DEFAULTS: Record<string, string> = {
  severity_min: "info", delivery: "at_least_once", late_after_s: "120", alert_age_max_s: "86400",
  "quiet.severity_min": "critical", "quiet.time_zone": new Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC",
};
const WHOLE = /^\d{1,9}$/;
const NAME = /^[a-z0-9_-]{1,32}$/;

function valueIn(entry: unknown, name: string): unknown {
  let found: unknown = entry;
  for (const part of name.split(".")) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, part)) return undefined;
    found = (found as Record<string, unknown>)[part];
  }
  return found;
}

export function draftOf(entry: Channel | null, kind: Channel["kind"] = "telegram"): Draft {
  const of = entry?.kind ?? kind;
  // One whose kind is not known here is shown, and edited as far as every channel goes.
  const fields = Object.hasOwn(KINDS, of) ? fieldsOf(of) : [];
  const texts = Object.fromEntries(fields.map(({ name }) => [name, String(valueIn(entry, name) ?? DEFAULTS[name] ?? "")]));
  return {
    name: entry?.name ?? "", kind: of, isOn: entry?.enabled ?? true,
    triggers: entry?.triggers ?? [], kinds: entry?.kinds ?? [], texts, entry,
  };
}

/** The same channel as another kind: what both have stays. */
export function ofKind(draft: Draft, kind: Channel["kind"]): Draft {
  const fresh = draftOf(null, kind).texts;
  const texts = Object.fromEntries(Object.entries(fresh).map(([name, text]) => [name, draft.texts[name] ?? text]));
  return { ...draft, kind, texts };
}

/** The entry as it is sent: exactly the fields of its kind, and what every channel has. */
export function entryOf(draft: Draft, fields: FieldOf[] = fieldsOf(draft.kind)): Record<string, unknown> {
  const found: Record<string, unknown> = draft.entry?.kind === draft.kind ? { ...draft.entry } : {};
  Object.assign(found, { name: draft.name.trim(), kind: draft.kind, enabled: draft.isOn, triggers: draft.triggers, kinds: draft.kinds });
  for (const { name, form } of fields) {
    const text = (draft.texts[name] ?? "").trim();
    // What is no number goes as text, and is refused with the reason.
    put(found, name, form === "number" && WHOLE.test(text) ? Number(text) : text);
  }
  for (const group of groupsOf(fields)) {
    if (!(draft.texts[group.first] ?? "").trim()) found[group.name] = null;
  }
  return found;
}

/** Objects within a channel, each with its first field: one whose first field is empty is not there. */
function groupsOf(fields: FieldOf[]): Array<{ name: string; first: string }> {
  const found = new Map<string, string>();
  for (const { name } of fields) {
    const [group = "", ...rest] = name.split(".");
    if (rest.length && !found.has(group)) found.set(group, name);
  }
  return [...found].map(([name, first]) => ({ name, first }));
}

function put(into: Record<string, unknown>, name: string, value: unknown): void {
  const [part = "", ...rest] = name.split(".");
  if (!rest.length) {
    into[part] = value;
    return;
  }
  const inner = { ...(into[part] as Record<string, unknown> | null | undefined) };
  put(inner, rest.join("."), value);
  into[part] = inner;
}

export function ownProblems(draft: Draft, others: string[]): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  const name = draft.name.trim();
  if (!NAME.test(name)) found["name"] = ["Allowed: a-z, 0-9, _ and -, at most 32 of them."];
  else if (draft.entry === null && others.includes(name)) found["name"] = ["There is a channel of this name already."];
  for (const { name: field, form } of fieldsOf(draft.kind)) {
    if (form === "number" && !WHOLE.test((draft.texts[field] ?? "").trim())) found[field] = ["A whole number of seconds."];
  }
  return found;
}

/** A key to sign with, as Standard Webhooks writes one. */
export function newKey(bytes: Uint8Array): string {
  return `whsec_${btoa(String.fromCharCode(...bytes))}`;
}
