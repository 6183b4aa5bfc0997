// What every script here needs: chromium, and pages whose errors and requests are written down.
import { chromium } from "playwright-core";
import { axe } from "./axe.mjs";

const ARGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-proxy-server"];

export const launch = (executablePath, more = []) => chromium.launch({ executablePath, args: [...ARGS, ...more] });

/** A page, with what its console and its requests said; `quiet` leaves out what a cut line logs. */
export async function watched(context) {
  const page = await context.newPage();
  const seen = { errors: [], hosts: new Set(), quiet: false };
  const note = text => { if (!seen.quiet) seen.errors.push(text); };
  // A browser logs every refusal; that history is slow or away is a state that pages show, and no error of theirs.
  const isAway = text => /Failed to load resource.*status of 50[34]/.test(text);
  page.on("console", one => {
    if ((one.type() === "error" || one.type() === "warning") && !isAway(one.text())) note(`${one.type()}: ${one.text()}`);
  });
  page.on("pageerror", error => note(String(error)));
  page.on("request", one => { if (!one.url().startsWith("data:")) seen.hosts.add(new URL(one.url()).host); });
  return [page, seen];
}

/** How far the page is wider than its window, in pixels. */
export const overflow = page => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

/** Bytes that came over the wire for a page and what it loads, and when it was painted and loaded. */
export const cost = page => page.evaluate(() => {
  const [navigation] = performance.getEntriesByType("navigation");
  const loaded = performance.getEntriesByType("resource").filter(one => ["script", "link", "img"].includes(one.initiatorType));
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  return {
    bytes: [navigation, ...loaded].reduce((sum, one) => sum + one.transferSize, 0),
    paint_ms: paint ? Math.round(paint.startTime) : null,
    load_ms: Math.round(navigation.loadEventEnd),
  };
});

/** What the first page costs a browser that holds nothing of it yet: the best of several. */
export async function coldCost(browser, context, address, ready) {
  const costs = [];
  for (let turn = 0; turn < 5; turn++) {
    const fresh = await browser.newContext({ storageState: await context.storageState(), viewport: { width: 1440, height: 900 } });
    const page = await fresh.newPage();
    await page.goto(address);
    await page.waitForSelector(ready);
    await page.waitForFunction(() => performance.getEntriesByName("first-contentful-paint").length > 0);
    costs.push(await cost(page));
    await fresh.close();
  }
  return costs.sort((a, b) => a.paint_ms - b.paint_ms)[0];
}

const NARROW = [360, 780];
const USUAL = [1280, 800];
const WIDTHS = [NARROW, USUAL, [2560, 1000]];
/** For a state of a page that is tried at each width elsewhere. */
export const FEW = [NARROW, USUAL];

/** Each width in each theme: a picture of it, what axe finds, and how far it runs over. */
export async function looks(page, folder, name, widths = WIDTHS) {
  const found = {};
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    for (const [width, height] of widths) {
      await page.setViewportSize({ width, height });
      await page.waitForTimeout(250);
      const key = `${name}-${width}-${colorScheme}`;
      await page.screenshot({ path: `${folder}/${key}.png` });
      found[key] = { axe: await axe(page), overflow: await overflow(page) };
    }
  }
  return found;
}
