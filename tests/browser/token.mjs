// From an alert to the transactions behind it, as a trader follows it: the token's page, its chart, why
// each rule holds, a candle's swaps, a wallet, a transaction; then found again by a search and by keys.
import { launch, watched } from "./browser.mjs";

const want = JSON.parse(process.argv[2]);
const browser = await launch(want.chromium);
const found = {};
const SLOW = { timeout: 60_000 };

try {
  const context = await browser.newContext({ viewport: { width: 1440, height: 1000 } });
  const [page, seen] = await watched(context);
  await page.goto(want.login);
  await page.waitForSelector("[data-alert]", SLOW);
  found.alert = await page.evaluate(async () => {
    const { alerts } = await (await fetch("/api/v1/alerts?limit=100")).json();
    return alerts.findLast(one => one.mint && one.name);
  });
  // The demo's tokens may have rung again since: any card of this token leads to its page.
  await page.click(`a[href="/token/${found.alert.mint}"]`);
  await page.waitForSelector(".chart canvas", SLOW);
  await page.waitForFunction(() => document.querySelectorAll(".why > ul > li").length > 3, undefined, SLOW);
  found.head = await page.textContent("header.thing");
  found.why = await page.textContent(".why");
  found.drawn = await page.$$eval(".chart canvas", all => all.some(one => one.width > 100 && one.height > 50));
  await page.waitForFunction(() => document.querySelectorAll("section:has(#buyers-head) tbody tr").length > 2, undefined, SLOW);
  found.shares = await page.$$eval("section:has(#buyers-head) tbody tr", all => all.map(row => row.cells[1].textContent));

  // A candle's swaps are those of its time; by keyboard, since a canvas has no places for the focus.
  await page.click("summary:has-text('as a table')");
  const row = await page.$eval("table:has(button[aria-pressed]) tbody tr:last-child", one => ({ begin: one.querySelector("time").dateTime }));
  await page.focus("table:has(button[aria-pressed]) tbody tr:last-child button");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.getElementById("swaps-head").textContent.startsWith("Swaps from"), undefined, SLOW);
  await page.waitForFunction(() => document.querySelectorAll("section:has(#swaps-head) tbody tr").length > 0, undefined, SLOW);
  const begin = Date.parse(row.begin);
  found.within = await page.$$eval("section:has(#swaps-head) tbody time", (all, from) =>
    all.every(one => Date.parse(one.dateTime) >= from && Date.parse(one.dateTime) < from + 60_000), begin);
  // The candle may still grow: what it counts and its swaps are asked for until both are of one moment.
  found.counted = await page.evaluate(async ([mint, from]) => {
    const get = async path => (await fetch(`/api/v1/tokens/${mint}/${path}first_ms=${from}&end_ms=${from + 60_000}`)).json();
    for (let turn = 0; turn < 20; turn++) {
      const { swaps } = await get("swaps?limit=1000&");
      const [candle] = (await get("candles?")).candles;
      if (candle.trades === swaps.filter(one => one.quote_mint?.startsWith("So1")).length) return candle.trades;
    }
    return 0;
  }, [found.alert.mint, begin]);

  // Watching it by its own page changes the list that the detector has.
  await page.fill(".own input", "mine");
  await page.click(".own button:has-text('Watch')");
  await page.waitForSelector(".own :text('Watched as mine')", SLOW);
  found.watched = await page.evaluate(async () => (await (await fetch("/api/v1/watchlists")).json()).entries);
  await page.click(".own button:has-text('Watch no more')");
  await page.waitForSelector(".own form", SLOW);

  // From a swap to its transaction, and from there to the wallet that paid.
  const link = await page.$eval("section:has(#swaps-head) td a[href^='/tx/']", one => one.getAttribute("href"));
  await page.click(`section:has(#swaps-head) td a[href="${link}"]`);
  await page.waitForSelector("h1:has-text('Transaction')", SLOW);
  await page.waitForSelector("section:has(#swaps-head) tbody tr", SLOW);
  found.signature = link.slice("/tx/".length);
  found.transaction = await page.textContent("main");
  await page.click("section:has(#swaps-head) td a[href^='/wallet/']");
  await page.waitForSelector("section:has(#totals-head) tbody tr", SLOW);
  await page.click("button:has-text('reckon')");
  await page.waitForFunction(() => !document.querySelector("section:has(#tokens-head) button"), undefined, SLOW);
  found.wallet = await page.textContent("main");

  // Back is where one came from, and a name is found by one key.
  await page.goBack();
  await page.waitForSelector("h1:has-text('Transaction')", SLOW);
  await page.keyboard.press("/");
  await page.keyboard.type(found.alert.name.slice(0, 6));
  await page.waitForSelector("#found li[aria-selected=true]", SLOW);
  found.results = await page.$$eval("#found li", all => all.map(one => one.textContent));
  await page.keyboard.press("Enter");
  await page.waitForSelector(".chart canvas", SLOW);
  found.searched = new URL(page.url()).pathname;
  await page.keyboard.press("g");
  await page.keyboard.press("s");
  await page.waitForSelector("h1:has-text('System')", SLOW);
  await page.goto(`${new URL(page.url()).origin}/token/${want.stranger}`);
  await page.waitForSelector("header.thing", SLOW);
  await page.waitForFunction(() => {
    const said = [...document.querySelectorAll("main .none")].map(one => one.textContent);
    return said.length > 3 && !said.includes("…");
  }, undefined, SLOW);
  found.stranger = await page.textContent("main");
  found.errors = seen.errors;
  found.hosts = [...seen.hosts];
  process.stdout.write(JSON.stringify(found));
} finally {
  await browser.close();
}
