// The page System beside an API whose broker holds what the test puts there: the picture, gaps, dead
// letters, programs, drift and changes; a program named, one refused, a layout taken note of.
import { FEW, launch, looks, watched } from "./browser.mjs";

const want = JSON.parse(process.argv[2]);
const browser = await launch(want.chromium);
const found = {};
const WIDE = { width: 1440, height: 900 };
try {
  const context = await browser.newContext({ viewport: WIDE });
  const [page, seen] = await watched(context);
  const until = check => page.waitForFunction(check, undefined, { timeout: 90_000, polling: 100 });
  await page.goto(want.login, { timeout: 90_000 });
  await page.goto(`${want.own}/system`, { timeout: 90_000 });
  await until(() => document.querySelectorAll(".flow .stage").length === 11);
  await until(() => ["Gaps", "Dead letters", "Programs discovered", "New in layouts", "Changes"].every(one => document.querySelector(`[aria-label="${one}: the table"]`)));
  found.stages = await page.$$eval(".flow .stage", all => all.map(one => one.textContent));
  found.conditions = await page.textContent("#why");
  found.rows = Object.fromEntries(await page.$$eval("main section", all => all.map(one => [one.getAttribute("aria-labelledby"), one.textContent])));

  // By keyboard from the picture to the rows of a box.
  await page.focus(".at-parser a");
  await page.keyboard.press("Enter");
  found.led = await page.evaluate(() => [location.hash, document.querySelector("tr:has(:target)")?.textContent ?? ""]);

  await page.click("[aria-label^='Fill 350']");
  await page.fill(".panel input[type=url]", want.node);
  found.fill = await page.$$eval(".panel .command code", all => all.map(one => one.textContent));
  await page.click("[aria-label^='Fill 4 ']");
  found.hostile_fill = await page.textContent("[aria-labelledby=gaps-head] .panel");
  await page.keyboard.press("Escape");
  found.shut = await page.evaluate(() => [document.querySelectorAll("[aria-labelledby=gaps-head] .panel").length, document.activeElement.getAttribute("aria-label")]);
  await page.click("[aria-label='Open dead letter 1']");
  await page.click(".panel >> text=Show its bytes");
  await page.waitForSelector("pre.body");
  await page.uncheck("[aria-labelledby=letters-head] .panel input[type=checkbox]");
  await page.click(".panel >> text=Send it back");
  await until(() => document.querySelector("[aria-labelledby=letters-head] .panel > p[role=status]")?.textContent.length > 2);
  found.sent = await page.textContent("[aria-labelledby=letters-head] .panel > p[role=status]");
  found.letter = await page.$$eval(".panel .command code, pre.body", all => all.map(one => one.textContent));

  const name = page.locator(`[aria-label^='Name it: ${want.program.slice(0, 4)}']`);
  await name.click();
  await page.fill(".panel form input[required]", "unlisted:mine");
  await page.click(".panel form button:text-is('Add')");
  await until(() => document.querySelector(".panel form [role=status]").textContent.length > 5);
  found.refused = await page.textContent(".panel form [role=status]");
  found.looks = await looks(page, want.folder, "system-page", FEW);
  for (const [width, height] of FEW) {
    await page.setViewportSize({ width, height });
    await page.screenshot({ path: `${want.folder}/system-page-whole-${width}.png`, fullPage: true });
  }
  await page.setViewportSize(WIDE);
  await page.fill(".panel form input[required]", "my venue");
  await page.click(".panel form button:text-is('Add')");
  await until(() => document.querySelector("[aria-label='Your own programs: the table']")?.textContent.includes("my venue"));
  await page.click("[aria-label^='Seen: what is new of pump_amm']");
  await until(() => document.querySelector("[aria-labelledby=drift-head] details") !== null);

  found.made = await page.evaluate(() => document.querySelectorAll("main script, main img, main iframe").length);
  found.ran = await page.evaluate(() => Boolean(globalThis.pwned));
  found.links = await page.$$eval("main a", all => all.map(one => one.getAttribute("href")));
  found.errors = seen.errors;
  found.hosts = [...seen.hosts];
  process.stdout.write(JSON.stringify(found));
} finally {
  await browser.close();
}
