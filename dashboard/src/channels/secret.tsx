// A secret in a form. One that is kept is never shown; it is sent only where somebody writes another.

import { useState } from "preact/hooks";
import type { Marks } from "../editing/field";
import { KEPT, newKey } from "./draft";

const KEY_BYTES = 24;

interface SecretProps {
  marks: Marks;
  text: string;
  /** Whether there is one that can be kept. */
  isKept: boolean;
  most: number;
  canMake: boolean;
  set: (text: string) => void;
}

export function Secret({ marks, text, isKept, most, canMake, set }: SecretProps) {
  const [isShown, setShown] = useState(false);
  if (text === KEPT) {
    return (
      <span class="secret">
        <input {...marks} value="kept as it is" disabled />
        <button type="button" class="plain small" aria-label="Replace what is kept" onClick={() => set("")}>Replace</button>
      </span>
    );
  }
  const make = () => {
    set(newKey(crypto.getRandomValues(new Uint8Array(KEY_BYTES))));
    setShown(true);
  };
  return (
    <span class="secret">
      <input {...marks} type={isShown ? "text" : "password"} value={text} maxLength={most} autocomplete="new-password" spellcheck={false}
        onInput={event => set(event.currentTarget.value)} />
      <button type="button" class="plain small" aria-pressed={isShown} onClick={() => setShown(!isShown)}>Show</button>
      {canMake && <button type="button" class="plain small" onClick={make}>Make a key</button>}
      {isKept && <button type="button" class="plain small" onClick={() => set(KEPT)}>Keep the old one</button>}
    </span>
  );
}
