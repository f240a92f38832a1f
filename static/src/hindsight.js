// Looking back: of those to whom we gave this much, how many did it, once the outcomes are known.
import { el, setText } from "./dom.js";
import { percent } from "./i18n.js";
import { groupWords } from "./words/groups.js";
import { words } from "./words/page.js";

const LEAST_LEARNERS = 5; // fewer say more about single persons than about the figures
const FIFTHS = [0, 200, 400, 600, 800]; // tenths would be thirty bars
const LIKELY = [700, 1000]; // per mille: of whom the sentence speaks while no range is chosen

/** The rows of one week that touch a range (per mille, both ends included) as one row: {week, target, low, high, learners, happened}; null for none. */
export function addedUp(rows, [low, high]) {
  const inside = rows.filter((row) => row.low < Math.max(high, low + 1) && row.high > low);
  if (inside.length === 0) return null;
  const sum = (name) => inside.reduce((total, row) => total + row[name], 0);
  const [{ week, target }] = inside;
  return { week, target, low: Math.min(...inside.map((row) => row.low)), high: Math.max(...inside.map((row) => row.high)), learners: sum("learners"), happened: sum("happened") };
}

/** Of the weeks looked back at, the middle one: early enough for it to have been of use. */
export function rowsOfMiddleWeek(rows) {
  const weeks = [...new Set(rows.map((row) => row.week))].sort((a, b) => a - b);
  return rows.filter((row) => row.week === weeks[Math.floor((weeks.length - 1) / 2)]).sort((a, b) => a.low - b.low);
}

/** Where the learners of a row stand among those of all `rows`, the most likely first: {first, last, n, total}. */
export function placesOf({ high, learners }, rows) {
  const above = rows.filter((row) => row.low > high).reduce((sum, row) => sum + row.learners, 0);
  return { first: above + 1, last: above + learners, n: learners, total: rows.reduce((sum, row) => sum + row.learners, 0) };
}

export class Hindsight {
  constructor({ targets }) {
    this.targets = targets;
    this.said = "";
    this.ranges = {};
    this.parts = new Map(); // target -> {tenths, bars, sentence}
    this.body = el("div", { class: "engage-hindsight-body" });
    this.element = el("section", { class: "engage-card engage-hindsight", testid: "hindsight", hidden: true }, el("h4", { class: "engage-part-title" }, groupWords.hindsight()), el("p", { class: "engage-hint" }, groupWords.hindsightHint()), this.body);
  }

  /** Takes in the rows of the server: [{week, target, low, high, learners, happened}]. */
  take(rows) {
    const said = JSON.stringify(rows);
    if (said === this.said) return;
    this.said = said;
    this.parts.clear();
    for (const target of this.targets) {
      const tenths = rowsOfMiddleWeek(rows.filter((row) => row.target === target));
      const bars = FIFTHS.map((low) => addedUp(tenths, [low, low + 200])).filter((row) => row?.learners >= LEAST_LEARNERS);
      if (bars.length > 0) this.parts.set(target, { tenths, bars, sentence: el("p", { testid: `hindsight-${target}` }) });
    }
    this.element.hidden = this.parts.size === 0;
    this.body.replaceChildren(...[...this.parts].map(([target, part]) => el("div", { class: "engage-hindsight-target" }, part.sentence, el("ul", {}, ...part.bars.map((row) => bar(target, row, part.tenths))))));
    this.render(this.ranges);
  }

  /** Speaks of those in the ranges chosen: target -> [low, high] per mille. */
  render(ranges) {
    this.ranges = ranges;
    for (const [target, { tenths, bars, sentence }] of this.parts) {
      const found = addedUp(tenths, ranges[target] ?? LIKELY);
      const said = found?.learners >= LEAST_LEARNERS ? found : ranges[target] ? null : bars.at(-1);
      const inWords = (row) => (target === "leave" ? groupWords.hindsightRanks({ ...row, places: placesOf(row, tenths) }) : groupWords.hindsightRow(row));
      setText(sentence, said ? inWords(said) : groupWords.hindsightFew());
    }
  }
}

function bar(target, row, rows) {
  const { low, high, learners, happened } = row;
  const name = target === "leave" ? groupWords.hindsightPlaces(placesOf(row, rows)) : words.range(low, high);
  const fill = el("span", { class: `engage-meter-fill engage-fill-${target}` });
  fill.style.setProperty("inline-size", `${(100 * happened) / learners}%`);
  return el("li", {}, el("span", { class: "engage-hindsight-range" }, name), el("span", { class: "engage-meter", "aria-hidden": "true" }, fill), el("span", { class: "engage-quiet" }, percent((1000 * happened) / learners)));
}
