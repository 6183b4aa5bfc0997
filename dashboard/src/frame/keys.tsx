// What the keyboard does everywhere: "/" searches, "g" and a letter opens a page, "?" lists them.

import { useEffect, useRef } from "preact/hooks";
import { PAGES } from "./pages";
import { go } from "./route";
import { focusSearch } from "./search";

const TOGETHER_MS = 1500;

/** Whether somebody types here: then keys are letters. */
function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

export function Keys() {
  const list = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    let gMs = 0;
    const pressed = (event: KeyboardEvent) => {
      const isPlain = !event.metaKey && !event.ctrlKey && !event.altKey;
      if (event.key.toLowerCase() === "k" && (event.metaKey || event.ctrlKey)) {
        event.preventDefault();
        focusSearch();
      } else if (!isPlain || isTyping(event.target)) {
        return;
      } else if (event.key === "/") {
        event.preventDefault();
        focusSearch();
      } else if (event.key === "?") {
        list.current?.showModal();
      } else if (event.key === "g") {
        gMs = Date.now();
      } else if (Date.now() - gMs < TOGETHER_MS) {
        gMs = 0;
        const found = PAGES.find(one => one.key === event.key);
        if (found) go(`/${found.page}`);
      }
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
  return (
    <dialog ref={list} class="keys" aria-labelledby="keys-head">
      <h2 id="keys-head">Keys</h2>
      <dl>
        <div><dt><kbd>/</kbd> or <kbd>Ctrl K</kbd></dt><dd>search</dd></div>
        {PAGES.map(one => <div key={one.page}><dt><kbd>g</kbd> <kbd>{one.key}</kbd></dt><dd>{one.text}</dd></div>)}
        <div><dt><kbd>↑</kbd> <kbd>↓</kbd></dt><dd>from alert to alert</dd></div>
        <div><dt><kbd>Space</kbd></dt><dd>hold the swaps of Live still, and let them go on</dd></div>
        <div><dt><kbd>Esc</kbd></dt><dd>close what is open</dd></div>
        <div><dt><kbd>?</kbd></dt><dd>this list</dd></div>
      </dl>
      <form method="dialog"><button class="plain">Close</button></form>
    </dialog>
  );
}
