// Runs the tests of the page's logic in plain node: esbuild, which comes with vite, bundles each
// with the sources that it names. `node test/run.mjs`, with node:test's own options after it.
import { build } from "esbuild";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const TIMEOUT_MS = 120_000;
const here = dirname(fileURLToPath(import.meta.url));
const entryPoints = readdirSync(here).filter(one => one.endsWith(".test.mjs")).map(one => join(here, one));
const outdir = mkdtempSync(join(tmpdir(), "pw-dashboard-test-"));
try {
  await build({
    entryPoints, outdir, bundle: true, platform: "node", format: "esm", outExtension: { ".js": ".mjs" },
    jsx: "automatic", jsxImportSource: "preact", sourcemap: "inline", logLevel: "warning", loader: { ".css": "empty" },
  });
  const tests = readdirSync(outdir).map(one => join(outdir, one));
  const done = spawnSync(process.execPath, ["--enable-source-maps", "--test", ...process.argv.slice(2), ...tests], {
    stdio: "inherit", timeout: TIMEOUT_MS,
  });
  process.exitCode = done.status ?? 1;
} finally {
  rmSync(outdir, { recursive: true, force: true });
}
