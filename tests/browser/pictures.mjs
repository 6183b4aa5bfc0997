// Each page of the demo at one size in one theme, as docs/pictures shows it.
import { writeFileSync } from "node:fs";
import { launch } from "./browser.mjs";
import { open, PAGES } from "./pages.mjs";
import { smaller } from "./smaller.mjs";

const want = JSON.parse(process.argv[2]);
// Letters without coloured edges look the same on every screen.
const browser = await launch(want.chromium, ["--disable-lcd-text"]);
try {
  const context = await browser.newContext({ viewport: { width: want.width, height: want.height }, colorScheme: want.theme, reducedMotion: "reduce" });
  const page = await context.newPage();
  await page.goto(want.login);
  for (const one of PAGES) {
    await open(page, one);
    writeFileSync(`${want.folder}/${one.name}.png`, smaller(await page.screenshot()));
  }
  process.stdout.write(JSON.stringify({ names: PAGES.map(one => one.name) }));
} finally {
  await browser.close();
}
