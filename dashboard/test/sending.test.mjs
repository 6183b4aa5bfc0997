// A change that somebody else was faster than is made to what they left, and takes none of it away.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { h, render } from "preact";
import { turned } from "../src/editing/entries";
import { Mutes } from "../src/lists/mutes";
import { fakeDocument } from "./fake_dom.mjs";

const NOW_MS = 1_000_000;
const realFetch = globalThis.fetch;
let body;
let sent;
let newest;

const mute = (address, more = {}) => ({ address, of: "token", reason: "", until_ms: null, ...more });
const settled = () => new Promise(done => setTimeout(done, 20));
const answer = (status, value) => ({ status, ok: status < 300, json: async () => structuredClone(value) });

beforeEach(() => {
  body = fakeDocument();
  sent = [];
  globalThis.fetch = async (path, { method = "GET", body: text } = {}) => {
    if (method === "GET") return answer(200, newest);
    const revision = text ? JSON.parse(text).revision : Number(new URL(path, "http://api").searchParams.get("revision"));
    if (revision !== newest.revision) return answer(409, { detail: "another revision" });
    sent.push({ method, path, entries: text ? JSON.parse(text).entries : null });
    return answer(200, { revision: revision + 1 });
  };
});
afterEach(() => {
  render(null, body);
  globalThis.fetch = realFetch;
});

async function show(entries, shipped = []) {
  render(h(Mutes, { document: { revision: 1, entries, shipped }, again: () => {}, nowMs: NOW_MS }), body);
  await settled();
}
async function press(words) {
  const button = body.all("button").find(one => one.text.startsWith(words));
  assert.ok(button, `no button "${words}" in ${body.text}`);
  button.happen("click");
  await settled();
}

test("mutes that are over go from what another left, whose new mute stays", async () => {
  const over = mute("a", { until_ms: 5 });
  newest = { revision: 2, entries: [over, mute("theirs")], shipped: [] };
  await show([over]);
  await press("Remove the 1");
  await press("Make my change to theirs");
  assert.deepEqual(sent.map(one => one.entries), [[mute("theirs")]]);
});

test("a shipped mute is put back among what another left", async () => {
  const gone = mute("a", { muted: false });
  newest = { revision: 2, entries: [gone, mute("theirs")], shipped: [mute("a")] };
  await show([gone], [mute("a")]);
  await press("Put back");
  await press("Make my change to theirs");
  assert.deepEqual(sent.map(one => one.entries), [[mute("theirs")]]);
});

test("a mute that another set anew meanwhile is not removed as if it were the old one", async () => {
  newest = { revision: 2, entries: [mute("a", { reason: "theirs" })], shipped: [] };
  await show([mute("a", { reason: "mine" })]);
  await press("Remove");
  await press("Make my change to theirs");
  assert.deepEqual(sent, []);
  assert.match(body.text, /Somebody else changed this entry/);
});

test("a rule or channel that is turned off keeps what another changed in it", () => {
  const theirs = [{ name: "busy", enabled: true, cooldown_s: 60 }];
  assert.deepEqual(turned(theirs, "busy", false), { name: "busy", enabled: false, cooldown_s: 60 });
  assert.throws(() => turned([], "busy", false), /no busy any more/);
});
