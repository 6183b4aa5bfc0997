// A dead letter is sent back once, and what came of it stays where it was asked for.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { h, render } from "preact";
import { DeadLetters } from "../src/system/letters";
import { fakeDocument } from "./fake_dom.mjs";

const PATIENCE_MS = 10_000;
const realFetch = globalThis.fetch;
const LETTER = {
  seq: 7, time_ms: 1, service: "parser", reason: "no batch", origin_stream: "PW_TX", origin_seq: 3, position: null, size_bytes: 9,
  body_hex: "", body_cut: false, body_encoding: "",
};
let body;
let kept;
let asked;
let replay;

const settled = () => new Promise(done => setTimeout(done, 20));
async function until(holds) {
  for (const end = Date.now() + PATIENCE_MS; !holds(); await settled()) assert.ok(Date.now() < end, body.text);
}
const answer = value => ({ status: 200, ok: true, json: async () => structuredClone(value) });

beforeEach(async () => {
  body = fakeDocument();
  Object.assign(document, { hidden: false, addEventListener: () => {}, removeEventListener: () => {} });
  kept = [LETTER];
  asked = [];
  globalThis.fetch = async (path, { method = "GET" } = {}) => {
    if (method === "GET") return answer({ dead_letters: kept, next_before_seq: null });
    asked.push(path);
    return replay();
  };
  render(h(DeadLetters, { pw: "pw" }), body);
  await until(() => button("Open"));
  button("Open").focus();
  button("Open").happen("click");
  await until(() => document.activeElement.localName === "div");
});
afterEach(() => {
  render(null, body);
  globalThis.fetch = realFetch;
});

const button = words => body.all("button").find(one => one.text === words);
const press = async words => {
  button(words).focus();
  button(words).happen("click");
  await settled();
};

test("it is sent once, however often somebody clicks while it is under way", async () => {
  let done;
  replay = () => new Promise(go => { done = () => go(answer({ outcome: "sent" })); });
  button("Send it back").happen("click");
  await press("Send it back");
  assert.equal(asked.length, 1);
  done();
  await until(() => /Sent back\./.test(body.text));
});

test("one that is taken away says that it was sent, keeps the focus, and gives it to its section", async () => {
  replay = () => {
    kept = [];
    return answer({ outcome: "sent" });
  };
  await press("Send it back");
  await until(() => /No dead letter/.test(body.text));
  assert.match(body.text, /Sent back\./);
  assert.ok(document.activeElement === button("Send it back"));
  await press("Send it back");
  assert.equal(asked.length, 1);
  await press("Close");
  assert.equal(document.activeElement.localName, "section");
});

test("without an answer in time it may have been sent, and that is said", async () => {
  replay = () => { throw new DOMException("late", "TimeoutError"); };
  await press("Send it back");
  await until(() => /no answer in time.*may have been sent/s.test(body.text));
});
