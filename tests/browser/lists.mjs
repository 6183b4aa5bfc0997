// The pages of the channels and of the lists: a channel that is wrong is refused, one that is right is
// added and tried; addresses are watched one by one and by a file, and muted for a while.
import { readFileSync } from "node:fs";
import { FEW, launch, looks, watched } from "./browser.mjs";

const want = JSON.parse(process.argv[2]);
const browser = await launch(want.chromium);
const found = { looks: {} };
const has = (page, selector, text) => page.waitForFunction(
  ([where, wanted]) => document.querySelector(where)?.textContent.includes(wanted), [selector, text], { polling: 100 });

try {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  context.setDefaultTimeout(want.patience_ms);
  const [page, seen] = await watched(context);
  await page.goto(want.login);
  await page.waitForSelector("#mode:not(.loading)");
  await page.click("nav >> text=Channels");
  await page.waitForSelector(".empty");
  found.none = await page.textContent("main");

  // An address that is none is refused beside its field; what was typed stays.
  await page.click("#new-channel");
  await page.selectOption("#channel-kind", "webhook");
  await page.fill("#channel-name", "hook");
  await page.fill("#channel-url", "ftp://example.com/in");
  await page.click("text=Make a key");
  seen.quiet = true;
  await page.click(".channel-form .primary");
  await has(page, "#channel-url-problem", "allowed");
  seen.quiet = false;
  found.refused = await page.textContent("#channel-url-problem");
  Object.assign(found.looks, await looks(page, want.folder, "channel-form", FEW));
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.fill("#channel-url", want.receiver);
  await page.click(".channel-form .primary");
  await has(page, ".note.back", "is saved");
  await page.waitForSelector("[data-channel=hook]");

  // A test message goes through it, once its notifier has taken it up.
  seen.quiet = true;
  for (let turn = 0; turn < 20; turn++) {
    await page.click("[data-channel=hook] .test");
    await page.waitForSelector("[data-channel=hook] .tested .on, [data-channel=hook] .tested .bad");
    if (await page.isVisible("[data-channel=hook] .tested .on")) break;
    await page.waitForTimeout(1000);
  }
  seen.quiet = false;
  found.tested = await page.textContent("[data-channel=hook] .tested");
  await has(page, "[data-channel=hook] .facts-of", "0 alerts");
  found.state = await page.textContent("[data-channel=hook]");
  // What is kept is not shown, and stays when something else is changed.
  await page.click("[data-channel=hook] .edit");
  found.kept = await page.inputValue("#channel-secret");
  await page.fill("#channel-late_after_s", "300");
  await page.click(".channel-form .primary");
  await has(page, ".note.back", "is saved");
  Object.assign(found.looks, await looks(page, want.folder, "channels", FEW));
  await page.setViewportSize({ width: 1440, height: 900 });

  await page.click("nav >> text=Lists");
  await page.waitForSelector("#watched-address");
  await page.fill("#watched-address", "no address");
  await page.click("form:has(#watched-address) button");
  await has(page, "#watched-address-problem", "base58");
  await page.fill("#watched-address", want.wallet);
  await page.fill("#watched-label", want.label);
  await page.click("form:has(#watched-address) button");
  await has(page, "section:has(#watched-head) table", want.label.slice(0, 8));
  found.watched = await page.textContent("section:has(#watched-head) table");

  await page.click("text=Add many from a file");
  await page.fill("#import-text", `address,label\n${want.wallet},another label\n${want.other},"from, a file"\n`);
  await page.click("text=Show what it would add");
  await page.waitForSelector(".plan");
  found.plan = await page.textContent(".plan");
  await page.click(".plan .primary");
  await has(page, "section:has(#watched-head) table", "from, a file");
  const saving = page.waitForEvent("download");
  await page.click("text=Save as CSV");
  found.csv = readFileSync(await (await saving).path(), "utf8");
  await page.fill("#import-text", "nonsense,x\n");
  seen.quiet = true;
  await page.click("text=Show what it would add");
  await has(page, ".import .problems:not(:empty) .bad", "line 1");
  seen.quiet = false;

  await page.fill("#mute-address", want.mint);
  await page.fill("#mute-reason", "too loud");
  await page.selectOption("#mute-for", { label: "1 hour" });
  await page.click("form:has(#mute-address) button");
  await has(page, "section:has(#mutes-head) table", "too loud");
  found.mutes = await page.$$eval("section:has(#mutes-head) tbody tr", all => all.map(one => one.textContent));
  // A program of one's own: refused where it is wrong, then there.
  await page.click("text=Add a program");
  await page.fill("#program-id", want.mint);
  await page.fill("#program-name", "unlisted:mine");
  seen.quiet = true;
  await page.click("form:has(#program-id) .buttons button");
  await page.waitForSelector("#program-name-problem:not(:empty)");
  seen.quiet = false;
  found.program = await page.textContent("#program-name-problem");
  await page.fill("#program-name", "my_dex");
  await page.fill("#program-users", "*: 0");
  await page.click("form:has(#program-id) .buttons button");
  await has(page, "section:has(#programs-head) table", "my_dex");
  Object.assign(found.looks, await looks(page, want.folder, "lists", FEW));
  found.ran = await page.evaluate(() => Boolean(globalThis.pwned));
  found.made = await page.evaluate(() => document.querySelectorAll("main img, main script").length);
  found.errors = seen.errors;
  found.hosts = [...seen.hosts];
  process.stdout.write(JSON.stringify(found));
} finally {
  await browser.close();
}
