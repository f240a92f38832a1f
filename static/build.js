// Bundles the page and Studio's form into engage_xblock/public, or into the folder given as the first argument.
import { build } from "esbuild";
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const outdir = process.argv[2] ? resolve(process.argv[2]) : resolve(here, "../engage_xblock/public");

const notice = `/*! Engage, Apache-2.0. Source: static/src. Bundled with d3-array, d3-axis, d3-brush, d3-scale, d3-selection and what
they need (Copyright 2010-2023 Mike Bostock, ISC) and crossfilter2 (Copyright 2012-2016 Mike Bostock and contributors, Apache-2.0). */`;

// What d3-brush and d3-scale bring along and this page never uses is a fifth of the bundle; docs/decisions/0011.
const light = {
  name: "light",
  setup: ({ onResolve }) => onResolve({ filter: /^d3-(transition|interpolate|format)$/ }, ({ path }) => ({ path: resolve(here, "light", `${path.slice(3)}.js`) })),
};

// The oldest that know all that the page needs of its browser: container queries, AbortSignal.timeout.
const browsers = ["chrome109", "firefox115", "safari16"];

await build({
  absWorkingDir: here,
  plugins: [light],
  entryPoints: { communicator: "src/index.js", studio: "src/studio.js", author: "src/author.js", mine: "src/mine.js" },
  outdir,
  bundle: true,
  minify: true,
  format: "iife",
  target: browsers,
  charset: "utf8",
  legalComments: "none",
  banner: { js: notice },
  logLevel: "warning",
});
// LMS and Studio style bare tags below several class names and an id. Every rule of ours gets the weight of two more ids,
// by a selector that matches nothing: so it outranks theirs, and our rules keep their order among themselves.
const outranking = {
  name: "outranking",
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.css$/ }, async ({ path }) => ({
      loader: "css",
      contents: (await readFile(path, "utf8")).replace(/\.engage-(?:communicator|studio)(?![\w-])/g, (root) => `:is(${root}, #engage#engage)`),
    })),
};

await build({
  absWorkingDir: here,
  plugins: [outranking],
  entryPoints: { communicator: "src/communicator.css" },
  outdir,
  bundle: true,
  minify: true,
  target: browsers,
  logLevel: "warning",
});
