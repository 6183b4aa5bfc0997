// Text that others wrote, made fit to be shown: the same rules as pw_common/text/plain_text.py.
// A name from the chain may hide what it says, turn it round, or flood the line with marks.

const STAND_IN = "\u{FFFD}";
const CUT = "…";
export const NAME_MAX = 32;
export const LABEL_MAX = 64;
export const SENTENCE_MAX = 1000;
const MARKS_MAX = 2;

const HIDDEN = new RegExp(
  "[\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u0600-\\u0605\\u061c\\u06dd\\u070f\\u0890\\u0891" +
  "\\u08e2\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f" +
  "\\u2800\\u3164\\ud800-\\udfff\\ue000-\\uf8ff\\ufdd0-\\ufdef\\ufeff\\uffa0\\ufff0-\\ufffb\\ufffe\\uffff" +
  "\\u{110bd}\\u{110cd}\\u{13430}-\\u{1345f}\\u{1bca0}-\\u{1bca3}\\u{1d173}-\\u{1d17a}" +
  "\\u{e0000}-\\u{e0fff}\\u{f0000}-\\u{10ffff}]", "gu");
const SPACE = /[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]/g;
const MARK = /^[\p{Mn}\p{Me}]$/u;

/** One line of at most `max` characters, with a stand-in for each that must not be shown. */
export function plain(text: string, max: number = NAME_MAX): string {
  const chars = [...text];
  const shown = chars.slice(0, max).join("").replace(SPACE, " ").replace(HIDDEN, STAND_IN);
  const kept = fewMarks(shown);
  return chars.length <= max ? kept : [...kept].slice(0, -1).join("") + CUT;
}

function fewMarks(text: string): string {
  let shown = "";
  let marks = MARKS_MAX; // The first letter of a text may not be a mark.
  for (const char of text) {
    marks = MARK.test(char) ? marks + 1 : 0;
    shown += marks <= MARKS_MAX ? char : STAND_IN;
  }
  return shown;
}

/** The address of a link, or null for what is none that a browser may follow from here. */
export function webLink(address: string): string | null {
  if (!URL.canParse(address)) return null;
  const url = new URL(address);
  const plainly = url.protocol === "https:" || url.protocol === "http:";
  return plainly && !url.username && !url.password ? url.href : null;
}

/** An address or a signature by its two ends. */
export function short(text: string): string {
  const shown = plain(text, 100);
  return shown.length > 12 ? `${shown.slice(0, 4)}…${shown.slice(-4)}` : shown;
}

/** A rule's or a metric's name in words. */
export function words(name: string): string {
  return plain(name, LABEL_MAX).replace(/_/g, " ");
}

/** What a table holds under a name from outside; what every object inherits is not in it. */
export function entry<T>(table: Record<string, T>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
