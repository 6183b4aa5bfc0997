// Every kept revision of the rules: who, when, why, what it changed; an old one can be put back, as a
// new revision.

import { useState } from "preact/hooks";
import type { Difference, Rule, RulesHistory, RulesRevision } from "../api";
import { ask, sentence } from "../ask";
import { Confirm } from "../editing/confirm";
import { count } from "../format";
import { Answer, useAsked } from "../frame/asked";
import { At } from "../frame/times";
import { Said } from "../parts";
import { LABEL_MAX, SENTENCE_MAX, words } from "../text";
import { between, type RuleChange } from "./core/differences";

const PATH = "/api/v1/triggers/history";
const ROWS = 8;
const CHANGES_SHOWN = 12;

interface HistoryProps {
  /** The revision that holds: a newer one has more history. */
  revision: number;
  now: Rule[];
  restore: (revision: RulesRevision) => void;
}

export function History({ revision, now, restore }: HistoryProps) {
  // What comes after it is another path, and so it is asked for when there is a new revision.
  const asked = useAsked<RulesHistory>(`${PATH}?limit=${ROWS}&before_revision=${revision + 1}`, 0);
  const [older, setOlder] = useState<{ of: number; page: RulesHistory } | null>(null);
  const [said, setSaid] = useState("");
  const [chosen, setChosen] = useState<RulesRevision | null>(null);
  const more = async (before: number) => {
    setSaid("…");
    try {
      const page = await ask<RulesHistory>(`${PATH}?limit=${ROWS}&before_revision=${before}`);
      setOlder(was => ({ of: revision, page: { ...page, history: [...(was?.of === revision ? was.page.history : []), ...page.history] } }));
      setSaid("");
    } catch (error) {
      setSaid(sentence(error));
    }
  };
  return (
    <section class="card" aria-labelledby="history-head">
      <h2 id="history-head">History</h2>
      <Answer asked={asked}>
        {first => {
          const rest = older?.of === revision ? older.page : null;
          const all = [...first.history, ...(rest?.history ?? [])];
          const next = (rest ?? first).next_before_revision;
          if (!all.length) return <p class="none">Nobody has changed the rules yet: the shipped ones hold.</p>;
          return (
            <>
              <ol class="revisions">
                {all.map((one, at) => <Revision key={one.revision} one={one} before={all[at + 1]} isNow={one.revision === revision} choose={() => setChosen(one)} />)}
              </ol>
              {next !== null && (
                <p class="more"><button type="button" class="plain" onClick={() => void more(next)}>Older revisions</button> <span role="status">{said}</span></p>
              )}
            </>
          );
        }}
      </Answer>
      {chosen !== null && (
        <Confirm title={`Put revision ${chosen.revision} back?`} yes="Put it back" onYes={() => restore(chosen)} shut={() => setChosen(null)}>
          <p>Its {count(chosen.rules.length)} rules become a new revision. What this changes now:</p>
          <Changes all={between(now, chosen.rules)} none="Nothing: the rules are the same." />
        </Confirm>
      )}
    </section>
  );
}

function Revision({ one, before, isNow, choose }: { one: RulesRevision; before: RulesRevision | undefined; isNow: boolean; choose: () => void }) {
  return (
    <li>
      <div class="bar">
        <strong>Revision {one.revision}</strong>
        <span class="dim"><At ms={one.at_ms ?? null} /> by <Said text={one.who || "unknown"} max={LABEL_MAX} /></span>
        {isNow ? <span class="badge">holds now</span>
          : !one.unusable && <button type="button" class="plain small" onClick={choose}>Put back…</button>}
      </div>
      {one.note && <p>“<Said text={one.note} max={SENTENCE_MAX} />”</p>}
      {one.unusable
        ? <p class="bad">It cannot be used: <Said text={one.unusable} max={SENTENCE_MAX} /></p>
        : before !== undefined && !before.unusable
          ? <Changes all={between(before.rules, one.rules)} none="Nothing changed in the rules." />
          : one.diff === null ? <p class="dim">What it changed is not known: the revision before is not kept or cannot be used.</p>
            : <Changes all={named(one.diff)} none="Nothing changed in the rules." />}
    </li>
  );
}

/** What is known without the revision before: only the names. */
const named = (diff: Difference): RuleChange[] => [
  ...diff.added.map(name => ({ name, what: "added" as const, words: [] })),
  ...diff.removed.map(name => ({ name, what: "removed" as const, words: [] })),
  ...diff.changed.map(name => ({ name, what: "changed" as const, words: [] })),
];

function Changes({ all, none }: { all: RuleChange[]; none: string }) {
  if (!all.length) return <p class="dim">{none}</p>;
  return (
    <ul class="changes">
      {all.slice(0, CHANGES_SHOWN).map(one => (
        <li key={one.name}>
          <span class={one.what}>{one.what}</span> <Said text={words(one.name)} max={LABEL_MAX} />
          {one.words.length > 0 && <>: {one.words.map((each, at) => <span key={each}>{at > 0 && "; "}<Said text={each} max={200} /></span>)}</>}
        </li>
      ))}
      {all.length > CHANGES_SHOWN && <li class="dim">and {count(all.length - CHANGES_SHOWN)} more rules</li>}
    </ul>
  );
}
