// The board, the tape and the days beside a history that keeps a market: what each shows, that it can
// be used by keyboard, that its address holds what was chosen, and what it looks like.
import { FEW, launch, looks, watched } from "./browser.mjs";

const want = JSON.parse(process.argv[2]);
const PATIENCE_MS = 120_000;
const WIDE = [...FEW, [2560, 1300]];
const browser = await launch(want.chromium);
const found = { looks: {} };
try {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  context.setDefaultTimeout(PATIENCE_MS);
  const [page, seen] = await watched(context);
  await page.goto(want.login);
  const first = selector => page.textContent(`${selector} >> nth=0`);
  const query = () => page.evaluate(() => location.search);
  // Whoever points at a table holds it still.
  const away = () => page.mouse.move(1, 1);

  // The board: its lines come, a press on a column sorts by it, a text finds, a row leads to its token.
  await page.waitForSelector("nav a");
  // What listens for keys comes a moment after what is seen.
  for (let turn = 0; turn < 20 && new URL(page.url()).pathname !== "/tokens"; turn++) {
    await page.keyboard.press("g");
    await page.keyboard.press("t");
    await page.waitForTimeout(250);
  }
  await page.waitForSelector(".board .who");
  await page.waitForSelector(".spark svg");
  found.board = await page.textContent(".board");
  found.line = await page.getAttribute(".spark svg", "aria-label");
  await page.focus("th .sort >> text=market cap");
  await page.keyboard.press("Enter");
  await page.waitForSelector("th[aria-sort=descending] >> text=market cap");
  found.sorted = await query();
  found.looks = await looks(page, want.folder, "tokens", WIDE);
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.fill(".board-page input", "nothing that is there");
  await page.waitForSelector(".empty");
  found.none = await page.textContent(".empty");
  await page.click(".empty button");
  await page.click(".board .who a >> nth=0");
  await page.waitForFunction(() => location.pathname.startsWith("/token/"));

  // The tape: it goes on, stands still on demand, filters, and its address is the filter.
  await page.goto(`${want.own}/live`);
  await page.waitForSelector(".tape tbody tr");
  found.tape = await first(".tape tbody tr");
  Object.assign(found.looks, await looks(page, want.folder, "live", FEW));
  await page.setViewportSize({ width: 1440, height: 900 });
  await away();
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("Space");
  await page.waitForSelector(".pause[aria-pressed=true]");
  await page.keyboard.press("Space");
  await page.waitForSelector(".pause[aria-pressed=false]");
  await page.hover(".tape tbody tr >> nth=1");
  await page.waitForSelector(".waits >> text=Held");
  await away();
  await page.waitForFunction(() => ![...document.querySelectorAll(".waits")].some(one => one.textContent.includes("Held")));
  await page.click(".choices .steps >> text=Sells");
  await page.fill(".typed-mint", want.mint);
  await page.waitForFunction(() => location.search.includes("mint="));
  await page.waitForFunction(() => {
    const sides = [...document.querySelectorAll(".tape .side")].map(one => one.textContent.trim());
    return sides.length > 0 && sides.every(one => one.startsWith("sell"));
  });
  found.filtered = await query();
  found.mints = await page.$$eval(".tape .token-link", all => [...new Set(all.map(one => one.getAttribute("href")))]);
  // The same address shows the same in another page.
  const other = await context.newPage();
  await other.goto(`${want.own}/live${found.filtered}`);
  await other.waitForSelector(".tape tbody tr");
  found.shared = await other.$$eval(".tape .token-link", all => [...new Set(all.map(one => one.getAttribute("href")))]);
  await other.close();
  await page.fill(".typed-mint", "no address");
  await page.waitForSelector(".typed-mint[aria-invalid=true]");
  found.wrong = await page.textContent("#tape-wrong");
  await page.click(".choices >> text=Show all");
  await page.waitForSelector(".tape .side .buy");
  found.links = await page.$$eval(".tape tbody tr:first-child a", all => all.map(one => one.getAttribute("href").split("/")[1]));

  // The days: the newest one is there; one that is named in the address is shown, and one that is none is said.
  await page.goto(`${want.own}/days?day=${want.day}`);
  await page.waitForSelector(".outcome");
  found.days = await page.textContent(".days");
  found.day = await page.textContent(".of-day");
  Object.assign(found.looks, await looks(page, want.folder, "days", FEW));
  await page.goto(`${want.own}/days?day=2026-02-30`);
  await page.waitForSelector(".days a");
  found.no_day = await page.textContent(".days-page .note");

  found.errors = seen.errors;
  found.hosts = [...seen.hosts];
  process.stdout.write(JSON.stringify(found));
} finally {
  await browser.close();
}
