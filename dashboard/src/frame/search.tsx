// One field that finds tokens, wallets and transactions: by symbol, name, address or signature.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Found, SearchAnswer } from "../api";
import { ask, sentence } from "../ask";
import { Said } from "../parts";
import { plain, SENTENCE_MAX, short } from "../text";
import { go, isAddress } from "./route";

const ID = "search";
const AFTER_MS = 200;
const SHOWN_MAX = 12;
const PATIENCE_MS = 27_000;
const TEXT_MAX = 100;
const PAGE_OF: Record<Found["kind"], string> = { token: "token", wallet: "wallet", signature: "tx" };

export function focusSearch(): void {
  const field = document.getElementById(ID);
  if (field instanceof HTMLInputElement) {
    field.focus();
    field.select();
  }
}

interface Result { found: Found[]; problem: string; isCut: boolean }

export function Search() {
  const [text, setText] = useState("");
  const [result, setResult] = useState<Result | null>(null);
  const [at, setAt] = useState(0);
  const [isOpen, setOpen] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const wanted = text.trim();
  useEffect(() => {
    setResult(null);
    setAt(0);
    if (!wanted) return undefined;
    let isGone = false;
    const timer = setTimeout(async () => {
      try {
        const answer = await ask<SearchAnswer>(`/api/v1/search?limit=${SHOWN_MAX}&q=${encodeURIComponent(wanted)}`, PATIENCE_MS);
        const isCut = answer.next_skip !== null || answer.is_cut;
        if (!isGone) setResult({ found: answer.found, problem: "", isCut });
      } catch (error) {
        if (!isGone) setResult({ found: [], problem: sentence(error), isCut: false });
      }
    }, AFTER_MS);
    return () => { isGone = true; clearTimeout(timer); };
  }, [wanted]);
  // What is no part of history yet may still be looked at: the detector knows a token by its mint.
  const found = result === null ? [] : withTyped(result.found, wanted);
  const open = (one: Found | undefined) => {
    if (!one) return;
    setOpen(false);
    setText("");
    field.current?.blur();
    go(`/${PAGE_OF[one.kind]}/${one.address}`);
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key === "Escape") {
      setOpen(false);
      field.current?.blur();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      setAt(Math.max(0, Math.min(found.length - 1, at + (event.key === "ArrowDown" ? 1 : -1))));
    } else if (event.key === "Enter") {
      event.preventDefault();
      open(found[at]);
    }
  };
  const shows = isOpen && wanted !== "";
  return (
    <search class="search">
      <label class="hidden-text" for={ID}>Search tokens, wallets and transactions</label>
      <input id={ID} ref={field} type="search" placeholder="Search  /" autocomplete="off" spellcheck={false} maxLength={TEXT_MAX}
        role="combobox" aria-expanded={shows} aria-controls="found" aria-autocomplete="list"
        aria-activedescendant={shows && found[at] ? `found-${at}` : undefined}
        value={text} onInput={event => { setText(event.currentTarget.value); setOpen(true); }}
        onFocus={() => setOpen(true)} onBlur={() => setOpen(false)} onKeyDown={onKey} />
      <div class="found" hidden={!shows}>
        <ul id="found" role="listbox" aria-label="Found">
          {found.map((one, place) => (
            <li key={`${one.kind}${one.address}`} id={`found-${place}`} role="option" aria-selected={place === at}
              onPointerDown={event => { event.preventDefault(); open(one); }}>
              <span class="dim">{one.kind === "signature" ? "transaction" : one.kind}</span>{" "}
              {one.symbol && <strong><Said text={one.symbol} /></strong>} {one.name && <Said text={one.name} />}{" "}
              <code title={plain(one.address, TEXT_MAX)}>{short(one.address)}</code>
            </li>
          ))}
        </ul>
        <p class="dim small" role="status">
          {result === null && "…"}
          {result?.problem && <span class="bad"><Said text={result.problem} max={SENTENCE_MAX} /></span>}
          {result && !result.problem && !found.length && "Nothing has this in its symbol, name, address or signature."}
          {result?.isCut && "There are more: a longer text finds them."}
        </p>
      </div>
    </search>
  );
}

function withTyped(found: Found[], wanted: string): Found[] {
  if (!isAddress(wanted) || found.some(one => one.address === wanted)) return found;
  if (wanted.length > 44) return [...found, { kind: "signature", address: wanted, name: "", symbol: "" }];
  const kinds: Array<Found["kind"]> = ["token", "wallet"];
  return [...found, ...kinds.map(kind => ({ kind, address: wanted, name: "", symbol: "" }))];
}
