// What is asked while somebody types, and what is let go when the page goes.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { h, render } from "preact";
import { DryRun } from "../src/rules/dry_run";
import { useVerdict } from "../src/rules/verdict";
import { fakeDocument } from "./fake_dom.mjs";

const PATIENCE_MS = 20_000;
const realFetch = globalThis.fetch;
let body;
beforeEach(() => {
  body = fakeDocument();
  globalThis.addEventListener = globalThis.removeEventListener = () => {};
});
afterEach(() => {
  render(null, body);
  globalThis.fetch = realFetch;
});

async function until(check) {
  for (const end = Date.now() + PATIENCE_MS; !check(); ) {
    assert.ok(Date.now() < end, `it never came: ${check}`);
    await new Promise(done => setTimeout(done, 5));
  }
}

test("the verdict on an older text is never shown for a newer one", async () => {
  const asked = [];
  globalThis.fetch = (_, { body: sent }) => new Promise(done => asked.push({
    sent, answer: errors => done({ status: 200, ok: true, json: async () => ({ valid: !errors.length, errors }) }),
  }));
  const Probe = ({ text }) => {
    const { verdict } = useVerdict(text);
    return h("p", null, verdict === null ? "checking" : verdict.valid ? "valid" : verdict.errors.join());
  };
  const type = text => render(h(Probe, { text }), body);
  type("[1]");
  await until(() => asked.length === 1);
  type("[2]");
  assert.equal(body.text, "checking");
  await until(() => asked.length === 2);
  asked[1].answer([]);
  await until(() => body.text === "valid");
  // The first one was slow.
  asked[0].answer(["old"]);
  await new Promise(done => setTimeout(done, 20));
  assert.equal(body.text, "valid");
  type("[3]");
  assert.equal(body.text, "checking");
  assert.deepEqual(asked.map(one => one.sent), ["[1]", "[2]"]);
});

test("a dry run that still runs is ended when the page goes", async () => {
  const asked = [];
  const view = { id: "0123456789abcdef", state: "running", why: "", read: 1, total: 4, share: 0.25, from_ms: null, to_ms: null, covers: "nothing yet",
    messages: 1, swaps: 2, unreadable: 0, opened: 0, opened_by_rule: {}, alerts: [] };
  globalThis.fetch = async (path, how = {}) => {
    asked.push(`${how.method ?? "GET"} ${path}`);
    return { status: 200, ok: true, json: async () => view };
  };
  render(h(DryRun, { rules: [{ name: "busy" }], isReady: true, label: "Try" }), body);
  body.all("button")[0].happen("click");
  await until(() => body.text.includes("25 % of 4 messages"));
  await until(() => asked.length >= 2);
  assert.deepEqual(asked.slice(0, 2), ["POST /api/v1/triggers/dry-run", `GET /api/v1/triggers/dry-run/${view.id}`]);
  render(null, body);
  assert.equal(asked.at(-1), `DELETE /api/v1/triggers/dry-run/${view.id}`);
});

test("a dry run of somebody else that is under way can be ended for one's own", async () => {
  const asked = [];
  let isBusy = true;
  const done = { id: "aaaaaaaaaaaaaaaa", state: "done", why: "", read: 4, total: 4, share: 1, from_ms: null, to_ms: null, covers: "4 minutes",
    messages: 4, swaps: 9, unreadable: 0, opened: 1, opened_by_rule: { busy: 1 }, alerts: [] };
  globalThis.fetch = async (path, how = {}) => {
    asked.push(`${how.method ?? "GET"} ${path.split("/").at(-1)}`);
    if (how.method === "DELETE") isBusy = false;
    const refused = how.method === "POST" && isBusy;
    const problem = { detail: "One dry run at a time: bbbbbbbbbbbbbbbb is running; wait for it or DELETE it." };
    return { status: refused ? 409 : 200, ok: !refused, json: async () => (refused ? problem : done) };
  };
  render(h(DryRun, { rules: [], isReady: true, label: "Try" }), body);
  body.all("button")[0].happen("click");
  await until(() => body.text.includes("End that one"));
  body.all("button").find(one => one.text.includes("End that one")).happen("click");
  await until(() => body.text.includes("1 episode would have opened"));
  assert.deepEqual(asked, ["POST dry-run", "DELETE bbbbbbbbbbbbbbbb", "POST dry-run"]);
});
