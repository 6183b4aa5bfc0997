// What the page holds of the alerts is whole, and of this run, whatever happens to the stream.
import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { Live } from "../src/live";
import { FakeApi } from "./fake_api.mjs";

let api, live, announced;

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_790_000_000_000 });
  api = new FakeApi();
  live = new Live();
  announced = [];
  live.onNew = alerts => announced.push(...alerts.map(one => one.seq));
});

/** Let so many seconds pass, and whatever is asked for be answered. */
async function pass(seconds) {
  for (let tenth = 0; tenth < seconds * 10; tenth++) {
    mock.timers.tick(100);
    for (let turn = 0; turn < 40; turn++) await null;
  }
}

async function begin() {
  live.start();
  await pass(2);
  announced.length = 0;
}

const held = () => [...live.known.alerts.values()].map(one => one.seq).sort((a, b) => a - b);
const from = (first, last) => Array.from({ length: last - first + 1 }, (_, at) => first + at);
const polls = () => api.asked.filter(one => one === "/api/v1/status").length;

test("the first page asks for what is there once", async () => {
  api.ring(250);
  await begin();
  assert.deepEqual(held(), from(151, 250));
  assert.equal(live.known.olderBefore, 151);
  assert.deepEqual(api.asked.filter(one => one.startsWith("/api/v1/alerts")), ["/api/v1/alerts?limit=100"]);
});

test("what rang while a stream without an event was away is asked for whole", async () => {
  api.ring(1000);
  await begin();
  for (let page = 0; page < 3; page++) await live.older();
  api.drop();
  api.ring(150);
  await pass(5);
  assert.deepEqual(held(), from(601, 1150));
  assert.equal(live.known.olderBefore, 601);
  assert.deepEqual(announced.sort((a, b) => a - b), from(1001, 1150));
});

test("where the page is full, what no longer fits can still be named", async () => {
  api.ring(1000);
  await begin();
  for (let page = 0; page < 5; page++) await live.older();
  api.drop();
  api.ring(250);
  await pass(5);
  assert.deepEqual(held(), from(651, 1250));
  assert.equal(live.known.olderBefore, 651);
});

test("what lies too far back is dropped rather than left with a hole above it", async () => {
  api.ring(100);
  await begin();
  api.drop();
  api.ring(5000);
  await pass(5);
  assert.deepEqual(held(), from(4501, 5100));
  assert.equal(live.known.olderBefore, 4501);
});

test("a hole is asked for again where the pages did not come", async () => {
  api.ring(300);
  await begin();
  api.drop();
  api.ring(250);
  await pass(2.9);
  api.isDown = true;
  await pass(1);
  api.isDown = false;
  await pass(3);
  assert.deepEqual(held(), from(201, 550));
});

test("alerts that the stream brings while pages are asked for fill no hole", async () => {
  api.ring(100);
  await begin();
  api.drop();
  api.ring(150);
  const { fetch } = globalThis;
  globalThis.fetch = async path => {
    const answer = await fetch(path);
    if (path.startsWith("/api/v1/alerts")) await new Promise(done => setTimeout(done, 500));
    return answer;
  };
  await pass(3.2);
  api.ring(5);
  await pass(4);
  assert.deepEqual(held(), from(1, 255));
});

test("another run is shown from its beginning, and nothing of the earlier one", async () => {
  api.ring(700);
  await begin();
  for (let page = 0; page < 6; page++) await live.older();
  api.anew();
  api.drop();
  await pass(1);
  api.ring(50, seq => ({ id: `new${seq}` }));
  await pass(6);
  assert.deepEqual(held(), from(1, 50));
  assert.ok([...live.known.alerts.keys()].every(id => id.startsWith("new")));
  assert.ok(live.known.streaming);
  announced.length = 0;
  api.ring(1, seq => ({ id: `new${seq}` }));
  await pass(1);
  assert.deepEqual(announced, [51]);
});

test("a page in the background learns that nothing answers, and opens its stream again", async () => {
  api.ring(1);
  await begin();
  api.look(true);
  api.isDown = api.refuses = true;
  api.drop();
  await pass(15);
  assert.equal(live.known.link, "away");
  api.isDown = api.refuses = false;
  await pass(15);
  assert.notEqual(live.known.link, "away");
  assert.ok(live.known.streaming);
  api.ring(1);
  assert.deepEqual(announced, [2]);
});

test("a page in the background asks less often", async () => {
  await begin();
  api.look(true);
  const before = polls();
  await pass(60);
  assert.ok(polls() - before >= 4 && polls() - before <= 6, String(polls() - before));
});

test("a page that is hidden for long gives its stream up and still counts what rings", async () => {
  api.ring(3);
  await begin();
  api.look(true);
  await pass(65);
  assert.equal(api.open.length, 0);
  api.ring(130);
  await pass(15);
  assert.deepEqual(announced.sort((a, b) => a - b), from(4, 133));
  assert.equal(api.open.length, 0);
  const pages = api.asked.filter(one => one.startsWith("/api/v1/alerts")).length;
  await pass(30);
  assert.equal(api.asked.filter(one => one.startsWith("/api/v1/alerts")).length, pages);
  api.ring(5);
  api.look(false);
  await pass(2);
  assert.equal(api.open.length, 1);
  assert.deepEqual(held(), from(1, 138));
});

test("a stream that is open and brings nothing is opened again", async () => {
  api.ring(1);
  await begin();
  api.isCut = true;
  api.ring(2);
  await pass(3);
  api.isCut = false;
  assert.deepEqual(held(), [1]);
  await pass(6);
  assert.equal(api.streams.length, 2);
  assert.deepEqual(held(), [1, 2, 3]);
});

test("a busy stream that is a little behind is left alone, and so is what nobody can read", async () => {
  await begin();
  for (let second = 0; second < 20; second++) {
    api.ring(3);
    await pass(1);
  }
  assert.equal(api.streams.length, 1);
  // One of another version, which pages leave out, and that this stream did not bring.
  api.isCut = true;
  api.ring(1);
  api.unreadable.add(api.lastSeq);
  api.isCut = false;
  await pass(60);
  assert.equal(api.streams.length, 2);
});

test("where no stream is free, alerts come by pages", async () => {
  api.refuses = true;
  api.ring(2);
  await begin();
  api.ring(2);
  await pass(4);
  assert.deepEqual(held(), [1, 2, 3, 4]);
  assert.deepEqual(announced, [4, 3]);
});

test("the demo's story is the first token that rang, also after hundreds of others", async () => {
  api.demo = true;
  api.ring(1, () => ({ kind: "blind", mint: "" }));
  api.ring(1, () => ({ name: "Quiet Otter" }));
  api.ring(400, () => ({ name: "Any Coin" }));
  await begin();
  assert.equal(live.known.story?.name, "Quiet Otter");
});

test("where the first alert is gone, no other coin is taken for the story", async () => {
  api.demo = true;
  api.ring(400, () => ({ name: "Any Coin" }));
  api.firstSeq = 150;
  await begin();
  await pass(10);
  assert.equal(live.known.story, null);
});
