import { readFileSync } from "node:fs";

import { defineConfig, type Plugin } from "vite";

// Packages whose code is in the build, and the files that hold what they ask to be passed on.
const LICENCES: Record<string, string[]> = {
  "hls.js": ["LICENSE"],
  "mpegts.js": ["LICENSE"],
  uplot: ["LICENSE"],
  dashjs: ["LICENSE.md", "dist/modern/esm/dash.all.min.js.LICENSE.txt"],
};

function licences(): Plugin {
  return {
    name: "licences",
    generateBundle() {
      const read = (file: string): string => readFileSync(`node_modules/${file}`, "utf8").trim();
      const texts = Object.entries(LICENCES).map(([name, files]) => {
        const { version } = JSON.parse(read(`${name}/package.json`)) as { version: string };
        const said = files.map((file) => read(`${name}/${file}`)).join("\n\n");
        return `${name} ${version}\n${"=".repeat(72)}\n\n${said}\n`;
      });
      const intro = "The page contains these packages:\n\n";
      this.emitFile({ type: "asset", fileName: "licences.txt", source: intro + texts.join("\n\n") });
    },
  };
}

export default defineConfig({
  base: "./", // it may be served below any path
  plugins: [licences()],
  build: {
    outDir: "../src/slipstream/page/built",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // the page's own policy refuses addresses with content in them
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1200,
  },
});
