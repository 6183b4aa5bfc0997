// The page System: what it says of the conditions, once there is one.
import { launch, watched } from "./browser.mjs";

const want = JSON.parse(process.argv[2]);
const browser = await launch(want.chromium);
try {
  const [page, seen] = await watched(await browser.newContext());
  await page.goto(`${want.own}/system`);
  await page.waitForSelector("#why li");
  const found = await page.$$eval("#why li", all => all.map(one => ({ severity: one.className, text: one.textContent })));
  const mode = await page.textContent("#mode");
  process.stdout.write(JSON.stringify({ found, mode, errors: seen.errors }));
} finally {
  await browser.close();
}
