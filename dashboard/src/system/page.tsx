// How the system does: what is wrong, the pipeline as a picture, then everything that it leads to.

import type { StatusView } from "../api";
import { count } from "../format";
import type { Known } from "../live";
import { plain, SENTENCE_MAX } from "../text";
import { Audit } from "./audit";
import { Conditions } from "./conditions";
import { Gaps } from "./gaps";
import { DeadLetters } from "./letters";
import { Picture } from "./pipeline/picture";
import { Drift } from "./programs/drift";
import { Programs } from "./programs/unlisted";
import "./system.css";
import { Consumers, Services, Sources, Streams } from "./tables";

export function System({ known }: { known: Known }) {
  const { status } = known;
  return (
    <>
      <h1>System</h1>
      {status === null ? <Loading known={known} /> : <Shown status={status} />}
      <footer class="dim">
        {["status", "alerts", "gaps", "dead-letters"].map(one => <a key={one} href={`/api/v1/${one}`}>{one.replace("-", " ")}</a>)}
        <a href="/openapi.json">OpenAPI</a>
        <a href="/metrics">metrics</a>
      </footer>
    </>
  );
}

function Loading({ known }: { known: Known }) {
  if (known.link !== "loading") return <p class="none">Nothing has come yet.</p>;
  return <div class="loading" role="status"><span class="hidden-text">Loading</span><div class="bone" aria-hidden="true" /></div>;
}

function Shown({ status }: { status: StatusView }) {
  const pw = plain(status.pw_command, SENTENCE_MAX) || "pw";
  const held = new Set(status.conditions.map(one => one.name));
  return (
    <>
      <Conditions status={status} />
      <Picture status={status} />
      <Totals status={status} />
      <div class="grid">
        <Services status={status} />
        <Sources status={status} held={held} />
        <Streams status={status} full={held.has("backpressure")} />
        <Consumers status={status} />
      </div>
      <Gaps pw={pw} />
      <DeadLetters pw={pw} />
      <div class="grid">
        <Programs isDemo={status.demo} />
        <Drift />
      </div>
      <Audit />
    </>
  );
}

function Totals({ status }: { status: StatusView }) {
  const { totals } = status;
  const swaps = status.services.find(one => one.service === "parser")?.rates["pw_parser_swaps_total"]?.total ?? 0;
  return (
    <dl class="tiles">
      <Tile label="swaps found" value={swaps} />
      <Tile label="open gaps" value={totals.gaps} to="gaps-head" isBad={totals.gaps > 0} />
      <Tile label="dead letters" value={totals.dead_letters} to="letters-head" isBad={totals.dead_letters > 0} />
      <Tile label="swaps gone unread" value={totals.swaps_trimmed_unread} isBad={totals.swaps_trimmed_unread > 0} />
      <Tile label="stored duplicates" value={totals.stored_duplicates} />
    </dl>
  );
}

function Tile({ label, value, to, isBad }: { label: string; value: number; to?: string; isBad?: boolean }) {
  return (
    <div class={isBad ? "tile bad" : "tile"}>
      <dt>{label}</dt><dd>{to ? <a href={`#${to}`} aria-label={`${count(value)} ${label}`}>{count(value)}</a> : count(value)}</dd>
    </div>
  );
}
