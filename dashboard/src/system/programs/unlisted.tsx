// Programs that trade and that no table lists: how much goes through each, examples, and giving one a name.

import { useState } from "preact/hooks";
import type { ProgramEntry, ProgramsAnswer, UnlistedProgramView, UnlistedView } from "../../api";
import { count, span } from "../../format";
import { Answer, useAsked } from "../../frame/asked";
import { TransactionOf } from "../../frame/cells";
import { change, reasons, WHO } from "../../frame/change";
import { Away, Copy, Said, Table } from "../../parts";
import { LABEL_MAX, NAME_MAX, plain, SENTENCE_MAX, short } from "../../text";
import { Panel } from "../panel";
import { percent } from "./share";

const EVERY_MS = 10_000;
const NOTE_MAX = 200;
const PROGRAMS = "/api/v1/programs";
const KINDS: Record<ProgramEntry["kind"], string> = {
  venue: "a venue: it holds the other side of a trade",
  router: "a router: it calls venues",
  bot: "a bot: it calls venues for its users",
  non_exchange: "no exchange: what moves through it is no trade",
  infrastructure: "infrastructure: part of many transactions, of no trade",
};

export function Programs({ isDemo }: { isDemo: boolean }) {
  const unlisted = useAsked<UnlistedView>(`${PROGRAMS}/unlisted`, EVERY_MS);
  const own = useAsked<ProgramsAnswer>(PROGRAMS, EVERY_MS);
  const [chosen, setChosen] = useState<string | null>(null);
  return (
    <section class="card" aria-labelledby="programs-head">
      <div class="head">
        <h2 id="programs-head">Programs discovered</h2>
        <span class="dim">trade, and are in no table</span>
      </div>
      <Answer asked={unlisted}>
        {found => {
          const listed = new Set(own.value?.entries.map(one => one.id));
          const shown = found.shown.filter(one => !listed.has(one.program));
          const program = shown.find(one => one.program === chosen)?.program;
          return (
            <>
              <Sum found={found} />
              {program && own.value && <Add key={program} program={program} own={own.value} again={own.again} close={() => setChosen(null)} />}
              <Rows programs={shown} chosen={program ?? null} choose={setChosen} isDemo={isDemo} canAdd={own.value !== null} />
            </>
          );
        }}
      </Answer>
      <h3 class="sub">Your own programs</h3>
      <Answer asked={own}>{found => <Own own={found} again={own.again} />}</Answer>
    </section>
  );
}

function Sum({ found }: { found: UnlistedView }) {
  if (!found.swaps) return null;
  const over = span((found.event_time_ms - found.since_ms) / 1000);
  return (
    <p class="dim small">
      {count(found.unlisted_swaps)} of {count(found.swaps)} swaps in {over}, {percent(found.share)}, went through {count(found.programs)} such programs.
      {found.left_out > 0 && ` ${count(found.left_out)} passages through more programs than are noted are left out.`}
    </p>
  );
}

function Rows({ programs, chosen, choose, isDemo, canAdd }: {
  programs: UnlistedProgramView[]; chosen: string | null; choose: (program: string) => void; isDemo: boolean; canAdd: boolean;
}) {
  const rows = programs.map(one => [
    <Id id={one.program} isDemo={isDemo} />, count(one.swaps), percent(one.share), count(one.first_slot),
    <span class="doing">{one.signatures.map(each => <TransactionOf key={each} signature={each} />)}</span>,
    <button type="button" class="plain small" disabled={!canAdd} aria-pressed={one.program === chosen} onClick={() => choose(one.program)}
      aria-label={`Name it: ${short(one.program)}`}>Name it</button>,
  ]);
  return (
    <Table label="Programs discovered" rows={rows} none="Every program that traded lately is in a table." columns={[
      { name: "program" }, { name: "swaps", number: true }, { name: "of all swaps", number: true }, { name: "first slot", number: true },
      { name: "such as" }, { name: "action" }]} />
  );
}

function Id({ id, isDemo }: { id: string; isDemo: boolean }) {
  const whole = plain(id, LABEL_MAX);
  return (
    <span class="mint"><code title={whole}>{short(id)}</code><Copy text={whole} what="program" />
      {!isDemo && <Away to={`https://solscan.io/account/${encodeURIComponent(id)}`}>Solscan</Away>}</span>
  );
}

function Add({ program, own, again, close }: { program: string; own: ProgramsAnswer; again: () => void; close: () => void }) {
  const [name, setName] = useState("");
  const [kind, setKind] = useState<ProgramEntry["kind"]>("venue");
  const [note, setNote] = useState("");
  const [said, setSaid] = useState<string[]>([]);
  const store = async (event: Event) => {
    event.preventDefault();
    setSaid(["…"]);
    const entries = [...own.entries.filter(one => one.id !== program), { id: program, name: name.trim(), kind }];
    try {
      await change("PUT", PROGRAMS, { revision: own.revision, who: WHO, note, entries });
      close();
    } catch (error) {
      // The person sees one entry, not the list that it becomes part of.
      setSaid(reasons(error).map(one => one.replace(/^entries\[\d+\]\./, "")));
    }
    again();
  };
  return (
    <Panel title={<>Name <code>{short(program)}</code></>} close={close}>
      <form onSubmit={event => void store(event)}>
        <label class="field">Name <input required maxLength={NAME_MAX} value={name} onInput={event => setName(event.currentTarget.value)} autocomplete="off" /></label>
        <label class="field">It is <select value={kind} onChange={event => setKind(event.currentTarget.value as ProgramEntry["kind"])}>
          {Object.entries(KINDS).map(([value, text]) => <option key={value} value={value}>{text}</option>)}
        </select></label>
        <label class="field">Note <input maxLength={NOTE_MAX} value={note} placeholder="why, for the history" onInput={event => setNote(event.currentTarget.value)} autocomplete="off" /></label>
        <p class="dim small">It holds for what is received from then on; what was read before stays as it is.</p>
        <button class="plain small">Add</button>
        <Saying said={said} />
      </form>
    </Panel>
  );
}

function Own({ own, again }: { own: ProgramsAnswer; again: () => void }) {
  const [asking, setAsking] = useState<string | null>(null);
  const [said, setSaid] = useState<string[]>([]);
  const remove = async (id: string) => {
    setSaid(["…"]);
    try {
      await change("PUT", PROGRAMS, { revision: own.revision, who: WHO, note: "", entries: own.entries.filter(one => one.id !== id) });
      setSaid([]);
    } catch (error) {
      setSaid(reasons(error));
    }
    setAsking(null);
    again();
  };
  const rows = own.entries.map(one => [
    <Said text={one.name} max={NAME_MAX} />, one.kind.replace("_", " "), <Id id={one.id} isDemo />,
    asking === one.id
      ? <span class="doing"><button type="button" class="plain small" onClick={() => void remove(one.id)}>Yes, remove it</button>{" "}
          <button type="button" class="plain small" onClick={() => setAsking(null)}>Keep it</button></span>
      : <button type="button" class="plain small" onClick={() => setAsking(one.id)} aria-label={`Remove ${plain(one.name)}`}>Remove</button>,
  ]);
  return (
    <>
      {own.unusable && <p class="bad"><Said text={own.unusable} max={SENTENCE_MAX} /></p>}
      <Table label="Your own programs" rows={rows} none="None: the shipped table is used as it is." columns={[
        { name: "name" }, { name: "kind" }, { name: "program" }, { name: "action" }]} />
      <Saying said={said} />
    </>
  );
}

/** What came of a change; the place is there before anything is said. */
export function Saying({ said }: { said: string[] }) {
  return <p role="status" class={said[0] === "…" ? "dim" : "bad"}>{said.map(one => <Said key={one} text={one} max={SENTENCE_MAX} />)}</p>;
}
