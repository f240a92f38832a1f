// How many are selected, how that number comes about, and in words who they are: always in sight. Saves the group, too.
import { button, el, setText } from "./dom.js";
import { number } from "./i18n.js";
import { groupWords } from "./words/groups.js";
import { peopleWords } from "./words/people.js";

const LONGEST_NAME = 100;
const NARROW_PX = 560; // as in styles/states.css

export class Tally {
  /** `onReset()`; `onSave(name)` resolves to the group as it was saved, and throws Refused. */
  constructor({ onReset, onSave }) {
    this.onSave = onSave;
    this.sum = el("span", { class: "engage-sum", testid: "sum", "aria-hidden": "true" });
    this.count = el("strong", { class: "engage-count", testid: "selected-count" }, "–");
    this.total = el("span", { class: "engage-total", testid: "total-count" });
    this.share = el("span", { class: "engage-share", testid: "share" });
    this.enrolled = el("span", { class: "engage-enrolled", testid: "enrolled" });
    this.who = el("p", { class: "engage-who", testid: "summary" });
    this.empty = el("p", { class: "engage-nobody", hidden: true, testid: "nobody" });
    this.aloud = el("p", { class: "engage-unseen", role: "status", testid: "tally-aloud" });
    this.reset = button(groupWords.resetAll(), onReset, { testid: "reset-all" });
    this.save = button(groupWords.save(), () => this.#open(), { testid: "save-group" });
    this.news = el("span", { class: "engage-news", role: "status", testid: "save-news" });
    this.form = this.#form();
    this.figures = el("div", { class: "engage-selection-figures" }, this.sum, this.count, " ", this.total, " ");
    this.writing = el("span"); // where another part puts its button
    this.actions = el("div", { class: "engage-selection-actions" });
    this.element = el("div", { class: "engage-selection", testid: "selection" }, this.figures, this.actions, this.aloud);
    this.rest = el("div", { class: "engage-selection-rest" });
    this.#place({ isNarrow: false });
  }

  /** Puts a button of another part beside the others. */
  addAction(action) {
    this.writing.append(action);
  }

  /** Places the parts as the width of the page asks for. Returns what ends it. */
  followWidth(root) {
    const watching = new ResizeObserver(([{ contentRect }]) => this.#place({ isNarrow: contentRect.width <= NARROW_PX }));
    watching.observe(root);
    return () => watching.disconnect();
  }

  /** On a narrow page only the count and the button to write stay in sight; the rest stands below, where it scrolls away. */
  #place({ isNarrow }) {
    if (isNarrow === this.isNarrow) return;
    this.isNarrow = isNarrow;
    const { activeElement } = document;
    const buttons = [this.news, this.reset, this.save];
    const sentences = [this.who, this.empty, this.form];
    const about = [this.share, this.enrolled];
    this.rest.hidden = !isNarrow;
    if (isNarrow) this.rest.append(...sentences, ...about, el("div", { class: "engage-selection-actions" }, ...buttons));
    else {
      this.figures.append(...about);
      this.actions.append(...buttons);
      this.aloud.before(...sentences);
      this.rest.replaceChildren();
    }
    this.actions.append(this.writing);
    if (activeElement !== document.activeElement && (this.element.contains(activeElement) || this.rest.contains(activeElement))) activeElement.focus();
  }

  /** Shows the numbers of `Selection.tally`. */
  render({ matching, out, added, count, total }, enrolled) {
    // "412 − 3 + 1 =" only where somebody was picked by hand: else there is nothing to explain.
    const picked = out > 0 || added > 0;
    setText(this.sum, picked ? `${number(matching)}${out > 0 ? ` − ${number(out)}` : ""}${added > 0 ? ` + ${number(added)}` : ""} = ` : "");
    setText(this.count, number(count));
    setText(this.total, groupWords.learners(total));
    setText(this.share, groupWords.share(count, total));
    setText(this.enrolled, groupWords.enrolled(enrolled));
  }

  /** What is said when the hand rests: the criteria in words, what to do where `nobody` is meant, and all of it aloud. */
  describe(text, tally, { plain, nobody }) {
    setText(this.who, text);
    this.empty.hidden = nobody === "";
    setText(this.empty, nobody);
    setText(this.aloud, `${groupWords.tallyAloud(tally)}. ${text}. ${nobody}`);
    this.reset.disabled = plain;
  }

  #form() {
    this.name = el("input", { type: "text", class: "engage-text", maxlength: LONGEST_NAME, required: true, autocomplete: "off", testid: "save-name", "aria-label": groupWords.saveAs() });
    this.problem = el("p", { class: "engage-problem", role: "alert" });
    const form = el(
      "form",
      { class: "engage-save", hidden: true, on: { submit: (event) => this.#submit(event) } },
      el("span", { "aria-hidden": "true" }, groupWords.saveAs()),
      this.name,
      el("button", { type: "submit", class: "engage-button engage-primary", testid: "save-now" }, groupWords.saveNow()),
      button(groupWords.cancel(), () => this.#close()),
      this.problem,
    );
    form.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.#close();
    });
    return form;
  }

  #open() {
    this.form.hidden = false;
    setText(this.news, "");
    setText(this.problem, "");
    this.name.focus();
  }

  #close() {
    this.form.hidden = true;
    this.name.value = "";
    this.save.focus();
  }

  async #submit(event) {
    event.preventDefault();
    const name = this.name.value.trim();
    if (name === "") return;
    try {
      const { no_longer_here: gone } = await this.onSave(name);
      this.#close();
      setText(this.news, [groupWords.savedAs(name), peopleWords.noLongerHere(gone ?? 0)].filter(Boolean).join(" "));
    } catch (error) {
      setText(this.problem, peopleWords.failed(error));
    }
  }
}
