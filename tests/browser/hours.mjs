// Hours in a tab that somebody leaves open, in minutes: inside of the page clock, API and stream of
// alerts are made up, from answers that the real API gave. Prints what the tab holds after each hour.
import { launch, watched } from "./browser.mjs";

const want = JSON.parse(process.argv[2]);
const browser = await launch(want.chromium, ["--js-flags=--expose-gc"]);
const ASKED = ["status", "alerts?limit=100", "tokens?state=HOT", "tokens", "triggers", "watchlists", "mutes", "swaps?limit=100"];

/** Runs before anything of the page does. */
function made({ answers, alertEveryS, mint }) {
  const realTimeout = setTimeout, RealDate = Date;
  let now = answers["status"].at_ms, lastId = 0, seq = answers["status"].streams.find(one => one.stream === "PW_ALERT").last_seq;
  const timers = new Map(), streams = new Set(), alerts = [];
  const later = (again, call, ms, rest) => {
    timers.set(++lastId, { at: now + Math.max(1, ms || 0), call: () => call(...rest), every: again ? Math.max(1, ms) : 0 });
    return lastId;
  };
  globalThis.setTimeout = (call, ms, ...rest) => later(false, call, ms, rest);
  globalThis.setInterval = (call, ms, ...rest) => later(true, call, ms, rest);
  globalThis.clearTimeout = globalThis.clearInterval = id => void timers.delete(id);
  globalThis.Date = class extends RealDate {
    constructor(...given) { if (given.length) super(...given); else super(now); }
    static now() { return now; }
  };
  AbortSignal.timeout = () => new AbortController().signal;
  const rand = n => Math.floor(Math.random() * n);
  const swapsAt = (ms, count) => Array.from({ length: count }, (_, at) => {
    const from = answers["swaps?limit=100"].swaps[rand(100)] ?? answers["swaps?limit=100"].swaps[0];
    const text = String(ms * 1000 + at).replace(/0/g, "z");
    return { ...from, mint: mint && rand(2) ? mint : from.mint, signature: text.padEnd(88, "x"), event_time_ms: ms, slot: Math.floor(ms / 400), index: at };
  });
  const kept = () => Math.floor(now / 1000) * 40;
  const answer = path => {
    const at = new URL(path, location.href);
    const name = at.pathname.replace("/api/v1/", "") + at.search;
    const history = { ...answers["swaps?limit=100"].history, event_time_ms: now, swaps: kept() };
    if (name === "status") {
      const streams = answers["status"].streams.map(one => (one.stream === "PW_ALERT" ? { ...one, last_seq: seq, messages: seq } : one));
      return { ...answers["status"], at_ms: now, streams };
    }
    if (name.startsWith("alerts?mint")) return { alerts: [], next_before: null, history };
    if (name.startsWith("alerts")) return { ...answers["alerts?limit=100"], alerts: [...alerts.slice(-100)].reverse(), next_before_seq: null };
    if (name.includes("/candles")) {
      const [first, end, step] = ["first_ms", "end_ms"].map(one => Number(at.searchParams.get(one))).concat(60_000);
      const candles = [];
      for (let ms = Math.max(first, now - 5000 * step) - (first % step); ms < Math.min(end, now) && candles.length < 5000; ms += step) {
        candles.push({ begin_ms: ms, open: 1e-7, high: 2e-7, low: 1e-7, close: 1e-7 * (1 + Math.random()), trades: 5, buys: 3, bought_raw: "1", sold_raw: "1", spent_raw: "5000000000", received_raw: "1000000000", buyers: 2, sellers: 1 });
      }
      return { mint, quote_mint: "So11111111111111111111111111111111111111112", step_ms: step, candles, next_first_ms: null, history };
    }
    if (name.includes("swaps")) return { swaps: swapsAt(now, Math.min(100, Number(at.searchParams.get("limit") ?? 100))), kept: kept(), next_before: null, history };
    if (name.endsWith("/why")) return answers["why"];
    if (name.includes("/buyers")) return { mint, quote_mint: null, buyers: [], next_before: null, history };
    if (name.includes("/pools")) return { mint, pools: [], history };
    if (name.includes("/facts")) return { mint, name: null, symbol: null, node: null, missing: "", stream_missing: "" };
    if (name === `tokens/${mint}`) return { ...answers["token"], last_trade_ms: now };
    return answers[name] ?? answers[name.split("?")[0]] ?? {};
  };
  globalThis.fetch = async path => { const body = answer(path); return { ok: true, status: 200, json: async () => body }; };
  globalThis.EventSource = class {
    readyState = 1;
    listeners = [];
    constructor() { streams.add(this); Promise.resolve().then(() => this.onopen?.()); }
    addEventListener(_, call) { this.listeners.push(call); }
    close() { streams.delete(this); }
  };
  const ring = () => {
    const from = answers["alerts?limit=100"].alerts[rand(answers["alerts?limit=100"].alerts.length)];
    const alert = { ...from, seq: ++seq, id: `i${seq}`, episode: `e${seq}`, kind: "opened", stored_ms: now };
    alerts.push(alert);
    if (alerts.length > 200) alerts.shift();
    for (const one of streams) for (const call of one.listeners) call({ data: JSON.stringify(alert), lastEventId: String(seq) });
  };
  /** Let so many seconds pass. */
  globalThis.pass = async seconds => {
    for (let turn = 0; turn < seconds; turn++) {
      const end = now + 1000;
      if (Math.floor(end / 1000) % alertEveryS === 0) ring();
      for (;;) {
        let next = null;
        for (const [id, one] of timers) if (one.at <= end && (next === null || one.at < next[1].at)) next = [id, one];
        if (next === null) break;
        const [id, one] = next;
        now = Math.max(now, one.at);
        if (one.every) one.at += one.every; else timers.delete(id);
        one.call();
        for (let more = 0; more < 12; more++) await null;
      }
      now = end;
      // The browser gets to draw, and to collect, once in a while.
      if (turn % 20 === 0) await new Promise(done => realTimeout(done, 0));
    }
    return timers.size;
  };
}

try {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const [first] = await watched(context);
  await first.goto(want.login);
  await first.waitForFunction(() => document.querySelectorAll("[data-alert]").length > 2, undefined, { timeout: 90_000 });
  const answers = await first.evaluate(async asked => {
    const get = async path => (await fetch(`/api/v1/${path}`)).json();
    const found = Object.fromEntries(await Promise.all(asked.map(async path => [path, await get(path)])));
    const { mint } = found["alerts?limit=100"].alerts.find(one => one.mint);
    return { ...found, token: await get(`tokens/${mint}`), why: await get(`tokens/${mint}/why`) };
  }, ASKED);
  const { origin } = new URL(first.url());
  const mint = answers.token.mint;
  await first.close();
  const found = {};
  for (const path of want.paths) {
    const [page, seen] = await watched(context);
    await page.addInitScript(made, { answers, alertEveryS: want.alertEveryS, mint });
    await page.goto(origin + path.replace("MINT", mint));
    const debug = await context.newCDPSession(page);
    const held = async () => {
      await debug.send("HeapProfiler.collectGarbage");
      const { usedSize } = await debug.send("Runtime.getHeapUsage");
      const { nodes, jsEventListeners } = await debug.send("Memory.getDOMCounters");
      return { bytes: Math.round(usedSize), nodes, listeners: jsEventListeners };
    };
    const hours = [];
    for (let hour = 0; hour <= want.hours; hour++) {
      // The first hour fills what is bounded.
      const timers = await page.evaluate(seconds => globalThis.pass(seconds), want.hourS);
      hours.push({ ...await held(), timers });
    }
    found[path] = { hours, errors: seen.errors };
    await page.close();
  }
  process.stdout.write(JSON.stringify(found));
} finally {
  await browser.close();
}
