// Builds ../static: scripts, styles, fonts, the icon sprite, Leaflet and htmx. Nothing is fetched.
import { cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import * as sass from "sass";

const target = join("..", "static");
const modules = "node_modules";

async function scripts() {
  const sources = (await readdir("src")).filter((name) => name.endsWith(".entry.ts"));
  await build({
    entryPoints: sources.map((name) => ({
      in: join("src", name),
      out: name.replace(".entry.ts", ""),
    })),
    outdir: join(target, "js"),
    bundle: true,
    minify: true,
    sourcemap: true,
    target: "es2020",
    format: "iife",
  });
}

async function styles() {
  const css = sass.compile("styles/app.scss", {
    style: "compressed",
    loadPaths: [modules],
    silenceDeprecations: ["import", "global-builtin", "color-functions", "if-function"],
    quietDeps: true,
  });
  await mkdir(join(target, "css"), { recursive: true });
  await writeFile(join(target, "css", "app.css"), css.css);
}

async function fonts() {
  await mkdir(join(target, "fonts"), { recursive: true });
  for (const weight of [400, 500, 600, 700]) {
    for (const subset of ["latin", "latin-ext", "vietnamese"]) {
      const name = `be-vietnam-pro-${subset}-${weight}-normal.woff2`;
      await cp(
        join(modules, "@fontsource", "be-vietnam-pro", "files", name),
        join(target, "fonts", name),
      );
    }
  }
}

async function icons() {
  const names = (await readFile("icons.txt", "utf8")).split("\n").filter(Boolean);
  const symbols = await Promise.all(
    names.map(async (name) => {
      const svg = await readFile(join(modules, "bootstrap-icons", "icons", `${name}.svg`), "utf8");
      const inner = svg.replace(/^[\s\S]*?<svg[^>]*>/, "").replace(/<\/svg>\s*$/, "");
      return `<symbol id="${name}" viewBox="0 0 16 16">${inner.trim()}</symbol>`;
    }),
  );
  const sprite = `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>`;
  await writeFile(join(target, "icons.svg"), sprite);
}

async function leaflet() {
  const folder = join(target, "leaflet");
  await mkdir(folder, { recursive: true });
  for (const name of ["leaflet.js", "leaflet.css", "images"]) {
    await cp(join(modules, "leaflet", "dist", name), join(folder, name), { recursive: true });
  }
}

await rm(target, { recursive: true, force: true });
await mkdir(target, { recursive: true });
await Promise.all([scripts(), styles(), fonts(), icons(), leaflet()]);
