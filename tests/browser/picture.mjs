// One picture of the demo for the README, once there is something to see.
import { launch } from "./browser.mjs";

const want = JSON.parse(process.argv[2]);
const browser = await launch(want.chromium);
try {
  const context = await browser.newContext({ viewport: { width: 1180, height: 720 }, colorScheme: "light", reducedMotion: "reduce" });
  const page = await context.newPage();
  await page.goto(want.login);
  await page.waitForFunction(least => document.querySelectorAll("[data-alert]").length >= least, want.alerts, { timeout: 150_000 });
  // The tokens beside are asked for every other second.
  await page.waitForFunction(() => document.querySelectorAll(".hot li").length > 1, undefined, { timeout: 60_000 });
  await page.screenshot({ path: want.file });
  process.stdout.write("{}");
} finally {
  await browser.close();
}
