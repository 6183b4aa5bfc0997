// How the system does: conditions first, then rates, services, sources, streams, swaps.

import type { ConditionView, RateView, SourceView, StatusView, SwapsView } from "./api";
import { amount, bytes, count, rate, span } from "./format";
import type { Known, Live } from "./live";
import { Said, Table } from "./parts";
import { entry, LABEL_MAX, plain, SENTENCE_MAX, short } from "./text";

const MAIN: Record<string, string> = {
  ingest: "pw_ingest_transactions_total",
  parser: "pw_parser_transactions_total",
  detector: "pw_detector_swaps_total",
  notifier: "pw_notifier_sent_total",
  api: "pw_api_requests_total",
  replay: "pw_replay_transactions_total",
};
const QUOTES: Record<string, string> = {
  So11111111111111111111111111111111111111112: "SOL",
  EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v: "USDC",
  Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB: "USDT",
};
const NOTHING: RateView = { total: 0, per_s_1s: 0, per_s_60s: 0 };

export function System({ known }: { live: Live; known: Known }) {
  const { status, swaps } = known;
  return (
    <>
      <h1>System</h1>
      {status === null ? <Loading known={known} /> : <Shown status={status} />}
      <section aria-labelledby="swaps-head" class="card">
        <h2 id="swaps-head">Recent swaps</h2>
        {swaps === null ? <p class="none">…</p> : <Swaps swaps={swaps} />}
      </section>
      <footer class="dim">
        {["status", "swaps", "alerts", "gaps", "dead-letters"].map(one => <a key={one} href={`/api/v1/${one}`}>{one.replace("-", " ")}</a>)}
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
  const of = (service: string, name: string) =>
    status.services.find(one => one.service === service)?.rates[name] ?? NOTHING;
  const swaps = of("parser", "pw_parser_swaps_total");
  const t = status.totals;
  const held = new Set(status.conditions.map(one => one.name));
  return (
    <>
      <section aria-labelledby="conditions-head">
        <h2 id="conditions-head">Conditions</h2>
        {!status.conditions.length && <p class="card good">Everything is as it should be.</p>}
        <ul class="conditions" id="why">
          {status.conditions.map(one => <ConditionItem key={one.name} one={one} atMs={status.at_ms} />)}
        </ul>
      </section>
      <dl class="tiles">
        <Tile label="transactions in / s" value={rate(of("ingest", "pw_ingest_transactions_total").per_s_1s)} />
        <Tile label="parsed / s" value={rate(of("parser", "pw_parser_transactions_total").per_s_1s)} />
        <Tile label="swaps / s" value={rate(swaps.per_s_1s)} />
        <Tile label="swaps found" value={count(swaps.total)} />
        <Tile label="dead letters" value={count(t.dead_letters)} bad={t.dead_letters > 0} />
        <Tile label="gaps" value={count(t.gaps)} bad={t.gaps > 0} />
        <Tile label="stored duplicates" value={count(t.stored_duplicates)} />
      </dl>
      <div class="grid">
        <Services status={status} />
        <Sources status={status} held={held} />
        <Streams status={status} full={held.has("backpressure")} />
        <Consumers status={status} />
      </div>
    </>
  );
}

function ConditionItem({ one, atMs }: { one: ConditionView; atMs: number }) {
  return (
    <li class={one.severity}>
      <span class={`severity ${one.severity}`}>{one.severity}</span> <Said text={one.why} max={SENTENCE_MAX} />
      <div class="dim"><Said text={one.what_to_do} max={SENTENCE_MAX} /> · for {span(Math.max(0, atMs - one.since_ms) / 1000)}</div>
    </li>
  );
}

function Tile({ label, value, bad }: { label: string; value: string; bad?: boolean }) {
  return <div class={bad ? "tile bad" : "tile"}><dt>{label}</dt><dd>{value}</dd></div>;
}

function Services({ status }: { status: StatusView }) {
  const rows = status.services.map(one => {
    const r = entry(one.rates, entry(MAIN, one.service) ?? "") ?? NOTHING;
    const down = one.instances.filter(i => i.stale || !i.ready);
    const why = down.map(i => (i.stale ? `silent for ${span(i.age_ms / 1000)}` : plain(i.reason, LABEL_MAX) || "not ready"));
    return [
      <Said text={one.service} />,
      <span title={one.instances.map(i => `${plain(i.instance, LABEL_MAX)}, up ${span(i.uptime_s)}`).join("\n")}>
        {one.instances.length - down.length} of {one.instances.length}
        {why.length > 0 && <span class="bad"> {why.join(", ")}</span>}
      </span>,
      rate(r.per_s_1s), rate(r.per_s_60s), count(r.total),
    ];
  });
  return (
    <section class="card" aria-labelledby="services-head"><h2 id="services-head">Services</h2>
      <Table label="Services" rows={rows} none="No service has reported yet." columns={[
        { name: "service" }, { name: "ready" }, { name: "per s", number: true }, { name: "per s, 1 min", number: true }, { name: "total", number: true }]} />
    </section>
  );
}

type Behind = Pick<SourceView, "lag_ms" | "clock_ahead_ms">;

// What a source is asked for, and of a sampled one how many of the blocks are seen.
function seen(one: SourceView) {
  const share = one.seen_permille === null ? "" : `${one.seen_permille / 10} % of the blocks seen`;
  return [plain(one.filter, LABEL_MAX), share].filter(Boolean).join(", ");
}

function Sources({ status, held }: { status: StatusView; held: Set<string> }) {
  const behind = (one: Behind, from: SourceView) => {
    if (from.kind === "recorded") return "recording";
    if (one.lag_ms === null) return "–";
    const ahead = one.clock_ahead_ms > 0 && held.has(`clock_${from.source}`);
    return ahead ? `clock ${span(one.clock_ahead_ms / 1000)} ahead` : span(one.lag_ms / 1000);
  };
  const state = (ok: boolean, text: string) => <span class={ok ? "on" : "bad"}>{text}</span>;
  const rows = status.sources.flatMap(one => [
    [
      <Said text={one.source} />, <span><code>{plain(one.endpoint, 120) || "–"}</code>{seen(one) && <span class="dim"> {seen(one)}</span>}</span>,
      state(one.connected, one.waiting_for_broker ? "waits for the broker" : one.connected ? "connected" : plain(one.detail, 200) || "away"),
      count(one.slot), behind(one, one), count(one.frontier_slot), count(one.gaps),
    ],
    ...one.endpoints.map(each => [
      <span class="dim">{each.active ? "taken" : "standby"}</span>, <code>{plain(each.endpoint, 120)}</code>,
      state(each.connected, plain(each.refusing || each.detail, 200) || (each.connected ? "connected" : "not connected")),
      count(each.slot), behind(each, one), "", "",
    ]),
  ]);
  return (
    <section class="card" aria-labelledby="sources-head"><h2 id="sources-head">Sources</h2>
      <Table label="Sources" rows={rows} none="No source has reported yet." columns={[
        { name: "source" }, { name: "endpoint" }, { name: "state" }, { name: "slot", number: true },
        { name: "lag", number: true }, { name: "frontier", number: true }, { name: "gaps", number: true }]} />
    </section>
  );
}

function Streams({ status, full }: { status: StatusView; full: boolean }) {
  const rows = status.streams.map(one => [
    <code>{plain(one.stream, LABEL_MAX)}</code>, count(one.messages),
    <span class="size">
      {one.bytes_max > 0 && <meter min={0} max={1} value={Math.min(1, one.bytes / one.bytes_max)} class={full && one.stream === "PW_TX" ? "full" : ""}
        aria-label={`${plain(one.stream, LABEL_MAX)} is filled`} />}
      {bytes(one.bytes)}{one.bytes_max > 0 && <span class="dim"> of {bytes(one.bytes_max)}</span>}
    </span>,
    `${count(one.first_seq)} – ${count(one.last_seq)}`,
  ]);
  return (
    <section class="card" aria-labelledby="streams-head"><h2 id="streams-head">Streams</h2>
      <Table label="Streams" rows={rows} none="The broker holds no stream of ours." columns={[
        { name: "stream" }, { name: "messages", number: true }, { name: "size" }, { name: "sequences", number: true }]} />
    </section>
  );
}

function Consumers({ status }: { status: StatusView }) {
  const rows = status.consumers.map(one => [
    <code>{plain(`${one.stream} / ${one.consumer}`, 120)}</code>, count(one.pending), count(one.ack_pending), count(one.redelivered), span(one.lag_s),
  ]);
  return (
    <section class="card" aria-labelledby="consumers-head"><h2 id="consumers-head">Consumers</h2>
      <Table label="Consumers" rows={rows} none="No consumer." columns={[
        { name: "consumer" }, { name: "pending", number: true }, { name: "unacked", number: true }, { name: "redelivered", number: true }, { name: "lag", number: true }]} />
    </section>
  );
}

function Swaps({ swaps }: { swaps: SwapsView }) {
  const cell = (text: string) => <code title={plain(text, 100)}>{short(text)}</code>;
  const rows = swaps.swaps.map(one => [
    count(one.slot), <span class={one.side}>{one.side}</span>, cell(one.mint),
    amount(one.base_amount_raw, one.base_decimals),
    `${amount(one.quote_amount_raw, one.quote_decimals)} ${one.quote_mint ? entry(QUOTES, one.quote_mint) ?? short(one.quote_mint) : ""}`,
    cell(one.trader), one.venues.map(v => plain(v, LABEL_MAX)).join(", ") || "unknown", cell(one.signature),
  ]);
  return (
    <Table label="Recent swaps" rows={rows} none="No swap yet." columns={[
      { name: "slot", number: true }, { name: "side" }, { name: "mint" }, { name: "amount", number: true },
      { name: "for", number: true }, { name: "trader" }, { name: "venue" }, { name: "signature" }]} />
  );
}
