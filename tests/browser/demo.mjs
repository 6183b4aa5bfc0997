// The demo as a person meets it: the link, the first alert, why it fired, the tokens beside, a service
// that dies, the API that dies; then what each page looks like. Prints as JSON what it saw and when.
import { coldCost, cost, FEW, launch, looks, watched } from "./browser.mjs";

const want = JSON.parse(process.argv[2]);
const browser = await launch(want.chromium);
const found = {};
const since = begun => (performance.now() - begun) / 1000;

/** Until `check` holds inside of the page: the seconds that it took. */
async function until(page, check, timeout = 30_000) {
  const begun = performance.now();
  await page.waitForFunction(check, undefined, { timeout, polling: 50 });
  return since(begun);
}
const STRANGER = "9BB6NFEcjBCtnNLFko2FqVQBq8HHM13kCyYcdQbgpump";
const pidOf = (page, service) => page.evaluate(async name => {
  const status = await (await fetch("/api/v1/status")).json();
  return status.services.find(one => one.service === name).instances.find(one => !one.stale).pid;
}, service);

try {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const [page, seen] = await watched(context);
  const begun = performance.now();
  await page.goto(want.login);
  await page.waitForSelector("[data-alert]", { timeout: 30_000 });
  found.first_alert_s = since(begun);
  found.cost_while_starting = await cost(page);
  await until(page, () => document.querySelector(".demo .prove"));
  found.banner = await page.textContent(".demo");
  found.first = await page.textContent(".alert:last-child");

  // By keyboard alone: open, read why, close, go on.
  await page.focus("[data-alert]");
  await page.keyboard.press("Enter");
  found.why_s = await until(page, () => document.querySelectorAll(".why > ul > li").length > 3);
  found.why = await page.textContent(".why");
  found.looks = await looks(page, want.folder, "opened", FEW);
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.keyboard.press("Escape");
  found.closed = await page.evaluate(() => document.querySelector("[aria-expanded=true]") === null);
  found.focus_stays = await page.evaluate(() => document.activeElement.hasAttribute("data-alert"));
  await until(page, () => document.querySelectorAll("[data-alert]").length > 1, 60_000);
  const at = () => page.evaluate(() => document.activeElement.getAttribute("data-alert"));
  await page.focus("[data-alert]");
  const from = await at();
  await page.keyboard.press("ArrowDown");
  const to = await at();
  await page.keyboard.press("ArrowUp");
  found.arrows = from !== to && from === await at();

  // The tokens beside: the focus stays where it is while they trade, and each can be looked at.
  await page.setViewportSize({ width: 1440, height: 900 });
  const at_token = () => page.evaluate(() => document.activeElement.dataset.hot ?? null);
  await page.focus(".hot button");
  const stood = await at_token();
  await page.waitForTimeout(6000);
  found.hot_focus = stood !== null && stood === await at_token();
  await page.keyboard.press("Enter");
  await until(page, () => document.activeElement.matches("[data-alert][aria-expanded=true], .looked"));
  await page.keyboard.press("Escape");
  // One that rang before what the page holds.
  await page.route(/\/api\/v1\/tokens\?state=HOT$/, async route => {
    const response = await route.fetch();
    const { tokens } = await response.json();
    const old = { ...tokens[0], mint: STRANGER, symbol: "OLD", name: "Old Coin", last_trade_ms: 9e15, gapped: ["5m", "1h"] };
    await route.fulfill({ response, json: { tokens: [old, ...tokens] } });
  });
  const button = `[data-hot="${STRANGER}"]`;
  await page.mouse.move(5, 5);
  await page.evaluate(() => document.activeElement.blur());
  await page.waitForSelector(button);
  found.gapped = await page.textContent(button);
  await page.focus(button);
  await page.keyboard.press("Enter");
  await until(page, () => document.activeElement.matches(".looked"));
  await until(page, () => document.querySelector(".looked .why li, .looked .why .none:not([role])") !== null);
  found.looked = await page.textContent(".looked");
  Object.assign(found.looks, await looks(page, want.folder, "looked", FEW));
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.focus(".looked");
  await page.keyboard.press("Escape");
  found.looked_back = await at_token() === STRANGER;
  await page.unrouteAll({ behavior: "wait" });

  // The theme that is chosen outlives the page.
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.emulateMedia({ colorScheme: "light" });
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await paper();
  await page.click("button.theme");
  await page.click("button.theme");
  await page.reload();
  await page.waitForSelector("[data-alert]");
  found.theme_kept = light !== await paper();
  await page.click("button.theme");

  await page.click("nav >> text=System");
  await until(page, () => document.querySelectorAll(".grid table").length > 2);
  await page.setViewportSize({ width: 1440, height: 900 });
  found.errors = [...seen.errors];
  found.hosts = [...seen.hosts];

  found.cost = await coldCost(browser, context, `${new URL(page.url()).origin}/`, "[data-alert]");

  // A detector that is killed is started again by `pw up`.
  process.kill(await pidOf(page, "detector"), "SIGKILL");
  found.killed_shown_s = await until(page, () => document.querySelector(".health .wrong")?.textContent.includes("detector"));
  found.killed_back_s = await until(page, () => document.getElementById("mode").textContent === "running" && !document.querySelector(".health .wrong"), 60_000);
  await page.click("nav >> text=Alerts");

  // So is the API; whoever looks is not left with an old picture that seems to be new.
  seen.quiet = true;
  process.kill(await pidOf(page, "api"), "SIGKILL");
  found.away_s = await until(page, () => document.getElementById("mode").textContent === "no answer");
  await page.screenshot({ path: `${want.folder}/away.png` });
  found.away = await page.textContent(".note.away");
  found.kept_while_away = await page.evaluate(() => document.querySelectorAll("[data-alert]").length > 0);
  found.back_s = await until(page, () => document.querySelector(".note.back") !== null, 60_000);
  await page.screenshot({ path: `${want.folder}/back.png` });
  await until(page, () => document.querySelector(".head .dim")?.textContent === "live", 30_000);
  seen.quiet = false;
  process.stdout.write(JSON.stringify(found));
} finally {
  await browser.close();
}
