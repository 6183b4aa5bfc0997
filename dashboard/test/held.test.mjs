// What a page holds of a list that grows at both ends: nothing twice, nothing lost, nothing out of place.
import assert from "node:assert/strict";
import { test } from "node:test";
import { HELD_MAX, placeOf, withNewest, withOlder } from "../src/frame/held_swaps";
import { Loader } from "../src/token/candles";
import { solIn } from "../src/token/pools";

const swap = at => ({ signature: `s${String(at).padStart(6, "0")}`, ordinal: 0, slot: at, index: 0, event_time_ms: at * 400 });
const page = (from, count) => {
  const swaps = Array.from({ length: Math.min(count, from) }, (_, one) => swap(from - one));
  const last = swaps.at(-1);
  return { swaps, next_before: from > count ? placeOf(last) : null };
};

test("older swaps that were asked for stay while newer ones come", () => {
  let held = withNewest(null, page(100, 10));
  held = withOlder(held, page(90, 10));
  for (let newest = 101; newest < 130; newest += 3) held = withNewest(held, page(newest, 10));
  assert.deepEqual(held.swaps.map(one => one.slot), Array.from({ length: 128 - 80 }, (_, one) => 128 - one));
  assert.equal(held.next, placeOf(swap(81)));
});

test("where newer ones do not meet what is held, only they are shown, and older ones go on behind them", () => {
  const held = withNewest(withNewest(null, page(100, 10)), page(150, 10));
  assert.deepEqual([held.swaps[0].slot, held.swaps.at(-1).slot, held.next], [150, 141, placeOf(swap(141))]);
});

test("a list has an end, and older ones go on where it is", () => {
  let held = withNewest(null, page(5000, 100));
  for (let from = 4900; from > 3800; from -= 100) held = withOlder(held, page(from, 100));
  assert.equal(held.swaps.length, HELD_MAX);
  assert.equal(held.next, placeOf(held.swaps.at(-1)));
});

const MINUTE = 60_000;
const head = more => ({ slot: 1, event_time_ms: 1000 * MINUTE, minutes_since_ms: 0, swaps_since_ms: 0, holes: [], behind_s: 0, swaps: 1, ...more });

/** An API that has a candle at each of these minutes, and writes down what it was asked. */
function api(minutes, { newest, fails = () => false, holes = () => [] }) {
  const asked = [];
  const ask = async path => {
    const at = new URL(path, "http://here");
    if (path.includes("/swaps")) return { swaps: newest === null ? [] : [{ event_time_ms: newest * MINUTE }], history: head() };
    const first = Number(at.searchParams.get("first_ms")), end = Number(at.searchParams.get("end_ms"));
    asked.push([first / MINUTE, end / MINUTE]);
    if (fails(first, end)) throw new Error("504");
    const candles = minutes().filter(one => one * MINUTE >= first && one * MINUTE < end).map(one => ({ begin_ms: one * MINUTE, close: 1 }));
    return { candles, next_first_ms: null, history: head({ holes: holes(first, end) }) };
  };
  return { ask, asked };
}

function loading(market) {
  let held = null;
  const loader = new Loader("mint", "1m", found => { held = found; }, market.ask);
  return { loader, held: () => held, minutes: () => held.candles.map(one => one.begin_ms / MINUTE) };
}

test("a token whose last candle is long before its newest swap has its candles", async () => {
  const { loader, held, minutes } = loading(api(() => [3, 4], { newest: 1000 }));
  await loader.newest();
  assert.deepEqual([minutes(), held().isLoaded], [[3, 4], true]);
});

test("a token whose swaps are kept no longer has its candles", async () => {
  const { loader, minutes } = loading(api(() => [3, 4], { newest: null }));
  await loader.newest();
  assert.deepEqual(minutes(), [3, 4]);
});

test("a look back that fails is made again, and leaves no blank", async () => {
  let broken = true;
  const market = api(() => Array.from({ length: 1000 }, (_, one) => one), { newest: 999, fails: (_, end) => broken && end < 900 * MINUTE });
  const { loader, held, minutes } = loading(market);
  await loader.newest();
  await loader.older();
  assert.equal(held().problem, "504");
  broken = false;
  await loader.older();
  await loader.older();
  assert.equal(minutes().length, 999 - minutes()[0] + 1);
});

test("a hole is said as long as its candles are shown, and what is filled is shown once it is", async () => {
  let filled = false;
  const hole = { why: "gap", gap: "g", first_slot: 1, last_slot: 2, first_ms: 800 * MINUTE, last_ms: 810 * MINUTE };
  const market = api(() => Array.from({ length: 1000 }, (_, one) => one).filter(one => filled || one < 800 || one > 810), {
    newest: 999, holes: first => (!filled && first <= 810 * MINUTE ? [hole] : []),
  });
  const { loader, held, minutes } = loading(market);
  await loader.newest();
  await loader.newest();
  assert.deepEqual(held().head.holes, [hole]);
  filled = true;
  for (let turn = 0; turn < 30; turn++) await loader.newest();
  assert.deepEqual(held().head.holes, []);
  assert.equal(minutes().includes(805), true);
});

test("pools that state nothing are counted, and those that moved on are not", () => {
  const SOL = "So11111111111111111111111111111111111111112";
  const pool = (reserve_a_raw, more) => ({ mint_a: SOL, mint_b: "m", reserve_a_raw, reserve_b_raw: "1", to_pool: null, ...more });
  assert.deepEqual(solIn({ pools: [pool("5"), pool(null), pool("7", { to_pool: "p" }), pool("2", { mint_a: "x" })] }), { lamports: 5n, silent: 1 });
  assert.deepEqual(solIn({ pools: [pool(null)] }), { lamports: null, silent: 1 });
});
