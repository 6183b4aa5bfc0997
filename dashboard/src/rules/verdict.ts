// Whether the API would take what is typed: asked a moment after the last key.

import { useEffect, useState } from "preact/hooks";
import type { RulesVerdict } from "../api";
import { change, reasons } from "../frame/change";

const AFTER_MS = 300;

export interface Checked {
  /** Of the text as it stands now; null until it has come. */
  verdict: RulesVerdict | null;
  /** Why there is none; empty where there is one, or one is awaited. */
  problem: string;
}

/** The verdict on a rule's text. That on an older text is never given for a newer one. */
export function useVerdict(text: string): Checked {
  const [found, setFound] = useState<Checked & { of: string }>({ of: "", verdict: null, problem: "" });
  useEffect(() => {
    let isGone = false;
    const set = (next: Checked) => { if (!isGone) setFound({ of: text, ...next }); };
    const timer = setTimeout(async () => {
      try {
        const verdict = await change<RulesVerdict>("POST", "/api/v1/triggers/validate", JSON.parse(text));
        set({ verdict, problem: "" });
      } catch (error) {
        set({ verdict: null, problem: reasons(error).join(" ") });
      }
    }, AFTER_MS);
    return () => { isGone = true; clearTimeout(timer); };
  }, [text]);
  return found.of === text ? found : { verdict: null, problem: "" };
}
