// Finds a learner by pseudonym, or by name or address: the answer is a pseudonym, and the server records the look-up.
import { button, el, setText, uniqueId } from "./dom.js";
import { peopleWords } from "./words/people.js";

export class Finder {
  /** `onLookUp(query)` -> pseudonyms, throws Refused; `isKnown(pseudonym)`; `isIn(pseudonym)`; `onPick(name, isIn)`; `onOpen(name)`. */
  constructor({ onLookUp, isKnown, isIn, onPick, onOpen }) {
    Object.assign(this, { onLookUp, isKnown, isIn, onPick, onOpen });
    this.found = [];
    const hint = el("p", { class: "engage-hint", id: uniqueId("find") }, peopleWords.findHint());
    this.query = el("input", { type: "search", class: "engage-text", autocomplete: "off", spellcheck: "false", testid: "find", placeholder: peopleWords.find(), "aria-label": peopleWords.find(), "aria-describedby": hint.id });
    this.news = el("p", { class: "engage-news", role: "status", testid: "find-news" });
    this.list = el("ul", { class: "engage-found", testid: "found" });
    const form = el(
      "form",
      { class: "engage-find", role: "search", "aria-label": peopleWords.find(), on: { submit: (event) => this.#submit(event) } },
      this.query,
      el("button", { type: "submit", class: "engage-button", testid: "find-now" }, peopleWords.findNow()),
    );
    this.element = el("section", { class: "engage-finder" }, form, hint, this.news, this.list);
  }

  /** Says anew of those found whether they are in the selection. */
  render() {
    for (const line of this.found) {
      const isIn = this.isIn(line.name);
      setText(line.place, isIn ? peopleWords.isIn() : peopleWords.isOut());
      setText(line.pick, isIn ? peopleWords.takeOut() : peopleWords.add());
    }
  }

  async #submit(event) {
    event.preventDefault();
    const query = this.query.value.trim();
    if (query === "" || this.asking) return;
    this.asking = true;
    try {
      // A pseudonym is answered here: nobody's name was asked for, so there is nothing to record.
      const names = this.isKnown(query.toLowerCase()) ? [query.toLowerCase()] : await this.onLookUp(query);
      this.query.value = ""; // a name stays on the screen no longer than it has to
      setText(this.news, names.length === 0 ? peopleWords.foundNobody() : peopleWords.found(names.length));
      this.#list(names);
    } catch (error) {
      setText(this.news, peopleWords.failed(error));
      this.#list([]);
    } finally {
      this.asking = false;
    }
  }

  #list(names) {
    this.found = names.map((name) => {
      const place = el("span", { class: "engage-quiet" });
      const pick = button("", () => this.onPick(name, !this.isIn(name)), { testid: "found-pick" });
      const open = button(peopleWords.show(), () => this.onOpen(name), { testid: "found-open" });
      return { name, place, pick, element: el("li", {}, el("code", { class: "engage-pseudonym" }, name), place, pick, open) };
    });
    this.list.replaceChildren(...this.found.map((line) => line.element));
    this.render();
  }
}
