// Looking back: of those to whom we gave this much, how many did it, once the outcomes are known.
import { el } from "./dom.js";
import { percent } from "./i18n.js";
import { groupWords } from "./words/groups.js";
import { words } from "./words/page.js";

const LEAST_LEARNERS = 5; // fewer say more about single persons than about the figures

export class Hindsight {
  constructor({ targets }) {
    this.targets = targets;
    this.said = "";
    this.body = el("div", { class: "engage-hindsight-body" });
    this.element = el("section", { class: "engage-card engage-hindsight", testid: "hindsight", hidden: true }, el("h4", { class: "engage-part-title" }, groupWords.hindsight()), el("p", { class: "engage-hint" }, groupWords.hindsightHint()), this.body);
  }

  /** Takes in the rows of the server: [{week, target, low, high, learners, happened}]. */
  take(rows) {
    const said = JSON.stringify(rows);
    if (said === this.said) return;
    this.said = said;
    const telling = rows.filter((row) => row.learners >= LEAST_LEARNERS && this.targets.includes(row.target));
    this.element.hidden = telling.length === 0;
    this.body.replaceChildren(...this.targets.map((target) => this.#target(target, telling.filter((row) => row.target === target))).filter(Boolean));
  }

  #target(target, rows) {
    if (rows.length === 0) return null;
    // The sentence speaks of the highest figures at the middle of the weeks known: early enough to have been of use.
    const weeks = [...new Set(rows.map((row) => row.week))].sort((a, b) => a - b);
    const week = weeks[Math.floor((weeks.length - 1) / 2)];
    const ofWeek = rows.filter((row) => row.week === week);
    const best = ofWeek.reduce((one, other) => (other.high > one.high ? other : one));
    const bars = ofWeek
      .sort((a, b) => a.low - b.low)
      .map((row) => {
        const fill = el("span", { class: `engage-meter-fill engage-fill-${target}` });
        fill.style.setProperty("inline-size", `${(100 * row.happened) / row.learners}%`);
        return el("li", {}, el("span", { class: "engage-hindsight-range" }, words.range(row.low, row.high)), el("span", { class: "engage-meter", "aria-hidden": "true" }, fill), el("span", { class: "engage-quiet" }, percent((1000 * row.happened) / row.learners)));
      });
    return el("div", { class: "engage-hindsight-target" }, el("p", { testid: `hindsight-${target}` }, groupWords.hindsightRow(best)), el("ul", {}, ...bars));
  }
}
