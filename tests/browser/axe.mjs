// What axe finds on a page against WCAG 2.0 to 2.2, A and AA, in words.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const WORDS_MAX = 400;
// Rows of a list are alike, and each costs: the first few are looked at.
const EXCLUDED = ["tbody tr:nth-child(n+9)", "ol > li:nth-child(n+6)", "ul > li:nth-child(n+12)"];

/** One sentence for each place of each violation: the rule, how grave, where, and what would mend it. */
export async function axe(page) {
  // The page's policy lets no script in; the debugger is not bound by it.
  if (!await page.evaluate(() => "axe" in globalThis)) await page.evaluate(AXE);
  const { violations } = await page.evaluate(
    ([runOnly, exclude]) => globalThis.axe.run({ exclude: exclude.map(one => [one]) }, { runOnly, resultTypes: ["violations"] }),
    [RULES, EXCLUDED]);
  return violations.flatMap(({ id, impact, help, nodes }) => nodes.map(node => {
    const mend = (node.failureSummary ?? "").replace(/\s+/g, " ");
    return `${id} (${impact}): ${help}. At ${node.target.join(" ")}: ${mend}`.slice(0, WORDS_MAX);
  }));
}
