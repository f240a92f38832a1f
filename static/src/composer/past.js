// Past messages: a list to choose from, the active ones marked; and all of them as a file, for the next run.
import { button, el, uniqueId } from "../dom.js";
import { composerWords } from "../words/composer.js";
import { shelfOf } from "./rules.js";

const SHELVES = ["active", "drafts", "sent"];
const FILE = "engage-communications.json";

export class Past {
  /** `onOpen(id)`; `onImport(data)` -> how many drafts came of it, throws Refused; `onNews(text)`; `onTrouble(error)`. */
  constructor({ onOpen, onImport, onNews, onTrouble, exportUrl }) {
    Object.assign(this, { onImport, onNews, onTrouble });
    this.said = "";
    this.choice = el("select", { class: "engage-select", id: uniqueId("past"), testid: "past" });
    this.open = button(composerWords.open(), () => this.choice.value && onOpen(Number(this.choice.value)), { testid: "past-open" });
    this.file = el("input", { type: "file", accept: ".json,application/json", hidden: true, tabindex: "-1", testid: "import-file", "aria-label": composerWords.importFile(), on: { change: () => this.#import() } });
    this.chosen = el("span", { class: "engage-filter-fields" }, el("label", { for: this.choice.id }, composerWords.past()), this.choice, this.open);
    this.export = el("a", { class: "engage-link", href: exportUrl, download: FILE, testid: "export" }, composerWords.exportAll());
    this.element = el("div", { class: "engage-past" }, this.chosen, this.export, button(composerWords.importFile(), () => this.file.click(), { look: "link", testid: "import" }), this.file);
    this.take([]);
  }

  /** Takes in the server's list; the choice stays. */
  take(communications) {
    this.chosen.hidden = communications.length === 0;
    this.export.hidden = communications.length === 0;
    const groups = SHELVES.map((shelf) => [shelf, communications.filter((one) => shelfOf(one) === shelf)]).filter(([, found]) => found.length > 0);
    const said = JSON.stringify(groups.map(([shelf, found]) => [shelf, found.map((one) => composerWords.entry(one))]));
    if (said === this.said) return; // what has the focus stays as it is
    this.said = said;
    const { value } = this.choice;
    const option = (one) => el("option", { value: String(one.id) }, composerWords.entry(one));
    this.choice.replaceChildren(el("option", { value: "" }, composerWords.choose()), ...groups.map(([shelf, found]) => el("optgroup", { label: composerWords.shelf(shelf) }, ...found.map(option))));
    this.choice.value = communications.some((one) => String(one.id) === value) ? value : "";
  }

  /** Shows which one is open; null: none. */
  mark(id) {
    this.choice.value = id === null ? "" : String(id);
  }

  async #import() {
    const [file] = this.file.files;
    this.file.value = ""; // the same file can be chosen again
    if (!file) return;
    let data;
    try {
      data = JSON.parse(await file.text());
    } catch {
      this.onTrouble({ status: 400, detail: composerWords.notAnExport() });
      return;
    }
    try {
      const count = await this.onImport(data);
      this.onNews(composerWords.imported(count));
    } catch (error) {
      this.onTrouble(error);
    }
  }
}
