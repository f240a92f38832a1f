// Filters by facts: enrolment mode, cohort, silence, a task handed in or not, a message had or not.
import { button, el, setText, uniqueId } from "./dom.js";
import { courseDay, fromNow } from "./i18n.js";
import { groupWords } from "./words/groups.js";

const PERIODS = [3, 7, 14, 30];
const BETWEEN = "\u0001"; // names within one choice of a list
const NO_FILTERS = { modes: [], cohorts: [], days_inactive: null, task: null, written_to: null };

export class Filters {
  /** `onFilters(part)` hears the part of the criteria that changed; where it is narrow the filters are folded at first. */
  constructor({ onFilters, isNarrow = false }) {
    this.onFilters = onFilters;
    this.tasks = [];
    this.known = "";
    this.criteria = NO_FILTERS;
    this.#build(isNarrow);
  }

  /** What there is to choose from: names of modes and cohorts, and tasks; `now` in minutes of the course's time. */
  setChoices({ modes, cohorts, tasks, now }) {
    const known = JSON.stringify([modes, cohorts, tasks]);
    if (known === this.known) return; // an open list stays open
    this.known = known;
    this.tasks = tasks;
    const any = ["", groupWords.any()];
    // A name stands behind a letter, so that the empty one ("none") is not the empty choice ("any").
    this.#fill(this.mode, [any, ...modes.map((name) => [`=${name}`, name])]);
    this.#fill(this.cohort, [any, ...cohorts.map((name) => [`=${name}`, name]), ...(cohorts.length > 0 ? [["=", groupWords.none()]] : [])]);
    const due = (task) => (now === null ? courseDay(task.due) : `${courseDay(task.due)}, ${fromNow(Date.parse(task.due) / 60000 - now)}`);
    this.#fill(this.task, [any, ...tasks.map((task) => [task.block, task.due ? groupWords.taskDue(task.name, due(task)) : task.name])]);
    this.lines.cohort.hidden = cohorts.length === 0;
    this.lines.task.hidden = tasks.length === 0;
    this.render(this.criteria);
  }

  /** Shows the filters of the criteria. */
  render(criteria, { taskKnown = true } = {}) {
    this.criteria = criteria;
    const only = (names) => (names.length === 0 ? "" : `=${names.join(BETWEEN)}`);
    this.#choose(this.mode, only(criteria.modes), criteria.modes);
    this.#choose(this.cohort, only(criteria.cohorts), criteria.cohorts);
    const days = criteria.days_inactive ?? [null, null];
    this.days.forEach((field, end) => {
      if (document.activeElement !== field) field.value = days[end] ?? "";
    });
    this.#choose(this.task, criteria.task?.block ?? "", criteria.task ? [criteria.task.block] : []);
    this.handedIn.hidden = criteria.task === null;
    this.handedIn.value = String(criteria.task?.due_in_hours) === ",0" ? "missing" : String(criteria.task?.handed_in ?? false);
    const task = this.tasks.find(({ block }) => block === criteria.task?.block);
    setText(this.taskNote, !criteria.task ? "" : !taskKnown ? groupWords.taskUnknown() : task ? groupWords.handedInOf(task.handed_in, task.of) : "");
    this.written.value = criteria.written_to ? String(criteria.written_to.had) : "";
    this.period.hidden = criteria.written_to === null;
    if (criteria.written_to) {
      const chosen = String(criteria.written_to.days);
      if (![...this.period.options].some((option) => option.value === chosen)) this.period.append(new Option(chosen, chosen));
      this.period.value = chosen;
    }
    const on = [criteria.modes.length > 0, criteria.cohorts.length > 0, criteria.days_inactive, criteria.task, criteria.written_to].filter(Boolean).length;
    setText(this.count, on > 0 ? groupWords.filtersOn(on) : "");
    this.clear.hidden = on === 0;
  }

  #build(isNarrow) {
    const hear = (read) => ({ change: () => this.onFilters(read()) });
    const select = (testid, label, read) => el("select", { class: "engage-select", testid, "aria-label": label, on: hear(read) });
    const names = (list) => (list.value === "" ? [] : list.value.slice(1).split(BETWEEN));
    this.mode = select("filter-mode", groupWords.mode(), () => ({ modes: names(this.mode) }));
    this.cohort = select("filter-cohort", groupWords.cohort(), () => ({ cohorts: names(this.cohort) }));
    this.days = [groupWords.silenceFrom(), groupWords.silenceTo()].map((label, end) =>
      el("input", { type: "number", class: "engage-field", min: "0", max: "3650", step: "1", inputmode: "numeric", testid: end === 0 ? "filter-days-from" : "filter-days-to", "aria-label": `${groupWords.silence()}: ${label}`, on: { input: () => this.#readDays() } }),
    );
    this.problem = el("p", { class: "engage-problem", role: "alert", id: uniqueId("days") });
    const task = () => ({ task: this.task.value === "" ? null : { block: this.task.value, handed_in: this.handedIn.value === "true", ...(this.handedIn.value === "missing" ? { due_in_hours: [null, 0] } : {}) } });
    this.task = select("filter-task", groupWords.task(), task);
    this.handedIn = select("filter-handed-in", `${groupWords.task()}: ${groupWords.notHandedIn()}`, task);
    this.#fill(this.handedIn, [["false", groupWords.notHandedIn()], ["missing", groupWords.missing()], ["true", groupWords.handedIn()]]);
    this.taskNote = el("span", { class: "engage-filter-note", testid: "filter-task-note" });
    const written = () => ({ written_to: this.written.value === "" ? null : { days: Number(this.period.value), had: this.written.value === "true" } });
    this.written = select("filter-written", groupWords.message(), written);
    this.#fill(this.written, [["", groupWords.any()], ["false", groupWords.hadNone()], ["true", groupWords.had()]]);
    this.period = select("filter-written-days", `${groupWords.message()}: ${groupWords.messageIn()}`, written);
    this.#fill(this.period, PERIODS.map((days) => [String(days), `${groupWords.messageIn()} ${days} ${groupWords.days()}`]));
    this.period.value = "7";

    const line = (label, ...fields) =>
      el("div", { class: "engage-filter", role: "group", "aria-label": label }, el("span", { class: "engage-filter-label", "aria-hidden": "true" }, label), el("div", { class: "engage-filter-fields" }, ...fields));
    const quiet = (text) => el("span", { class: "engage-quiet", "aria-hidden": "true" }, text);
    this.lines = {
      days: line(groupWords.silence(), quiet(groupWords.silenceFrom()), this.days[0], quiet(groupWords.silenceTo()), this.days[1], this.problem),
      task: line(groupWords.task(), this.task, this.handedIn, this.taskNote),
      written: line(groupWords.message(), this.written, this.period),
      mode: line(groupWords.mode(), this.mode),
      cohort: line(groupWords.cohort(), this.cohort),
    };
    this.count = el("span", { class: "engage-filters-on", testid: "filters-on" });
    this.clear = button(groupWords.clearFilters(), () => this.onFilters({ ...NO_FILTERS }), { look: "link", testid: "filters-clear", hidden: true });
    this.element = el(
      "details",
      { class: "engage-filters", testid: "filters", open: !isNarrow },
      el("summary", {}, groupWords.filters(), " ", this.count),
      el("div", { class: "engage-filters-body" }, ...Object.values(this.lines), this.clear),
    );
  }

  #fill(list, choices) {
    list.replaceChildren(...choices.map(([value, text]) => new Option(text, value)));
  }

  /** Chooses a value in a list; one that the list does not offer (of a saved group, of another time) is added to it. */
  #choose(list, value, names) {
    if (![...list.options].some((option) => option.value === value)) list.append(new Option(names.join(", "), value));
    list.value = value;
  }

  #readDays() {
    if (this.days.some((field) => field.validity.badInput)) return;
    const [low, high] = this.days.map((field) => (field.value === "" ? null : Math.min(3650, Math.max(0, Math.round(Number(field.value))))));
    const wrong = low !== null && high !== null && low > high;
    setText(this.problem, wrong ? groupWords.wrongDays() : "");
    for (const field of this.days) {
      if (wrong) field.setAttribute("aria-invalid", "true");
      else field.removeAttribute("aria-invalid");
    }
    if (!wrong) this.onFilters({ days_inactive: low === null && high === null ? null : [low, high] });
  }
}
