// What a person can choose of the tape; all of it stands in the address of the page.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Query } from "../frame/query";
import { Copy, Said } from "../parts";
import { LABEL_MAX, plain } from "../text";
import { isFiltered, type Filter } from "./filter";

// What is typed counts once one has stopped to type.
const STILL_MS = 400;

interface ChoicesProps {
  filter: Filter;
  query: Query;
  change: (parts: Record<string, string>) => void;
  venues: string[];
  watches: number;
}

export function Choices({ filter, query, change, venues, watches }: ChoicesProps) {
  const options = filter.venue && !venues.includes(filter.venue) ? [filter.venue, ...venues] : venues;
  const wrong = Object.entries(filter.wrong);
  return (
    <form class="tools choices" aria-label="What is shown" onSubmit={event => event.preventDefault()}>
      <span class="steps" role="group" aria-label="Side">
        {(["", "buy", "sell"] as const).map(one => (
          <button type="button" key={one} aria-pressed={filter.side === one} onClick={() => change({ side: one })}>{one === "" ? "Both" : one === "buy" ? "Buys" : "Sells"}</button>
        ))}
      </span>
      <Typed name="min" text="From, in SOL" hint="any size" query={query} change={change} isWrong={"min" in filter.wrong} mode="decimal" />
      <label><span>Venue</span>
        <select value={filter.venue} onChange={event => change({ venue: event.currentTarget.value })}>
          <option value="">any</option>
          {options.map(one => <option key={one} value={one}>{plain(one, LABEL_MAX)}</option>)}
        </select></label>
      <Typed name="mint" text="Token" hint="mint" query={query} change={change} isWrong={"mint" in filter.wrong} />
      <Typed name="wallet" text="Wallet" hint="address" query={query} change={change} isWrong={"wallet" in filter.wrong} />
      <label class="check"><input type="checkbox" checked={filter.watched} onChange={event => change({ watched: event.currentTarget.checked ? "1" : "" })} /> watched only</label>
      {isFiltered(filter) && (
        <span class="nowrap">
          <button type="button" class="plain small" onClick={() => change({ side: "", min: "", venue: "", mint: "", wallet: "", watched: "" })}>Show all</button>
          <Copy text={location.href} what="link to this view" />
        </span>
      )}
      <span role="status" class="bad small" id="tape-wrong">
        {wrong.map(([name, why]) => <span key={name}><Said text={query(name)} max={LABEL_MAX} /> {why}. </span>)}
      </span>
      {filter.watched && watches === 0 && <span class="dim small">You watch nothing yet: a token's and a wallet's page have a button for it.</span>}
      {filter.minSol > 0 && <span class="dim small">Swaps against anything but SOL have no size in SOL and are left out.</span>}
    </form>
  );
}

/** A field whose text counts once one has stopped to type. */
function Typed({ name, text, hint, query, change, isWrong, mode = "text" }: {
  name: string; text: string; hint: string; query: Query; change: (parts: Record<string, string>) => void; isWrong: boolean;
  mode?: "text" | "decimal";
}) {
  const said = query(name);
  const [typed, setTyped] = useState(said);
  const timer = useRef<ReturnType<typeof setTimeout>>();
  useEffect(() => { setTyped(said); }, [said]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const put = (value: string, afterMs: number) => {
    setTyped(value);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => change({ [name]: value.trim() }), afterMs);
  };
  return (
    <label><span>{text}</span>
      <input value={typed} placeholder={hint} inputMode={mode} maxLength={64} autoComplete="off" spellcheck={false}
        aria-invalid={isWrong} aria-describedby={isWrong ? "tape-wrong" : undefined} class={`typed-${name}`}
        onInput={event => put(event.currentTarget.value, STILL_MS)} onChange={event => put(event.currentTarget.value, 0)} />
    </label>
  );
}
