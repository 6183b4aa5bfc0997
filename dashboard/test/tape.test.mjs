// The swap tape: pages put together, what lies between them, filters, and the pace.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { filterOf, isFiltered, matcher, nameOf, pathOf } from "../src/tape/filter";
import { Follower } from "../src/tape/follow";
import { byPlace, keyOf, merged, Rate, ROWS_MAX, Tape } from "../src/tape/tape";

const SOL = "So11111111111111111111111111111111111111112";
const MINT = "9BB6NFEcjBCtnNLFko2FqVQBq8HHM13kCyYcdQbgpump";
const swapOf = (n, more = {}) => ({
  signature: `s${n}`, ordinal: 0, slot: n, event_time_ms: 400 * n, index: 0, side: n % 2 ? "buy" : "sell", mint: MINT, trader: "t",
  fee_payer: "p", signers: ["p"], venues: ["pump"], quote_mint: SOL, quote_amount_raw: String(n * 1e9), ...more,
});
const numbers = rows => rows.map(one => one.slot);
const all = () => true;

/** History with so many swaps: pages of them, newest first, as the API answers. */
class FakeHistory {
  swaps = [];
  asked = [];
  isAway = false;

  come(count, more = () => ({})) {
    for (let n = 0; n < count; n++) {
      const at = this.swaps.length + 1;
      this.swaps.push(swapOf(at, more(at)));
    }
  }
  page(limit, before = null) {
    const there = this.swaps.filter(one => before === null || one.slot < before).sort(byPlace);
    const swaps = there.slice(0, limit);
    const history = { event_time_ms: 0, behind_s: 0, holes: [] };
    return { swaps, kept: this.swaps.length, next_before: there.length > limit ? String(swaps.at(-1).slot) : null, history };
  }
  /** What a fetch of the page brings. */
  fetch = async path => {
    this.asked.push(path);
    if (this.isAway) throw new TypeError("fetch failed");
    const query = new URL(path, "http://api").searchParams;
    const before = query.get("before");
    return { status: 200, ok: true, json: async () => this.page(Number(query.get("limit")), before === null ? null : Number(before)) };
  };
}

/** A small chance that is the same each time. */
function chance(seed) {
  let at = seed;
  return () => { at = (at * 1103515245 + 12345) % 2147483648; return at / 2147483648; };
}

test("pages that come in any pieces make the tape that one page would", () => {
  for (let seed = 1; seed < 40; seed++) {
    const random = chance(seed);
    const history = new FakeHistory();
    const tape = new Tape(all, true);
    for (let turn = 0; turn < 12; turn++) {
      history.come(Math.floor(random() * 9));
      const pages = [history.page(10)];
      tape.take(pages);
    }
    assert.deepEqual(tape.held.rows, history.swaps.slice().sort(byPlace).slice(0, tape.held.rows.length));
    assert.equal(tape.held.missed, 0);
    assert.equal(new Set(tape.held.rows.map(keyOf)).size, tape.held.rows.length);
  }
});

test("what came faster than it was fetched is counted, and stands where it lies", () => {
  const history = new FakeHistory();
  history.come(20);
  const tape = new Tape(all, true);
  tape.take([history.page(10)]);
  history.come(35);
  tape.take([history.page(10)]);
  assert.deepEqual([tape.held.missed, tape.held.passed], [25, 10]);
  assert.deepEqual(tape.held.skipped, [{ under: "s46:0", swaps: 25 }]);
  assert.deepEqual(numbers(tape.held.rows).slice(8, 12), [47, 46, 20, 19]);
  // Another page that meets what is held skips nothing.
  history.come(3);
  tape.take([history.page(10)]);
  assert.deepEqual([tape.held.missed, tape.held.skipped.length], [25, 1]);
});

test("shown and not shown are together all that came", () => {
  for (let seed = 1; seed < 30; seed++) {
    const random = chance(seed);
    const history = new FakeHistory();
    history.come(5);
    const tape = new Tape(all, true);
    tape.take([history.page(8)]);
    for (let turn = 0; turn < 20; turn++) {
      history.come(Math.floor(random() * 30));
      tape.take([history.page(8)]);
    }
    assert.equal(tape.held.passed + tape.held.missed, history.swaps.length - 5);
  }
});

test("a tape of one token says that some lie between, and not how many", () => {
  const history = new FakeHistory();
  history.come(20);
  const tape = new Tape(all, false);
  tape.take([history.page(10)]);
  history.come(35);
  tape.take([history.page(10)]);
  assert.equal(tape.held.missed, 0);
  assert.deepEqual(tape.held.skipped, [{ under: "s46:0", swaps: null }]);
});

test("a day of swaps does not let it grow, nor what it says of holes", () => {
  const history = { kept: 0 };
  const tape = new Tape(all, true);
  for (let turn = 1; turn < 3000; turn++) {
    history.kept += 200;
    const swaps = Array.from({ length: 100 }, (_, at) => swapOf(200 * turn - at));
    tape.take([{ swaps, kept: history.kept, next_before: "more", history: {} }]);
  }
  assert.equal(tape.held.rows.length, ROWS_MAX);
  assert.ok(tape.held.skipped.length <= ROWS_MAX / 100);
});

test("a swap that is told again as one of a filled gap is there once", () => {
  const late = swapOf(2, { amended: true });
  assert.deepEqual(merged([swapOf(3), swapOf(2)], [late]), [swapOf(3), late]);
});

test("swaps of one slot stand as the chain has them", () => {
  const [a, b, c, d] = [swapOf(1, { index: 1, signature: "a" }), swapOf(1, { index: 1, signature: "b" }),
    swapOf(1, { index: 1, signature: "b", ordinal: 1 }), swapOf(1, { index: 2, signature: "A" })];
  assert.deepEqual(merged([b, d], [a, c]), [d, c, b, a]);
});

test("filters let through what they name, and a swap of unknown size is not large", () => {
  const query = values => name => values[name] ?? "";
  const through = (values, watched = []) => matcher(filterOf(query(values)), watched);
  const mine = swapOf(3);
  assert.ok(through({})(mine) && through({ side: "buy" })(mine) && !through({ side: "sell" })(mine));
  assert.ok(through({ min: "3" })(mine) && !through({ min: "3.01" })(mine));
  assert.ok(!through({ min: "0.1" })(swapOf(3, { quote_mint: null, quote_amount_raw: null })));
  assert.ok(through({ venue: "pump" })(mine) && !through({ venue: "raydium" })(mine));
  const watches = (of, address) => [{ of, address, label: "" }];
  assert.ok(through({ watched: "1" }, watches("token", MINT))(mine));
  assert.ok(through({ watched: "1" }, watches("wallet", "p"))(mine));
  assert.ok(!through({ watched: "1" }, watches("wallet", MINT))(mine));
  assert.ok(!through({ watched: "1" })(mine));
});

test("a filter that cannot be used says so and filters nothing", () => {
  for (const values of [{ mint: "0" }, { wallet: "../x" }, { min: "1e9" }, { min: "-1" }, { min: "ten" }]) {
    const filter = filterOf(name => values[name] ?? "");
    assert.deepEqual(Object.keys(filter.wrong), Object.keys(values));
    assert.ok(!isFiltered(filter));
    assert.equal(nameOf(filter), nameOf(filterOf(() => "")));
  }
  assert.equal(pathOf(filterOf(name => ({ mint: MINT })[name] ?? "")), `/api/v1/swaps?mint=${MINT}`);
});

test("the pace is that of the last ten seconds, and begins anew where a total falls", () => {
  const rate = new Rate();
  assert.equal(rate.perS, null);
  for (let s = 0; s <= 60; s++) rate.add(1000 * s, s < 40 ? 100 * s : 4000 + 5 * (s - 40));
  assert.equal(rate.perS, 5);
  rate.add(61_000, 7);
  assert.equal(rate.perS, null);
});

let history;
let told;
let follower;
const follow = async (matches = all, path = "/api/v1/swaps") => {
  told = undefined;
  follower = new Follower(path, matches, change => { told = change(told ?? { venues: [] }); });
  await follower.turn();
};
beforeEach(() => {
  history = new FakeHistory();
  globalThis.document = { hidden: false };
  globalThis.fetch = history.fetch;
});
afterEach(() => follower?.stop());

test("it asks back only until it meets what it holds, and says what it did not fetch", async () => {
  history.come(1000);
  await follow();
  assert.equal(history.asked.length, 1);
  history.come(150);
  await follower.turn();
  assert.equal(history.asked.length, 3);
  assert.deepEqual([told.missed, told.rows.length, told.rows[0].slot], [0, 500, 1150]);
  history.come(5000);
  await follower.turn();
  // All that is held is newer than what was skipped.
  assert.deepEqual([told.missed, told.skipped, told.rows.at(-1).slot], [4500, [], 5651]);
  assert.equal(history.asked.length, 5);
});

test("where a filter lets little through it looks back a few pages and says how far", async () => {
  history.come(5000, n => ({ side: n % 100 ? "buy" : "sell" }));
  await follow(one => one.side === "sell");
  assert.deepEqual([told.rows.length, told.lookedAt, told.hasOlder], [9, 900, true]);
});

test("history that is away leaves what came last, and says why", async () => {
  history.come(3);
  await follow();
  history.isAway = true;
  await follower.turn();
  assert.deepEqual([told.rows.length, told.problem], [3, "The API does not answer."]);
  history.isAway = false;
  await follower.turn();
  assert.equal(told.problem, "");
});

test("nothing is asked for while nobody looks", async () => {
  globalThis.document.hidden = true;
  await follow();
  assert.deepEqual(history.asked, []);
});
