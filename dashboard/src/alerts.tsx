// The first page: what rang, newest first, and beside it the tokens that are HOT.

import { useMemo, useRef, useState } from "preact/hooks";
import type { Token, TriggersAnswer } from "./api";
import { AlertCard } from "./alert_card";
import { Banner } from "./banner";
import { ALERTS_MAX, episodesOf } from "./episodes";
import { age } from "./format";
import { A } from "./frame/route";
import { Hot, Looked } from "./hot";
import { isRecorded, streamOfAlerts, type Known, type Live } from "./live";
import { inPlace, useKeptFocus } from "./order";
import { Said } from "./parts";
import { isFromItsStart } from "./story";
import { plain, SENTENCE_MAX, words } from "./text";

export function Alerts({ live, known }: { live: Live; known: Known }) {
  const rang = useMemo(() => episodesOf(known.alerts.values()), [known.alerts]);
  const [open, setOpen] = useState<string | null>(null);
  // A token whose alert is not here; counted, since it may be asked for again.
  const [looked, setLooked] = useState<{ token: Token; times: number } | null>(null);
  const list = useRef<HTMLDivElement>(null);
  const places = useRef(new Map<string, number>());
  const focused = useKeptFocus(list)?.closest("li.alert")?.querySelector<HTMLElement>("[data-alert]")?.dataset["alert"];
  const episodes = inPlace(rang, places.current, key => key === open || key === focused);
  const nowMs = live.nowMs();
  const demo = known.status?.demo ?? false;

  const buttons = () => [...(list.current?.querySelectorAll<HTMLElement>("[data-alert]") ?? [])];
  const onKey = (event: KeyboardEvent) => {
    const all = buttons();
    const at = all.findIndex(one => one.dataset["alert"] === (document.activeElement as HTMLElement).dataset["alert"]);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (event.key === "Escape" && (event.target as HTMLElement).closest(".looked")) {
      shut();
    } else if (event.key === "Escape" && open !== null) {
      all.find(one => one.dataset["alert"] === open)?.focus();
      setOpen(null);
    } else if (to !== undefined && at >= 0 && all[to]) {
      all[to].focus();
      event.preventDefault();
    }
  };
  const look = (token: Token) => {
    const found = episodes.find(one => one.shown.mint === token.mint);
    setLooked(found ? null : { token, times: (looked?.times ?? 0) + 1 });
    if (!found) return;
    setOpen(found.key);
    buttons().find(one => one.dataset["alert"] === found.key)?.focus();
  };

  const shut = () => {
    const mint = looked?.token.mint;
    setLooked(null);
    // Back to where one came from.
    [...document.querySelectorAll<HTMLElement>("[data-hot]")].find(one => one.dataset["hot"] === mint)?.focus();
  };

  return (
    <>
      <h1 class="hidden-text">Alerts</h1>
      {demo && <Banner known={known} />}
      <div class="columns">
        <section aria-labelledby="alerts-head" ref={list} onKeyDown={onKey}>
          <div class="head">
            <h2 id="alerts-head">Alerts</h2>
            <span class="dim">{state(known)}</span>
          </div>
          {!known.alertsLoaded && known.link !== "locked" && known.link !== "away" && <Loading />}
          {known.alertsLoaded && !episodes.length && <Empty known={known} nowMs={nowMs} />}
          {looked && <Looked {...looked} isRung={episodes.some(one => one.shown.mint === looked.token.mint)} shut={shut} />}
          <ol class="alerts">
            {episodes.map(one => (
              <AlertCard key={one.key} episode={one} nowMs={nowMs} demo={demo} isOpen={open === one.key}
                toggle={() => setOpen(open === one.key ? null : one.key)} />
            ))}
          </ol>
          <Older live={live} known={known} />
        </section>
        <Hot tokens={known.hot} look={look} nowMs={nowMs} recorded={isRecorded(known)} />
      </div>
    </>
  );
}

function state(known: Known): string {
  if (known.link === "away" || known.link === "locked" || !known.alertsLoaded) return "";
  if (known.missing) return plain(known.missing, SENTENCE_MAX);
  return known.streaming ? "live" : "the stream of alerts is away; coming again";
}

function Loading() {
  return (
    <div class="loading" role="status">
      <span class="hidden-text">Loading alerts</span>
      {[0, 1, 2].map(n => <div key={n} class="bone" aria-hidden="true" />)}
    </div>
  );
}

function Empty({ known, nowMs }: { known: Known; nowMs: number }) {
  const { status, rules } = known;
  const last = status?.last_swap_ms ?? null;
  return (
    <div class="empty">
      <p><strong>No alert yet.</strong> {last === null
        ? "No swap has come yet."
        : `The last swap came ${age(nowMs - last)} ago.`}</p>
      <p class="dim">{watched(rules)}</p>
      {status?.sources.map(one => (
        <p class="dim" key={one.source}>
          Source <Said text={one.source} />: {one.connected ? "connected to" : "away from"}{" "}
          <code>{plain(one.endpoint, 120)}</code>
          {one.filter && <>, sees <Said text={words(one.filter)} max={64} /></>}
          {one.narrowed && <> (<Said text={one.narrowed} max={SENTENCE_MAX} />)</>}.
        </p>
      ))}
      {status && !status.sources.length && <p class="dim">No source has reported yet.</p>}
    </div>
  );
}

function watched(rules: TriggersAnswer | null): string {
  if (rules === null) return "Which rules hold is not known yet.";
  const on = rules.rules.filter(one => one.enabled !== false).map(one => words(one.name));
  if (!on.length) return "No rule is on, so nothing can ring.";
  return `Every token is watched for ${on.length} ${on.length === 1 ? "rule" : "rules"}: ${on.join(", ")}.`;
}

function Older({ live, known }: { live: Live; known: Known }) {
  const [said, setSaid] = useState("");
  if (!known.alertsLoaded) return null;
  if (known.olderBefore === null) {
    // Where the broker has the first alert of all, so has this page.
    const stored = streamOfAlerts(known.status);
    if (stored === undefined || isFromItsStart(stored)) return null;
    return <p class="none">The broker has no older alerts; <A to="/days">history</A> may have them, day by day.</p>;
  }
  if (known.alerts.size >= ALERTS_MAX) {
    return <p class="none">This page holds the newest {ALERTS_MAX} alerts; <A to="/days">the days</A> have older ones.</p>;
  }
  const more = () => {
    setSaid("");
    live.older().catch((error: unknown) => setSaid(error instanceof Error ? error.message : "no answer"));
  };
  return <p><button type="button" class="plain" onClick={more}>Older alerts</button> <span role="status">{said}</span></p>;
}
