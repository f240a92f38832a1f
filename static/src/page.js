// The page: brings its parts together. Each part shows what it is given, and says what the person wants of it.
import { Api, Refused } from "./api.js";
import { Composer } from "./composer/composer.js";
import { TaskStanding, START, sameGroup, toJson } from "./criteria.js";
import { el } from "./dom.js";
import { Feed } from "./feed.js";
import { SHOWN_STATES, TARGETS } from "./figures.js";
import { Filters } from "./filters.js";
import { Finder } from "./finder.js";
import { keepInSight, tellHeight } from "./frame.js";
import { Groups } from "./groups.js";
import { addressOf, learnerInAddress, writeAddress } from "./hash.js";
import { Hindsight } from "./hindsight.js";
import { Histogram } from "./histogram.js";
import { LearnerView } from "./learner.js";
import { Library } from "./library.js";
import { Ranks } from "./ranks.js";
import { Selection } from "./selection.js";
import { Shell, isClosed, messageFor } from "./shell.js";
import { StateChips } from "./states.js";
import { Store } from "./store.js";
import { Table } from "./table.js";
import { Tally } from "./tally.js";
import { LEAST_SELECTED, traits } from "./traits.js";
import { Why } from "./why.js";
import { describe, groupWords } from "./words/groups.js";

const REST_MS = 120; // what needs all the rows follows when the hand rests: charts and counts come first,
const LATE_MS = 250; // and what is no answer to the hand comes last
const PILL_EVERY_MS = 1000;
const NARROW_PX = 700;
const MOST_DUE_TASKS = 3; // of these the page asks who handed them in, to say why these

export class Page {
  /** `config`: {courseUrl, pollMs, targets, presetsAllowed, automationAllowed}, as the block gives it; `surroundings` as Feed takes them. */
  constructor(root, config, surroundings) {
    this.root = root;
    this.targets = TARGETS.filter((target) => config.targets?.includes(target) ?? true); // an author may leave some out
    this.presetsAllowed = config.presetsAllowed ?? true;
    this.automationAllowed = config.automationAllowed ?? true;
    this.surroundings = surroundings;
    this.api = new Api(config.courseUrl);
    this.store = new Store();
    this.selection = new Selection(this.store);
    this.phase = config.courseUrl ? "loading" : "noCourse";
    this.news = null; // of the last answer: {asOf, model, calibrated, total, consumer, receivedAt}
    this.ranks = new Ranks(); // of `leave`
    this.changed = new Set();
    this.tasks = [];
    this.handedIn = new Map(); // usage key -> TaskStanding
    this.#build();
    this.ends = [tellHeight(root), keepInSight(this.tally.element, this.board, this.table.frame), this.tally.followWidth(root)];
    if (config.courseUrl) this.#begin(config);
    this.#show();
  }

  destroy() {
    this.feed?.stop();
    this.library?.stop();
    clearInterval(this.ticking);
    clearTimeout(this.resting);
    clearTimeout(this.late);
    cancelAnimationFrame(this.frame);
    for (const end of this.ends) end();
    for (const target of this.targets) this.charts[target].destroy();
    this.learner.destroy();
    this.composer.destroy();
  }

  #begin(config) {
    const { surroundings } = this;
    this.library = new Library({
      api: this.api,
      surroundings,
      onNews: (name, answer) => this.#learn(name, answer),
      onTrouble: (isTroubled) => this.shell.showTrouble(isTroubled && this.phase === "live"),
    });
    this.feed = new Feed({
      url: `${config.courseUrl}predictions`,
      pollMs: config.pollMs,
      surroundings,
      onAnswer: (answer, about) => this.#take(answer, about),
      onPhase: ({ phase }) => this.#enter(phase),
    });
    this.feed.start();
    this.ticking = setInterval(() => surroundings.isVisible() && this.shell.showStatus(this.phase, this.news), PILL_EVERY_MS);
    const followAddress = () => this.#follow(learnerInAddress());
    window.addEventListener("popstate", followAddress);
    this.ends.push(() => window.removeEventListener("popstate", followAddress));
  }

  #take(answer, { whole }) {
    const { pseudonym: opened } = this.learner;
    const wasThere = this.store.has(opened);
    for (const pseudonym of this.selection.apply(answer, { whole })) this.changed.add(pseudonym);
    if (wasThere && !this.store.has(opened)) this.learner.open(opened, { asOf: answer.as_of }); // asks anew: what is shown may be of somebody deleted
    const standing = ({ as_of: asOf, model, calibrated, expected_pass_rate: rate, understood_share: share, leave_fact: fact, leave_correction: correction, drift, total }) =>
      JSON.stringify([asOf === null, model, calibrated, rate, share, fact, correction, drift, total]);
    this.ranks = new Ranks(this.store.leave, answer.leave_shown_as === "share" ? answer.leave_correction : null);
    if (whole || answer.learners.length > 0 || standing(answer) !== this.standing) this.isNew = true;
    this.standing = standing(answer);
    this.news = {
      asOf: answer.as_of,
      model: answer.model,
      calibrated: answer.calibrated === true,
      expectedPassRate: answer.expected_pass_rate ?? null,
      understoodShare: answer.understood_share ?? null,
      isInDoubt: answer.drift === "red",
      leaveFact: answer.leave_fact ?? null,
      total: answer.total,
      consumer: answer.consumer,
      receivedAt: performance.now(),
    };
  }

  #enter(phase) {
    const before = this.phase;
    this.phase = phase;
    if (phase === before && !this.isNew) {
      this.shell.showStatus(phase, this.news); // most polls bring nothing: then nothing is drawn
      return;
    }
    this.isNew = false;
    if (isClosed(phase)) {
      // Who may not see the learners (any more) does not keep them in the page.
      this.selection.apply({ learners: [], state: [], certify: [], complete: [], leave: [] }, { whole: true });
      this.news = null;
      this.library.stop();
      this.api.forget();
      this.composer.forget();
      this.#follow(null);
    }
    if (phase === "live") {
      this.library.start();
      this.composer.start();
    }
    this.#show();
    if (before === "loading" && phase === "live" && document.querySelector(".engage-communicator") === this.root) this.#follow(learnerInAddress());
  }

  /** Takes in an answer of the library. */
  #learn(name, answer) {
    if (name === "facets") this.selection.applyFacets(answer);
    if (name === "presets") this.groups.take(this.presetsAllowed ? answer : { ...answer, presets: [] });
    if (name === "hindsight") this.hindsight.take(answer.rows);
    if (name === "tasks") this.tasks = answer.tasks;
    if (name === "facets" || name === "tasks") {
      const now = this.store.now;
      this.filters.setChoices({ modes: this.store.modes, cohorts: this.store.cohorts, tasks: this.tasks, now });
      this.#askWhoHandedIn(this.#dueTasks().map((task) => task.block));
    }
    const { task } = this.selection.criteria;
    if (name === "facets" && task) this.#askWhoHandedIn([task.block], { again: true });
    this.#show();
  }

  /** The latest tasks whose due date has passed. */
  #dueTasks() {
    const { now } = this.store;
    if (now === null) return [];
    const due = (task) => Date.parse(task.due ?? "") / 60000;
    return this.tasks.filter((task) => due(task) <= now).sort((a, b) => due(b) - due(a)).slice(0, MOST_DUE_TASKS);
  }

  async #askWhoHandedIn(blocks, { again = false } = {}) {
    for (const block of blocks) {
      if (this.handedIn.has(block) && !again) continue;
      if (!this.handedIn.has(block)) this.handedIn.set(block, null); // being asked for
      try {
        this.handedIn.set(block, new TaskStanding(await this.api.get(`tasks/handed_in?block=${encodeURIComponent(block)}`)));
      } catch {
        if (!this.handedIn.get(block)) this.handedIn.delete(block); // the next facets ask again
      }
      if (this.selection.criteria.task?.block === block) {
        this.selection.setHandedIn(this.handedIn.get(block) ?? null);
        this.#showCriteria();
      }
    }
    this.#soonShowLate(); // what the selected share may be a task that they have not handed in
  }

  #show() {
    const message = messageFor(this.phase, this.news);
    this.root.dataset.engagePage = message ?? "charts";
    this.shell.showStatus(this.phase, this.news);
    this.shell.showMessage(message, { calibrated: this.news?.calibrated, expectedPassRate: this.news?.expectedPassRate, understoodShare: this.news?.understoodShare, isInDoubt: this.news?.isInDoubt });
    const known = message === null || message === "noEvents" || message === "loading";
    this.board.hidden = message !== null && message !== "loading";
    this.chips.element.hidden = !known;
    this.groups.element.hidden = message !== null && message !== "loading";
    this.board.setAttribute("aria-busy", String(message === "loading"));
    this.root.classList.toggle("engage-skeleton", message === "loading");
    this.#showWho();
    if (message === null) this.#showFigures();
  }

  #showWho() {
    const { criteria } = this.selection;
    this.chips.render(criteria.states, this.store.countStates());
    this.groups.render(criteria, this.news?.total ?? 0, this.inWords);
    this.filters.render(criteria, { taskKnown: !criteria.task || this.selection.handedIn !== null });
  }

  #showFigures() {
    const { tally } = this.selection;
    this.tally.render(tally, this.news.total);
    this.composer.count(tally.count);
    const histograms = this.selection.histograms();
    for (const target of this.targets) this.charts[target].render(histograms[target], { ranks: this.ranks, fact: this.news.leaveFact });
    clearTimeout(this.resting);
    if (this.brushing) this.resting = setTimeout(() => this.#showRest(), REST_MS);
    else this.#showRest();
  }

  /** What takes all the rows, or is said aloud. */
  #showRest() {
    const { selection, store } = this;
    const { criteria, tally } = selection;
    const outOfReach = tally.count === 0 ? selection.outOfReach : null;
    const nobody = tally.count > 0 || tally.total === 0 ? "" : outOfReach ? groupWords.nobodyReaches(outOfReach) : groupWords.nobody();
    this.tally.describe(this.inWords(criteria), tally, { nobody, plain: sameGroup(criteria, START) && criteria.include.length + criteria.exclude.length === 0 });
    for (const target of this.targets) this.charts[target].describe(tally.count, tally.total);
    const [out, added] = [new Set(criteria.exclude), new Set(criteria.include)];
    this.table.render(store, selection.rows(), { isOut: (name) => out.has(name) && !added.has(name), isAdded: (name) => added.has(name), changed: this.changed, count: tally.count, ranks: this.ranks });
    this.changed = new Set();
    this.finder.render();
    this.learner.render();
    this.#soonShowLate();
  }

  #soonShowLate() {
    this.late ??= setTimeout(() => {
      this.late = null;
      if (this.brushing) this.#soonShowLate();
      else this.#showLate();
    }, LATE_MS);
  }

  /** Why these, and for whom one would write. */
  #showLate() {
    if (messageFor(this.phase, this.news) !== null) return;
    const { selection, store } = this;
    const { criteria, tally } = selection;
    const tasks = this.#dueTasks().map((task) => ({ ...task, standing: this.handedIn.get(task.block) })).filter((task) => task.standing);
    const selected = selection.selectedRows();
    const isPart = selected.length >= LEAST_SELECTED && selected.length !== tally.total;
    this.why.element.hidden = store.now === null || !isPart;
    if (!this.why.element.hidden) this.why.render(traits(store, selected, selection.shownRows(), { tasks, criteria, targets: this.targets }));
    this.hindsight.render(criteria.ranges);
    // What writes to the selected hears who they are whenever the hand rests.
    const detail = { ...this.#group(selected), count: tally.count, courseUrl: this.api.courseUrl };
    this.composerPlace.dispatchEvent(new CustomEvent("engage:selection", { detail }));
  }

  /** Whom one would write to: {criteria, pseudonyms}. */
  #group(rows = this.selection.selectedRows()) {
    return { criteria: toJson(this.selection.criteria), pseudonyms: rows.map((row) => this.store.learners[row]) };
  }

  /** The person wants the criteria changed in this part. */
  #change(part, { from = null } = {}) {
    const before = this.selection.criteria;
    const criteria = { ...before, ...part };
    if (criteria.task?.block !== before.task?.block) this.selection.setHandedIn(criteria.task ? (this.handedIn.get(criteria.task.block) ?? null) : null);
    this.selection.set(criteria);
    for (const target of this.targets) {
      const range = criteria.ranges[target] ?? null;
      if (String(range) !== String(before.ranges[target] ?? null)) this.charts[target].setRange(range, { from });
    }
    if (criteria.task && !this.handedIn.get(criteria.task.block)) this.#askWhoHandedIn([criteria.task.block]);
    this.#showCriteria();
  }

  #showCriteria() {
    // However many moves come within one frame, they are drawn once.
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => {
      if (!this.brushing) this.#showWho();
      if (messageFor(this.phase, this.news) === null) this.#showFigures();
    });
  }

  #range(target, range, from) {
    const { ranges, everyone } = this.selection.criteria;
    const others = Object.fromEntries(Object.entries(ranges).filter(([name]) => name !== target));
    this.#change({ ranges: range ? { ...others, [target]: range } : others, everyone: everyone && range === null }, { from });
  }

  /** Takes a learner in or out by hand. */
  #pick(pseudonym, isIn) {
    const { include, exclude } = this.selection.criteria;
    const matches = this.store.has(pseudonym) && this.selection.matches(this.store.rows.get(pseudonym));
    const without = (names) => names.filter((name) => name !== pseudonym);
    const picked = { include: without(include), exclude: without(exclude) };
    if (isIn && !matches) picked.include.push(pseudonym);
    if (!isIn && matches) picked.exclude.push(pseudonym);
    this.#change(picked);
  }

  /** Opens a learner, or goes back to the group. */
  #follow(pseudonym, { write = false } = {}) {
    if (write) writeAddress(pseudonym);
    const isOpen = pseudonym !== null && this.news !== null;
    const wasOpen = this.learner.pseudonym;
    if (isOpen && wasOpen === pseudonym) return;
    this.root.classList.toggle("engage-one-learner", isOpen);
    if (isOpen) {
      this.learner.open(pseudonym, { asOf: this.news.asOf });
      return;
    }
    this.learner.close();
    if (wasOpen) this.table.returnTo(wasOpen);
  }

  #build() {
    this.taskName = (block) => this.tasks.find((task) => task.block === block)?.name ?? block;
    this.inWords = (criteria) => describe(criteria, this.taskName, this.ranks);
    const change = (part) => this.#change(part);
    const open = (pseudonym) => this.#follow(pseudonym, { write: true });
    const pick = (pseudonym, isIn) => this.#pick(pseudonym, isIn);
    const isIn = (pseudonym) => this.selection.has(pseudonym);
    const refreshGroups = () => this.library.refresh("presets");

    this.shell = new Shell({
      title: this.root.querySelector(".engage-title") ?? el("h3", { class: "engage-title" }, "Communicator"),
      onRetry: () => this.feed?.retry(),
      onRetrySide: () => this.library?.refresh(),
    });
    this.chips = new StateChips({ onStates: (states) => change({ states }) });
    this.groups = new Groups({
      onAll: () => change({ ...START, everyone: true, states: SHOWN_STATES }),
      onChoose: (criteria) => change(criteria),
      onDelete: async (id) => {
        await this.api.delete(`segments/${id}`);
        refreshGroups();
      },
    });
    this.tally = new Tally({
      onReset: () => change({ ...START }),
      onSave: async (name) => {
        const saved = await this.api.post("segments", { name, criteria: toJson(this.selection.criteria) });
        refreshGroups();
        return saved;
      },
    });
    this.charts = Object.fromEntries(
      this.targets.map((target) => [target, new Histogram({ target, onRange: (range, from) => this.#range(target, range, from), onBrushing: (brushing) => this.#brush(brushing) })]),
    );
    this.filters = new Filters({ onFilters: change, isNarrow: this.root.clientWidth < NARROW_PX });
    this.finder = new Finder({
      onLookUp: async (query) => {
        const { matches } = await this.api.post("lookup", { query });
        if (!Array.isArray(matches)) throw new Refused(0);
        return matches.map((match) => match.pseudonym);
      },
      isKnown: (name) => this.store.has(name),
      isIn,
      onPick: pick,
      onOpen: open,
    });
    this.why = new Why();
    this.why.element.hidden = true;
    this.composerPlace = el("section", { class: "engage-composer", testid: "composer" });
    this.composer = new Composer({
      place: this.composerPlace,
      api: this.api,
      surroundings: this.surroundings,
      automationAllowed: this.automationAllowed,
      onLoad: (criteria) => change(criteria),
      selectedNow: () => this.#group(),
      describe: this.inWords,
      timeOf: () => this.news?.asOf ?? null,
    });
    this.tally.addAction(this.composer.opener);
    this.table = new Table({ targets: this.targets, onTick: pick, onOpen: open, beside: this.finder.element });
    this.hindsight = new Hindsight({ targets: this.targets });
    this.learner = new LearnerView({
      targets: this.targets,
      onAsk: (pseudonym) => this.api.get(`learners/${encodeURIComponent(pseudonym)}`),
      onBack: () => this.#follow(null, { write: true }),
      onPick: pick,
      isIn,
      linkTo: addressOf,
      ranks: () => this.ranks,
    });
    this.board = el(
      "div",
      { class: "engage-board" },
      this.tally.element,
      this.tally.rest,
      el("div", { class: "engage-charts" }, ...this.targets.map((target) => this.charts[target].element)),
      this.filters.element,
      this.why.element,
      this.table.element,
      this.composerPlace,
      this.hindsight.element,
    );
    const { head, adviceLine, doubt, notice, understood, trouble, box } = this.shell;
    this.root.replaceChildren(head, adviceLine, doubt, notice, understood, this.learner.element, this.chips.element, this.groups.element, trouble, box, this.board);
  }

  #brush(brushing) {
    this.brushing = brushing;
    this.root.classList.toggle("engage-brushing", brushing);
    if (!brushing) this.#showCriteria();
  }
}
