// Numbers in the unit that is shown, conditions as the detector finds them, and what a revision changed.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { change, reasons, Refused } from "../src/frame/change";
import { placed } from "../src/editing/problems";
import { partsOf, textOf, verdictOf, wordsOf } from "../src/rules/core/condition";
import { between, changesOf } from "../src/rules/core/differences";
import { changedRow, draftOf, isField, ownProblems, ruleOf } from "../src/rules/core/draft";
import { enterable, numberProblem, shownNumber, storedNumber, unitOf } from "../src/rules/core/numbers";
import { countsOf, spreadOf, through } from "../src/rules/core/spread";

const SHARE = "top_3_buyers_volume_share_5m";
const RULE = {
  name: "busy", enabled: true, severity: "warning", cooldown_s: 900, escalate_factor: 2, description: "",
  conditions: ["buy_count_5m >= 20", `${SHARE} >= 0.80`], gates: ["market_cap_sol < 1000.50"],
};
const realFetch = globalThis.fetch;
afterEach(() => { globalThis.fetch = realFetch; });

// A generator whose numbers are the same each time.
function* numbers(seed) {
  for (let state = seed; ;) {
    state = (state * 48271) % 2147483647;
    yield state;
  }
}

test("a share is entered in percent, and is the same number again when it is stored", () => {
  assert.equal(shownNumber(SHARE, "0.8"), "80");
  assert.equal(storedNumber(SHARE, "80"), "0.8");
  assert.equal(storedNumber(SHARE, " 0.5 "), "0.005");
  assert.equal(shownNumber("price_change_1h", "-0.125"), "-12.5");
  assert.equal(shownNumber("buy_volume_sol_5m", "0.8"), "0.8");
  const from = numbers(7);
  for (let turn = 0; turn < 2000; turn++) {
    const whole = String(from.next().value % 10 ** (1 + turn % 8));
    const part = String(from.next().value).slice(0, turn % 9).replace(/0+$/, "");
    const sign = turn % 3 || (whole === "0" && !/[1-9]/.test(part)) ? "" : "-";
    const text = `${sign}${whole}${part ? `.${part}` : ""}`;
    for (const metric of [SHARE, "buy_volume_sol_5m"]) {
      assert.equal(storedNumber(metric, shownNumber(metric, text)), text);
    }
    assert.ok(Math.abs(Number(shownNumber(SHARE, text)) - 100 * Number(text)) <= 1e-9 * Math.max(1, Math.abs(100 * Number(text))));
  }
});

test("what is no number stays as it was typed, and says so", () => {
  for (const text of ["", "x", "1,5", "1e9", "--1", "1.", ".5", "∞", "9".repeat(19)]) {
    assert.notEqual(numberProblem("buy_count_5m", text), "", text);
    assert.equal(storedNumber(SHARE, text), text);
  }
  assert.equal(numberProblem(SHARE, "0.12345678901"), numberProblem("buy_count_5m", "x"));
  for (const text of ["0", "-12.5", "100", "0.000000000001"]) assert.equal(numberProblem("price_sol", text), "", text);
});

test("every metric has a unit or a name that says it", () => {
  const units = { [SHARE]: "%", new_wallet_pct_1h: "%", price_change_5m: "%", buy_volume_sol_1h: "SOL", avg_buy_size_5m: "SOL",
    market_cap_sol: "SOL", price_sol: "SOL a token", unique_buyers_5m: "wallets", watched_buyers_1h: "wallets",
    sell_count_5m: "trades", unvalued_count_1h: "trades", buy_sell_ratio_5m: "buys per sell", supply: "tokens" };
  assert.deepEqual(Object.fromEntries(Object.keys(units).map(one => [one, unitOf(one)])), units);
});

test("a condition is read and written, and said in words with its unit", () => {
  assert.deepEqual(partsOf(" buy_count_5m>=20 "), { metric: "buy_count_5m", op: ">=", number: "20" });
  assert.equal(textOf({ metric: SHARE, op: ">=", number: "80" }), `${SHARE} >= 0.8`);
  assert.equal(wordsOf(`${SHARE} >= 0.8`), "share of three largest buyers, 5 min ≥ 80 %");
  assert.equal(wordsOf("buy_volume_sol_1h > 12500"), "bought, 1 h > 12,500 SOL");
  assert.equal(partsOf("nonsense"), null);
  assert.equal(wordsOf("<b>nonsense</b>\u202e"), "<b>nonsense</b>\ufffd");
});

test("a condition holds, fails or is unknown as the detector finds it", () => {
  const token = (value, why) => ({ metrics: { m: value }, unknown: why ? { m: why } : {} });
  const ask = (op, value, why) => verdictOf({ metric: "m", op, number: "10" }, token(value, why));
  assert.deepEqual([">=", ">", "<=", "<", "=="].map(op => ask(op, 10)), ["holds", "fails", "holds", "fails", "holds"]);
  assert.deepEqual([">=", ">", "<=", "<", "=="].map(op => ask(op, null, "no_price")), Array(5).fill("unknown"));
  // Without a sell the ratio is infinite.
  assert.deepEqual([">=", ">", "<=", "<", "=="].map(op => ask(op, null, "no_sells")), ["holds", "holds", "fails", "fails", "fails"]);
  // What was not wholly seen can only be larger.
  assert.deepEqual([">=", ">", "<=", "<", "=="].map(op => ask(op, 12, "cold")), ["holds", "holds", "fails", "fails", "fails"]);
  assert.deepEqual([">=", ">", "<=", "<", "=="].map(op => ask(op, 8, "cold")), Array(5).fill("unknown"));
  assert.equal(verdictOf({ metric: "m", op: ">=", number: "" }, token(5)), "unknown");
  assert.equal(verdictOf({ metric: "toString", op: ">=", number: "1" }, token(5)), "unknown");
});

test("the spread of a metric counts what is unknown as unknown, and what was seen in part as a bound", () => {
  const tokens = [5, 1, 3, 2, 4, null, null, 7].map((value, at) => ({
    mint: `m${at}`, metrics: { m: value }, unknown: { ...(at === 5 && { m: "no_trades" }), ...(at === 6 && { m: "no_sells" }), ...(at === 7 && { m: "cold" }) },
  }));
  assert.deepEqual(spreadOf("m", tokens), { known: 6, bounds: 1, unknown: 1, endless: 1, least: 1, half: 3, ninety: 7, most: 7 });
  assert.deepEqual(spreadOf("m", []), { known: 0, bounds: 0, unknown: 0, endless: 0, least: null, half: null, ninety: null, most: null });
  const rising = { metric: "m", op: ">=", number: "3" };
  assert.deepEqual(countsOf([rising], tokens), { holds: 5, fails: 2, unknown: 1 });
  const both = [rising, { metric: "m", op: "<", number: "5" }];
  assert.deepEqual(through(both, tokens).map(one => one.mint), ["m2", "m4"]);
  assert.equal(enterable(SHARE, 0.123456), "12.3");
  assert.equal(enterable("price_sol", 2.8249e-8), "0.0000000282");
});

test("a rule that nobody changed is sent as it is stored, digit for digit", () => {
  assert.deepEqual(ruleOf(draftOf(RULE)), RULE);
  assert.deepEqual(ownProblems(draftOf(RULE), []), {});
  const draft = draftOf(RULE);
  draft.conditions[1] = changedRow(draft.conditions[1], { number: "75" });
  assert.deepEqual(ruleOf(draft).conditions, ["buy_count_5m >= 20", `${SHARE} >= 0.75`]);
});

test("what is wrong with a rule is said beside the field that it is about", () => {
  const draft = { ...draftOf(RULE), name: "Not a name", cooldown: "1 h", escalate: "1", conditions: [], gates: draftOf(RULE).gates };
  draft.gates[0] = changedRow(draft.gates[0], { number: "" });
  assert.deepEqual(Object.keys(ownProblems(draft, [])).sort(), ["conditions", "cooldown_s", "escalate_factor", "gates[0]", "name"]);
  assert.match(ownProblems(draftOf(RULE), ["busy"]).name[0], /already/);
  const errors = [
    "rules[0].conditions[1]: 'nope >= 1': unknown metric 'nope'; valid: a", "entry.cooldown_s: -1; allowed: 0 to 86400",
    "entry (phone): url: allowed: http:// or https:// with a host", "rules: 'a' is named 2 times", "note: 300 characters; allowed: at most 200",
  ];
  assert.deepEqual(placed(errors, one => isField(one) || one === "url"), {
    "conditions[1]": ["unknown metric 'nope'; valid: a"], cooldown_s: ["-1; allowed: 0 to 86400"],
    url: ["allowed: http:// or https:// with a host"], "": ["rules: 'a' is named 2 times"], note: ["300 characters; allowed: at most 200"],
  });
});

test("what a revision changed is said in words", () => {
  const after = { ...RULE, enabled: false, conditions: ["buy_count_5m >= 25", "buy_volume_sol_5m > 3"], gates: [], severity: "critical", cooldown_s: 3600 };
  assert.deepEqual(changesOf(RULE, after), [
    "turned off", "buys, 5 min ≥ 25, was ≥ 20", "bought, 5 min > 3 SOL added", "share of three largest buyers, 5 min ≥ 80 % removed",
    "gate market cap < 1,000.5 SOL removed", "severity is critical, was warning", "cooldown is 60 min, was 15 min",
  ]);
  assert.deepEqual(changesOf(RULE, RULE), []);
  assert.deepEqual(changesOf(RULE, { ...RULE, conditions: [...RULE.conditions].reverse() }), ["order of conditions changed"]);
  assert.deepEqual(between([RULE], [{ ...RULE, name: "other" }]).map(one => [one.name, one.what]), [["other", "added"], ["busy", "removed"]]);
  assert.deepEqual(between([RULE], [RULE]), []);
});

test("a change that the API does not answer is said in words, whatever the browser calls it", async () => {
  globalThis.fetch = async () => { throw new TypeError("Failed to fetch"); };
  const gone = await change("POST", "/x", {}).catch(error => error);
  assert.deepEqual(reasons(gone), ["The API does not answer."]);
  globalThis.fetch = async () => { throw new DOMException("signal timed out", "TimeoutError"); };
  assert.deepEqual(reasons(await change("DELETE", "/x").catch(error => error)), ["The API gave no answer in time."]);
  globalThis.fetch = async () => ({ status: 401, ok: false });
  assert.match(reasons(await change("POST", "/x", {}).catch(error => error))[0], /not logged in/);
});

test("a text is sent as the type that it is", async () => {
  let sent;
  globalThis.fetch = async (_, how) => { sent = how; return { status: 200, ok: true, json: async () => ({}) }; };
  await change("POST", "/x", "address,label", { type: "text/csv" });
  assert.equal(sent.body, "address,label");
  assert.deepEqual(sent.headers, { "Content-Type": "text/csv" });
  await change("POST", "/x", { a: 1 });
  assert.equal(sent.body, '{"a":1}');
  assert.ok(Refused);
});
