// A message as one of the selected would get it; the server fills the name in, and masks it.
import { button, el, setText, uniqueId } from "../dom.js";
import { composerWords } from "../words/composer.js";
import { safeNodes } from "./safe.js";

export class Preview {
  /** `onAsk(pseudonym)` -> the server's preview for one learner, or for none; throws Refused. `onTrouble(error)`. */
  constructor({ onAsk, onTrouble }) {
    Object.assign(this, { onAsk, onTrouble });
    this.names = [];
    this.at = 0;
    this.place = el("input", { type: "number", class: "engage-field", min: "1", step: "1", id: uniqueId("preview-at"), testid: "preview-at", on: { change: () => this.#go(Math.round(Number(this.place.value)) - 1) } });
    this.of = el("span");
    this.name = el("code", { class: "engage-pseudonym", testid: "preview-name" });
    this.steps = el(
      "div",
      { class: "engage-filter-fields" },
      el("label", { for: this.place.id }, composerWords.previewAs()),
      this.place,
      this.of,
      button("‹", () => this.#go(this.at - 1), { "aria-label": composerWords.previous(), testid: "preview-previous" }),
      button("›", () => this.#go(this.at + 1), { "aria-label": composerWords.next(), testid: "preview-next" }),
      this.name,
    );
    this.hint = el("p", { class: "engage-hint" });
    this.head = el("dl", { class: "engage-letter-head" });
    this.body = el("div", { class: "engage-letter-body", testid: "preview-body" });
    this.letter = el("div", { class: "engage-letter", hidden: true }, this.head, this.body);
    this.news = el("p", { class: "engage-unseen", role: "status" });
    this.element = el("section", { class: "engage-compose-preview", hidden: true, "aria-label": composerWords.preview(), testid: "preview" }, this.steps, this.hint, this.letter, this.news);
  }

  get isOpen() {
    return !this.element.hidden;
  }

  /** Whose preview can be seen. */
  setNames(names) {
    if (this.names === names) return;
    this.names = names;
    this.at = 0;
    this.#showPlace();
  }

  open() {
    this.element.hidden = false;
    return this.refresh();
  }

  close() {
    this.element.hidden = true;
    this.letter.hidden = true;
  }

  /** Asks anew; an answer that is overtaken by another question is left out. */
  async refresh() {
    if (!this.isOpen) return;
    const asked = (this.asked = {});
    this.element.setAttribute("aria-busy", "true");
    try {
      const answer = await this.onAsk(this.names[this.at] ?? null);
      if (this.asked !== asked || !this.isOpen) return;
      this.#show(answer);
    } catch (error) {
      if (this.asked === asked) this.onTrouble(error);
    } finally {
      if (this.asked === asked) this.element.setAttribute("aria-busy", "false");
    }
  }

  #go(at) {
    const known = Number.isFinite(at) ? at : this.at;
    this.at = Math.min(Math.max(0, known), Math.max(0, this.names.length - 1));
    this.#showPlace();
    this.refresh();
  }

  #showPlace() {
    const count = this.names.length;
    this.steps.hidden = count === 0;
    this.place.value = String(this.at + 1);
    this.place.max = String(count);
    setText(this.of, composerWords.previewOf(count));
    setText(this.name, this.names[this.at] ?? "");
    setText(this.hint, count === 0 ? composerWords.nameless() : composerWords.masked());
  }

  #show(answer) {
    const lines = [
      [composerWords.letterFrom(), answer.from],
      [composerWords.letterReply(), answer.reply_to],
      [composerWords.letterTo(), answer.to || "–"],
      [composerWords.field("subject"), answer.subject],
    ].filter(([, text]) => text);
    this.head.replaceChildren(...lines.map(([name, text]) => el("div", {}, el("dt", {}, name), el("dd", {}, text))));
    this.body.replaceChildren(...safeNodes(answer.html));
    this.letter.hidden = false;
    setText(this.news, `${composerWords.preview()}: ${answer.subject}`);
  }
}
