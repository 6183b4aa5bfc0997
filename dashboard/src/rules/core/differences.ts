// What one revision of the rules changed against another, in words.

import type { Rule } from "../../api";
import { metricName, span } from "../../format";
import { plain, words } from "../../text";
import { boundOf, partsOf, wordsOf } from "./condition";

const TEXT_MAX = 120;

export interface RuleChange {
  name: string;
  what: "added" | "removed" | "changed";
  words: string[];
}

/** What differs between two states of one rule. */
export function changesOf(before: Rule, after: Rule): string[] {
  const found: string[] = [];
  if (before.name !== after.name) found.push(`named ${words(after.name)}, was ${words(before.name)}`);
  if (before.enabled !== after.enabled) found.push(after.enabled ? "turned on" : "turned off");
  found.push(...ofConditions(before.conditions, after.conditions, ""), ...ofConditions(before.gates, after.gates, "gate "));
  if (before.severity !== after.severity) found.push(`severity is ${after.severity}, was ${before.severity}`);
  if (before.cooldown_s !== after.cooldown_s) found.push(`cooldown is ${span(after.cooldown_s)}, was ${span(before.cooldown_s)}`);
  if (before.escalate_factor !== after.escalate_factor) {
    found.push(`escalates at ${after.escalate_factor} ×, was ${before.escalate_factor} ×`);
  }
  if (before.description !== after.description) {
    found.push(after.description ? `description is “${plain(after.description, TEXT_MAX)}”` : "description removed");
  }
  return found;
}

function ofConditions(before: string[], after: string[], what: string): string[] {
  const gone = before.filter(one => !after.includes(one));
  const come = after.filter(one => !before.includes(one));
  const found: string[] = [];
  for (const text of come) {
    const one = partsOf(text);
    // Another bound for the same metric is a change of it.
    const at = gone.findIndex(each => one !== null && partsOf(each)?.metric === one.metric);
    const was = at < 0 ? null : partsOf(gone.splice(at, 1)[0] ?? "");
    found.push(one && was ? `${what}${metricName(one.metric)} ${boundOf(one)}, was ${boundOf(was)}` : `${what}${wordsOf(text)} added`);
  }
  found.push(...gone.map(text => `${what}${wordsOf(text)} removed`));
  const isSame = !gone.length && !come.length && before.join() !== after.join();
  return isSame ? [...found, `order of ${what ? "gates" : "conditions"} changed`] : found;
}

/** What differs between two sets of rules. */
export function between(before: Rule[], after: Rule[]): RuleChange[] {
  const was = new Map(before.map(one => [one.name, one]));
  const is = new Map(after.map(one => [one.name, one]));
  return [
    ...after.filter(one => !was.has(one.name)).map(one => ({ name: one.name, what: "added" as const, words: one.conditions.map(wordsOf) })),
    ...before.filter(one => !is.has(one.name)).map(one => ({ name: one.name, what: "removed" as const, words: [] })),
    ...after.flatMap(one => {
      const old = was.get(one.name);
      const found = old === undefined ? [] : changesOf(old, one);
      return found.length ? [{ name: one.name, what: "changed" as const, words: found }] : [];
    }),
  ];
}
