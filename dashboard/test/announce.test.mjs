// A live region is read out when its text changes, and only then.
import assert from "node:assert/strict";
import { test } from "node:test";
import { announcement } from "../src/announce";
import { alertOf } from "./fake_api.mjs";

const MINT = "9BB6NFEcjBCtnNLFko2FqVQBq8HHM13kCyYcdQbgpump";

test("two alerts with one title are two announcements", () => {
  const one = alertOf(1, { title: "whale", mint: MINT });
  const first = announcement([one], "");
  const second = announcement([one], first);
  const third = announcement([one], second);
  assert.equal(first, "New alert: whale, 9BB6…pump");
  assert.notEqual(first, second);
  assert.notEqual(second, third);
  assert.equal(first.trim(), second.trim());
});

test("a burst is said by its number and its newest alert", () => {
  const burst = [alertOf(2, { title: "two" }), alertOf(9, { title: "nine", mint: "" }), alertOf(3)];
  assert.equal(announcement(burst, ""), "3 new alerts, the newest: nine");
});

test("what a chain wrote is read out as plain text", () => {
  assert.ok(!announcement([alertOf(1, { title: "\u202egnp\n" })], "").includes("\u202e"));
});
