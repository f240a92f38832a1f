// Catalogues: gettext's .po read and written, .mo written, and the script with which a page loads one language.

export const PLURAL_FORMS = { de: "nplurals=2; plural=(n != 1);", en: "nplurals=2; plural=(n != 1);" };

/** Text -> [translation, translation of the plural]; "" where there is none yet. */
export function readPo(source) {
  const entries = new Map();
  for (const block of source.split(/\n{2,}/)) {
    const fields = { msgid: "", msgid_plural: null, "msgstr[0]": "", "msgstr[1]": "" };
    for (const [, name, text] of block.matchAll(/^(msgid|msgid_plural|msgstr|msgstr\[[01]\]) (".*")$/gm)) {
      fields[name === "msgstr" ? "msgstr[0]" : name] = JSON.parse(text);
    }
    if (fields.msgid !== "") entries.set(fields.msgid, [fields["msgstr[0]"], fields["msgstr[1]"]]);
  }
  return entries;
}

const headerOf = (language) => `Project-Id-Version: openedx-engage\nLanguage: ${language}\nMIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\nPlural-Forms: ${PLURAL_FORMS[language]}\n`;

/** A .po of these texts (as `textsOf` finds them) with the translations known. */
export function writePo(language, texts, known) {
  const blocks = [`# Engage. Texts are found and files are made by \`npm run strings\` in static/.\nmsgid ""\nmsgstr ""\n${headerOf(language).trimEnd().split("\n").map((line) => JSON.stringify(`${line}\n`)).join("\n")}`];
  for (const [text, { plural, places }] of texts) {
    const [one, many] = known.get(text) ?? ["", ""];
    const lines = [`#: ${places.join(" ")}`, `msgid ${JSON.stringify(text)}`];
    if (plural === null) lines.push(`msgstr ${JSON.stringify(one)}`);
    else lines.push(`msgid_plural ${JSON.stringify(plural)}`, `msgstr[0] ${JSON.stringify(one)}`, `msgstr[1] ${JSON.stringify(many)}`);
    blocks.push(lines.join("\n"));
  }
  return `${blocks.join("\n\n")}\n`;
}

/** A .mo (GNU gettext's binary form) of the translated texts: what Python reads. */
export function writeMo(language, texts, known) {
  const pairs = [["", headerOf(language)]];
  for (const [text, { plural }] of texts) {
    const [one, many] = known.get(text) ?? ["", ""];
    if (one !== "") pairs.push(plural === null ? [text, one] : [`${text}\0${plural}`, `${one}\0${many}`]);
  }
  const bytes = pairs.map((pair) => pair.map((text) => Buffer.from(text, "utf8"))).sort((a, b) => Buffer.compare(a[0], b[0]));
  const head = Buffer.alloc(28 + 16 * bytes.length);
  [0x950412de, 0, bytes.length, 28, 28 + 8 * bytes.length, 0, 28 + 16 * bytes.length].forEach((value, i) => head.writeUInt32LE(value, 4 * i));
  const body = [];
  let at = head.length;
  for (const side of [0, 1]) {
    bytes.forEach((pair, i) => {
      head.writeUInt32LE(pair[side].length, 28 + 8 * (side * bytes.length + i));
      head.writeUInt32LE(at, 32 + 8 * (side * bytes.length + i));
      body.push(pair[side], Buffer.from([0]));
      at += pair[side].length + 1;
    });
  }
  return Buffer.concat([head, ...body]);
}

/** The script that gives a page `EngageI18N`, as the platform's own command makes it: `gettext`, `ngettext`. */
export function writeScript(language, texts, known) {
  const said = {};
  for (const [text, { plural, isPage }] of texts) {
    const [one, many] = known.get(text) ?? ["", ""];
    if (isPage && one !== "") said[text] = plural === null ? one : [one, many];
  }
  return `// Engage in the language "${language}"; made by \`npm run strings\` in static/.
(function (global) {
  var catalogue = ${JSON.stringify(said, null, 1)};
  var first = function (said) { return typeof said === "string" ? said : said[0]; };
  global.EngageI18N = {
    gettext: function (text) { return text in catalogue ? first(catalogue[text]) : text; },
    ngettext: function (one, many, count) {
      var said = catalogue[one];
      if (said === undefined) return count === 1 ? one : many;
      return typeof said === "string" ? said : said[count === 1 ? 0 : 1];
    },
  };
})(this);
`;
}

const LATIN = "abcdefghijklmnopqrstuvwxyz";
const ARABIC = "ابجدهفزحطيكلمنسعصقرتثخذضظغ";

/** A text of letters that run from right to left, for looking at the page as such languages show it. */
export const mirrored = (text) =>
  text.replace(/\{\w+\}|[a-z]/gi, (found) => (found.length > 1 ? found : ARABIC[LATIN.indexOf(found.toLowerCase())]));
