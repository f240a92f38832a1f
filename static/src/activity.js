// What a learner did, by week and kind: stacked bars, told apart by lightness as well as by colour.
import { svg } from "./dom.js";
import { number } from "./i18n.js";
import { peopleWords } from "./words/people.js";

const HEIGHT = 150;
const MARGIN = { top: 10, right: 8, bottom: 24, left: 44 };
const LEAST_TOP = 4;
const LEAST_LABEL = 26; // pixels that a week's number needs

/** The kinds, from the bottom up. */
export const KINDS = ["video", "problem", "forum", "other"];

/** The chart as an SVG element. `weeks`: [{week, total, kinds: {video, problem, forum, other}}]; `width` in pixels. */
export function activityChart(weeks, width) {
  const inner = { width: width - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom };
  const top = niceTop(Math.max(LEAST_TOP, ...weeks.map(({ total }) => total)));
  const step = inner.width / weeks.length;
  const thick = Math.max(2, Math.min(34, step - 3));
  const round = (value) => Math.round(value * 10) / 10;
  const tall = (count) => (inner.height * count) / top;

  const grid = [0, top / 2, top].map((value) => {
    const at = round(inner.height - tall(value));
    return svg("g", { class: "engage-grid" }, svg("line", { x1: 0, x2: inner.width, y1: at, y2: at }), svg("text", { x: -8, y: at, dy: "0.32em", "text-anchor": "end" }, number(value)));
  });
  const every = Math.ceil(LEAST_LABEL / step);
  const bars = weeks.map(({ week, total, kinds }, i) => {
    const x = round(i * step + (step - thick) / 2);
    let under = 0;
    const parts = KINDS.filter((kind) => kinds?.[kind] > 0).map((kind) => {
      under += kinds[kind];
      return svg("rect", { class: `engage-kind-${kind}`, x, y: round(inner.height - tall(under)), width: round(thick), height: round(tall(kinds[kind])) });
    });
    const label = i % every === 0 ? svg("text", { x: round(x + thick / 2), y: inner.height + 18, "text-anchor": "middle" }, number(week)) : null;
    return svg("g", { class: "engage-week" }, svg("title", {}, `${peopleWords.week(week)}: ${peopleWords.clicks(total)}`), ...parts, label);
  });
  const said = weeks.map(({ week, total }) => `${peopleWords.week(week)}: ${peopleWords.clicks(total)}`).join(", ");
  return svg("svg", { class: "engage-svg", width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": `${peopleWords.activity()}. ${said}` }, svg("g", { transform: `translate(${MARGIN.left},${MARGIN.top})` }, ...grid, ...bars));
}

/** The next even number of the sort 4, 10, 20, 40, 100 ... for the top of an axis. */
function niceTop(highest) {
  let size = 1;
  for (;;) {
    for (const nice of [2, 4, 10]) if (nice * size >= highest) return nice * size;
    size *= 10;
  }
}
