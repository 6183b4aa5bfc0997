// Dead letters: what could not be read or delivered, why, its body, and how it is sent back.

import { useRef, useState } from "preact/hooks";
import type { DeadLetterReplayed, DeadLettersView, DeadLetterView } from "../api";
import { Locked } from "../ask";
import { bytes, count } from "../format";
import { Answer, useAsked } from "../frame/asked";
import { change, reasons, Refused } from "../frame/change";
import { At } from "../frame/times";
import { Command, Said, Table } from "../parts";
import { LABEL_MAX, plain, SENTENCE_MAX } from "../text";
import { More, useGrowing } from "./more";
import { Panel } from "./panel";

const EVERY_MS = 10_000;
// As hex: more is for a file, not for a page.
const BODY_SHOWN = 2048;

export function DeadLetters({ pw }: { pw: string }) {
  const asked = useGrowing<DeadLettersView>("/api/v1/dead-letters", EVERY_MS);
  const [chosen, setChosen] = useState<DeadLetterView | null>(null);
  return (
    <section class="card" aria-labelledby="letters-head">
      <div class="head">
        <h2 id="letters-head">Dead letters</h2>
        <span class="dim">what could not be read, or not be delivered</span>
      </div>
      <Answer asked={asked}>
        {({ dead_letters, next_before_seq }) => {
          // One that was sent back and taken away stays open, with what came of it.
          const letter = dead_letters.find(one => one.seq === chosen?.seq) ?? chosen;
          return (
            <>
              {letter && <Opened key={letter.seq} letter={letter} pw={pw} again={asked.again} close={() => setChosen(null)} />}
              <Rows letters={dead_letters} chosen={letter?.seq ?? null} choose={setChosen} />
              {dead_letters.length > 1 && <p class="more dim">All of them back to where they came from: <Command text={`${pw} dlq replay --all`} /></p>}
              <More of={asked} isMore={next_before_seq !== null} older={`${pw} dlq list --before-seq ${next_before_seq}`} />
            </>
          );
        }}
      </Answer>
    </section>
  );
}

function Rows({ letters, chosen, choose }: { letters: DeadLetterView[]; chosen: number | null; choose: (letter: DeadLetterView) => void }) {
  const rows = letters.map(one => [
    <At ms={one.time_ms} />,
    <Said text={one.service} max={LABEL_MAX} />,
    <span class="wraps"><Said text={one.reason} max={200} /></span>,
    <span><Said text={one.origin_stream} max={LABEL_MAX} /> {count(one.origin_seq)}{one.position !== null && <span class="dim"> no. {count(one.position + 1)} in it</span>}</span>,
    bytes(one.size_bytes),
    <button type="button" class="plain small" aria-pressed={one.seq === chosen} onClick={() => choose(one)} aria-label={`Open dead letter ${one.seq}`}>Open</button>,
  ]);
  return (
    <Table label="Dead letters" rows={rows} none="No dead letter: everything was read and delivered." columns={[
      { name: "time" }, { name: "service" }, { name: "reason" }, { name: "from" }, { name: "size", number: true }, { name: "action" }]} />
  );
}

const OUTCOMES: Record<DeadLetterReplayed["outcome"], string> = {
  sent: "Sent back.", sent_before: "The parsers got it within the last ten minutes already.", delivered_before: "Its channel has had this alert.",
};

const MAYBE_SENT = "It may have been sent all the same: see whether it is still here before you send it again.";

function Opened({ letter, pw, again, close }: { letter: DeadLetterView; pw: string; again: () => void; close: () => void }) {
  const [said, setSaid] = useState<{ texts: string[]; isBad: boolean }>({ texts: [], isBad: false });
  const [takesAway, setTakesAway] = useState(true);
  const [state, setState] = useState<"here" | "under way" | "taken away">("here");
  // A second click may come before anything is drawn anew.
  const isUnderWay = useRef(false);
  const sendBack = async () => {
    if (isUnderWay.current || state !== "here") return;
    isUnderWay.current = true;
    setState("under way");
    setSaid({ texts: ["Sending…"], isBad: false });
    try {
      const { outcome } = await change<DeadLetterReplayed>("POST", `/api/v1/dead-letters/${letter.seq}/replay?delete=${takesAway}`, {});
      setSaid({ texts: [OUTCOMES[outcome]], isBad: false });
      setState(takesAway ? "taken away" : "here");
    } catch (error) {
      const isAnswered = error instanceof Refused || error instanceof Locked;
      setSaid({ texts: [...reasons(error), ...(isAnswered ? [] : [MAYBE_SENT])], isBad: true });
      setState("here");
    }
    isUnderWay.current = false;
    again();
  };
  const [wantsBody, setWantsBody] = useState(false);
  const whole = useAsked<DeadLettersView>(wantsBody ? `/api/v1/dead-letters?limit=1&before_seq=${letter.seq + 1}&body=true` : null, 0);
  return (
    <Panel title={`Dead letter ${count(letter.seq)}`} close={close}>
      <p><Said text={letter.reason} max={SENTENCE_MAX} /></p>
      <dl class="prove">
        <div><dt>See what is in it</dt> <dd><Command text={`${pw} dlq show ${letter.seq}`} /></dd></div>
        <div><dt>Take it away</dt> <dd><Command text={`${pw} dlq rm ${letter.seq}`} /></dd></div>
      </dl>
      <p class="doing">
        <button type="button" class="plain small" aria-disabled={state !== "here"} onClick={() => void sendBack()}>Send it back</button>
        <label class="check"><input type="checkbox" checked={takesAway} disabled={state !== "here"} onChange={event => setTakesAway(event.currentTarget.checked)} /> and take it away once it is sent</label>
      </p>
      <p role="status" class={said.isBad ? "bad" : "dim"}>{said.texts.map(one => <Said key={one} text={one} max={SENTENCE_MAX} />)}</p>
      {wantsBody
        ? <Answer asked={whole}>{({ dead_letters }) => <Body letter={dead_letters.find(one => one.seq === letter.seq)} />}</Answer>
        : <button type="button" class="plain small" onClick={() => setWantsBody(true)}>Show its bytes</button>}
    </Panel>
  );
}

function Body({ letter }: { letter: DeadLetterView | undefined }) {
  if (!letter) return <p class="none">It is no longer there.</p>;
  if (!letter.body_hex) return <p class="none">It has no body.</p>;
  const isCut = letter.body_cut || letter.body_hex.length > BODY_SHOWN;
  return (
    <>
      <p class="dim">In hex{letter.body_encoding ? <>, as <Said text={letter.body_encoding} max={LABEL_MAX} /></> : ""}{isCut && ", its beginning"}:</p>
      <pre class="body" tabIndex={0} role="region" aria-label="Its bytes"><code>{plain(letter.body_hex, BODY_SHOWN)}</code></pre>
    </>
  );
}
