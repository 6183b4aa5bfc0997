// Watching and muting an address from its own page.

import { useState } from "preact/hooks";
import { Said } from "../parts";
import { LABEL_MAX, SENTENCE_MAX } from "../text";
import { change, reasons, WHO } from "./change";
import { entriesOf, muteOf, useLists } from "./lists";
import { At } from "./times";

type Kind = "token" | "wallet";
const HOUR_MS = 3_600_000;
const MUTES: Array<{ text: string; forMs: number | null }> = [
  { text: "1 h", forMs: HOUR_MS }, { text: "24 h", forMs: 24 * HOUR_MS }, { text: "for good", forMs: null },
];

/** `isRecorded`: the chain's time is not that of the clock, so no mute can end by it. */
export function Own({ address, kind, nowMs, isRecorded }: { address: string; kind: Kind; nowMs: number; isRecorded: boolean }) {
  const lists = useLists();
  const [said, setSaid] = useState<string[]>([]);
  const [label, setLabel] = useState("");
  const watched = entriesOf(lists, address).find(one => one.of === kind || (kind === "wallet" && one.of === "creator"));
  const mute = muteOf(lists, address, nowMs);
  const isOurs = lists.mutes?.entries.some(one => one.address === address) ?? false;
  const send = async (method: "POST" | "DELETE", list: "watchlists" | "mutes", entry?: Record<string, unknown>) => {
    setSaid(["…"]);
    const revision = (list === "mutes" ? lists.mutes : lists.watched)?.revision ?? 0;
    try {
      if (method === "DELETE") {
        const of = list === "mutes" ? kind : watched?.of ?? kind;
        await change("DELETE", `/api/v1/${list}/${address}?${new URLSearchParams({ revision: String(revision), who: WHO, of })}`);
      } else {
        await change("POST", `/api/v1/${list}`, { revision, who: WHO, note: "", replace: true, entry });
      }
      setSaid([]);
      setLabel("");
    } catch (error) {
      setSaid(reasons(error));
    }
    lists.again();
  };
  const muteFor = (forMs: number | null) => send("POST", "mutes", {
    address, of: kind, reason: "from its page", until_ms: forMs === null ? null : Math.round(nowMs + forMs),
  });
  return (
    <div class="own">
      {watched
        ? <span>Watched{watched.label && <> as <strong><Said text={watched.label} max={LABEL_MAX} /></strong></>}{" "}
            <button type="button" class="plain small" onClick={() => void send("DELETE", "watchlists")}>Watch no more</button></span>
        : <form onSubmit={event => { event.preventDefault(); void send("POST", "watchlists", { address, of: kind, label }); }}>
            <label><span class="hidden-text">Label</span>
              <input value={label} maxLength={LABEL_MAX} placeholder="label" onInput={event => setLabel(event.currentTarget.value)} /></label>
            <button class="plain small">Watch</button>
          </form>}
      {mute
        ? <span>Muted{mute.until_ms !== null && <> until <At ms={mute.until_ms} /></>}
            {isOurs ? <> <button type="button" class="plain small" onClick={() => void send("DELETE", "mutes")}>Unmute</button></> : <span class="dim"> (shipped: <Said text={mute.reason} max={LABEL_MAX} />)</span>}</span>
        : <span class="mutes">Mute {MUTES.filter(one => one.forMs === null || (kind === "token" && !isRecorded)).map(one => (
            <button type="button" class="plain small" key={one.text} onClick={() => void muteFor(one.forMs)}>{one.text}</button>))}</span>}
      <span role="status" class={said[0] === "…" ? "dim" : "bad"}>{said.map(one => <Said key={one} text={one} max={SENTENCE_MAX} />)}</span>
    </div>
  );
}
