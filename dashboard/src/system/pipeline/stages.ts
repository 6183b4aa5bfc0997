// Where each stage of the pipeline stands, from a status. Health is judged by the API: a stage is
// behind or stopped where a condition says so, or where none of its processes answers.

import type { ConditionView, ConsumerView, RateView, ServiceView, StatusView } from "../../api";
import { bytes, count, rate, span } from "../../format";
import { entry, LABEL_MAX, plain } from "../../text";

export type StageState = "well" | "behind" | "stopped" | "off";

export interface Stage {
  key: string;
  name: string;
  kind: "process" | "stream" | "end";
  state: StageState;
  /** The state in a word or two: what colour says is also written. */
  word: string;
  /** Why it is not well; empty where it is. */
  why: string;
  /** Each with its unit. */
  figures: string[];
  /** The id of its rows further down. */
  to: string;
}

const CHANNEL = "notifier-";
const CHANNELS_SHOWN = 4;
const WORDS: Record<StageState, string> = { well: "well", behind: "behind", stopped: "stopped", off: "not running" };

/** The stages in the order in which data flows, then what reads beside. */
export function stagesOf(status: StatusView): Stage[] {
  const swaps = rateOf(status, "parser", "pw_parser_swaps_total");
  return [
    sourcesStage(status),
    processStage(status, "ingest", [perS(rateOf(status, "ingest", "pw_ingest_transactions_total"), "tx")], ["backpressure"]),
    streamStage(status, "PW_TX", [...waiting(status, "PW_TX", "parser"), ...filled(status, "PW_TX")], ["backpressure"]),
    processStage(status, "parser", [perS(rateOf(status, "parser", "pw_parser_transactions_total"), "tx")], ["parsers_at_limit"]),
    streamStage(status, "PW_SWAP", [perS(swaps, "swaps"), ...waiting(status, "PW_SWAP", "detector")], []),
    processStage(status, "detector", [
      perS(rateOf(status, "detector", "pw_detector_swaps_total"), "swaps"), ...ago(status, "newest", status.last_swap_ms),
    ], []),
    streamStage(status, "PW_ALERT", alertsKept(status), []),
    processStage(status, "notifier", [perMin(rateOf(status, "notifier", "pw_notifier_sent_total"), "sent")], ["no_notifier"]),
    channelsStage(status),
    // History stores by the batch, so that a second says little.
    processStage(status, "history", [perS(averageOf(rateOf(status, "history", "pw_history_swaps_total")), "swaps")], []),
    processStage(status, "api", [perS(rateOf(status, "api", "pw_api_requests_total"), "requests")], []),
  ];
}

/** The picture in words, for screen readers. */
export function inWords(stages: Stage[]): string {
  const path = stages.filter(one => one.key !== "history" && one.key !== "api").map(one => one.name);
  const ill = stages.filter(one => one.state === "behind" || one.state === "stopped");
  const flow = `Data flows from one to the next: ${path.join(", ")}. History and the API read beside it.`;
  if (!ill.length) return `${flow} No stage is behind or stopped.`;
  return `${flow} Not well: ${ill.map(one => `${one.name} is ${one.word}`).join(", ")}.`;
}

function stage(key: string, kind: Stage["kind"], state: StageState, rest: Partial<Stage>): Stage {
  return { key, name: key, kind, state, word: WORDS[state], why: "", figures: [], to: `row-${key}`, ...rest };
}

function sourcesStage(status: StatusView): Stage {
  const { sources } = status;
  const connected = sources.filter(one => one.connected);
  const dead = conditionOf(status, "no_source", "nothing_new");
  const late = conditionOf(status, ...sources.map(one => `source_${one.source}`));
  const away = sources.length > 0 && !connected.length;
  const rest = { to: "sources-head", figures: [`${count(connected.length)} of ${count(sources.length)} connected`, ...newestOf(status)] };
  if (dead || away) return stage("sources", "end", "stopped", { ...rest, why: (dead ?? late)?.why ?? "No source is connected." });
  if (!sources.length) return stage("sources", "end", "off", { ...rest, word: "none", figures: [], why: "No source has reported yet." });
  return stage("sources", "end", late ? "behind" : "well", { ...rest, why: late?.why ?? "" });
}

function newestOf(status: StatusView): string[] {
  const slots = status.sources.flatMap(one => (one.slot === null ? [] : [one.slot]));
  const lags = status.sources.flatMap(one => (one.kind === "live" && one.connected && one.lag_ms !== null ? [one.lag_ms] : []));
  return [
    ...(slots.length ? [`slot ${count(Math.max(...slots))}`] : []),
    ...(lags.length ? [`${span(Math.max(...lags) / 1000)} behind`] : []),
    ...(status.sources.some(one => one.kind === "recorded") ? ["a recording"] : []),
  ];
}

function processStage(status: StatusView, key: string, figures: string[], also: string[]): Stage {
  const instances = serviceOf(status, key)?.instances ?? [];
  const live = instances.filter(one => !one.stale);
  const ready = live.filter(one => one.ready);
  const gone = conditionOf(status, `no_${key}`);
  const rest = { name: key === "api" ? "API" : key, figures: [...figures, `${ready.length} of ${instances.length} ready`] };
  if (gone || (instances.length && !live.length)) {
    return stage(key, "process", "stopped", { ...rest, why: gone?.why ?? "None of its processes answers." });
  }
  if (!instances.length) return stage(key, "process", "off", { ...rest, to: "services-head", figures: [], why: "No process of it has reported." });
  const held = conditionOf(status, `${key}_behind`, `not_ready_${key}`, `silent_${key}`, ...also);
  if (held || !ready.length) {
    return stage(key, "process", "behind", { ...rest, why: held?.why ?? (live[0]?.reason || "None of its processes is ready.") });
  }
  return stage(key, "process", "well", rest);
}

function streamStage(status: StatusView, key: string, figures: string[], behind: string[]): Stage {
  const missing = status.conditions.find(one => one.name === `missing_${key}` || one.name.startsWith(`missing_${key}/`));
  const isThere = status.streams.some(one => one.stream === key);
  if (missing || !isThere) {
    const why = missing?.why ?? `${key} does not exist at the broker.`;
    return stage(key, "stream", "stopped", { word: "missing", why, figures: isThere ? figures : [], to: "streams-head" });
  }
  const held = conditionOf(status, ...behind);
  return stage(key, "stream", held ? "behind" : "well", { figures, why: held?.why ?? "" });
}

function channelsStage(status: StatusView): Stage {
  const consumers = status.consumers.filter(one => one.stream === "PW_ALERT" && one.consumer.startsWith(CHANNEL));
  const bad = status.conditions.filter(one => one.name.startsWith("channel_") && one.severity === "critical");
  const named = consumers.map(one => one.consumer.slice(CHANNEL.length));
  const names = new Set([...named, ...bad.map(one => one.name.slice("channel_".length))]);
  const dead = conditionOf(status, "no_notifier");
  const figures = consumers.slice(0, CHANNELS_SHOWN).map((one, at) => `${plain(named[at] ?? "", LABEL_MAX)}: ${waitingFor(one)}`);
  if (consumers.length > CHANNELS_SHOWN) figures.push(`and ${consumers.length - CHANNELS_SHOWN} more`);
  const rest = { to: "consumers-head", figures, why: (dead ?? bad[0])?.why ?? "" };
  if (dead || (bad.length > 0 && bad.length >= names.size)) return stage("channels", "end", "stopped", rest);
  if (bad.length) return stage("channels", "end", "behind", rest);
  if (!names.size) return stage("channels", "end", "off", { ...rest, word: "none set up" });
  return stage("channels", "end", "well", rest);
}

const conditionOf = (status: StatusView, ...names: string[]): ConditionView | undefined =>
  status.conditions.find(one => names.includes(one.name));

const serviceOf = (status: StatusView, name: string): ServiceView | undefined =>
  status.services.find(one => one.service === name);

const rateOf = (status: StatusView, service: string, metric: string): RateView | undefined =>
  entry(serviceOf(status, service)?.rates ?? {}, metric);

const averageOf = (found: RateView | undefined): RateView | undefined => found && { ...found, per_s_1s: found.per_s_60s };
const perS = (found: RateView | undefined, what: string): string => `${found ? rate(found.per_s_1s) : "–"} ${what}/s`;
const perMin = (found: RateView | undefined, what: string): string => `${found ? rate(60 * found.per_s_60s) : "–"} ${what}/min`;

/** How much waits for a consumer, and for how long the oldest of it. */
function waiting(status: StatusView, stream: string, consumer: string): string[] {
  const found: ConsumerView | undefined = status.consumers.find(one => one.stream === stream && one.consumer === consumer);
  if (!found) return [];
  return [`${count(found.pending)} waiting`, ...(found.pending > 0 ? [`oldest ${span(found.lag_s)}`] : [])];
}

/** What a channel has not sent: what it was not handed yet, and what it was and has not delivered. */
function waitingFor(channel: ConsumerView): string {
  const isQuiet = (channel.quiet_until_ms ?? null) !== null && channel.ack_pending > 0;
  const figure = `${count(channel.pending + (isQuiet ? 0 : channel.ack_pending))} waiting`;
  return isQuiet ? `${figure}, ${count(channel.ack_pending)} held by quiet hours` : figure;
}

function filled(status: StatusView, stream: string): string[] {
  const found = status.streams.find(one => one.stream === stream);
  if (!found) return [];
  return [found.bytes_max > 0 ? `${Math.round(100 * found.bytes / found.bytes_max)} % full` : bytes(found.bytes)];
}

function alertsKept(status: StatusView): string[] {
  const found = status.streams.find(one => one.stream === "PW_ALERT");
  return found ? [`${count(found.messages)} kept`, ...ago(status, "newest", found.last_at_ms)] : [];
}

const ago = (status: StatusView, what: string, ms: number | null | undefined): string[] =>
  ms === null || ms === undefined ? [] : [`${what} ${span(Math.floor(Math.max(0, status.at_ms - ms) / 1000))} ago`];
