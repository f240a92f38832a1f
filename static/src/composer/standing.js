// How a message stands: the time to undo, then Stop, how far it is, and what did not get through.
import { button, el, setText } from "../dom.js";
import { number } from "../i18n.js";
import { composerWords } from "../words/composer.js";
import { DELIVERIES, isMoving, progressOf, waitsFor } from "./rules.js";

const MOST_SHOWN = 50;

export class Standing {
  /** `timeOf()`: the course's time, ISO or null; `onUndo()`, `onStop()`. */
  constructor({ timeOf, onUndo, onStop }) {
    this.timeOf = timeOf;
    this.line = el("p", { class: "engage-standing-line", testid: "standing" });
    this.aloud = el("p", { class: "engage-unseen", role: "status" });
    this.undo = button(composerWords.undo(), onUndo, { look: "button engage-primary", testid: "undo" });
    this.stop = button(composerWords.stop(), onStop, { look: "button engage-danger", testid: "stop" });
    this.bar = el("progress", { class: "engage-progress", max: 1, "aria-label": composerWords.messages() });
    this.figures = el("dl", { class: "engage-standing-figures", testid: "counts" });
    this.troubled = el("p", { class: "engage-trouble", role: "status", hidden: true }, composerWords.noAnswer());
    this.details = el("div", { class: "engage-standing-details" });
    this.element = el("div", { class: "engage-standing" }, el("div", { class: "engage-compose-actions" }, this.line, this.undo, this.stop), this.bar, this.figures, this.troubled, this.details, this.aloud);
  }

  /** Shows a communication as the server has it now. */
  render(one) {
    this.one = one;
    this.undoUntil = performance.now() + 1000 * one.undo_seconds;
    clearInterval(this.ticking);
    if (one.undo_seconds > 0) this.ticking = setInterval(() => this.#tick(), 1000);
    this.#tick();
    const progress = progressOf(one.counts);
    this.bar.hidden = progress.of === 0;
    this.bar.max = Math.max(1, progress.of);
    this.bar.value = progress.done;
    this.bar.textContent = composerWords.progress(progress);
    this.bar.setAttribute("aria-valuetext", composerWords.progress(progress));
    this.figures.replaceChildren(...DELIVERIES.filter((name) => one.counts[name] > 0).map((name) => el("div", { "data-delivery": name }, el("dt", {}, composerWords.delivery(name)), el("dd", {}, number(one.counts[name])))));
    this.#tellTrouble(one);
  }

  /** Says that the last question was not answered. */
  showTrouble(isTroubled) {
    this.troubled.hidden = !isTroubled;
  }

  leave() {
    clearInterval(this.ticking);
    this.troubled.hidden = true;
    setText(this.aloud, "");
  }

  #tick() {
    const { one } = this;
    const seconds = Math.ceil((this.undoUntil - performance.now()) / 1000);
    const canUndo = one.state === "waiting" && seconds > 0;
    const waits = waitsFor(one, this.timeOf());
    const hadFocus = document.activeElement === this.undo || this.element.getRootNode().activeElement === this.undo;
    this.undo.hidden = !canUndo;
    this.stop.hidden = canUndo || !isMoving(one);
    if (hadFocus && !canUndo && !this.stop.hidden) this.stop.focus();
    if (!canUndo) clearInterval(this.ticking);
    const said = canUndo ? composerWords.goesOutIn(seconds) : waits ? composerWords.goesOutAt(waits) : one.state === "stopped" ? composerWords.stopped(one.counts.sent, one.counts.skipped) : one.state === "done" ? composerWords.finished(one.counts) : composerWords.state(one.state);
    setText(this.line, said);
    // A count of seconds is not read out: what is said aloud changes with the state alone.
    setText(this.aloud, canUndo ? composerWords.confirmed() : said);
  }

  #tellTrouble({ failed, in_doubt: inDoubt, skipped, counts, sendings }) {
    const names = (list) => list.slice(0, MOST_SHOWN);
    const more = (list, count) => (count > MOST_SHOWN ? el("p", { class: "engage-hint" }, composerWords.shownFirst(Math.min(MOST_SHOWN, list.length), count)) : null);
    const code = (name) => el("code", { class: "engage-pseudonym" }, name);
    const parts = [];
    const late = sendings.find((one) => one.late > 0);
    if (late) parts.push(el("p", { class: "engage-trouble", testid: "late" }, composerWords.late(late.late, late.send_at ?? late.created)));
    const reasons = Object.entries(skipped);
    if (reasons.length > 0) parts.push(el("div", {}, el("p", {}, composerWords.skipped()), el("ul", { class: "engage-plain" }, ...reasons.map(([reason, count]) => el("li", {}, composerWords.reasonCount(reason, count))))));
    if (inDoubt.length > 0) parts.push(el("div", {}, el("p", {}, composerWords.inDoubt()), el("p", { class: "engage-names" }, ...names(inDoubt).flatMap((name) => [code(name), " "])), more(inDoubt, counts.uncertain)));
    if (failed.length > 0) parts.push(el("div", {}, el("p", {}, composerWords.failed()), el("ul", { class: "engage-plain" }, ...names(failed).map(({ learner, reason }) => el("li", {}, code(learner), " ", reason))), more(failed, counts.failed)));
    const said = JSON.stringify([late?.id, skipped, inDoubt, failed]);
    if (said === this.said) return;
    this.said = said;
    this.details.replaceChildren(...parts);
  }
}
