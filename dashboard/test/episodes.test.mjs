// What a card says of its episode, and that it stays where it is while somebody reads it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { episodesOf } from "../src/episodes";
import { inPlace, stay } from "../src/order";
import { alertOf } from "./fake_api.mjs";

const keys = episodes => episodes.map(one => one.key).join("");
const ring = (seq, episode, kind = "opened") => alertOf(seq, { episode, kind });

test("an end whose alert is not held is shown as an end, not as what rang", () => {
  const [lone, whole] = episodesOf([ring(1, "a"), ring(2, "a", "closed"), ring(3, "b", "closed")]);
  assert.equal(lone.key, "b");
  assert.ok(lone.isEndAlone && lone.ended);
  assert.equal(whole.shown.kind, "opened");
  assert.ok(!whole.isEndAlone && whole.ended);
});

test("an episode that grows goes to the top, unless it is read", () => {
  const rang = [ring(1, "a"), ring(2, "b"), ring(3, "c")];
  const places = new Map();
  const none = () => false;
  assert.equal(keys(inPlace(episodesOf(rang), places, none)), "cba");
  rang.push(ring(4, "a", "escalated"));
  assert.equal(keys(inPlace(episodesOf(rang), places, key => key === "a")), "cba");
  // What is new stands above it, and it still keeps its place.
  rang.push(ring(5, "d"));
  assert.equal(keys(inPlace(episodesOf(rang), places, key => key === "a")), "dcba");
  assert.equal(keys(inPlace(episodesOf(rang), places, none)), "dacb");
});

test("one that is opened as it comes has the place of its newest alert", () => {
  const rang = [ring(1, "a"), ring(2, "b")];
  assert.equal(keys(inPlace(episodesOf(rang), new Map(), key => key === "a")), "ba");
});

test("a list that somebody is in keeps its order, and says what is new of each", () => {
  const token = (mint, cap) => ({ mint, cap });
  const before = [token("a", 1), token("b", 1), token("c", 1)];
  const now = [token("d", 2), token("c", 2), token("a", 2)];
  const shown = stay(before, now, one => one.mint);
  assert.deepEqual(shown, [token("a", 2), token("b", 1), token("c", 2), token("d", 2)]);
  assert.deepEqual(stay([], now, one => one.mint), now);
});
