// One histogram: grey bars for all, coloured ones for those selected, a brush, and two number fields that do the same.
import { max } from "d3-array";
import { axisBottom, axisLeft } from "d3-axis";
import { brushX } from "d3-brush";
import { scaleLinear } from "d3-scale";
import { select } from "d3-selection";
import { el, setText, uniqueId } from "./dom.js";
import { BINS, BIN_WIDTH, cleanRange } from "./figures.js";
import { number, shortNumber } from "./i18n.js";
import { Ranks } from "./ranks.js";
import { letFingersScroll } from "./touch.js";
import { words } from "./words/page.js";

const HEIGHT = 178;
const MARGIN = { top: 10, right: 18, bottom: 24, left: 40 };
const INNER = HEIGHT - MARGIN.top - MARGIN.bottom;
const LEAST_TOP = 4; // three learners do not fill a chart
const LEAST_BAR = 2; // a single learner among 100,000 is still seen
const STEP = 10; // per mille: what an arrow key moves a handle by, and the least width of a range
const LEAP = 100;
const KEYS = { ArrowLeft: -STEP, ArrowDown: -STEP, ArrowRight: STEP, ArrowUp: STEP, PageDown: -LEAP, PageUp: LEAP, Home: -1000, End: 1000 };

export class Histogram {
  /** `onRange(range)` hears what the person chose: [low, high] per mille or null. */
  constructor({ target, onRange, onBrushing }) {
    this.target = target;
    this.onRange = onRange;
    this.onBrushing = onBrushing;
    this.range = null;
    this.data = null;
    this.title = words.target(target);
    this.isRank = target === "leave"; // in per mille inside, and a rank in what is said
    this.ranks = new Ranks();
    this.x = scaleLinear().domain([0, 1000]);
    this.y = scaleLinear().range([INNER, 0]);
    this.#build();
    this.resizing = new ResizeObserver(() => this.#resize());
    this.resizing.observe(this.plot);
  }

  destroy() {
    this.resizing.disconnect();
  }

  /** Shows counts by bin: `{all, selected, without}`. Leaves the brush alone. `fact`: what is known beside `leave`, or null. */
  render({ all, selected, without }, { ranks = this.ranks, fact = null } = {}) {
    this.data = { all, selected };
    setText(this.without, without > 0 ? words.without(without) : "");
    if (this.isRank) {
      this.ranks = ranks;
      this.#sayRange();
      this.#describeHandles();
      setText(this.fact, fact ? words.leaveFact(fact) : "");
      setText(this.share, ranks.correction ? words.leaveShare() : "");
    }
    this.#draw();
  }

  /** Says in words, for those who do not see the bars, how many of how many are selected. */
  describe(count, total) {
    const text = this.isRank ? words.chartOfRanks(this.title, count, total) : words.chart(this.title, count, total);
    if (this.svg.attr("aria-label") !== text) this.svg.attr("aria-label", text);
  }

  /** Shows a range that was chosen elsewhere, or none. */
  setRange(range, { from = null } = {}) {
    this.range = range;
    this.element.classList.toggle("engage-chart-ranged", range !== null);
    this.reset.disabled = range === null;
    this.#sayRange({ inFields: from !== "fields" });
    if (from !== "fields") this.#judgeFields(true);
    if (from !== "brush") this.#placeBrush();
    this.#describeHandles();
  }

  /** Says the range above the chart and in the two fields; a range of ranks moves with the figures, but under no hand. */
  #sayRange({ inFields = !this.fields.includes(document.activeElement) } = {}) {
    const { range } = this;
    const places = this.isRank && range ? this.ranks.within(range) : null;
    setText(this.chosen, places ? words.places(places) : range ? words.range(...range) : words.everyone());
    if (!inFields) return;
    const ends = places ? (places.n > 0 ? [places.first, places.last] : ["", ""]) : range ? range.map((end) => Math.round(end / 10)) : ["", ""];
    this.fields.forEach((field, end) => {
      field.value = String(ends[end]);
    });
  }

  #build() {
    const hintId = uniqueId("hint");
    this.chosen = el("span", { class: "engage-chart-range", testid: `range-${this.target}` });
    this.reset = el(
      "button",
      { type: "button", class: "engage-link", testid: `reset-${this.target}`, "aria-label": words.resetChart(this.title), on: { click: () => this.onRange(null) } },
      words.reset(),
    );
    this.fields = [0, 1].map((end) =>
      el("input", {
        type: "number",
        class: "engage-field",
        min: this.isRank ? "1" : "0",
        max: this.isRank ? null : "100",
        step: "1",
        inputmode: "numeric",
        placeholder: this.isRank ? (end === 0 ? "1" : "") : end === 0 ? "0" : "100",
        testid: `${end === 0 ? "from" : "to"}-${this.target}`,
        "aria-label": this.isRank ? words.rankLabel(this.title, end) : words.fieldLabel(this.title, end),
        on: { input: () => this.#readFields() },
      }),
    );
    this.problem = el("p", { class: "engage-problem", role: "alert" });
    this.without = el("p", { class: "engage-chart-note", testid: `without-${this.target}` });
    this.fact = this.isRank ? el("p", { class: "engage-chart-note engage-chart-fact", testid: "leave-fact", title: words.leaveFactHint() }) : null;
    this.share = this.isRank ? el("p", { class: "engage-chart-note", testid: "leave-share" }) : null;
    this.plot = el("div", { class: "engage-plot" });
    this.element = el(
      "section",
      { class: `engage-chart engage-chart-${this.target}`, testid: `chart-${this.target}`, "aria-describedby": hintId },
      el("header", { class: "engage-chart-head" }, el("h4", { class: "engage-chart-title" }, this.title), this.chosen),
      el("p", { class: "engage-chart-hint", id: hintId }, words.hint(this.target)),
      this.plot,
      el(
        "div",
        { class: "engage-fields" },
        el("span", { "aria-hidden": "true" }, this.isRank ? words.fromRank() : words.from()),
        this.fields[0],
        el("span", { "aria-hidden": "true" }, words.to()),
        this.fields[1],
        this.isRank ? null : el("span", { "aria-hidden": "true" }, "%"),
        this.reset,
      ),
      this.problem,
      this.fact,
      this.share,
      this.without,
    );

    this.svg = select(this.plot).append("svg").attr("class", "engage-svg").attr("role", "group").attr("height", HEIGHT);
    const inner = this.svg.append("g").attr("transform", `translate(${MARGIN.left},${MARGIN.top})`);
    this.yAxis = inner.append("g").attr("class", "engage-axis engage-axis-y").attr("aria-hidden", "true");
    const bars = (name) =>
      inner
        .append("g")
        .attr("class", `engage-bars-${name}`)
        .attr("aria-hidden", "true")
        .selectAll("rect")
        .data(Array.from({ length: BINS }, (_, bin) => bin))
        .join("rect")
        .attr("data-bin", (bin) => bin)
        .attr("rx", 1.5)
        .attr("y", INNER)
        .attr("height", 0);
    this.bars = { all: bars("all"), selected: bars("selected") };
    this.xAxis = inner.append("g").attr("class", "engage-axis engage-axis-x").attr("aria-hidden", "true").attr("transform", `translate(0,${INNER})`);
    this.brush = brushX()
      .handleSize(8)
      .on("start brush end", (event) => this.#brushed(event));
    this.brushGroup = inner.append("g").attr("class", "engage-brush").attr("data-testid", `brush-${this.target}`);
    this.fingerScrolled = letFingersScroll(this.svg.node());
    this.setRange(null);
  }

  #resize() {
    const width = Math.floor(this.plot.clientWidth);
    if (width < 80 || width === this.width) return;
    this.width = width;
    this.svg.attr("width", width).attr("viewBox", `0 0 ${width} ${HEIGHT}`);
    const inner = width - MARGIN.left - MARGIN.right;
    this.x.range([0, inner]);
    const step = inner / BINS;
    for (const rects of Object.values(this.bars)) {
      rects.attr("x", (bin) => this.x(bin * BIN_WIDTH) + 1).attr("width", Math.max(1, step - 2));
    }
    this.xAxis.call(this.#axis());
    if (this.isRank) this.xAxis.selectAll("text").attr("text-anchor", (end) => (end === 0 ? "start" : "end"));
    this.brush.extent([
      [0, 0],
      [inner, INNER],
    ]);
    this.brushGroup.call(this.brush);
    this.#readyHandles();
    this.#placeBrush();
    this.#draw();
  }

  /** Percentages; of ranks the ends are named, and no number stands where it would not hold. */
  #axis() {
    const axis = axisBottom(this.x).tickSize(4).tickPadding(5);
    if (this.isRank) return axis.tickValues([0, 1000]).tickFormat((end) => (end === 0 ? words.leastLikely() : words.mostLikely()));
    return axis.tickValues([0, 200, 400, 600, 800, 1000]).tickFormat((v) => `${v / 10}${v === 1000 ? " %" : ""}`);
  }

  /** The two handles take the keyboard: each is a slider, and moves with the arrow keys. */
  #readyHandles() {
    this.handles = ["w", "e"].map((side, end) =>
      this.brushGroup
        .select(`.handle--${side}`)
        .attr("tabindex", 0)
        .attr("role", "slider")
        .attr("aria-label", words.handle(this.title, end))
        .attr("aria-valuemin", 0)
        .attr("aria-valuemax", 100)
        .attr("data-testid", `handle-${end === 0 ? "from" : "to"}-${this.target}`)
        .on("keydown.engage", (event) => this.#pressed(event, end)),
    );
    this.#describeHandles();
  }

  #describeHandles() {
    this.handles?.forEach((handle, end) => {
      const figure = (this.range ?? [0, 1000])[end];
      const value = Math.round(figure / 10);
      const text = this.isRank ? words.handleAt(this.ranks.above[figure], this.ranks.total) : words.percent(value);
      handle.attr("aria-valuenow", value).attr("aria-valuetext", text);
    });
  }

  #pressed(event, end) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Escape" && this.range) {
      event.stopPropagation();
      this.onRange(null, "keys");
      return;
    }
    const move = KEYS[event.key];
    if (move === undefined) return;
    event.preventDefault();
    const range = [...(this.range ?? [0, 1000])];
    const [least, most] = end === 0 ? [0, range[1] - STEP] : [range[0] + STEP, 1000];
    range[end] = Math.min(most, Math.max(least, range[end] + move));
    this.onRange(range[0] === 0 && range[1] === 1000 ? null : range, "keys");
  }

  #draw() {
    if (!this.data || !this.width) return;
    const { all, selected } = this.data;
    const highest = Math.max(LEAST_TOP, max(all));
    if (highest !== this.highest) {
      this.highest = highest;
      this.y.domain([0, highest]).nice(4);
      const whole = this.y.ticks(4).filter(Number.isInteger);
      const inner = this.width - MARGIN.left - MARGIN.right;
      this.yAxis.call(axisLeft(this.y).tickValues(whole).tickFormat(whole.at(-1) < 10000 ? number : shortNumber).tickSize(-inner).tickPadding(6));
    }
    this.#raise(this.bars.all, all);
    this.#raise(this.bars.selected, selected);
  }

  #raise(rects, counts) {
    const { y } = this;
    rects.each(function raise(bin) {
      const count = counts[bin];
      if (this.engageCount === count && this.engageTop === y.domain()[1]) return; // most bars stay as they were
      this.engageCount = count;
      this.engageTop = y.domain()[1];
      const height = count > 0 ? Math.max(LEAST_BAR, INNER - y(count)) : 0;
      this.setAttribute("data-count", count);
      this.setAttribute("y", INNER - height);
      this.setAttribute("height", height);
    });
  }

  #brushed(event) {
    if (!event.sourceEvent) return; // our own placing, not the person's hand
    if (event.type === "start") {
      this.onBrushing(true);
      this.before = this.range;
    }
    if (event.type === "end") this.onBrushing(false);
    // A finger that turns out to scroll the page has not meant to choose anybody.
    const { type } = event.sourceEvent;
    const scrolled = type === "touchcancel" || (type === "touchend" && this.fingerScrolled());
    const range = scrolled ? this.before : event.selection && this.#toRange(event.selection);
    // The first touch has no width yet: it becomes a range when it moves, and nothing when it does not.
    if (event.type === "start" && event.selection && event.selection[0] === event.selection[1]) return;
    if (String(range) !== String(this.range)) this.onRange(range, "brush");
    if (event.type === "end") this.#placeBrush();
  }

  /** Pixels to whole percentages, at least one wide; all of the axis is no range, so that nobody is left out by it. */
  #toRange([left, right]) {
    const low = Math.min(99, Math.round(this.x.invert(left) / 10));
    const high = Math.max(low + 1, Math.round(this.x.invert(right) / 10));
    return low === 0 && high === 100 ? null : cleanRange(low * 10, high * 10);
  }

  /** Without a range the handles wait at both ends: something to take hold of. */
  #placeBrush() {
    if (!this.width) return;
    this.brushGroup.call(this.brush.move, (this.range ?? [0, 1000]).map((end) => this.x(end)));
  }

  #readFields() {
    const [from, to] = this.fields.map((field) => (field.value === "" ? NaN : Number(field.value)));
    if (this.fields.some((field) => field.validity.badInput)) return;
    if (Number.isNaN(from) && Number.isNaN(to)) {
      this.#judgeFields(true);
      this.onRange(null, "fields");
      return;
    }
    const range = this.isRank ? this.#toFigures(from, to) : cleanRange(10 * (Number.isNaN(from) ? 0 : from), 10 * (Number.isNaN(to) ? 100 : to));
    this.#judgeFields(range !== null);
    if (range) this.onRange(range, "fields");
  }

  /** Ranks as figures; null where they run backwards. All ranks are no range, so that nobody is left out by it. */
  #toFigures(from, to) {
    const [first, last] = [Number.isNaN(from) ? 1 : Math.max(1, Math.round(from)), Number.isNaN(to) ? this.ranks.total : Math.round(to)];
    return first <= last && first <= this.ranks.total ? this.ranks.range(first, last) : null;
  }

  #judgeFields(good) {
    for (const field of this.fields) {
      if (good) field.removeAttribute("aria-invalid");
      else field.setAttribute("aria-invalid", "true");
    }
    setText(this.problem, good ? "" : words.wrongRange());
  }
}
