import { defineConfig } from "vite";

// The API serves what lands in its own package; nothing is fetched from elsewhere at run time.
export default defineConfig({
  esbuild: { jsx: "automatic", jsxImportSource: "preact", legalComments: "none" },
  build: {
    outDir: "../services/api/src/pw_api/site",
    emptyOutDir: true,
    target: "es2022",
    // The policy of the page allows no script inside of it, and one file needs no preloading.
    modulePreload: false,
    assetsInlineLimit: 0,
    reportCompressedSize: true,
  },
});
