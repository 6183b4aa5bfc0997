// Whoever goes through the page by keyboard is not thrown out of it by what comes.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { h, render } from "preact";
import { useRef } from "preact/hooks";
import { Hot } from "../src/hot";
import { useKeptFocus } from "../src/order";
import { fakeDocument } from "./fake_dom.mjs";

let body;
beforeEach(() => { body = fakeDocument(); });

const token = (mint, last_trade_ms, more = {}) => ({ mint, symbol: mint, last_trade_ms, metrics: {}, unknown: {}, ...more });
const draw = tokens => render(h(Hot, { tokens, look: () => {}, nowMs: 9000, recorded: true }), body);
const mints = () => body.all("button").map(one => one.title);

test("a hot token that has the focus keeps it and its place while others trade", () => {
  draw([token("a", 3), token("b", 2), token("c", 1)]);
  const second = body.all("button")[1];
  second.focus();
  draw([token("a", 3), token("b", 2), token("c", 4), token("d", 5)]);
  assert.equal(document.activeElement, second);
  assert.deepEqual(mints(), ["a", "b", "c", "d"]);
  draw([token("c", 4), token("d", 5)]);
  assert.equal(document.activeElement, second);
  assert.match(second.text, /no longer hot/);
  second.happen("focusout");
  document.activeElement = document.body;
  draw([token("c", 4), token("d", 5)]);
  assert.deepEqual(mints(), ["d", "c"]);
});

test("nothing moves under a pointer either", () => {
  draw([token("a", 2), token("b", 1)]);
  body.all("ul")[0].happen("pointerenter");
  draw([token("a", 2), token("b", 3)]);
  assert.deepEqual(mints(), ["a", "b"]);
  body.all("ul")[0].happen("pointerleave");
  draw([token("a", 2), token("b", 3)]);
  assert.deepEqual(mints(), ["b", "a"]);
});

test("a token over missing blocks says so in the list", () => {
  draw([token("a", 2, { gapped: ["5m", "1h"] }), token("b", 1)]);
  const [first, second] = body.all("button").map(one => one.text);
  assert.match(first, /blocks missing in 5 min, 1 h/);
  assert.doesNotMatch(second, /missing/);
});

test("what has the focus has it again after it was put in elsewhere", () => {
  const List = ({ names }) => {
    const list = useRef(null);
    useKeptFocus(list);
    return h("ol", { ref: list }, names.map(one => h("li", { key: one }, h("button", null, one))));
  };
  const order = names => render(h(List, { names: [...names] }), body);
  order("abcdefgh");
  for (const names of ["gabcdefh", "hgfedcba", "dhgfecba", "abcdefgh"]) {
    for (const button of body.all("button")) {
      button.focus();
      order(names);
      assert.equal(document.activeElement, button, `${button.text} in ${names}`);
      order("abcdefgh");
    }
  }
});
