// The page of the rules: one that is wrong is refused where it is wrong, one that is right takes
// effect; somebody is faster; the last hour is tried; what was before is there to see.
import { FEW, launch, looks, watched } from "./browser.mjs";

const want = JSON.parse(process.argv[2]);
const PATIENCE_MS = want.patience_ms;
const browser = await launch(want.chromium);
const found = { looks: {} };
const wide = page => page.setViewportSize({ width: 1440, height: 900 });
const has = (page, selector, text) => page.waitForFunction(
  ([where, wanted]) => document.querySelector(where)?.textContent.includes(wanted), [selector, text], { polling: 100 });
/** What somebody else does to a rule, by the API. */
const meanwhile = (page, name, part) => page.evaluate(async ([rule, changed]) => {
  const path = "/api/v1/triggers";
  const now = await (await fetch(path)).json();
  const entry = { ...now.rules.find(one => one.name === rule), ...changed };
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ revision: now.revision, who: "another", note: "", replace: true, entry });
  return (await fetch(path, { method: "POST", headers, body })).status;
}, [name, part]);

try {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  context.setDefaultTimeout(PATIENCE_MS);
  const [page, seen] = await watched(context);
  await page.goto(want.login);
  await page.waitForSelector("#mode:not(.loading)");
  await page.keyboard.press("g");
  await page.keyboard.press("r");
  await page.waitForSelector(".rule-card .token-link");
  found.by_keys = new URL(page.url()).pathname === "/rules";
  found.cards = await page.$$eval(".rule-card", all => all.map(one => one.textContent));
  found.made = await page.evaluate(() => document.querySelectorAll(".rule-card img, .rule-card script").length);
  Object.assign(found.looks, await looks(page, want.folder, "rules", FEW));
  await wide(page);

  // What is wrong is said beside the field that it is about, and nothing is saved.
  await page.click("[aria-label='Edit stealth accumulation']");
  await page.waitForSelector(".editor");
  found.focus = await page.evaluate(() => document.activeElement?.id);
  await has(page, ".spread", "tokens");
  found.spread = await page.textContent(".spread");
  await has(page, ".editor .state", "Nothing is changed");
  await page.fill("[aria-label^='Number of condition 1']", "many");
  await has(page, ".row-of .problems", "Allowed");
  found.number = await page.textContent(".row-of .problems");
  await page.fill("[aria-label^='Number of condition 1']", "10");
  await page.fill("#rule-description", "turned \u202e round");
  await has(page, "#rule-description-problem", "control characters");
  found.refused = await page.textContent("#rule-description-problem");
  found.shut = await page.isDisabled(".editor .primary");

  // What is right is saved, and the detector goes by it.
  await page.fill("#rule-description", want.description);
  await page.fill("[aria-label^='Number of condition 1']", "0.25");
  await page.fill("#rule-note", "tried by the page");
  await has(page, ".editor .state", "It can be saved");
  await page.waitForSelector(".holds-now");
  found.holds_now = await page.textContent(".holds-now");
  Object.assign(found.looks, await looks(page, want.folder, "rule", FEW));
  await wide(page);
  await page.click(".editor .primary");
  await has(page, ".note.back", "is saved as revision");
  found.saved = await page.textContent(".note.back");
  found.focus_back = await page.evaluate(() => document.activeElement?.getAttribute("aria-label"));

  // Somebody is faster: both states are shown, and mine can be kept.
  await page.click("[aria-label='Edit whale concentration']");
  await page.waitForSelector(".editor");
  await page.fill("[aria-label^='Number of condition 1']", "75");
  await has(page, ".editor .state", "It can be saved");
  found.meanwhile = await meanwhile(page, "whale_concentration", { cooldown_s: 60 });
  seen.quiet = true;
  await page.click(".editor .primary");
  await page.waitForSelector(".conflict");
  seen.quiet = false;
  found.conflict = await page.textContent(".conflict");
  await page.screenshot({ path: `${want.folder}/conflict.png` });
  await page.click(".conflict button >> text=Keep mine");
  await has(page, ".note.back", "is saved as revision");

  // A new one takes its number from the tokens of this moment, is tried, and thrown away.
  await page.click("#new-rule");
  await page.waitForSelector(".editor");
  await page.fill("#rule-name", "extreme_ratio");
  await has(page, "#rule-name-problem", "already");
  await page.fill("#rule-name", "busy");
  await page.selectOption("[aria-label='Metric of condition 1']", "buy_count_5m");
  await page.click(".spread .figure >> text=median");
  found.median = await page.inputValue("[aria-label^='Number of condition 1']");
  await has(page, ".editor .state", "It can be saved");
  await page.click("text=Try it on the last hour");
  await has(page, ".progress", "done");
  found.tried = await page.textContent(".dry-run");
  found.tried_links = await page.$$eval(".dry-run td a", all => all.map(one => one.getAttribute("href").split("/")[1]));
  Object.assign(found.looks, await looks(page, want.folder, "rule-tried", FEW));
  await wide(page);
  // What is not saved outlives a look at another page.
  await page.click("nav >> text=System");
  await page.waitForSelector(".tiles");
  await page.click("nav >> text=Rules");
  await page.click("text=Go on with it");
  found.kept = await page.inputValue("#rule-name");
  await page.click(".editor .head button:has-text('Close')");
  await page.waitForSelector("dialog[open].confirm");
  await page.click("dialog[open] >> text=Throw it away");
  await page.waitForSelector(".editor", { state: "detached" });

  // A switch, and what was before.
  await page.click("[role=switch][aria-label='extreme ratio is on']");
  await has(page, ".form-outcome", "extreme ratio is off");
  await has(page, ".revisions", "turned off");
  found.history = await page.$$eval(".revisions > li", all => all.map(one => one.textContent));
  await page.click(".revisions button >> nth=0");
  await page.waitForSelector("dialog[open].confirm");
  found.restore = await page.textContent("dialog[open].confirm");
  await page.keyboard.press("Escape");

  await page.click("text=Try all rules on the last hour");
  await has(page, ".progress", "done");
  found.dry_run = await page.textContent(".dry-run");
  await page.locator(".dry-run").scrollIntoViewIfNeeded();
  await page.screenshot({ path: `${want.folder}/dry-run.png` });
  found.ran = await page.evaluate(() => Boolean(globalThis.pwned));
  found.errors = seen.errors;
  found.hosts = [...seen.hosts];
  process.stdout.write(JSON.stringify(found));
} finally {
  await browser.close();
}
