// The icons of the installed pages, drawn from the one that is made by hand.
import { readFileSync } from "node:fs";
import { launch } from "./browser.mjs";

const want = JSON.parse(process.argv[2]);
const drawn = readFileSync(`${want.folder}/icon.svg`, "utf8");
// A system that cuts icons to a shape of its own gets one that fills its square.
const filled = drawn.replace(/ rx="\d+"/, "");
const browser = await launch(want.chromium);
try {
  const page = await browser.newPage();
  for (const [name, svg, size] of [["icon-192", drawn, 192], ["icon-512", drawn, 512], ["icon-maskable-512", filled, 512]]) {
    await page.setViewportSize({ width: size, height: size });
    await page.setContent(`<style>body { margin: 0 } svg { display: block; width: ${size}px }</style>${svg}`);
    await page.screenshot({ path: `${want.folder}/${name}.png`, omitBackground: true });
  }
  process.stdout.write("{}");
} finally {
  await browser.close();
}
