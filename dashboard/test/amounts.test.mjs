// How prices, amounts and shares are written.
import assert from "node:assert/strict";
import { test } from "node:test";
import { exact, price, quoted, share, SOL_MINT, tokens } from "../src/frame/amounts";
import { isAddress, placeOf } from "../src/frame/route";
import { marksOf } from "../src/token/marks";

test("a price below a thousandth counts its zeros, and a larger one is plain", () => {
  assert.deepEqual(
    [2.824e-8, 0.00042, 0.0015, 1.2345, 12.5, 250_000, 0, 1e-12, -2.5e-6].map(price),
    ["0.0₇2824", "0.0₃42", "0.0015", "1.235", "12.5", "250K", "0", "0.0₁₁1", "−0.0₅25"],
  );
  assert.equal(price(Number.NaN), "unknown");
});

test("a price that rounds up to the next power of ten keeps its zeros right", () => {
  assert.equal(price(9.9999e-6), "0.0₄1");
});

test("amounts beyond what a number holds keep every digit", () => {
  assert.equal(exact("123456789012345678901234567890", 9), "123456789012345678901.23456789");
  assert.equal(exact("-5", 6), "-0.000005");
  assert.equal(tokens("-1500000", 6), "−1.5");
  assert.equal(tokens(null, 6), "unknown");
  assert.equal(tokens("15", null), "15 raw");
});

test("a quote that nobody names is raw, with its ends", () => {
  assert.equal(quoted("1500000000", SOL_MINT), "1.5 SOL");
  assert.match(quoted("15", "9BB6NFEcjBCtnNLFko2FqVQBq8HHM13kCyYcdQbgpump"), /^15 raw 9BB6…pump$/);
});

test("shares of nothing are no number, and a small one is not nothing", () => {
  assert.equal(share("5", 0n), "–");
  assert.equal(share("1", 1_000_000_000n), "<0.01 %");
  assert.equal(share("500", 1000n), "50 %");
  assert.equal(share("1000", 1000n), "100 %");
});

test("only an address leads to a page of one thing", () => {
  const mint = "9BB6NFEcjBCtnNLFko2FqVQBq8HHM13kCyYcdQbgpump";
  assert.deepEqual(placeOf(`/token/${mint}`), { page: "token", of: mint });
  assert.deepEqual(placeOf("/"), { page: "", of: "" });
  for (const path of ["/token/short", `/token/${mint}/more`, "/token/<script>", `/token/${"0".repeat(44)}`]) {
    assert.equal(placeOf(path).page, "nowhere", path);
  }
  assert.equal(isAddress("__proto__"), false);
});

const swap = (trader, side, lamports, ms) => ({ trader, side, quote_amount_raw: String(lamports), event_time_ms: ms });

test("the largest trades are marked, those of one candle together, and a watched wallet's always", () => {
  const swaps = [
    ...Array.from({ length: 20 }, (_, at) => swap(`w${at}`, "buy", (at + 1) * 1e9, 60_000 + at)),
    swap("mine", "sell", 1000, 125_000),
  ];
  const alert = { alert: { kind: "opened", severity: "critical", trigger: "whale_concentration", event_time_ms: 61_000 } };
  const marks = marksOf([alert], swaps, [{ address: "mine", label: "me", of: "wallet" }], 60_000);
  assert.deepEqual(marks.map(one => [one.atMs, one.kind, one.text]), [
    [60_000, "critical", "whale concentration"],
    [60_000, "buy", "12 buys, 174 SOL"],
    [120_000, "sell", "me <0.0001 SOL"],
  ]);
});
