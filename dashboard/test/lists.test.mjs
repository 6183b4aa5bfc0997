// Channels as their kinds ask for them, how each does, and what lists become.
import assert from "node:assert/strict";
import { test } from "node:test";
import { draftOf, entryOf, KEPT, newKey, ofKind, ownProblems } from "../src/channels/draft";
import { fieldsOf, KINDS } from "../src/channels/kinds";
import { hasNotifier, reasonsOf, stateOf } from "../src/channels/state";
import { csvOf, matching, merged, shippedThatHold, stateOfMute, without } from "../src/lists/entries";
import { EMPTY, entryOf as programOf, usersOf } from "../src/lists/program";
import { rangOf } from "../src/rules/core/rang";

const HOOK = {
  name: "hook", kind: "webhook", enabled: true, severity_min: "info", triggers: ["busy"], kinds: ["opened"], delivery: "at_least_once",
  late_after_s: 120, alert_age_max_s: 86400, url: KEPT, secret: KEPT, bot_token: "", chat_id: "", access_token: "", quiet: null,
};

test("each kind of channel asks for exactly its own fields, and all for what every channel has", () => {
  const own = kind => fieldsOf(kind).map(one => one.name).filter(one => !one.startsWith("quiet.") && !["severity_min", "delivery", "late_after_s", "alert_age_max_s"].includes(one));
  assert.deepEqual(Object.fromEntries(Object.keys(KINDS).map(kind => [kind, own(kind)])), {
    telegram: ["bot_token", "chat_id"], ntfy: ["url", "access_token"], slack: ["url"], discord: ["url"], webhook: ["url", "secret"], console: [],
  });
  for (const kind of Object.keys(KINDS)) {
    assert.ok(KINDS[kind].fields.every(name => own(kind).includes(name)), `a field of ${kind} is not in the table of fields`);
    assert.ok(fieldsOf(kind).every(one => one.label && one.hint));
  }
});

test("a channel that nobody changed is sent as it is, and keeps its secrets", () => {
  assert.deepEqual(entryOf(draftOf(HOOK)), HOOK);
});

test("a secret is sent only where another was written", () => {
  const draft = draftOf(HOOK);
  draft.texts.secret = "whsec_bmV3IHNlY3JldCBrZXk=";
  const sent = entryOf(draft);
  assert.deepEqual([sent.url, sent.secret], [KEPT, "whsec_bmV3IHNlY3JldCBrZXk="]);
});

test("another kind has its own fields, and none of those of the kind before", () => {
  const sent = entryOf({ ...ofKind(draftOf(HOOK), "telegram"), name: "phone" });
  assert.deepEqual([sent.bot_token, sent.chat_id], ["", ""]);
  assert.ok(!("url" in sent) && !("secret" in sent));
});

test("what the form has no field for stays, and a field within an object is put there", () => {
  const entry = { ...HOOK, hours: { from: "22:00", to: "07:00", zone: "UTC" } };
  assert.deepEqual(entryOf(draftOf(entry)).hours, entry.hours);
  const fields = [...fieldsOf("webhook"), ...["hours.from", "hours.to"].map(name => ({ name, label: "", hint: "", form: "text" }))];
  const draft = draftOf(entry);
  Object.assign(draft.texts, { "hours.from": "23:00", "hours.to": "07:00" });
  assert.deepEqual(entryOf(draft, fields).hours, { ...entry.hours, from: "23:00" });
  assert.equal(entry.hours.from, "22:00");
  draft.texts["hours.from"] = " ";
  assert.equal(entryOf(draft, fields).hours, null);
});

test("quiet hours are there with their beginning, and gone without it", () => {
  const draft = draftOf(HOOK);
  Object.assign(draft.texts, { "quiet.from": "22:00", "quiet.to": "07:00", "quiet.time_zone": "Europe/Berlin" });
  const quiet = { from: "22:00", to: "07:00", time_zone: "Europe/Berlin", severity_min: "critical" };
  assert.deepEqual(entryOf(draft).quiet, quiet);
  const again = draftOf({ ...HOOK, quiet });
  assert.deepEqual(entryOf(again).quiet, quiet);
  again.texts["quiet.from"] = "";
  assert.equal(entryOf(again).quiet, null);
});

test("what is no number, and a name that is taken, are said beside their fields", () => {
  const draft = { ...draftOf(null, "webhook"), name: "hook" };
  draft.texts.late_after_s = "2 min";
  assert.deepEqual(Object.keys(ownProblems(draft, ["hook"])).sort(), ["late_after_s", "name"]);
  assert.deepEqual(ownProblems(draftOf(HOOK), ["hook"]), {});
  assert.equal(entryOf(draft).late_after_s, "2 min");
  assert.match(newKey(new Uint8Array(24)), /^whsec_A{32}$/);
});

test("what nobody says of a channel is unknown, and not nothing", () => {
  const condition = { name: "channel_hook", severity: "critical", why: "Channel hook holds 3 alerts.", what_to_do: "See to it." };
  const consumer = { stream: "PW_ALERT", consumer: "notifier-hook", pending: 2, ack_pending: 1, redelivered: 4, lag_s: 9 };
  const notifier = { service: "notifier", instances: [{ ready: false, stale: false, reason: "channel hook holds" }, { ready: false, stale: true, reason: "old" }] };
  const status = { consumers: [consumer], conditions: [condition], services: [notifier] };
  assert.deepEqual(stateOf("hook", status), { waiting: 3, lagS: 9, redelivered: 4, quiet: null, condition });
  assert.deepEqual(stateOf("other", status), { waiting: null, lagS: null, redelivered: null, quiet: null, condition: null });
  assert.equal(stateOf("hook", null).waiting, null);
  assert.deepEqual([reasonsOf(status), hasNotifier(status), hasNotifier(null)], [["channel hook holds"], true, null]);
  assert.equal(hasNotifier({ ...status, services: [] }), false);
});

test("what quiet hours hold was not tried, and waits for their end", () => {
  const consumer = { stream: "PW_ALERT", consumer: "notifier-hook", pending: 1, ack_pending: 200, redelivered: 200, lag_s: 28_800, quiet_until_ms: 5 };
  const state = more => stateOf("hook", { consumers: [{ ...consumer, ...more }], conditions: [], services: [] });
  assert.deepEqual(state(), { waiting: 201, lagS: 28_800, redelivered: null, quiet: { untilMs: 5, alerts: 200 }, condition: null });
  assert.deepEqual([state({ quiet_until_ms: null }).redelivered, state({ quiet_until_ms: null }).quiet], [200, null]);
  assert.deepEqual([state({ ack_pending: 0, redelivered: 0 }).redelivered, state({ ack_pending: 0 }).quiet], [0, null]);
});

const watched = (address, label = "", of = "wallet") => ({ address, of, label });

test("a file adds what is new, takes another label, and takes no label away", () => {
  const now = [watched("a", "one"), watched("b", "two"), watched("c", "", "token")];
  const plan = merged(now, [watched("a"), watched("b", "zwei"), watched("c", "three"), watched("d", "four")], "wallet");
  assert.deepEqual(plan.added, [watched("c", "three"), watched("d", "four")]);
  assert.deepEqual(plan.renamed, [{ entry: watched("b", "zwei"), was: "two" }]);
  assert.equal(plan.same, 1);
  assert.deepEqual(plan.entries, [watched("a", "one"), watched("b", "zwei"), watched("c", "", "token"), watched("c", "three"), watched("d", "four")]);
  assert.deepEqual(merged(now, [], "wallet").entries, now);
});

test("a watch list as a file quotes what would break a line, and is read again", () => {
  const text = csvOf([watched("a", 'the "dev", old'), watched("b", "plain", "token")]);
  assert.equal(text, 'address,label,of\r\na,"the ""dev"", old",wallet\r\nb,plain,token\r\n');
});

test("a mute is over at its end, and a shipped one holds until one's own stands in its place", () => {
  const mute = more => ({ address: "a", of: "token", reason: "", until_ms: null, ...more });
  assert.equal(stateOfMute(mute({ until_ms: 1000 }), 1000), "over");
  assert.equal(stateOfMute(mute({ until_ms: 1000 }), 999), "holds");
  assert.equal(stateOfMute(mute(), 9e15), "holds");
  assert.equal(stateOfMute(mute({ muted: false }), 0), "taken away");
  const shipped = [mute(), mute({ address: "b" })];
  assert.deepEqual(shippedThatHold(shipped, [mute({ until_ms: 5 })]), shipped);
  assert.deepEqual(shippedThatHold(shipped, [mute({ muted: false })]), [shipped[1]]);
  assert.deepEqual(shippedThatHold(shipped, [mute({ of: "wallet", muted: false })]), shipped);
  assert.deepEqual(without(shipped, mute()), [shipped[1]]);
});

test("a list is searched by address and by its words", () => {
  const all = [watched("Abc", "Old Dev"), watched("xyz")];
  assert.deepEqual(matching(all, " dev "), [all[0]]);
  assert.deepEqual(matching(all, "bc"), [all[0]]);
  assert.deepEqual(matching(all, "BC"), []);
  assert.deepEqual(matching(all, "  "), all);
});

test("how often a rule fired counts episodes, and knows the newest of them", () => {
  const alert = (seq, trigger, kind = "opened") => ({ seq, trigger, kind, stored_ms: seq * 10 });
  const { sinceMs, by } = rangOf([alert(5, "busy"), alert(3, "busy"), alert(9, "busy", "closed"), alert(1, "calm", "escalated")]);
  assert.equal(sinceMs, 10);
  assert.deepEqual([by.get("busy").times, by.get("busy").last.seq, by.has("calm")], [2, 5, false]);
  assert.deepEqual(rangOf([]), { sinceMs: null, by: new Map() });
});

test("a program's lines are read, and those that are none are named", () => {
  assert.deepEqual(usersOf("66063d12: 7, -1\n\n * = 0 \n"), { users: { "66063d12": [7, -1], "*": [0] }, wrong: [] });
  assert.deepEqual(usersOf("xyz: 1\n66: a\n66 1\n").wrong, ["xyz: 1", "66: a", "66 1"]);
  const entry = programOf({ ...EMPTY, id: " id ", name: "mine", takes: "66, 33e6\n51", launches: true }, "2026-01-02");
  assert.deepEqual([entry.id, entry.takes, entry.date, entry.users], ["id", ["66", "33e6", "51"], "2026-01-02", {}]);
});
