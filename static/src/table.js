// The selected learners, as many rows as one reads: rows are made once and then only rewritten.
import { el, setText } from "./dom.js";
import { NONE, STATES, TARGETS } from "./figures.js";
import { percent, words } from "./words.js";

export const ROWS = 50;

export class Table {
  /** `onSort(target, descending)` hears a click on a column's head. */
  constructor({ onSort }) {
    this.sort = { target: "leave", descending: true };
    this.onSort = onSort;
    this.rows = [];
    this.heads = Object.fromEntries(TARGETS.map((target) => [target, this.#head(target)]));
    this.body = el("tbody");
    this.note = el("span", { class: "engage-table-note", testid: "table-note" });
    this.empty = el("p", { class: "engage-table-empty", testid: "table-empty" }, words.tableEmpty());
    this.table = el(
      "table",
      { class: "engage-table", testid: "table" },
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, words.learner()), ...TARGETS.map((t) => this.heads[t]), el("th", { scope: "col" }, words.stateColumn()))),
      this.body,
    );
    this.element = el(
      "section",
      { class: "engage-people" },
      el("h4", { class: "engage-people-title" }, words.tableTitle(), " ", this.note),
      el("div", { class: "engage-table-frame" }, this.table),
      this.empty,
    );
    this.#showSort();
  }

  /** Shows `rows` of the store; `changed` are pseudonyms to light up. */
  render(store, rows, count, changed) {
    while (this.rows.length < rows.length) this.#addRow();
    this.rows.forEach((line, i) => {
      line.element.hidden = i >= rows.length;
      if (i < rows.length) this.#write(line, store, rows[i], changed);
    });
    setText(this.note, words.tableNote(rows.length, count));
    this.table.hidden = rows.length === 0;
    this.empty.hidden = rows.length > 0;
  }

  #head(target) {
    const click = () => {
      this.sort = { target, descending: this.sort.target === target ? !this.sort.descending : true };
      this.#showSort();
      this.onSort();
    };
    return el("th", { scope: "col" }, el("button", { type: "button", class: "engage-sort", title: words.sortBy(words.target(target)), testid: `sort-${target}`, on: { click } }, words.column(target)));
  }

  #showSort() {
    for (const target of TARGETS) {
      const order = this.sort.descending ? "descending" : "ascending";
      if (target === this.sort.target) this.heads[target].setAttribute("aria-sort", order);
      else this.heads[target].removeAttribute("aria-sort");
    }
  }

  #addRow() {
    const name = el("code", { class: "engage-pseudonym" });
    const state = el("span", { class: "engage-state" });
    const under = el("span", { class: "engage-state engage-state-under" }); // where there is no room for a column
    const cells = TARGETS.map((target) => {
      const fill = el("span", { class: `engage-meter-fill engage-fill-${target}` });
      const text = el("span", { class: "engage-meter-text" });
      return { fill, text, cell: el("td", { class: "engage-number" }, text, el("span", { class: "engage-meter", "aria-hidden": "true" }, fill)) };
    });
    const element = el("tr", {}, el("th", { scope: "row" }, name, under), ...cells.map((c) => c.cell), el("td", {}, state));
    this.rows.push({ element, name, states: [state, under], cells, lit: false });
    this.body.append(element);
  }

  #write(line, store, row, changed) {
    const pseudonym = store.learners[row];
    const moved = line.element.dataset.learner !== pseudonym;
    if (moved) line.element.dataset.learner = pseudonym;
    setText(line.name, pseudonym);
    for (const state of line.states) setText(state, words.state(STATES[store.state[row]]) ?? "");
    TARGETS.forEach((target, i) => {
      const value = store[target][row];
      setText(line.cells[i].text, percent(value));
      line.cells[i].fill.style.setProperty("width", value === NONE ? "0" : `${value / 10}%`);
    });
    // Two names for one animation: the other name starts it anew, without forcing a layout.
    if (changed.has(pseudonym)) {
      line.lit = !line.lit;
      line.element.className = line.lit ? "engage-flash-a" : "engage-flash-b";
    } else if (moved) {
      line.element.className = "";
    }
  }
}
