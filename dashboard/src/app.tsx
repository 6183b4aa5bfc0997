// The frame of every page: where one is, how the system does, and what is wrong with the link.

import { useEffect, useReducer, useState } from "preact/hooks";
import { announcement } from "./announce";
import type { StoredAlert } from "./api";
import { age } from "./format";
import { Keys } from "./frame/keys";
import { PAGES, PageOf, titleOf } from "./frame/pages";
import { A, usePlace } from "./frame/route";
import { Search } from "./frame/search";
import type { Known, Live } from "./live";
import { LABEL_MAX, plain, words } from "./text";
import { choose, theme, THEMES, type Theme } from "./theme";

const TICK_MS = 1000;
// Every process gives a sign once a second.
const QUIET_S = 3;
const STARTED_SHOWN_MS = 10_000;
// What comes within this is said in one sentence.
const SAY_AFTER_MS = 1000;

export function App({ live }: { live: Live }) {
  const [, again] = useReducer<number, void>(n => n + 1, 0);
  const place = usePlace();
  const [said, setSaid] = useState("");
  const [unseen, setUnseen] = useState(0);
  useEffect(() => {
    const gone = live.subscribe(() => again());
    const tick = setInterval(() => again(), TICK_MS);
    const looked = () => { if (!document.hidden) setUnseen(0); };
    let unsaid: StoredAlert[] = [];
    let say: ReturnType<typeof setTimeout> | undefined;
    live.onNew = alerts => {
      unsaid = [...unsaid, ...alerts];
      say ??= setTimeout(() => {
        const now = unsaid;
        unsaid = [];
        say = undefined;
        setSaid(before => announcement(now, before));
      }, SAY_AFTER_MS);
      if (document.hidden) setUnseen(n => n + alerts.length);
    };
    document.addEventListener("visibilitychange", looked);
    return () => {
      gone();
      clearInterval(tick);
      clearTimeout(say);
      document.removeEventListener("visibilitychange", looked);
    };
  }, [live]);
  const known = live.known;
  const mode = modeOf(known);
  useEffect(() => {
    const trouble = mode.name === "running" ? "" : `${mode.text} · `;
    document.title = `${unseen ? `(${unseen}) ` : ""}${trouble}${titleOf(place)}Pocketwatcher`;
  }, [mode.name, mode.text, unseen, place.page, place.of]);
  const quiet = known.link === "away" || known.link === "locked" ? [] : quietServices(known);
  const wrong = known.status?.conditions.filter(one => one.severity !== "info").length ?? 0;
  return (
    <>
      <a class="skip" href="#main">Skip to content</a>
      <header class="top">
        <div class="inner">
          <span class="brand">Pocketwatcher</span>
          <nav aria-label="Pages">
            {PAGES.map(one => (
              <A to={`/${one.page}`} key={one.page} aria-current={place.page === one.page ? "page" : undefined}>{one.text}</A>
            ))}
          </nav>
          <span class="health">
            {quiet.map(one => <span class="wrong" key={one.service}>{plain(one.service)}: no sign for {one.forS} s</span>)}
            {quiet.length === 0 && startedAgain(known).map(one => <span class="wrong" key={one}>{plain(one)}: started again</span>)}
            {wrong > 0 && <span class="wrong">{wrong} {wrong === 1 ? "condition" : "conditions"}</span>}
          </span>
          <span class="right">
            <Search />
            <span id="mode" class={mode.name} role="status">{mode.text}</span>
            <ThemeChoice />
          </span>
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        <LinkState known={known} nowMs={Date.now()} />
        <PageOf place={place} live={live} known={known} />
      </main>
      <Keys />
      <p class="hidden-text" aria-live="polite">{said}</p>
    </>
  );
}

function modeOf(known: Known): { name: string; text: string } {
  if (known.link === "locked") return { name: "away", text: "locked" };
  if (known.link === "away") return { name: "away", text: "no answer" };
  if (known.status === null) return { name: "loading", text: "…" };
  return { name: known.status.mode, text: words(known.status.mode) };
}

/** Services of which no process gave a sign for a while: a fact, before it is a condition. */
function quietServices(known: Known): Array<{ service: string; forS: number }> {
  return (known.status?.services ?? [])
    .map(one => ({ service: one.service, forS: Math.floor(Math.min(...one.instances.map(each => each.age_ms)) / 1000) }))
    .filter(one => Number.isFinite(one.forS) && one.forS >= QUIET_S);
}

/** Services whose process is another one since a moment ago. */
function startedAgain(known: Known): string[] {
  return Object.entries(known.startedMs).filter(([, ms]) => Date.now() - ms < STARTED_SHOWN_MS).map(([service]) => service);
}

function LinkState({ known, nowMs }: { known: Known; nowMs: number }) {
  if (known.link === "locked") {
    return (
      <p id="ask" class="note ask">
        This browser is not logged in. Run <code>pw url</code> on the machine where Pocketwatcher runs (in a
        container <code>python -m pw_api.url</code>) and open the link that it prints. A link works once.
      </p>
    );
  }
  if (known.link === "away") {
    const since = age(nowMs - known.awaySinceMs);
    return (
      <p class="note away" role="alert">
        <strong>No answer for <span aria-hidden="true">{since}</span></strong>{" "}
        {plain(known.problem, 1000)} What stands below is what came last; this page asks again every second.
      </p>
    );
  }
  if (known.link === "back") {
    return <p class="note back" role="status"><strong>Back.</strong> The API answers again.</p>;
  }
  return null;
}

function ThemeChoice() {
  const [now, setNow] = useState<Theme>(theme());
  const next = THEMES[(THEMES.indexOf(now) + 1) % THEMES.length] ?? "system";
  const change = () => {
    choose(next);
    setNow(next);
  };
  return (
    <button type="button" class="theme" onClick={change} title={`Theme: ${plain(now, LABEL_MAX)}`}
      aria-label={`Theme: ${now}. Change to ${next}`}>
      <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
        <circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" stroke-width="1.4" />
        {now !== "light" && <path d={now === "dark" ? "M8 2a6 6 0 0 0 0 12 6 6 0 0 0 0-12z" : "M8 2a6 6 0 0 0 0 12z"} fill="currentColor" />}
      </svg>
      <span>{now}</span>
    </button>
  );
}
