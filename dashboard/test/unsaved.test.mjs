// What somebody wrote and did not save is kept, whatever else is opened, and a browser asks before it goes.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { h, render } from "preact";
import { ChannelsPage } from "../src/channels/page";
import { RulesPage } from "../src/rules/page";
import { fakeDocument } from "./fake_dom.mjs";

const PATIENCE_MS = 10_000;
const real = { fetch: globalThis.fetch, add: globalThis.addEventListener, remove: globalThis.removeEventListener };
const rule = name => ({
  name, enabled: true, severity: "info", description: "", cooldown_s: 60, escalate_factor: 2, conditions: ["buyers_5m >= 3"], gates: [],
});
const channel = name => ({
  name, kind: "ntfy", enabled: true, severity_min: "info", triggers: [], kinds: [], delivery: "at_least_once", late_after_s: 120,
  alert_age_max_s: 86_400, url: "https://ntfy.example/x", access_token: "", quiet: null,
});
const ANSWERS = {
  "/api/v1/triggers": { revision: 3, rules: [rule("a"), rule("b")], metrics: [], operators: [">="] },
  "/api/v1/triggers/history": { history: [], next_before_revision: null },
  "/api/v1/triggers/validate": { valid: true },
  "/api/v1/tokens": { tokens: [] },
  "/api/v1/channels": { revision: 3, entries: [channel("a"), channel("b")], from: "stored" },
};
const known = { status: null, rules: null, alerts: [], alertsLoaded: true };
let body;
let asking;

const settled = () => new Promise(done => setTimeout(done, 20));
async function until(holds) {
  for (const end = Date.now() + PATIENCE_MS; !holds(); await settled()) assert.ok(Date.now() < end, body.text);
}

beforeEach(() => {
  body = fakeDocument();
  asking = new Set();
  Object.assign(document, { hidden: false, addEventListener: () => {}, removeEventListener: () => {}, getElementById: () => null, querySelectorAll: () => [] });
  globalThis.addEventListener = (type, listener) => { if (type === "beforeunload") asking.add(listener); };
  globalThis.removeEventListener = (type, listener) => { if (type === "beforeunload") asking.delete(listener); };
  globalThis.fetch = async path => ({ status: 200, ok: true, json: async () => structuredClone(ANSWERS[new URL(path, "http://api").pathname]) });
});
afterEach(() => {
  render(null, body);
  Object.assign(globalThis, { fetch: real.fetch, addEventListener: real.add, removeEventListener: real.remove });
});

const edits = () => body.all("button").filter(one => one.text === "Edit");
const field = id => body.all("input").find(one => one.id === id);
async function write(at, id, text) {
  edits()[at].happen("click");
  await until(() => field(id));
  await until(() => document.activeElement.localName === "h2");
  const asked = new Set(asking);
  field(id).value = text;
  field(id).happen("input");
  await until(() => [...asking].some(one => !asked.has(one)));
  document.activeElement = body;
}
const notes = () => body.all("p").filter(one => /is not saved/.test(one.text)).map(one => one.text.split(" is not")[0]);

for (const [what, page, id] of [["rules", RulesPage, "rule-description"], ["channels", ChannelsPage, "channel-url"]]) {
  test(`two edits of ${what} that were left are both there when one comes back`, async () => {
    render(h(page, { known }), body);
    await until(() => edits().length === 2);
    await write(0, id, "first");
    await write(1, id, "second");
    render(null, body);
    assert.ok(asking.size > 0, "a browser would drop them without a word");
    render(h(page, { known }), body);
    await until(() => edits().length === 2);
    assert.deepEqual(notes(), ["What you changed in a", "What you changed in b"]);
    edits()[0].happen("click");
    await until(() => field(id)?.value === "first");
    assert.deepEqual(notes(), ["What you changed in b"]);
  });
}
