// Days: what came after alerts by rule, and days by their names.
import assert from "node:assert/strict";
import { test } from "node:test";
import { beginOf, DAY_MS, listed, nameOf, together } from "../src/days/dates";
import { byRule, changeOf, median, outcomeOf } from "../src/days/outcomes";

const AFTER = 300_000;
const rang = (price, later, more = {}) => ({ id: "i", mint: "m", trigger: "rule", price, after: later === undefined ? [] : [{ after_ms: AFTER, price: later }], ...more });

test("a median is the middle one, or the mean of the two in the middle", () => {
  assert.equal(median([]), null);
  assert.equal(median([3]), 3);
  assert.equal(median([9, 1, 3]), 3);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(median([Number.NaN, 2, Number.POSITIVE_INFINITY]), 2);
  assert.equal(median([Number.MAX_VALUE, Number.MAX_VALUE]), Number.MAX_VALUE);
});

test("a median lies between what it is of, with as many on one side as on the other", () => {
  for (let size = 1; size < 40; size++) {
    const values = Array.from({ length: size }, (_, at) => ((at * 7919) % 97) - 40);
    const middle = median(values);
    assert.ok(values.filter(one => one < middle).length <= size / 2);
    assert.ok(values.filter(one => one > middle).length <= size / 2);
  }
});

test("a change needs a price before and after", () => {
  assert.equal(changeOf(2, 3), 0.5);
  for (const [from, to] of [[null, 1], [1, null], [0, 1], [-1, 1], [Number.NaN, 1], [1, Number.POSITIVE_INFINITY], [5e-324, Number.MAX_VALUE]]) {
    assert.equal(changeOf(from, to), null);
  }
});

test("every alert counts once at each time: as known, as unknown, or as still to come", () => {
  const several = [rang(1, 2), rang(1, 0.5), rang(1, 4), rang(1, null), rang(null, 3), rang(1, undefined), rang(1, 1, { after: null })];
  assert.deepEqual(outcomeOf(several, AFTER), { afterMs: AFTER, median: 1, known: 3, rose: 2, unknown: 3, ahead: 1 });
  assert.deepEqual(outcomeOf([], AFTER), { afterMs: AFTER, median: null, known: 0, rose: 0, unknown: 0, ahead: 0 });
});

test("the rule that rang most stands first, whatever it is called", () => {
  const of = (trigger, count) => Array.from({ length: count }, () => rang(1, 2, { trigger }));
  const rules = byRule([...of("b", 1), ...of("__proto__", 3), ...of("a", 1)], [AFTER]);
  assert.deepEqual(rules.map(one => [one.trigger, one.rang.length]), [["__proto__", 3], ["a", 1], ["b", 1]]);
});

test("a day's name names that day, and what is no day names none", () => {
  for (const ms of [0, 20_000 * DAY_MS, 951_782_400_000]) assert.equal(beginOf(nameOf(ms)), ms);
  for (const name of ["", "2026-02-30", "2026-13-01", "26-01-01", "2026-1-1", "<img>", "2026-11-27T00"]) assert.equal(beginOf(name), null);
});

test("days of which nothing is kept are counted between those that are", () => {
  const day = n => ({ begin_ms: n * DAY_MS });
  assert.deepEqual(listed([day(9), day(8), day(4)]).map(one => one.gap), [0, 0, 3]);
  assert.deepEqual(together([[day(9), day(8)], [day(8), day(4)]]).map(one => one.begin_ms / DAY_MS), [9, 8, 4]);
});

test("of a day that is asked for twice the newest answer counts", () => {
  const [one] = together([[{ begin_ms: 0, swaps: 9 }], [{ begin_ms: 0, swaps: 4 }]]);
  assert.equal(one.swaps, 9);
});
