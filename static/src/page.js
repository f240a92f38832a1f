// The page: lays out its parts, and says which of its states it is in.
import { el, setText } from "./dom.js";
import { Feed } from "./feed.js";
import { SHOWN_STATES, STATES, TARGETS } from "./figures.js";
import { Histogram } from "./histogram.js";
import { Selection } from "./selection.js";
import { statusOf } from "./status.js";
import { Store } from "./store.js";
import { ROWS, Table } from "./table.js";
import { number, words } from "./words.js";

const TABLE_REST_MS = 80; // the table follows when the brush rests: charts and counts come first
const PILL_EVERY_MS = 1000;
const CLOSED = ["forbidden", "signed_out", "missing"];
const TROUBLED = ["failing", "unreadable", "offline"];

export class Page {
  /** `config`: {course, predictionsUrl, pollMs}; `surroundings` as Feed takes them. */
  constructor(root, config, surroundings) {
    this.root = root;
    this.selection = new Selection(new Store());
    this.phase = config.predictionsUrl ? "loading" : "noCourse";
    this.news = null; // of the last answer: {asOf, model, calibrated, total, consumer, receivedAt}
    this.changed = new Set();
    this.#build();
    if (config.predictionsUrl) {
      this.feed = new Feed({
        url: config.predictionsUrl,
        pollMs: config.pollMs,
        surroundings,
        onAnswer: (answer, about) => this.#take(answer, about),
        onPhase: ({ phase }) => this.#enter(phase),
      });
      this.feed.start();
      this.ticking = setInterval(() => surroundings.isVisible() && this.#showStatus(), PILL_EVERY_MS);
    }
    this.#show();
  }

  destroy() {
    this.feed?.stop();
    clearInterval(this.ticking);
    clearTimeout(this.resting);
    cancelAnimationFrame(this.frame);
    TARGETS.forEach((target) => this.charts[target].destroy());
  }

  #take(answer, { whole }) {
    const changed = this.selection.apply(answer, { whole });
    for (const pseudonym of changed) this.changed.add(pseudonym);
    this.news = {
      asOf: answer.as_of,
      model: answer.model,
      calibrated: answer.calibrated === true,
      total: answer.total,
      consumer: answer.consumer,
      receivedAt: performance.now(),
    };
  }

  #enter(phase) {
    this.phase = phase;
    if (CLOSED.includes(phase)) {
      // Who may not see the learners (any more) does not keep them in the page.
      this.selection.apply({ learners: [], state: [], certify: [], complete: [], leave: [] }, { whole: true });
      this.news = null;
      }
    this.#show();
  }

  /** Which message takes the place of the charts; null when the charts are to be seen. */
  #message() {
    const { phase, news } = this;
    if (phase === "loading" || phase === "noCourse" || CLOSED.includes(phase)) return phase;
    if (!news) return TROUBLED.includes(phase) ? phase : "loading";
    if (news.total === 0) return "noLearners";
    if (news.model === null) return "noModel";
    if (news.asOf === null) return "noEvents";
    return null;
  }

  #show() {
    const message = this.#message();
    this.root.dataset.engagePage = message ?? "charts";
    this.#showStatus();
    const known = message === null || message === "noEvents";
    this.board.hidden = message !== null && message !== "loading";
    this.board.setAttribute("aria-busy", String(message === "loading"));
    this.root.classList.toggle("engage-skeleton", message === "loading");
    this.chips.hidden = !known && message !== "loading";
    this.notice.hidden = !(message === null && !this.news.calibrated);
    this.box.hidden = message === null || message === "loading";
    if (message !== null && message !== "loading") {
      const [title, text] = words.message[message]();
      setText(this.boxTitle, title);
      setText(this.boxText, text);
      this.boxRetry.hidden = ![...TROUBLED, ...CLOSED].includes(message);
    }
    this.#showChips();
    if (message === null) this.#showFigures();
  }

  #showStatus() {
    const { phase, news } = this;
    const { tone, label, advice } = statusOf({ phase, news, now: performance.now() });
    this.pill.dataset.tone = tone;
    this.pill.hidden = label === "" || phase === "noCourse";
    setText(this.pillText, label);
    setText(this.advice, advice);
    this.adviceLine.hidden = advice === "";
    this.adviceLine.dataset.tone = tone;
    this.adviceRetry.hidden = !TROUBLED.includes(phase);
  }

  #showChips() {
    const counts = this.selection.store.countStates();
    for (const [state, chip] of this.chipByState) {
      chip.button.setAttribute("aria-pressed", String(this.selection.states.has(state)));
      setText(chip.count, number(counts[STATES.indexOf(state)]));
    }
  }

  #showFigures() {
    const { count, total } = this.selection;
    setText(this.selectedCount, number(count));
    setText(this.totalCount, words.learners(total));
    setText(this.share, words.share(count, total));
    setText(this.enrolled, words.enrolled(this.news.total));
    this.resetAll.disabled = TARGETS.every((target) => this.selection.ranges[target] === null);
    const histograms = this.selection.histograms();
    TARGETS.forEach((target) => this.charts[target].render(histograms[target], count, total));
    clearTimeout(this.resting);
    if (this.brushing) this.resting = setTimeout(() => this.#showTable(), TABLE_REST_MS);
    else this.#showTable();
  }

  #showTable() {
    const { target, descending } = this.table.sort;
    const rows = this.selection.top(target, ROWS, { descending });
    this.table.render(this.selection.store, rows, this.selection.count, this.changed);
    this.changed = new Set();
  }

  #range(target, range, from) {
    this.selection.setRange(target, range);
    this.charts[target].setRange(range, { from });
    // However many moves come within one frame, they are drawn once.
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.#message() === null && this.#showFigures());
  }

  #toggleState(state) {
    const states = new Set(this.selection.states);
    if (!states.delete(state)) states.add(state);
    if (states.size === 0) return; // the charts always speak of somebody
    this.selection.setStates(states);
    this.#show();
  }

  #build() {
    const retry = (testid) =>
      el("button", { type: "button", class: "engage-button", testid, on: { click: () => this.feed?.retry() } }, words.tryAgain());
    this.pillText = el("span");
    this.pill = el("p", { class: "engage-pill", testid: "pill" }, el("span", { class: "engage-dot", "aria-hidden": "true" }), this.pillText);
    this.advice = el("span", { testid: "advice" });
    this.adviceRetry = retry("advice-retry");
    this.adviceLine = el("div", { class: "engage-advice", role: "status", hidden: true }, this.advice, this.adviceRetry);
    this.notice = el("p", { class: "engage-notice", testid: "not-calibrated", hidden: true }, words.notCalibrated());

    this.chipByState = new Map(
      SHOWN_STATES.map((state) => {
        const count = el("span", { class: "engage-chip-count", testid: `count-${state}` });
        const attributes = { type: "button", class: "engage-chip", title: words.stateHint(state), testid: `chip-${state}`, on: { click: () => this.#toggleState(state) } };
        return [state, { count, button: el("button", attributes, words.state(state), " ", count) }];
      }),
    );
    this.chips = el("div", { class: "engage-chips", role: "group", "aria-label": words.showWho() }, ...[...this.chipByState.values()].map((chip) => chip.button));

    this.selectedCount = el("strong", { class: "engage-count", testid: "selected-count" }, "–");
    this.totalCount = el("span", { class: "engage-total", testid: "total-count" });
    this.share = el("span", { class: "engage-share", testid: "share" });
    this.enrolled = el("span", { class: "engage-enrolled", testid: "enrolled" });
    this.resetAll = el("button", { type: "button", class: "engage-button", testid: "reset-all", on: { click: () => TARGETS.forEach((t) => this.#range(t, null)) } }, words.resetAll());
    const bar = el(
      "div",
      { class: "engage-selection", testid: "selection", "aria-live": "polite", "aria-atomic": "true" },
      el("span", { class: "engage-selection-figures" }, this.selectedCount, " ", this.totalCount, " ", this.share),
      this.enrolled,
      this.resetAll,
    );

    this.charts = Object.fromEntries(
      TARGETS.map((target) => [
        target,
        new Histogram({
          target,
          onRange: (range, from) => this.#range(target, range, from),
          onBrushing: (brushing) => {
            this.brushing = brushing;
            this.root.classList.toggle("engage-brushing", brushing);
          },
        }),
      ]),
    );
    this.table = new Table({ onSort: () => this.#showTable() });
    this.board = el("div", { class: "engage-board" }, bar, el("div", { class: "engage-charts" }, ...TARGETS.map((target) => this.charts[target].element)), this.table.element);

    this.boxTitle = el("h4", { class: "engage-box-title" });
    this.boxText = el("p", { class: "engage-box-text" });
    this.boxRetry = retry("retry");
    this.box = el("div", { class: "engage-box", testid: "message", role: "status", hidden: true }, this.boxTitle, this.boxText, this.boxRetry);

    const title = this.root.querySelector(".engage-title");
    this.root.replaceChildren(
      el("header", { class: "engage-head" }, el("div", {}, title ?? el("h3", { class: "engage-title" }, "Communicator"), el("p", { class: "engage-lead" }, words.explanation())), this.pill),
      this.adviceLine,
      this.notice,
      this.chips,
      this.box,
      this.board,
    );
  }
}
