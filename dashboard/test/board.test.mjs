// The board: its order, what a text finds, the lines of the last hour, and when they are asked for.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { h, render } from "preact";
import { orderOf, passes, pressed, rowsOf, sorted } from "../src/board/columns";
import { HEIGHT, lineOf, WIDTH } from "../src/board/spark_line";
import { AGAIN_MS, AT_ONCE_MAX, SparkQueue } from "../src/board/spark_queue";
import { BoardTable } from "../src/board/table";
import { episodesOf } from "../src/episodes";
import { changedQuery } from "../src/frame/query";
import { alertOf } from "./fake_api.mjs";
import { fakeDocument } from "./fake_dom.mjs";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const mintOf = letter => letter.repeat(44);
const token = (letter, metrics = {}, more = {}) => ({
  mint: mintOf(letter), state: "HOT", name: null, symbol: letter, creator: null, venues: [], last_trade_ms: null,
  metrics, unknown: {}, ...more,
});
const row = (...given) => ({ token: token(...given), rang: [] });
const letters = rows => rows.map(one => one.token.symbol).join("");

test("unknown values stand last whichever way a column is sorted", () => {
  const rows = [row("A", { price_sol: null }), row("B", { price_sol: 2 }), row("C", {}), row("D", { price_sol: 1 }), row("E", { price_sol: 2 })];
  assert.equal(letters(sorted(rows, { key: "price", isUp: true })), "DBEAC");
  assert.equal(letters(sorted(rows, { key: "price", isUp: false })), "BEDAC");
});

test("every order holds each row once, whatever its numbers are", () => {
  const odd = [Number.MAX_VALUE, -Number.MAX_VALUE, Number.NaN, Number.POSITIVE_INFINITY, 0, -0, null, 1e-300];
  const rows = odd.map((value, at) => row("ABCDEFGH"[at], { price_sol: value }));
  for (const key of ["token", "price", "traded", "rang", "__proto__"]) {
    for (const isUp of [true, false]) {
      assert.equal([...letters(sorted(rows, { key, isUp }))].sort().join(""), "ABCDEFGH");
    }
  }
  assert.ok(["F", "E"].includes(letters(sorted(rows, { key: "price", isUp: true }))[1]));
});

test("a press sorts from the top down, and another one turns it round; names begin with A", () => {
  const first = orderOf("");
  assert.deepEqual(first, { key: "bought", isUp: false });
  assert.equal(pressed(first, "bought"), "bought");
  assert.equal(pressed(first, "cap"), "-cap");
  assert.equal(pressed(orderOf("-cap"), "cap"), "cap");
  assert.equal(pressed(first, "token"), "token");
  assert.deepEqual(orderOf("-nonsense"), first);
});

test("a text finds a token by its symbol, name, mint or rule, and needs every word", () => {
  const [found] = rowsOf([token("Q", {}, { name: "Quiet Otter" })],
    episodesOf([alertOf(1, { mint: mintOf("Q"), trigger: "stealth_accumulation" })]));
  for (const text of ["quiet", "OTTER q", mintOf("Q").slice(0, 9), "stealth accum"]) assert.ok(passes(found, text), text);
  for (const text of ["quiet whale", "(", ".*"]) assert.ok(!passes(found, text), text);
});

test("a token has what rang for it, newest first, and no end whose alert is not held", () => {
  const rang = [alertOf(1, { mint: mintOf("A"), episode: "a" }), alertOf(2, { mint: mintOf("A"), episode: "b" }),
    alertOf(3, { mint: mintOf("B"), episode: "c", kind: "closed" })];
  const [a, b] = rowsOf([token("A"), token("B")], episodesOf(rang));
  assert.deepEqual(a.rang.map(one => one.key), ["b", "a"]);
  assert.deepEqual(b.rang, []);
});

test("the address keeps what was chosen and nothing that was taken back", () => {
  assert.equal(changedQuery("?q=a", { by: "-cap" }), "?q=a&by=-cap");
  assert.equal(changedQuery("?q=a", { q: "" }), "");
  assert.equal(changedQuery("", { q: "a&b=c" }), "?q=a%26b%3Dc");
});

const candle = (minute, close, open = close) => ({ begin_ms: minute * MINUTE, open, close });
const pointsOf = line => line.points.split(" ").map(one => one.split(",").map(Number));

test("no trade within the hour has no line", () => {
  assert.equal(lineOf([], 0, HOUR), null);
  assert.equal(lineOf([candle(-1, 5), candle(61, 5)], 0, HOUR), null);
  assert.equal(lineOf([candle(3, Number.NaN)], 0, HOUR), null);
});

test("one price, and one that never moved, lie flat in the middle up to the end", () => {
  for (const candles of [[candle(60, 7)], [candle(0, 7)], [candle(0, 7), candle(9, 7)]]) {
    const line = lineOf(candles, 0, HOUR);
    assert.equal(line.direction, "flat");
    assert.ok(pointsOf(line).every(([, y]) => y === HEIGHT / 2));
    assert.equal(pointsOf(line).at(-1)[0], WIDTH - 2);
  }
});

test("a token of this minute is drawn from its first price to its last", () => {
  const line = lineOf([candle(60, 3, 1)], 30_000, HOUR + 30_000);
  assert.deepEqual([line.direction, line.first, line.last], ["up", 1, 3]);
  const [from, to] = pointsOf(line);
  assert.ok(from[0] < to[0] && from[1] > to[1]);
});

test("every point lies within the picture, from left to right, whatever the prices are", () => {
  const odd = [0, 1e-300, 5e-324, Number.MAX_VALUE, -Number.MAX_VALUE, 1, Number.POSITIVE_INFINITY, 3];
  const line = lineOf(odd.map((one, at) => candle(7 * at, one)).reverse(), 0, HOUR);
  const points = pointsOf(line);
  assert.equal(line.minutes, odd.length - 1);
  assert.equal(line.direction, "up");
  for (const [x, y] of points) assert.ok(x >= 0 && x <= WIDTH && y >= 0 && y <= HEIGHT, `${x},${y}`);
  assert.deepEqual(points.map(([x]) => x), points.map(([x]) => x).sort((a, b) => a - b));
});

test("a price that rises is drawn upwards", () => {
  const points = pointsOf(lineOf([candle(0, 1), candle(30, 2)], 0, HOUR));
  assert.ok(points[0][1] > points.at(-1)[1]);
  assert.equal(lineOf([candle(0, 2), candle(30, 1)], 0, HOUR).direction, "down");
});

/** A queue beside a history that plays what was, and answers when it is told to. */
function playing(eventMs) {
  const asked = [];
  const clock = { ms: 5_000_000_000 };
  const queue = new SparkQueue({
    now: () => clock.ms, told: () => {},
    ask: path => new Promise((done, failed) => {
      const query = new URL(path, "http://api").searchParams;
      const answer = () => done({ candles: [candle(eventMs / MINUTE, 5)].filter(one => one.begin_ms >= Number(query.get("first_ms"))), history: { event_time_ms: eventMs } });
      asked.push({ path, first: Number(query.get("first_ms")), end: Number(query.get("end_ms")), answer, failed });
    }),
  });
  return { queue, asked, clock };
}
const settled = () => new Promise(done => setImmediate(done));

test("at most a few are asked for at once, those in view only, and each again after a while", async () => {
  const { queue, asked, clock } = playing(5_000_000_000);
  for (const mint of ["a", "b", "c", "d"]) queue.want(mint);
  queue.leave("d");
  queue.turn();
  assert.equal(asked.length, AT_ONCE_MAX);
  queue.turn();
  assert.equal(asked.length, AT_ONCE_MAX);
  for (let n = 0; n < 3; n++) { asked[n].answer(); await settled(); }
  assert.deepEqual(asked.map(one => one.path.split("/")[4]), ["a", "b", "c"]);
  queue.turn();
  assert.equal(asked.length, 3);
  clock.ms += AGAIN_MS;
  queue.turn();
  assert.equal(asked.length, 3 + AT_ONCE_MAX);
});

test("the hour is that of history's own time, also where it plays what was", async () => {
  const eventMs = 1_000 * HOUR;
  const { queue, asked } = playing(eventMs);
  queue.want("a");
  queue.turn();
  assert.ok(asked[0].first > eventMs);
  asked[0].answer();
  await settled();
  assert.deepEqual([asked[1].first <= eventMs - HOUR, asked[1].end > eventMs], [true, true]);
  asked[1].answer();
  await settled();
  assert.equal(queue.lineOf("a").minutes, 1);
  queue.want("b");
  queue.turn();
  assert.ok(asked[2].first <= eventMs, "the second token's first question is right");
});

test("a day of tokens that come and go does not let it grow", async () => {
  const { queue, asked } = playing(5_000_000_000);
  for (let n = 0; n < 1500; n++) {
    queue.want(`m${n}`);
    queue.turn();
    asked.at(-1).answer();
    await settled();
    queue.leave(`m${n}`);
  }
  assert.equal(asked.length, 1500);
  assert.equal(queue.lineOf("m0"), undefined);
  assert.ok([...Array(1500).keys()].filter(n => queue.lineOf(`m${n}`) !== undefined).length <= 600);
});

test("where history does not answer, lines stay, it is said, and it has a rest", async () => {
  const { queue, asked, clock } = playing(5_000_000_000);
  queue.want("a");
  queue.turn();
  asked[0].failed(new Error("No history answers."));
  await settled();
  assert.equal(queue.problem, "No history answers.");
  assert.equal(asked.length, 1);
  clock.ms += 60_000;
  queue.turn();
  asked[1].answer();
  await settled();
  assert.equal(queue.problem, "");
  assert.equal(queue.lineOf("a").minutes, 1);
});

test("a group without a token says so, and a trade of long ago has its day and not its age", () => {
  assert.match(board([]), /HOT 0 · no rule rang within the hour/);
  assert.doesNotMatch(board([], { isFiltered: true }), /no rule rang/);
  const [year, later] = [1_700_000_000_000, 1_731_000_000_000];
  const text = board([row("A", {}, { last_trade_ms: year })], { nowMs: later });
  assert.doesNotMatch(text, /ago/);
  assert.match(text, /2023/);
  assert.match(board([row("A", {}, { last_trade_ms: 9e15 })]), /A/);
});

let body;
beforeEach(() => { body = fakeDocument(); });
afterEach(() => render(null, body));
const sparks = { lineOf: () => undefined, watch: () => () => {} };
const board = (rows, more = {}) => {
  const groups = [{ state: "HOT", rows }];
  render(h(BoardTable, { groups, order: orderOf(""), press: () => {}, asked: "", sparks, nowMs: 9000, isRecorded: false, alertsLoaded: true, ...more }), body);
  return body.text;
};

test("a row says its values with units, and why one is not known", () => {
  const text = board([row("A", { market_cap_sol: 12_345, price_change_5m: -0.25 }, { unknown: { price_sol: "no_price" }, gapped: ["5m"], last_trade_ms: 4000 })]);
  for (const said of ["12.3K SOL", "-25 %", "unknown", "blocks missing in 5 min", "5 s ago", "before the alerts held here"]) assert.ok(text.includes(said), said);
});

test("rows keep their place while somebody is in them, until something else is asked for", () => {
  const shown = () => body.all("tr").map(one => one.text.trim()[0]).filter(one => "ABC".includes(one)).join("");
  board([row("A", { buy_volume_sol_5m: 2 }), row("B", { buy_volume_sol_5m: 1 })]);
  assert.equal(shown(), "AB");
  body.all("tbody")[0].happen("pointerenter");
  const later = [row("A", { buy_volume_sol_5m: 2 }), row("C", { buy_volume_sol_5m: 9 })];
  assert.match(board(later), /no longer HOT/);
  assert.equal(shown(), "ABC");
  board(later, { asked: "other" });
  assert.equal(shown(), "CA");
});
