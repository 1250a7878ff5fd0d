// Builds ../static: scripts, styles, fonts, the icon sprite, Leaflet, htmx and the tablet's app.
// Nothing is fetched.
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

async function style(source, folder, name) {
  const css = sass.compile(join("styles", source), {
    style: "compressed",
    loadPaths: [modules],
    silenceDeprecations: ["import", "global-builtin", "color-functions", "if-function"],
    quietDeps: true,
  });
  await mkdir(join(target, folder), { recursive: true });
  await writeFile(join(target, folder, name), css.css);
}

// The tablet's app: one script and one style at first; what reads barcodes comes with the camera.
async function tablet() {
  const shared = { bundle: true, minify: true, sourcemap: true, target: "es2022" };
  const folder = join(target, "tablet");
  await mkdir(folder, { recursive: true });
  await build({
    ...shared,
    entryPoints: [{ in: "src/tablet/tablet.tsx", out: "tablet" }],
    outdir: folder,
    format: "esm",
    splitting: true,
    chunkNames: "[name]-[hash]",
    plugins: [tabletIcons],
  });
  await build({
    ...shared,
    entryPoints: [
      { in: "src/tablet/worker.ts", out: "sw" },
      { in: "src/tablet/early.ts", out: "early" },
    ],
    outdir: folder,
    format: "iife",
    sourcemap: false,
  });
  const reader = join(modules, "zxing-wasm", "dist", "reader", "zxing_reader.wasm");
  await cp(reader, join(folder, "zxing_reader.wasm"));
  await cp("icon.svg", join(folder, "icon.svg"));
  await style("tablet-app.scss", "tablet", "tablet.css");
}

// `import symbols from "tablet-icons"`: the icons of tablet-icons.txt as symbols of one sprite.
const tabletIcons = {
  name: "tablet-icons",
  setup(bundle) {
    bundle.onResolve({ filter: /^tablet-icons$/ }, ({ path }) => ({ path, namespace: "icons" }));
    bundle.onLoad({ filter: /.*/, namespace: "icons" }, async () => ({
      contents: (await symbolsOf("tablet-icons.txt")).join(""),
      loader: "text",
    }));
  },
};

// What the tablet's worker keeps, as addresses below /static/.
async function precacheList() {
  const scripts = (await readdir(join(target, "tablet")))
    .filter((name) => /\.(js|css|wasm|svg)$/.test(name) && name !== "sw.js")
    .map((name) => `tablet/${name}`);
  const faces = (await readdir(join(target, "fonts"))).map((name) => `fonts/${name}`);
  const kept = [...scripts, "js/theme.js", ...faces].sort();
  await writeFile(join(target, "tablet", "precache.json"), JSON.stringify(kept, null, 1));
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

async function symbolsOf(list) {
  const names = (await readFile(list, "utf8")).split("\n").filter(Boolean);
  return Promise.all(
    names.map(async (name) => {
      const svg = await readFile(join(modules, "bootstrap-icons", "icons", `${name}.svg`), "utf8");
      const inner = svg.replace(/^[\s\S]*?<svg[^>]*>/, "").replace(/<\/svg>\s*$/, "");
      return `<symbol id="${name}" viewBox="0 0 16 16">${inner.trim()}</symbol>`;
    }),
  );
}

async function icons() {
  const symbols = await symbolsOf("icons.txt");
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

// Documents set as PDF need whole fonts, not the parts that browsers load.
async function paperFonts() {
  const folder = join(target, "paper-fonts");
  await mkdir(folder, { recursive: true });
  const tinos = join(modules, "@expo-google-fonts", "tinos");
  for (const name of ["400Regular", "400Regular_Italic", "700Bold", "700Bold_Italic"]) {
    await cp(join(tinos, name, `Tinos_${name}.ttf`), join(folder, `Tinos_${name}.ttf`));
  }
}

await rm(target, { recursive: true, force: true });
await mkdir(target, { recursive: true });
const page = style("app.scss", "css", "app.css");
await Promise.all([scripts(), page, fonts(), icons(), leaflet(), paperFonts(), tablet()]);
await precacheList();
