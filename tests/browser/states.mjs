// The page beside an API whose broker holds what the test puts there: nothing, then hostile text.
import { axe } from "./axe.mjs";
import { coldCost, launch, looks, watched } from "./browser.mjs";

const want = JSON.parse(process.argv[2]);
const browser = await launch(want.chromium);
const found = {};
try {
  const stranger = await browser.newContext({ viewport: { width: 768, height: 700 } });
  const [locked] = await watched(stranger);
  await locked.goto(`${want.own}/`);
  await locked.waitForSelector("#ask");
  found.locked = { mode: await locked.textContent("#mode"), axe: await axe(locked) };
  await locked.screenshot({ path: `${want.folder}/locked.png` });

  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const [page, seen] = await watched(context);
  // The first picture, before anything has come.
  await page.route("**/api/**", async route => { await new Promise(done => setTimeout(done, 600)); await route.continue(); });
  await page.goto(want.login);
  found.loading = await page.isVisible(".loading");
  await page.unrouteAll({ behavior: "wait" });
  if (want.empty) {
    await page.waitForSelector(".empty");
    await page.waitForFunction(() => document.querySelector(".empty").textContent.includes("watched for"));
    found.empty = await page.textContent(".empty");
    found.looks = await looks(page, want.folder, "empty");
    found.cost = await coldCost(browser, context, `${want.own}/`, ".empty");
    // No history runs here, which the console says of each try to read its swaps.
    seen.quiet = true;
    await page.click("nav >> text=System");
    await page.waitForSelector("#why");
    Object.assign(found.looks, await looks(page, want.folder, "system-empty"));
  } else {
    await page.waitForSelector("[data-alert]");
    found.cards = await page.$$eval(".alert", all => all.map(one => one.querySelector(".bar").textContent + one.textContent));
    found.made = await page.evaluate(() => document.querySelectorAll(".alert script, .alert img, .alert iframe").length);
    for (const one of await page.$$("[data-alert]")) {
      await one.focus();
      await page.keyboard.press("Enter");
      await page.waitForSelector(".opened");
      found.links = [...(found.links ?? []), ...await page.$$eval(".opened a", all => all.map(a => ({ href: a.href, rel: a.rel })))];
      found.opened = (found.opened ?? "") + await page.textContent(".opened");
    }
    found.looks = await looks(page, want.folder, "hostile");
    found.ran = await page.evaluate(() => Boolean(globalThis.pwned));
  }
  found.errors = seen.errors;
  found.hosts = [...seen.hosts];
  process.stdout.write(JSON.stringify(found));
} finally {
  await browser.close();
}
