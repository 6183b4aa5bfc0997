// Changing a document at its revision. Where somebody was faster, that is said, and what is shown is
// asked for again: the same change can then be made to what they left, never to what was shown before.

import { useEffect, useRef, useState } from "preact/hooks";
import { ask } from "../ask";
import { reasons, Refused } from "../frame/change";
import { Said } from "../parts";
import { SENTENCE_MAX } from "../text";

const CONFLICT = 409;
const REASONS_SHOWN = 6;

export interface Sending {
  isBusy: boolean;
  said: string;
  problems: string[];
  /** Makes the change once more, at the newest revision; null where nobody was faster. */
  redo: (() => void) | null;
  /** Make a change to the document that is shown, which may be made again to a newer one; `done` is said then. */
  send: <D extends { revision: number }>(shown: D, make: (now: D) => Promise<unknown>, done?: string) => Promise<boolean>;
}

export const isConflict = (error: unknown): boolean => error instanceof Refused && error.status === CONFLICT;

/** Changes to the document of a path; `again` asks for it anew. */
export function useSending(path: string, again: () => void): Sending {
  const [state, setState] = useState<Omit<Sending, "send">>({ isBusy: false, said: "", problems: [], redo: null });
  const isGone = useRef(false);
  useEffect(() => () => { isGone.current = true; }, []);
  const set = (next: Partial<Omit<Sending, "send">>) => {
    if (!isGone.current) setState({ isBusy: false, said: "", problems: [], redo: null, ...next });
  };
  const send: Sending["send"] = async <D extends { revision: number }>(shown: D, make: (now: D) => Promise<unknown>, done = "") => {
    set({ isBusy: true, said: "…" });
    try {
      await make(shown);
      set({ said: done });
      again();
      return true;
    } catch (error) {
      again();
      if (!isConflict(error)) {
        set({ problems: reasons(error) });
        return false;
      }
      const newest = await ask<D>(path).catch(() => null);
      // The same revision: it is refused for another reason, such as an entry that is there already.
      const isFaster = newest !== null && newest.revision !== shown.revision;
      const why = isFaster ? `Somebody else saved revision ${newest.revision} in between. What is shown is theirs.` : reasons(error).join(" ");
      set({ problems: [why], redo: isFaster ? () => void send(newest, make, done) : null });
      return false;
    }
  };
  return { ...state, send };
}

/** What came of a change. */
export function Outcome({ sending }: { sending: Sending }) {
  const { said, problems, redo } = sending;
  return (
    <div class="form-outcome" role="status">
      {said && <span class="dim">{said}</span>}
      {problems.slice(0, REASONS_SHOWN).map(one => <p class="bad" key={one}><Said text={one} max={SENTENCE_MAX} /></p>)}
      {problems.length > REASONS_SHOWN && <p class="bad">and {problems.length - REASONS_SHOWN} more</p>}
      {redo && <button type="button" class="plain small" onClick={redo}>Make my change to theirs</button>}
    </div>
  );
}
