// What the page says of what it knows, and what it does not say.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { h, render } from "preact";
import { AlertCard } from "../src/alert_card";
import { Banner } from "../src/banner";
import { episodesOf } from "../src/episodes";
import { Looked } from "../src/hot";
import { alertOf } from "./fake_api.mjs";
import { fakeDocument } from "./fake_dom.mjs";

const MINT = "9BB6NFEcjBCtnNLFko2FqVQBq8HHM13kCyYcdQbgpump";
const HELD = { text: "buy_count_5m >= 15", metric: "buy_count_5m", value: 50, verdict: "holds" };
const FELL = { ...HELD, value: 3, verdict: "fails" };

let body;
beforeEach(() => {
  body = fakeDocument();
  globalThis.fetch = () => new Promise(() => {});
});

// What is drawn asks again and again.
afterEach(() => render(null, body));

const alert = (seq, more) => alertOf(seq, {
  mint: MINT, conditions: [HELD], price_sol: null, market_cap_sol: null, symbol: null, name: "Quiet Otter", ...more,
});
const card = alerts => {
  const [episode] = episodesOf(alerts);
  render(h(AlertCard, { episode, nowMs: 9000, demo: true, isOpen: false, toggle: () => {} }), body);
  return body.text;
};
const banner = (story, last_seq, pw_command) => {
  const status = { demo: true, pw_command, streams: [{ stream: "PW_ALERT", first_seq: 1, last_seq, created_ms: 1 }] };
  render(h(Banner, { known: { status, story } }), body);
  return body.text;
};

test("a card whose alert is not held says so, and lists nothing that fired", () => {
  const text = card([alert(9, { episode: "e", kind: "closed", conditions: [FELL] })]);
  assert.match(text, /Only its end is here/);
  assert.doesNotMatch(text, /buys, 5 min/);
});

test("a card of an alert that ended lists what fired, with the values at which it did", () => {
  const text = card([alert(1, { episode: "e" }), alert(9, { episode: "e", kind: "closed", conditions: [FELL] })]);
  assert.match(text, /buys, 5 min 50 ≥ 15/);
  assert.doesNotMatch(text, /Only its end/);
});

test("a closed card says in which windows blocks are missing", () => {
  assert.match(card([alert(1, { gapped: ["5m", "1h"] })]), /blocks missing in 5 min, 1 h/);
  assert.doesNotMatch(card([alert(1)]), /missing/);
});

test("the demo tells its story, and how to check it where that can be typed", () => {
  const story = alert(2, { trigger: "stealth_accumulation" });
  const text = banner(story, 900, ".venv/bin/pw");
  assert.match(text, /Quiet Otter/);
  assert.ok(text.includes(`.venv/bin/pw why ${MINT}`));
  assert.ok(text.includes(".venv/bin/pw prove id2"));
});

test("in containers the demo tells its story without commands", () => {
  const text = banner(alert(2), 900, "");
  assert.match(text, /Quiet Otter/);
  assert.doesNotMatch(text, /pw (why|prove)/);
});

test("before the story the demo says what to wait for, and after it was lost nothing", () => {
  assert.match(banner(null, 0, ""), /Within seconds/);
  assert.doesNotMatch(banner(null, 900, ""), /Within seconds/);
});

test("a token without an alert here is shown and has the focus, with a reason", () => {
  const token = { mint: MINT, symbol: "OTTR", name: "Quiet Otter", gapped: ["1h"], metrics: {}, unknown: {} };
  render(h(Looked, { token, times: 1, isRung: false, shut: () => {} }), body);
  const [section] = body.all("section");
  assert.equal(document.activeElement, section);
  assert.match(section.text, /older than what is shown here/);
  assert.match(section.text, /blocks missing in 1 h/);
  const labels = [section["aria-labelledby"], section["aria-describedby"]];
  assert.deepEqual(labels, [...body.all("h3"), ...body.all("p")].map(one => one.id).filter(Boolean));
});

test("what was copied is said beside the button, where a screen reader listens beforehand", () => {
  card([alert(1)]);
  const [said] = body.all("span").filter(one => one.role === "status");
  assert.ok(said, "it is there before anything is copied");
  assert.ok(body.all("button").every(one => !one.contains(said)));
});
