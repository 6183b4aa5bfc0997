// The kinds of channels and their fields. This table is all that the form is made of: a new kind is a
// line in KINDS, a new field one in FIELDS.

import type { Channel } from "../api";

export interface FieldOf {
  /** The field of the document; `hours.from` is one of an object in it, which is null without its first. */
  name: string;
  label: string;
  hint: string;
  /** A secret is never shown, and sent only where it was changed. */
  form: "text" | "secret" | "number" | readonly string[];
  most?: number;
}

interface KindOf {
  text: string;
  /** What it needs beside what every channel has. */
  fields: string[];
}

export const KINDS: Record<Channel["kind"], KindOf> = {
  telegram: { text: "Telegram", fields: ["bot_token", "chat_id"] },
  ntfy: { text: "ntfy", fields: ["url", "access_token"] },
  slack: { text: "Slack", fields: ["url"] },
  discord: { text: "Discord", fields: ["url"] },
  webhook: { text: "Webhook, signed", fields: ["url", "secret"] },
  console: { text: "Console: the notifier's own output", fields: [] },
};

const OWN: FieldOf[] = [
  { name: "url", label: "Address", hint: "http:// or https://; it is kept as a secret", form: "secret", most: 2048 },
  { name: "secret", label: "Signing key", hint: "whsec_ and base64; the receiver has the same", form: "secret", most: 512 },
  { name: "bot_token", label: "Bot token", hint: "as BotFather gives it, digits:letters", form: "secret", most: 256 },
  { name: "access_token", label: "Access token", hint: "of a topic that is not open to all; otherwise empty", form: "secret", most: 256 },
  { name: "chat_id", label: "Chat", hint: "a number, or @name of a channel", form: "text", most: 64 },
];
/** What every channel has. */
const COMMON: FieldOf[] = [
  { name: "severity_min", label: "From severity", hint: "what is less severe is not sent", form: ["info", "warning", "critical"] },
  { name: "delivery", label: "After a crash", hint: "whether what may have been sent is sent again", form: ["at_least_once", "at_most_once"] },
  { name: "late_after_s", label: "Late after, in seconds", hint: "what is older goes into one digest", form: "number", most: 9 },
  { name: "alert_age_max_s", label: "Given up after, in seconds", hint: "what is older becomes a dead letter", form: "number", most: 9 },
  { name: "quiet.from", label: "Quiet from", hint: "such as 22:00; empty for no quiet hours", form: "text", most: 5 },
  { name: "quiet.to", label: "Quiet to", hint: "such as 07:00; what waited comes as one digest", form: "text", most: 5 },
  { name: "quiet.time_zone", label: "Time zone", hint: "such as Europe/Berlin, or +02:00", form: "text", most: 64 },
  { name: "quiet.severity_min", label: "Not quiet from", hint: "what is as severe passes", form: ["critical", "warning", "info"] },
];

export const WORDS: Record<string, string> = {
  at_least_once: "send again", at_most_once: "do not send again",
};

export const ALERT_KINDS: Array<{ kind: Channel["kinds"][number]; text: string }> = [
  { kind: "opened", text: "opened: a rule begins to hold" },
  { kind: "escalated", text: "escalated: it has grown" },
  { kind: "closed", text: "closed: it no longer holds" },
  { kind: "blind", text: "blind: Pocketwatcher cannot see" },
  { kind: "sighted", text: "sighted: it sees again" },
];

/** The fields of a kind, its own first. */
export function fieldsOf(kind: Channel["kind"]): FieldOf[] {
  const own = KINDS[kind].fields;
  return [...OWN.filter(one => own.includes(one.name)), ...COMMON];
}
