// What the picture leads to: services, sources, streams and consumers, row by row.

import type { RateView, SourceView, StatusView } from "../api";
import { bytes, count, rate, span } from "../format";
import { Said, Table } from "../parts";
import { entry, LABEL_MAX, plain } from "../text";

const MAIN: Record<string, string> = {
  ingest: "pw_ingest_transactions_total",
  parser: "pw_parser_transactions_total",
  detector: "pw_detector_swaps_total",
  history: "pw_history_swaps_total",
  notifier: "pw_notifier_sent_total",
  api: "pw_api_requests_total",
  replay: "pw_replay_transactions_total",
};
const NOTHING: RateView = { total: 0, per_s_1s: 0, per_s_60s: 0 };
// Rows that a box of the picture leads to; a name from outside is no id.
const LED_TO = new Set(["ingest", "parser", "detector", "history", "notifier", "api", "PW_TX", "PW_SWAP", "PW_ALERT"]);
const idOf = (name: string): { id?: string } => (LED_TO.has(name) ? { id: `row-${name}` } : {});

export function Services({ status }: { status: StatusView }) {
  const rows = status.services.map(one => {
    const r = entry(one.rates, entry(MAIN, one.service) ?? "") ?? NOTHING;
    const down = one.instances.filter(i => i.stale || !i.ready);
    const why = down.map(i => (i.stale ? `silent for ${span(i.age_ms / 1000)}` : plain(i.reason, LABEL_MAX) || "not ready"));
    return [
      <span {...idOf(one.service)}><Said text={one.service} /></span>,
      <span title={one.instances.map(i => `${plain(i.instance, LABEL_MAX)}, up ${span(i.uptime_s)}`).join("\n")}>
        {one.instances.length - down.length} of {one.instances.length}
        {why.length > 0 && <span class="bad wraps"> {why.join(", ")}</span>}
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

export function Sources({ status, held }: { status: StatusView; held: Set<string> }) {
  const behind = (one: Behind, from: SourceView) => {
    if (from.kind === "recorded") return "recording";
    if (one.lag_ms === null) return "–";
    const ahead = one.clock_ahead_ms > 0 && held.has(`clock_${from.source}`);
    return ahead ? `clock ${span(one.clock_ahead_ms / 1000)} ahead` : span(one.lag_ms / 1000);
  };
  const state = (ok: boolean, text: string) => <span class={ok ? "on" : "bad wraps"}>{text}</span>;
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

export function Streams({ status, full }: { status: StatusView; full: boolean }) {
  const rows = status.streams.map(one => [
    <code {...idOf(one.stream)}>{plain(one.stream, LABEL_MAX)}</code>, count(one.messages),
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

export function Consumers({ status }: { status: StatusView }) {
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
