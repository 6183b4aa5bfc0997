// Edits that were left before they were saved: each is kept as long as the tab is open, and a browser
// asks before it drops one.

import { useEffect, useState } from "preact/hooks";
import { Said } from "../parts";
import { LABEL_MAX } from "../text";

const asks = (event: BeforeUnloadEvent): void => event.preventDefault();

/** Edits by the name of what they are of; "" for something new. It outlives the page that it is of. */
export class Unsaved<T> {
  readonly #edits = new Map<string, T>();

  get all(): Array<[string, T]> { return [...this.#edits]; }

  /** Keep an edit, besides those of other things. */
  keep(name: string, edit: T): void {
    this.#edits.set(name, edit);
    addEventListener("beforeunload", asks);
  }

  /** What was kept under a name, which goes; null where there is none. */
  take(name: string): T | null {
    const found = this.#edits.get(name) ?? null;
    this.#edits.delete(name);
    if (!this.#edits.size) removeEventListener("beforeunload", asks);
    return found;
  }
}

/** Those that are kept now, drawn anew where one comes or goes. */
export function useUnsaved<T>(store: Unsaved<T>): Pick<Unsaved<T>, "all" | "keep" | "take"> {
  const [, draw] = useState(0);
  const again = () => draw(n => n + 1);
  return {
    all: store.all,
    keep: (name, edit) => { store.keep(name, edit); again(); },
    take: name => { again(); return store.take(name); },
  };
}

/** A browser asks before it leaves a page on which something is not saved. */
export function useLeaving(isChanged: boolean): void {
  useEffect(() => {
    if (!isChanged) return undefined;
    const leaving = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", leaving);
    return () => removeEventListener("beforeunload", leaving);
  }, [isChanged]);
}

interface LeftProps { names: Array<{ name: string; text: string }>; goOn: (name: string) => void; drop: (name: string) => void }

/** What is not saved, and how to go on with each. */
export function LeftUnsaved({ names, goOn, drop }: LeftProps) {
  return (
    <>
      {names.map(({ name, text }) => (
        <p class="note" key={name}>
          What you changed in <Said text={text} max={LABEL_MAX} /> is not saved.{" "}
          <button type="button" class="plain small" onClick={() => goOn(name)}>Go on with it</button>{" "}
          <button type="button" class="plain small" onClick={() => drop(name)}>Throw it away</button>
        </p>
      ))}
    </>
  );
}
