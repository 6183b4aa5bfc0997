// Each page of the demo at each width in each theme, and whether a browser would install them.
import { launch, looks, watched } from "./browser.mjs";
import { open, PAGES } from "./pages.mjs";

const want = JSON.parse(process.argv[2]);
const browser = await launch(want.chromium);
try {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const [page, seen] = await watched(context);
  await page.goto(want.login);
  const found = { looks: {} };
  for (const one of PAGES) {
    await open(page, one);
    Object.assign(found.looks, await looks(page, want.folder, one.name));
  }
  const debug = await context.newCDPSession(page);
  const { url, errors } = await debug.send("Page.getAppManifest");
  const { installabilityErrors } = await debug.send("Page.getInstallabilityErrors");
  found.manifest = { path: new URL(url).pathname, errors };
  found.not_installed_for = installabilityErrors.map(one => one.errorId);
  process.stdout.write(JSON.stringify({ ...found, errors: seen.errors, hosts: [...seen.hosts] }));
} finally {
  await browser.close();
}
