// The chart parts, drawn without a browser and compared with the SVGs that are stored beside this file.
// `UPDATE=1 npm test` stores them anew: look at them before you commit.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { parseHTML } from "linkedom";

const { document, window } = parseHTML('<!doctype html><html lang="en"><body></body></html>');
const WIDTH = 360;
Object.assign(globalThis, { document, window, navigator: { maxTouchPoints: 0 }, ResizeObserver: class { constructor(seen) { this.seen = seen; } observe() { this.seen(); } disconnect() {} } });
Object.defineProperty(window.HTMLElement.prototype, "clientWidth", { get: () => WIDTH });
const { activityChart } = await import("../src/activity.js");
const { Histogram } = await import("../src/histogram.js");
const { weeksChart } = await import("../src/weeks.js");

/** Compares an SVG with the stored one of this name. */
function looksAsStored(name, element) {
  const place = new URL(`./stored/${name}.svg`, import.meta.url);
  const drawn = `${element.outerHTML.replaceAll("><", ">\n<")}\n`;
  if (process.env.UPDATE) writeFileSync(place, drawn);
  assert.equal(drawn, readFileSync(place, "utf8"), `static/test/stored/${name}.svg`);
}

function histogram(all, selected, range) {
  const chart = new Histogram({ target: "certify", onRange: () => {}, onBrushing: () => {} });
  chart.setRange(range);
  chart.render({ all, selected, without: 0 });
  chart.describe(selected.reduce((a, b) => a + b, 0), all.reduce((a, b) => a + b, 0));
  return chart;
}

const STEPS = Array.from({ length: 20 }, (_, bin) => (bin * 7) % 23);

test("a histogram with a range", () => {
  const inside = STEPS.map((count, bin) => (bin >= 12 && bin < 16 ? count : 0));
  looksAsStored("histogram-range", histogram(STEPS, inside, [600, 800]).svg.node());
});

test("a histogram of three learners has whole numbers beside it, and one of 100,000 short ones", () => {
  const three = STEPS.map((_, bin) => (bin % 8 === 1 ? 1 : 0));
  looksAsStored("histogram-three", histogram(three, three, null).svg.node());
  const many = STEPS.map((count, bin) => (bin === 0 ? 1 : count * 1000));
  looksAsStored("histogram-many", histogram(many, many.map(() => 0), null).svg.node());
});

test("a learner's predictions by week, one of them missing", () => {
  const weeks = [[100, 300, 900], [150, null, 850], [400, 380, 500], [420, 410, 2000]].map(([certify, complete, leave], i) => ({ day: `2013-03-${10 + 7 * i}`, certify, complete, leave }));
  looksAsStored("weeks", weeksChart(weeks, WIDTH));
});

test("one day is enough for a chart by week", () => {
  looksAsStored("weeks-one", weeksChart([{ day: "2013-03-10", certify: 100, complete: 300, leave: null }], WIDTH));
});

test("a learner's activity by week and kind, a silent week among them", () => {
  const weeks = [[3, 8, 0, 2], [0, 0, 0, 0], [10, 20, 5, 31]].map(([video, problem, forum, other], i) => ({ week: i + 1, total: video + problem + forum + other, kinds: { video, problem, forum, other } }));
  looksAsStored("activity", activityChart(weeks, WIDTH));
});

test("the number fields and the keys say the same range as the brush, and nonsense says none", () => {
  const heard = [];
  const chart = new Histogram({ target: "leave", onRange: (range) => { heard.push(range); chart.setRange(range); }, onBrushing: () => {} });
  const press = (end, key) => {
    const event = new window.Event("keydown", { bubbles: true });
    event.key = key;
    chart.handles[end].node().dispatchEvent(event);
  };
  press(0, "ArrowRight");
  press(0, "PageUp");
  press(1, "ArrowLeft");
  press(0, "End");
  press(1, "End");
  press(0, "Escape");
  assert.deepEqual(heard, [[10, 1000], [110, 1000], [110, 990], [980, 990], [980, 1000], null]);
});
