// One learner: what was predicted, what they did and handed in, what speaks for the figures, what we wrote.
import { KINDS, activityChart } from "./activity.js";
import { copyText } from "./copy.js";
import { button, el, setText } from "./dom.js";
import { IN_PERCENT, NONE, cleanLevel, cleanPerMille } from "./figures.js";
import { courseDay, daysAgo, percent } from "./i18n.js";
import { weeksChart } from "./weeks.js";
import { peopleWords } from "./words/people.js";
import { words } from "./words/page.js";

const LEAST_WIDTH = 240;

export class LearnerView {
  /** `onAsk(pseudonym)` -> the server's answer, throws Refused; `onBack()`; `onPick(name, isIn)`; `isIn(name)`; `linkTo(name)`; `ranks()`. */
  constructor({ targets, onAsk, onBack, onPick, isIn, linkTo, ranks }) {
    Object.assign(this, { targets, onAsk, onBack, onPick, isIn, linkTo, ranks });
    this.inPercent = targets.filter((target) => IN_PERCENT.includes(target));
    this.pseudonym = null;
    this.title = el("h4", { class: "engage-learner-title", tabindex: "-1", testid: "learner-title" });
    this.facts = el("p", { class: "engage-quiet", testid: "learner-facts" });
    this.pick = button("", () => this.#picked(), { testid: "learner-pick" });
    this.news = el("span", { class: "engage-news", role: "status" });
    const link = button(peopleWords.copyLink(), () => this.#copyLink(link), { testid: "learner-link" });
    this.body = el("div", { class: "engage-learner-body" });
    this.element = el(
      "section",
      { class: "engage-card engage-learner", testid: "learner", hidden: true, on: { keydown: (event) => this.#pressed(event) } },
      button(`← ${peopleWords.back()}`, onBack, { look: "link engage-back", testid: "learner-back" }),
      el("header", { class: "engage-learner-head" }, el("div", {}, this.title, this.facts), el("div", { class: "engage-learner-actions" }, this.news, link, this.pick)),
      this.body,
    );
    this.resizing = new ResizeObserver(() => this.#drawCharts());
    this.resizing.observe(this.body);
  }

  destroy() {
    this.resizing.disconnect();
  }

  /** Opens a learner. `asOf`: the time of the course, ISO or null. */
  async open(pseudonym, { asOf = null } = {}) {
    this.pseudonym = pseudonym;
    this.asOf = asOf;
    this.answer = null;
    this.element.hidden = false;
    setText(this.title, peopleWords.title(pseudonym));
    setText(this.facts, "");
    setText(this.news, "");
    this.pick.hidden = true;
    this.#say(peopleWords.loading());
    this.element.scrollIntoView({ block: "nearest" });
    this.title.focus({ preventScroll: true });
    await this.#load();
  }

  /** Says anew whether the learner is in the selection. */
  render() {
    if (this.pseudonym) setText(this.pick, this.isIn(this.pseudonym) ? peopleWords.takeOut() : peopleWords.add());
  }

  close() {
    this.pseudonym = null;
    this.answer = null;
    this.element.hidden = true;
    this.body.replaceChildren();
  }

  async #load() {
    const { pseudonym } = this;
    try {
      const answer = await this.onAsk(pseudonym);
      if (this.pseudonym !== pseudonym) return; // somebody else was opened meanwhile
      this.answer = answer;
      this.pick.hidden = false;
      this.render();
      this.#show();
    } catch (error) {
      if (this.pseudonym !== pseudonym) return;
      const gone = error.status === 404;
      this.#say(gone ? peopleWords.unknown() : peopleWords.failed(error), gone ? null : button(words.tryAgain(), () => this.#load(), { testid: "learner-retry" }));
    }
  }

  #say(text, more = null) {
    this.body.replaceChildren(el("p", { class: "engage-quiet", role: "status", testid: "learner-says" }, text), ...(more ? [more] : []));
  }

  #show() {
    const { answer } = this;
    const now = Date.parse(this.asOf ?? "");
    const days = answer.last_active ? Math.max(0, Math.floor((now - Date.parse(answer.last_active)) / 86400000)) : null;
    const facts = [
      words.state(answer.state),
      answer.last_active ? peopleWords.lastSeen(Number.isNaN(days) ? courseDay(answer.last_active) : daysAgo(days)) : peopleWords.neverSeen(),
      answer.mode && peopleWords.inMode(answer.mode),
      answer.cohort && peopleWords.inCohort(answer.cohort),
      answer.enrolled_at && peopleWords.enrolledOn(courseDay(answer.enrolled_at)),
    ];
    setText(this.facts, facts.filter(Boolean).join(" · "));
    this.weeksPlace = el("div", { class: "engage-plot-plain", dir: "ltr", testid: "learner-weeks" });
    this.activityPlace = el("div", { class: "engage-plot-plain", dir: "ltr", testid: "learner-activity" });
    const part = (title, ...children) => el("section", { class: "engage-learner-part" }, el("h5", { class: "engage-small-title" }, title), ...children);
    const quiet = (text) => el("p", { class: "engage-quiet" }, text);
    const legend = el("ul", { class: "engage-legend", "aria-hidden": "true" }, ...KINDS.map((kind) => el("li", {}, el("span", { class: `engage-key engage-kind-${kind}` }), peopleWords.kind(kind))));
    const reasons = this.#reasons();
    this.body.replaceChildren(
      this.#figures(),
      ...(this.inPercent.length > 0 ? [part(peopleWords.weeks(), answer.weeks?.length > 0 ? this.weeksPlace : quiet(peopleWords.noWeeks()))] : []),
      part(
        peopleWords.activity(),
        ...(answer.change ? [el("p", { testid: "learner-change" }, answer.change)] : []),
        ...(answer.activity?.some(({ total }) => total > 0) ? [this.activityPlace, legend] : [quiet(peopleWords.noActivity())]),
      ),
      ...(reasons ? [part(peopleWords.reasons(), reasons)] : []),
      part(peopleWords.tasks(), answer.tasks?.length > 0 ? this.#tasks() : quiet(peopleWords.noTasks())),
      part(peopleWords.messages(), answer.messages?.length > 0 ? el("ul", { class: "engage-plain" }, ...answer.messages.map(({ subject, at }) => el("li", {}, subject, " ", el("span", { class: "engage-quiet" }, at ? courseDay(at) : "")))) : quiet(peopleWords.noMessages())),
    );
    this.drawnAt = null;
    this.#drawCharts();
  }

  #figures() {
    const level = cleanLevel(this.answer.level);
    return el(
      "dl",
      { class: "engage-figures" },
      ...this.targets.map((target) => {
        const value = cleanPerMille(this.answer.probabilities?.[target]);
        const fill = el("span", { class: `engage-meter-fill engage-fill-${target}` });
        const filled = value === NONE ? 0 : target === "leave" ? this.ranks().height(value) : value;
        fill.style.setProperty("inline-size", `${filled / 10}%`);
        return el("div", {}, el("dt", {}, words.target(target)), el("dd", { testid: `learner-${target}` }, ...(target === "leave" && value !== NONE ? this.#rank(value) : [percent(value)]), el("span", { class: "engage-meter", "aria-hidden": "true" }, fill)));
      }),
      ...(level === NONE ? [] : [el("div", {}, el("dt", {}, peopleWords.levelTitle()), el("dd", { testid: "learner-level" }, peopleWords.level(level)))]),
    );
  }

  #rank(figure) {
    const ranks = this.ranks();
    const [share, quiet] = [ranks.share(figure), (text) => el("span", { class: "engage-rank-note" }, text)];
    const more = share === null ? [] : [" ", quiet(peopleWords.ofLearnersLikeThese(percent(share)))];
    return [peopleWords.moreThan(ranks.tenths(figure)), " ", quiet(peopleWords.rankOf(ranks.of(figure), ranks.total)), ...more];
  }

  #reasons() {
    const targets = [...this.targets, "level"].filter((target) => this.answer.reasons?.[target]?.length > 0);
    if (targets.length === 0) return null;
    return el(
      "div",
      { class: "engage-reasons" },
      ...targets.map((target) =>
        el("div", {}, el("h6", { class: "engage-quiet" }, target === "level" ? peopleWords.levelTitle() : words.target(target)), el("ul", { class: "engage-plain" }, ...this.answer.reasons[target].map(({ text, effect }) => el("li", {}, text, " ", el("span", { class: "engage-quiet" }, effect > 0 ? peopleWords.raises() : peopleWords.lowers()))))),
      ),
    );
  }

  #tasks() {
    const head = [peopleWords.task(), peopleWords.due(), peopleWords.handedIn(), peopleWords.score()].map((text) => el("th", { scope: "col" }, text));
    const rows = this.answer.tasks.map(({ name, due, state, score, possible, attempts, at }) => {
      const late = state === "missing";
      const handed = at ? `${courseDay(at)}${attempts > 1 ? ` · ${peopleWords.attempts(attempts)}` : ""}` : peopleWords.taskState(state);
      return el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, due ? courseDay(due) : "–"), el("td", { class: late ? "engage-late" : null }, handed), el("td", {}, Number.isFinite(score) && Number.isFinite(possible) ? peopleWords.scoreOf(score, possible) : state === "not_graded" ? peopleWords.taskState(state) : "–"));
    });
    return el("div", { class: "engage-wide" }, el("table", { class: "engage-tasks", testid: "learner-tasks" }, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...rows)));
  }

  #drawCharts() {
    if (!this.answer) return;
    const width = Math.max(LEAST_WIDTH, Math.floor(this.body.clientWidth));
    if (width === this.drawnAt) return;
    this.drawnAt = width;
    const { weeks, activity } = this.answer;
    const half = width > 760 ? Math.floor((width - 32) / 2) : width;
    if (weeks?.length > 0) this.weeksPlace.replaceChildren(weeksChart(weeks, half, this.inPercent));
    if (activity?.length > 0) this.activityPlace.replaceChildren(activityChart(activity, half));
  }

  #picked() {
    this.onPick(this.pseudonym, !this.isIn(this.pseudonym));
    this.render();
  }

  async #copyLink(near) {
    await copyText(this.linkTo(this.pseudonym), near);
    setText(this.news, peopleWords.linkCopied());
  }

  #pressed(event) {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    this.onBack();
  }
}
