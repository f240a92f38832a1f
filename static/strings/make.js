// `npm run strings`: finds the texts, keeps the catalogues in step with them, and compiles what LMS and page load.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { mirrored, readPo, writeMo, writePo, writeScript } from "./catalogue.js";
import { textsOf } from "./extract.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const LANGUAGES = ["de"];
/** Open edX's name for its right-to-left test language. */
const MIRRORED = "rtl";

/** Path -> content of every file that is made, and the texts that a language does not have yet. */
export function made() {
  const texts = textsOf(root);
  const files = new Map();
  const missing = [];
  const po = (language) => `engage_xblock/conf/locale/${language}/LC_MESSAGES/text.po`;
  const script = (language) => `engage_xblock/public/js/translations/${language}/text.js`;
  files.set(po("en"), writePo("en", texts, new Map()));
  for (const language of LANGUAGES) {
    const path = join(root, po(language));
    const known = existsSync(path) ? readPo(readFileSync(path, "utf8")) : new Map();
    for (const [text, { plural }] of texts) {
      const [one, many] = known.get(text) ?? ["", ""];
      if (one === "" || (plural !== null && many === "")) missing.push(`${language}: ${text}`);
    }
    files.set(po(language), writePo(language, texts, known));
    files.set(po(language).replace(/po$/, "mo"), writeMo(language, texts, known));
    files.set(script(language), writeScript(language, texts, known));
  }
  const all = new Map([...texts].map(([text, { plural }]) => [text, [mirrored(text), mirrored(plural ?? text)]]));
  files.set(script(MIRRORED), writeScript(MIRRORED, texts, all));
  return { files, missing, root };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { files, missing } = made();
  for (const [path, content] of files) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  for (const text of missing) console.log(`not translated, ${text}`);
  console.log(`${files.size} files, ${missing.length} texts not translated`);
}
