// Somebody saved the rules while one was edited here: what they did to it, what is done here, and how
// to go on.

import { useEffect, useRef } from "preact/hooks";
import type { Rule, TriggersAnswer } from "../api";
import { Said } from "../parts";
import { words } from "../text";
import { changesOf } from "./core/differences";

interface ConflictProps {
  mine: Record<string, unknown>;
  base: Rule | null;
  theirs: TriggersAnswer;
  name: string;
  take: () => void;
  keep: () => void;
}

export function Conflict({ mine, base, theirs, name, take, keep }: ConflictProps) {
  const other = theirs.rules.find(one => one.name === name) ?? null;
  const note = useRef<HTMLDivElement>(null);
  useEffect(() => { note.current?.scrollIntoView({ block: "nearest" }); }, []);
  return (
    <div class="note away conflict" role="alert" ref={note}>
      <p><strong>Somebody else saved revision {theirs.revision} while you edited.</strong> Nothing of yours is lost.</p>
      <dl>
        <div><dt>Theirs</dt><dd><Words all={ofTheirs(base, other, name)} /></dd></div>
        <div><dt>Yours</dt><dd><Words all={base === null ? ["a new rule"] : changesOf(base, mine as unknown as Rule)} /></dd></div>
        {other !== null && <div><dt>Yours against theirs</dt><dd><Words all={changesOf(other, mine as unknown as Rule)} /></dd></div>}
      </dl>
      <div class="buttons">
        <button type="button" class="plain" onClick={keep}>Keep mine: save it over revision {theirs.revision}</button>
        <button type="button" class="plain" onClick={take}>{other === null ? "Take theirs: start anew" : "Take theirs"}</button>
      </div>
    </div>
  );
}

function ofTheirs(base: Rule | null, other: Rule | null, name: string): string[] {
  if (other === null) return base === null ? [`no rule ${words(name)}`] : [`${words(name)} removed`];
  return base === null ? [`added ${words(name)}`] : changesOf(base, other);
}

function Words({ all }: { all: string[] }) {
  if (!all.length) return <span class="dim">nothing in this rule</span>;
  return <>{all.map((one, at) => <span key={one}>{at > 0 && "; "}<Said text={one} max={200} /></span>)}</>;
}
