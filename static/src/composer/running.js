// Automatic messages: which there are, how they stand, and in which order they write.
import { button, el } from "../dom.js";
import { composerWords } from "../words/composer.js";

/** The automatic ones among communications, in the order in which the server lets them write. */
export const runningOf = (communications) => communications.filter((one) => one.automation !== "off").sort((a, b) => a.order - b.order || a.id - b.id);

export class Running {
  /** `onOpen(id)`; `onOrder(ids)`: the new order of all, resolves when the list was taken in anew. */
  constructor({ onOpen, onOrder }) {
    Object.assign(this, { onOpen, onOrder });
    this.said = "";
    this.hint = el("p", { class: "engage-hint" }, composerWords.runningHint());
    this.list = el("ol", { class: "engage-running-list", testid: "running" });
    this.element = el("section", { class: "engage-running", "aria-label": composerWords.running(), hidden: true }, el("h5", { class: "engage-small-title" }, composerWords.running()), this.hint, this.list);
  }

  /** Takes in the server's list. */
  take(communications) {
    const running = runningOf(communications);
    const said = JSON.stringify(running.map((one) => [one.id, one.subject, one.automation, one.paused_because]));
    if (said === this.said) return; // what has the focus stays as it is
    this.said = said;
    this.ids = running.map((one) => one.id);
    this.element.hidden = running.length === 0;
    this.hint.hidden = running.length < 2;
    this.list.replaceChildren(...running.map((one, at) => this.#item(one, at)));
  }

  #item(one, at) {
    const move = (by, sign, name) => button(sign, () => this.#move(at, by, name), { look: "button engage-move", disabled: this.ids[at + by] === undefined, "aria-label": composerWords.move(by, one.subject), "data-move": name });
    return el(
      "li",
      {},
      button(composerWords.subjectAsRead(one.subject), () => this.onOpen(one.id), { look: "link" }),
      el("span", { class: "engage-quiet" }, composerWords.runs(one)),
      ...(this.ids.length > 1 ? [move(-1, "↑", "up"), move(1, "↓", "down")] : []),
    );
  }

  async #move(at, by, name) {
    const ids = [...this.ids];
    [ids[at], ids[at + by]] = [ids[at + by], ids[at]];
    await this.onOrder(ids);
    // The hand stays with the message that it moved; at either end only the way back is left.
    const buttons = [...(this.list.children[at + by]?.querySelectorAll("[data-move]") ?? [])].filter((one) => !one.disabled);
    (buttons.find((one) => one.dataset.move === name) ?? buttons[0])?.focus();
  }
}
