// Probabilities by day as they were shown: a line for each target, told apart by colour, dash and the name at its end.
import { line } from "./path.js";
import { svg } from "./dom.js";
import { IN_PERCENT, NONE, cleanPerMille } from "./figures.js";
import { courseDay } from "./i18n.js";
import { peopleWords } from "./words/people.js";
import { words } from "./words/page.js";

const HEIGHT = 190;
const MARGIN = { top: 10, right: 104, bottom: 24, left: 44 };
const LEAST_BETWEEN_NAMES = 15;

/** The chart as an SVG element. `weeks`: [{day, certify, complete, leave}], oldest first; `width` in pixels. */
export function weeksChart(weeks, width, targets = IN_PERCENT) {
  const inner = { width: width - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom };
  const times = weeks.map(({ day }) => Date.parse(day));
  const [first, last] = [times[0], times.at(-1)];
  const x = (time) => (last === first ? inner.width : ((time - first) / (last - first)) * inner.width);
  const y = (perMille) => inner.height * (1 - perMille / 1000);
  const round = (value) => Math.round(value * 10) / 10;

  const grid = [0, 250, 500, 750, 1000].map((value) =>
    svg("g", { class: "engage-grid" }, svg("line", { x1: 0, x2: inner.width, y1: round(y(value)), y2: round(y(value)) }), svg("text", { x: -8, y: round(y(value)), dy: "0.32em", "text-anchor": "end" }, words.percent(value / 10))),
  );
  const ticks = (last === first ? [last] : [first, (first + last) / 2, last]).map((time, i, all) =>
    svg("text", { class: "engage-tick-text", x: round(x(time)), y: inner.height + 18, "text-anchor": all.length > 1 && i === 0 ? "start" : i === all.length - 1 ? "end" : "middle" }, courseDay(time)),
  );
  const series = targets.map((target) => {
    const points = weeks.map((week, i) => [x(times[i]), cleanPerMille(week[target])]).filter(([, value]) => value !== NONE).map(([at, value]) => [round(at), round(y(value))]);
    return { target, points };
  }).filter(({ points }) => points.length > 0);
  const lines = series.map(({ target, points }) =>
    svg("g", { class: `engage-line engage-line-${target}` }, svg("path", { d: line(points) }), svg("circle", { cx: points.at(-1)[0], cy: points.at(-1)[1], r: 3.5 })),
  );
  const names = apart(series.map(({ target, points }) => ({ target, y: points.at(-1)[1] }))).map(({ target, y: at }) =>
    svg("text", { class: `engage-line-name engage-line-${target}`, x: inner.width + 10, y: round(at), dy: "0.32em" }, peopleWords.column(target)),
  );
  const now = targets.map((target) => peopleWords.probability(target, cleanPerMille(weeks.at(-1)[target]))).join(", ");
  return svg(
    "svg",
    { class: "engage-svg", width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": `${peopleWords.weeks()}. ${courseDay(last)}: ${now}` },
    svg("g", { transform: `translate(${MARGIN.left},${MARGIN.top})` }, ...grid, ...ticks, ...lines, ...names),
  );
}

/** Moves names that would lie on each other apart. */
function apart(names) {
  const sorted = [...names].sort((a, b) => a.y - b.y);
  for (let i = 1; i < sorted.length; i += 1) sorted[i].y = Math.max(sorted[i].y, sorted[i - 1].y + LEAST_BETWEEN_NAMES);
  const over = sorted.length > 0 ? Math.max(0, sorted.at(-1).y - (HEIGHT - MARGIN.top - MARGIN.bottom)) : 0;
  return sorted.map((name) => ({ ...name, y: name.y - over }));
}
