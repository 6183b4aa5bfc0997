// What the page of the system says of a status: where each stage stands, and what a person may copy
// into a shell.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { h, render } from "preact";
import { Refused, reasons } from "../src/frame/change";
import { fillFromCaptures, fillFromNode, gapId, nodeWord } from "../src/system/commands";
import { Picture } from "../src/system/pipeline/picture";
import { inWords, stagesOf } from "../src/system/pipeline/stages";
import { percent } from "../src/system/programs/share";
import { fakeDocument } from "./fake_dom.mjs";

const MARKUP = "<img src=x onerror=pwned=1>";
const TURNED = "\u{202e}gnp.evil";

const instance = more => ({ instance: "one-1", ready: true, stale: false, reason: "", age_ms: 100, ...more });
const service = (name, rates, ...instances) => ({ service: name, instances: instances.length ? instances : [instance()], rates });
const perS = (value, minute = value) => ({ total: 9, per_s_1s: value, per_s_60s: minute });
const stream = (name, more) => ({ stream: name, messages: 12, bytes: 50, bytes_max: 100, first_seq: 1, last_seq: 12, last_at_ms: 90_000, created_ms: 1, ...more });
const source = more => ({ source: "main", connected: true, kind: "live", slot: 350_000_123, lag_ms: 400, waiting_for_broker: false, ...more });
const consumer = (of, name, pending = 0, lag_s = 0) => ({ stream: of, consumer: name, pending, ack_pending: 0, redelivered: 0, lag_s });
const condition = (name, why = `why ${name}`, severity = "critical") => ({ name, severity, mode: "catching_up", since_ms: 1, why, what_to_do: "" });

/** A system in which all goes well. */
const status = more => ({
  at_ms: 100_000, mode: "running", conditions: [], last_swap_ms: 98_000,
  sources: [source()],
  services: [
    service("ingest", { pw_ingest_transactions_total: perS(1234) }), service("parser", { pw_parser_transactions_total: perS(1200), pw_parser_swaps_total: perS(80.5) }),
    service("detector", { pw_detector_swaps_total: perS(80) }), service("notifier", { pw_notifier_sent_total: perS(0, 0.05) }),
    service("history", {}), service("api", { pw_api_requests_total: perS(3) }),
  ],
  streams: [stream("PW_TX"), stream("PW_SWAP"), stream("PW_ALERT")],
  consumers: [consumer("PW_TX", "parser"), consumer("PW_SWAP", "detector"), consumer("PW_ALERT", "notifier-hook")],
  ...more,
});
const without = (name, ...instances) => {
  const { services } = status();
  return services.flatMap(one => (one.service !== name ? [one] : instances.length ? [{ ...one, instances }] : []));
};
const states = found => Object.fromEntries(stagesOf(found).map(one => [one.key, one.state]));
const of = (found, key) => stagesOf(found).find(one => one.key === key);

let body;
beforeEach(() => { body = fakeDocument(); });
afterEach(() => render(null, body));

test("where all goes well every stage is well, in the order in which data flows", () => {
  const stages = stagesOf(status());
  assert.deepEqual(stages.map(one => one.key), [
    "sources", "ingest", "PW_TX", "parser", "PW_SWAP", "detector", "PW_ALERT", "notifier", "channels", "history", "api",
  ]);
  assert.deepEqual(new Set(stages.map(one => one.state)), new Set(["well"]));
  assert.match(inWords(stages), /sources, ingest, PW_TX, parser.*No stage is behind or stopped/);
});

test("each figure has its unit, and what is not known is no zero", () => {
  const found = status();
  assert.deepEqual(of(found, "ingest").figures, ["1,234 tx/s", "1 of 1 ready"]);
  assert.deepEqual(of(found, "PW_TX").figures, ["0 waiting", "50 % full"]);
  assert.deepEqual(of(found, "detector").figures, ["80 swaps/s", "newest 2 s ago", "1 of 1 ready"]);
  assert.deepEqual(of(found, "notifier").figures, ["3 sent/min", "1 of 1 ready"]);
  assert.deepEqual(of(found, "history").figures, ["– swaps/s", "1 of 1 ready"]);
  assert.deepEqual(of(found, "sources").figures, ["1 of 1 connected", "slot 350,000,123", "0.4 s behind"]);
});

test("a backlog says how much waits and for how long the oldest of it", () => {
  const found = status({ consumers: [consumer("PW_TX", "parser", 4200, 12.4)], conditions: [condition("parser_behind")] });
  assert.deepEqual(of(found, "PW_TX").figures.slice(0, 2), ["4,200 waiting", "oldest 12 s"]);
  assert.equal(of(found, "parser").state, "behind");
});

test("a stage whose processes are all silent is stopped, and one of several is counted", () => {
  const silent = status({ services: without("parser", instance({ stale: true }), instance({ stale: true })), conditions: [condition("no_parser", "No parser answers.")] });
  assert.equal(of(silent, "parser").state, "stopped");
  assert.equal(of(silent, "parser").why, "No parser answers.");
  const one = status({ services: without("parser", instance(), instance({ stale: true })) });
  assert.equal(of(one, "parser").state, "well");
  assert.ok(of(one, "parser").figures.includes("1 of 2 ready"));
});

test("a service that never reported is not running, without a word of trouble", () => {
  const found = of(status({ services: without("history") }), "history");
  assert.deepEqual([found.state, found.word, found.figures], ["off", "not running", []]);
  assert.doesNotMatch(inWords(stagesOf(status({ services: without("history") }))), /Not well/);
});

test("a process that is not ready is behind with its own reason, before there is a condition", () => {
  const found = of(status({ services: without("detector", instance({ ready: false, reason: "reads its hour" })) }), "detector");
  assert.deepEqual([found.state, found.why], ["behind", "reads its hour"]);
});

test("backpressure shows at the queue and at ingest, and nowhere else", () => {
  const found = states(status({ conditions: [condition("backpressure")] }));
  assert.deepEqual(Object.keys(found).filter(one => found[one] !== "well"), ["ingest", "PW_TX"]);
});

test("sources: one of two away is behind, all away or nothing new is stopped, none is none", () => {
  const two = status({ sources: [source(), source({ source: "spare", connected: false })], conditions: [condition("source_spare")] });
  assert.deepEqual([of(two, "sources").state, of(two, "sources").figures[0]], ["behind", "1 of 2 connected"]);
  assert.equal(of(status({ sources: [source({ connected: false })] }), "sources").state, "stopped");
  assert.equal(of(status({ conditions: [condition("nothing_new")] }), "sources").state, "stopped");
  assert.equal(of(status({ sources: [] }), "sources").word, "none");
});

test("the lag of a recording is not shown: it means nothing", () => {
  const { figures } = of(status({ sources: [source({ kind: "recorded", lag_ms: 9e9 })] }), "sources");
  assert.ok(figures.includes("a recording"));
  assert.ok(!figures.some(one => one.includes("behind")));
});

test("channels: one that takes nothing is behind, all of them is stopped, and more than four are counted", () => {
  const names = ["a", "b", "c", "d", "e"];
  const consumers = names.map(one => consumer("PW_ALERT", `notifier-${one}`, 2));
  const few = of(status({ consumers, conditions: [condition("channel_a")] }), "channels");
  assert.deepEqual([few.state, few.figures.length, few.figures[4]], ["behind", 5, "and 1 more"]);
  assert.equal(of(status({ consumers, conditions: names.map(one => condition(`channel_${one}`)) }), "channels").state, "stopped");
  assert.equal(of(status({ consumers, conditions: [condition("channel_a", "", "info")] }), "channels").state, "well");
  assert.equal(of(status({ consumers: [] }), "channels").word, "none set up");
});

test("what a channel was handed and has not delivered waits, unless its quiet hours hold it", () => {
  const stuck = { ...consumer("PW_ALERT", "notifier-hook", 3), ack_pending: 200 };
  const said = more => of(status({ consumers: [{ ...stuck, ...more }] }), "channels").figures;
  assert.deepEqual(said(), ["hook: 203 waiting"]);
  assert.deepEqual(said({ quiet_until_ms: 9e6 }), ["hook: 3 waiting, 200 held by quiet hours"]);
});

test("a stream that is not there is missing", () => {
  const found = of(status({ streams: [stream("PW_TX"), stream("PW_ALERT")] }), "PW_SWAP");
  assert.deepEqual([found.state, found.word, found.figures], ["stopped", "missing", []]);
});

test("an empty status and one full of hostile names are drawn as well", () => {
  const empty = { at_ms: 1, conditions: [], services: [], streams: [], consumers: [], sources: [], last_swap_ms: null };
  assert.equal(stagesOf(empty).length, 11);
  const hostile = status({
    sources: [source({ source: "__proto__" })],
    services: [...status().services, service("__proto__", {}), service(MARKUP, {})],
    consumers: [consumer("PW_ALERT", `notifier-${TURNED}${"L".repeat(500)}`)],
    conditions: [condition("__proto__"), condition("not_ready_parser", MARKUP)],
  });
  assert.equal(of(hostile, "parser").state, "behind");
  assert.doesNotMatch(of(hostile, "channels").figures[0], /\u{202e}|L{100}/u);
});

test("the picture writes each state, leads each box to its rows, and is read out in words", () => {
  render(h(Picture, { status: status({ services: without("parser", instance({ ready: false, reason: MARKUP })) }) }), body);
  const boxes = body.all("li").filter(one => one.class?.startsWith("stage "));
  assert.equal(boxes.length, 11);
  const parser = boxes.find(one => one.text.startsWith("parser"));
  assert.match(parser.text, /behind.*1,200 tx\/s.*0 of 1 ready/);
  assert.equal(parser.all("a")[0].href, "#row-parser");
  assert.match(body.text, /Not well: parser is behind/);
  assert.ok(body.text.includes(`parser behind: ${MARKUP}`));
  assert.equal(body.all("img").length, 0);
});

test("what a condition says already is not said a second time below the picture", () => {
  render(h(Picture, { status: status({ conditions: [condition("parser_behind", "It waits.")] }) }), body);
  assert.doesNotMatch(body.text, /It waits/);
});

const gap = more => ({ seq: 1, time_ms: 1, source: "main", epoch: 2, first_missing_slot: 350, last_missing_slot: 354, why: "", filled: false, ...more });

test("a gap is named as the command takes it", () => {
  assert.equal(gapId(gap()), "main:2:350-354");
  assert.equal(fillFromNode("pw", "main:2:350-354", ""), "pw backfill --gap main:2:350-354 --rpc URL");
  assert.equal(fillFromCaptures(".venv/bin/pw", "main:2:350-354"), ".venv/bin/pw backfill --gap main:2:350-354 --capture FILE");
});

test("no name from outside gets into a command that a shell would read otherwise", () => {
  for (const hostile of ["a; rm -rf ~", "$(id)", "`id`", "-x", "", "a b", "Main", "m\nn", "a'b", "é", "m".repeat(33)]) {
    assert.equal(gapId(gap({ source: hostile })), null, hostile);
  }
  for (const number of [-1, 1.5, NaN, Infinity, 2 ** 60, "1; id"]) assert.equal(gapId(gap({ last_missing_slot: number })), null, String(number));
});

test("a node's address is one word to a shell, or a placeholder", () => {
  assert.equal(nodeWord(" http://127.0.0.1:8899 "), "http://127.0.0.1:8899");
  assert.equal(nodeWord("https://node.example/?api-key=a&b=$(id)"), "'https://node.example/?api-key=a&b=$(id)'");
  assert.equal(nodeWord("https://node.example/it's"), "'https://node.example/it'\\''s'");
  for (const none of ["", "node.example", "ftp://node.example", "javascript:alert(1)", "http://a b", "http://a\nrm"]) assert.equal(nodeWord(none), "URL", none);
});

test("a share that is there is never shown as nothing", () => {
  assert.deepEqual([percent(0), percent(0.0121), percent(1), percent(0.000001), percent(null), percent(NaN)], ["0 %", "1.2 %", "100 %", "<0.01 %", "–", "–"]);
});

test("a refusal names the place of each problem once", () => {
  const refused = new Refused("all of it", 422, [
    { where: "entries[0].name", what: "entries[0].name: must not begin with unlisted:" }, { where: "body", what: "empty" },
  ]);
  assert.deepEqual(reasons(refused), ["entries[0].name: must not begin with unlisted:", "body: empty"]);
  assert.deepEqual(reasons(new Refused("too large", 413, [])), ["too large"]);
});
