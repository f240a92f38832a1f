// The selected learners as a table of any length: as many rows as one sees are made, and rewritten while one scrolls.
import { copyText } from "./copy.js";
import { el, setText, unseen, uniqueId } from "./dom.js";
import { NONE, NO_CHANGE, STATES } from "./figures.js";
import { daysAgo, number, percent, points } from "./i18n.js";
import { ordered } from "./order.js";
import { peopleWords } from "./words/people.js";
import { words } from "./words/page.js";

const SEEN = 440; // pixels of the frame's height
const BEYOND = 4; // rows made beyond the edges
const LEAST_ROW = 44;
const COPIED_MS = 1600;
const CONTROLS = [".engage-tick", ".engage-open", ".engage-copy"];

export class Table {
  /** `onTick(pseudonym, isIn)` and `onOpen(pseudonym)` hear what the person does; `beside`: stands beside the title. */
  constructor({ targets, onTick, onOpen, beside }) {
    Object.assign(this, { targets, onTick, onOpen });
    this.sort = { by: targets.at(-1), descending: true };
    this.rows = []; // of the store, in order
    this.lines = []; // what there is of them as elements: row i is shown by line i % lines.length
    this.current = 0; // the row that the keyboard is at
    this.isOut = () => false;
    this.isAdded = () => false;
    this.changed = new Set();
    this.#build(beside);
  }

  /** Shows `rows` of the store, unordered; `changed` are pseudonyms to light up. */
  render(store, rows, { isOut, isAdded, changed, count, ranks }) {
    Object.assign(this, { store, isOut, isAdded, changed, ranks, unordered: rows, hasLevels: store.hasLevels });
    this.heads.expectedLevel.parentElement.hidden = !this.hasLevels;
    setText(this.note, number(count));
    this.frame.hidden = rows.length === 0;
    this.empty.hidden = rows.length > 0;
    this.#order();
    this.changed = new Set();
  }

  /** Puts the focus back on a learner whom the person had opened, where there still is such a row. */
  returnTo(pseudonym) {
    this.#draw();
    const at = this.rows.indexOf(this.store.rows.get(pseudonym));
    if (at < 0) {
      this.title.focus();
      return;
    }
    this.current = at;
    this.#focus({ scroll: true });
  }

  #order() {
    const at = this.lines.some((line) => line.element.contains(document.activeElement)) ? this.rows[this.current] : undefined;
    this.rows = ordered(this.store, this.unordered, this.sort);
    const now = at === undefined ? -1 : this.rows.indexOf(at);
    if (now >= 0) this.current = now; // the keyboard stays with the learner, wherever the order takes them
    this.table.setAttribute("aria-rowcount", this.rows.length + 1);
    this.#draw();
    if (now >= 0) this.#focus({ scroll: false });
  }

  #build(beside) {
    const hint = el("p", { class: "engage-hint", id: uniqueId("table") }, peopleWords.tableHint());
    this.heads = {};
    const head = (by, text, title, { label = null } = {}) => {
      this.heads[by] = el("button", { type: "button", class: "engage-sort", title, "aria-label": label, testid: `sort-${by}`, on: { click: () => this.#sortBy(by) } }, text);
      return this.heads[by];
    };
    const column = (by, text, more = null, attributes = {}) => el("th", { scope: "col", ...attributes }, head(by, text, peopleWords.sortBy(text)), more);
    this.body = el("tbody", {
      on: {
        click: (event) => this.#clicked(event),
        change: (event) => this.#ticked(event),
        keydown: (event) => this.#pressed(event),
        focusin: (event) => this.#entered(event),
      },
    });
    this.table = el(
      "table",
      { class: "engage-table", testid: "table", "aria-describedby": hint.id },
      el(
        "thead",
        {},
        el(
          "tr",
          { "aria-rowindex": 1 },
          column("learner", peopleWords.learner(), null, { class: "engage-col-learner" }),
          ...this.targets.map((target) => {
            const title = peopleWords.column(target);
            const byChange = peopleWords.sortByChange(title);
            return column(target, title, head(`${target}Change`, peopleWords.change(), byChange, { label: `${peopleWords.change()}: ${byChange}` }));
          }),
          column("expectedLevel", peopleWords.levelColumn(), null, { class: "engage-col-level", hidden: true }),
          column("lastActive", peopleWords.lastActive(), null, { class: "engage-col-when" }),
          column("written", peopleWords.written(), null, { class: "engage-col-when" }),
        ),
      ),
      this.body,
    );
    this.above = el("tr", { class: "engage-gap", "aria-hidden": "true" }, el("td", { colspan: this.targets.length + 1 }));
    this.below = el("tr", { class: "engage-gap", "aria-hidden": "true" }, el("td", { colspan: this.targets.length + 1 }));
    this.body.append(this.above, this.below);
    this.note = el("span", { class: "engage-table-note", testid: "table-note" });
    this.copied = unseen();
    this.copied.setAttribute("role", "status");
    this.empty = el("p", { class: "engage-table-empty", testid: "table-empty" }, peopleWords.tableEmpty());
    this.title = el("h4", { class: "engage-part-title", tabindex: "-1" }, peopleWords.tableTitle(), " ", this.note);
    this.frame = el("div", { class: "engage-table-frame", testid: "table-frame", tabindex: "-1", on: { scroll: () => this.#scrolled() } }, this.table);
    this.element = el("section", { class: "engage-card engage-people" }, el("div", { class: "engage-people-head" }, el("div", {}, this.title, hint), beside), this.frame, this.empty, this.copied);
    this.#showSort();
  }

  #sortBy(by) {
    this.sort = { by, descending: this.sort.by === by ? !this.sort.descending : by !== "learner" };
    this.#showSort();
    if (!this.store) return;
    this.current = 0;
    this.frame.scrollTop = 0;
    this.#order();
  }

  #showSort() {
    for (const head of Object.values(this.heads)) {
      head.parentElement.removeAttribute("aria-sort");
      delete head.dataset.order;
    }
    const order = this.sort.descending ? "descending" : "ascending";
    this.heads[this.sort.by].parentElement.setAttribute("aria-sort", order);
    this.heads[this.sort.by].dataset.order = order;
  }

  #scrolled() {
    cancelAnimationFrame(this.frameAsked);
    this.frameAsked = requestAnimationFrame(() => this.#draw());
  }

  /** Puts the rows in sight, and some beyond, into the lines. */
  #draw() {
    if (!this.store) return;
    const size = this.rowHeight ?? LEAST_ROW;
    const wanted = Math.min(this.rows.length, Math.ceil(SEEN / LEAST_ROW) + 2 * BEYOND);
    while (this.lines.length < wanted) this.#addLine();
    const count = this.lines.length;
    const first = Math.max(0, Math.min(this.rows.length - wanted, Math.floor(this.frame.scrollTop / size) - BEYOND));
    if (!this.lines.some((line) => line.element.contains(document.activeElement))) {
      const [top, bottom] = [Math.ceil(this.frame.scrollTop / size), Math.floor((this.frame.scrollTop + SEEN - size) / size) - 1];
      this.current = Math.max(0, Math.min(this.rows.length - 1, Math.max(top, Math.min(bottom, this.current))));
    }
    this.above.firstChild.style.setProperty("height", `${first * size}px`);
    this.below.firstChild.style.setProperty("height", `${Math.max(0, this.rows.length - first - wanted) * size}px`);
    const used = new Set();
    for (let index = first; index < first + wanted; index += 1) {
      const line = this.lines[index % count];
      used.add(line);
      if (line.index !== index && line.element.contains(document.activeElement)) this.frame.focus({ preventScroll: true });
      this.#write(line, index);
    }
    // In the order of the rows, so that a screen reader reads them so; what stands right is not touched.
    let before = this.above;
    for (let index = first; index < first + wanted; index += 1) {
      const { element } = this.lines[index % count];
      if (before.nextSibling !== element) before.after(element);
      before = element;
    }
    for (const line of this.lines) line.element.hidden = !used.has(line);
    if (this.rowHeight === undefined && wanted > 0) {
      const { height } = this.lines[first % count].element.getBoundingClientRect();
      if (height > 0) this.rowHeight = height;
    }
  }

  #addLine() {
    const tick = el("input", { type: "checkbox", class: "engage-tick", testid: "tick" });
    const open = el("button", { type: "button", class: "engage-open engage-pseudonym" });
    const copy = el("button", { type: "button", class: "engage-copy", "data-copy": true }, el("span", { class: "engage-copy-sign", "aria-hidden": "true" }));
    const state = el("span", { class: "engage-state" });
    const cells = this.targets.map((target) => {
      const fill = el("span", { class: `engage-meter-fill engage-fill-${target}` });
      const [text, change, said] = [el("span", { class: "engage-meter-text" }), el("span", { class: "engage-change", "aria-hidden": "true" }), unseen()];
      return { fill, text, change, said, cell: el("td", { class: "engage-number" }, text, change, el("span", { class: "engage-meter", "aria-hidden": "true" }, fill), said) };
    });
    const [level, active, written] = ["engage-col-level", "engage-col-when", "engage-col-when"].map((name) => el("td", { class: name }));
    const element = el("tr", {}, el("th", { scope: "row" }, el("span", { class: "engage-who-cell" }, tick, el("span", { class: "engage-name-cell" }, el("span", { class: "engage-name" }, open, copy), state))), ...cells.map((c) => c.cell), level, active, written);
    this.lines.push({ element, tick, open, copy, state, cells, level, active, written, index: -1, lit: false });
  }

  #write(line, index) {
    const { store } = this;
    const row = this.rows[index];
    const pseudonym = store.learners[row];
    const moved = line.element.dataset.learner !== pseudonym;
    line.index = index;
    if (moved) {
      line.element.dataset.learner = pseudonym;
      setText(line.open, pseudonym);
      line.open.setAttribute("aria-label", peopleWords.open(pseudonym));
      line.copy.setAttribute("aria-label", peopleWords.copy(pseudonym));
      line.tick.setAttribute("aria-label", peopleWords.tick(pseudonym));
    }
    line.element.setAttribute("aria-rowindex", index + 2);
    for (const control of [line.tick, line.open, line.copy]) control.tabIndex = index === this.current ? 0 : -1;
    const out = this.isOut(pseudonym);
    line.tick.checked = !out;
    line.element.classList.toggle("engage-out", out);
    const state = STATES[store.state[row]];
    const active = daysAgo(store.daysSince("lastActive", row));
    const pick = out ? peopleWords.out() : this.isAdded(pseudonym) ? peopleWords.added() : "";
    setText(line.state, [pick, state === "active" ? "" : words.state(state)].filter(Boolean).join(" · "));
    this.targets.forEach((target, i) => {
      const [value, change] = [store[target][row], store[`${target}Change`][row]];
      const cell = line.cells[i];
      const isRank = target === "leave";
      setText(cell.text, isRank && value !== NONE ? this.#rank(value) : percent(value));
      const filled = value === NONE ? 0 : isRank ? this.ranks.height(value) : value;
      cell.fill.style.setProperty("inline-size", `${filled / 10}%`);
      const known = change !== NO_CHANGE && value !== NONE;
      const way = !known || Math.round(change / 10) === 0 ? "none" : change > 0 ? "up" : "down";
      setText(cell.change, known && !isRank ? points(change) : ""); // of a rank the arrow alone: points would be hollow
      cell.change.dataset.way = way;
      setText(cell.said, !known ? "" : !isRank ? peopleWords.changed(change) : way === "none" ? "" : peopleWords.changedWay(change));
    });
    line.level.hidden = !this.hasLevels;
    setText(line.level, peopleWords.level(store.level[row]));
    setText(line.active, active);
    setText(line.written, daysAgo(store.daysSince("written", row)));
    // Two names for one animation: the other name starts it anew, without forcing a layout.
    const flash = ["engage-flash-a", "engage-flash-b"];
    if (this.changed.has(pseudonym)) {
      line.lit = !line.lit;
      line.element.classList.remove(flash[line.lit ? 0 : 1]);
      line.element.classList.add(flash[line.lit ? 1 : 0]);
    } else if (moved) {
      line.element.classList.remove(...flash);
    }
  }

  /** Where a figure of `leave` stands, and its percentage where that holds. */
  #rank(figure) {
    const [rank, share] = [number(this.ranks.of(figure)), this.ranks.share(figure)];
    return share === null ? rank : words.rankAndShare(rank, percent(share));
  }

  #lineOf(event) {
    const element = event.target.closest("tr");
    return this.lines.find((line) => line.element === element);
  }

  #clicked(event) {
    const line = this.#lineOf(event);
    if (!line) return;
    const pseudonym = line.element.dataset.learner;
    if (event.target.closest(".engage-open")) this.onOpen(pseudonym);
    else if (event.target.closest(".engage-copy")) this.#copy(line, pseudonym);
  }

  #ticked(event) {
    const line = this.#lineOf(event);
    if (line) this.onTick(line.element.dataset.learner, line.tick.checked);
  }

  async #copy(line, pseudonym) {
    await copyText(pseudonym, line.copy);
    setText(this.copied, peopleWords.copied(pseudonym));
    line.copy.dataset.done = "";
    setTimeout(() => delete line.copy.dataset.done, COPIED_MS);
  }

  #entered(event) {
    const line = this.#lineOf(event);
    if (!line || line.index === this.current) return;
    this.current = line.index;
    for (const one of this.lines) for (const control of [one.tick, one.open, one.copy]) control.tabIndex = one === line ? 0 : -1;
  }

  #pressed(event) {
    const page = Math.max(1, Math.floor(SEEN / (this.rowHeight ?? LEAST_ROW)) - 2);
    const ways = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.key === "Enter" && event.target.matches(".engage-tick")) {
      const line = this.#lineOf(event);
      if (line) this.onOpen(line.element.dataset.learner);
      return;
    }
    const way = ways[event.key];
    if (way === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    this.current = Math.max(0, Math.min(this.rows.length - 1, this.current + way));
    this.#focus({ scroll: true });
  }

  /** Puts the focus on the current row, which may have to be scrolled to first. */
  #focus({ scroll }) {
    const kind = CONTROLS.find((name) => document.activeElement.matches(name)) ?? ".engage-open";
    const size = this.rowHeight ?? LEAST_ROW;
    if (scroll) {
      const head = this.table.tHead.offsetHeight;
      const top = this.current * size;
      const seen = this.frame.clientHeight - head;
      if (top < this.frame.scrollTop) this.frame.scrollTop = top;
      else if (top + size > this.frame.scrollTop + seen) this.frame.scrollTop = top + size - seen;
      document.activeElement.blur(); // else the line with the focus would not give it up
      this.#draw();
    }
    this.lines.find((line) => line.index === this.current && !line.element.hidden)?.element.querySelector(kind)?.focus({ preventScroll: true });
  }
}
