// Finds the texts of the block: what `gettext`, `ngettext` and `plural` are called with, in the page and in Python.
import { readFileSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";

const TEXT = String.raw`(?:"(?:[^"\\]|\\.)*"\s*)+`; // Python joins literals that stand side by side
const SINGLE = new RegExp(String.raw`\b(?:gettext|_)\(\s*(${TEXT}),?\s*\)`, "g");
const PLURAL = new RegExp(String.raw`\b(?:ngettext|plural)\(\s*(${TEXT}),\s*(${TEXT}),`, "g");

const joined = (literals) => [...literals.matchAll(/"(?:[^"\\]|\\.)*"/g)].map(([one]) => JSON.parse(one)).join("");

function* filesUnder(folder, ending) {
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesUnder(path, ending);
    else if (entry.name.endsWith(ending)) yield path;
  }
}

/** Text -> {plural: text or null, places: [files], isPage: said by the page's script?}, in the order in which they are met. */
export function textsOf(root) {
  const texts = new Map();
  const add = (text, plural, path) => {
    const known = texts.get(text) ?? { plural, places: [], isPage: false };
    const place = relative(root, path);
    if (!known.places.includes(place)) known.places.push(place);
    known.isPage ||= path.endsWith(".js");
    known.plural ??= plural;
    texts.set(text, known);
  };
  const files = [...filesUnder(join(root, "static/src"), ".js"), ...filesUnder(join(root, "engage_xblock"), ".py")];
  for (const path of files) {
    const source = readFileSync(path, "utf8");
    const found = [
      ...[...source.matchAll(SINGLE)].map((match) => [match.index, joined(match[1]), null]),
      ...[...source.matchAll(PLURAL)].map((match) => [match.index, joined(match[1]), joined(match[2])]),
    ];
    for (const [, text, plural] of found.sort((a, b) => a[0] - b[0])) add(text, plural, path);
  }
  return texts;
}
