// A field of a form: its label, what may stand in it, and what is wrong with what stands there.

import type { ComponentChildren } from "preact";
import { Said } from "../parts";

const PROBLEM_MAX = 300;
const PROBLEMS_SHOWN = 4;

/** What the control of a field needs, so that its label and its problems are read with it. */
export interface Marks {
  id: string;
  "aria-invalid": boolean;
  "aria-describedby": string;
}

interface FieldProps {
  id: string;
  label: string;
  hint?: ComponentChildren;
  problems?: string[] | undefined;
  isWide?: boolean;
  children: (marks: Marks) => ComponentChildren;
}

export function Field({ id, label, hint, problems = [], isWide, children }: FieldProps) {
  return (
    <div class={isWide ? "form-field wide" : "form-field"}>
      <label for={id}>{label}</label>
      {children({ id, "aria-invalid": problems.length > 0, "aria-describedby": `${id}-hint ${id}-problem` })}
      <span class="dim small" id={`${id}-hint`}>{hint}</span>
      <Wrong id={`${id}-problem`} problems={problems} />
    </div>
  );
}

/** What is wrong, where a screen reader hears of it. */
export function Wrong({ id, problems = [] }: { id?: string; problems?: string[] | undefined }) {
  return (
    <span class="problems" id={id} role="status">
      {problems.slice(0, PROBLEMS_SHOWN).map(one => <span class="bad small" key={one}><Said text={one} max={PROBLEM_MAX} /></span>)}
      {problems.length > PROBLEMS_SHOWN && <span class="bad small">and {problems.length - PROBLEMS_SHOWN} more</span>}
    </span>
  );
}

/** A switch: on or off, and what it is of. */
export function Switch({ isOn, label, isBusy, turn }: { isOn: boolean; label: string; isBusy?: boolean; turn: () => void }) {
  return (
    <button type="button" class="switch" role="switch" aria-checked={isOn} aria-label={label} disabled={isBusy} onClick={turn}>
      <span class="knob" aria-hidden="true" /><span aria-hidden="true">{isOn ? "on" : "off"}</span>
    </button>
  );
}
