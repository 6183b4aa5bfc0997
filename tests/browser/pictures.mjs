// The pages of the demo that docs/pictures shows, at one size in one theme.
import { writeFileSync } from "node:fs";
import { launch } from "./browser.mjs";
import { open, PAGES } from "./pages.mjs";
import { smaller } from "./smaller.mjs";

const SHOWN = PAGES.filter(one => one.isShown);
const want = JSON.parse(process.argv[2]);
// Letters without coloured edges look the same on every screen.
const browser = await launch(want.chromium, ["--disable-lcd-text"]);
try {
  const context = await browser.newContext({ viewport: { width: want.width, height: want.height }, colorScheme: want.theme, reducedMotion: "reduce" });
  const page = await context.newPage();
  await page.goto(want.login);
  for (const one of SHOWN) {
    await open(page, one);
    writeFileSync(`${want.folder}/${one.name}.png`, smaller(await page.screenshot()));
  }
  process.stdout.write(JSON.stringify({ names: SHOWN.map(one => one.name) }));
} finally {
  await browser.close();
}
