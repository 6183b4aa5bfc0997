// A list of which the newest are shown, and more where somebody asks. What is shown is always one
// answer: nothing is missing between two pages, and nothing that changed stays as it was.

import { useRef, useState } from "preact/hooks";
import { useAsked, type Asked } from "../frame/asked";

const STEPS = [25, 100, 500] as const;

export interface Growing<T> extends Asked<T> {
  /** Shows more; null where as many are shown as this page shows. */
  more: (() => void) | null;
}

export function useGrowing<T>(path: string, everyMs: number): Growing<T> {
  const [step, setStep] = useState(0);
  const asked = useAsked<T>(`${path}?limit=${STEPS[step] ?? STEPS[0]}`, everyMs);
  // Until more has come, what was there stays.
  const last = useRef<T | null>(null);
  if (asked.value !== null) last.current = asked.value;
  return { ...asked, value: last.current, more: step + 1 < STEPS.length ? () => setStep(step + 1) : null };
}

/** The button for more, or what to type for those that are older still. */
export function More({ of, isMore, older }: { of: Growing<unknown>; isMore: boolean; older: string }) {
  if (!isMore) return null;
  if (of.more === null) return <p class="more dim">Older ones: <code>{older}</code></p>;
  return <p class="more"><button type="button" class="plain" onClick={of.more}>Show more</button></p>;
}
