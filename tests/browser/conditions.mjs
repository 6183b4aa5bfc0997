// The page System: what it says of the conditions, once there is one; and that all that can be wrong
// at once has room in a narrow window.
import { axe } from "./axe.mjs";
import { launch, overflow, watched } from "./browser.mjs";

const want = JSON.parse(process.argv[2]);
const browser = await launch(want.chromium);
try {
  const [page, seen] = await watched(await browser.newContext());
  await page.goto(`${want.own}/system`);
  await page.waitForSelector("#why li");
  const found = await page.$$eval("#why li", all => all.map(one => ({ severity: one.className, text: one.textContent })));
  const mode = await page.textContent("#mode");

  await page.route(/\/api\/v1\/status$/, async route => {
    const response = await route.fetch();
    const status = await response.json();
    for (const { instances } of status.services.slice(0, 2)) for (const one of instances) one.age_ms = 12_000;
    await route.fulfill({ response, json: status });
  });
  await page.setViewportSize({ width: 360, height: 780 });
  await page.waitForFunction(() => document.querySelectorAll(".health .wrong").length > 2);
  const narrow = { wrong: await page.$$eval(".health .wrong", all => all.map(one => one.textContent)), axe: await axe(page) };
  narrow.system = await overflow(page);
  await page.click("nav >> text=Alerts");
  await page.waitForSelector("#alerts-head");
  narrow.alerts = await overflow(page);
  await page.unrouteAll({ behavior: "wait" });
  process.stdout.write(JSON.stringify({ found, mode, narrow, errors: seen.errors }));
} finally {
  await browser.close();
}
