// The confirmation: whom it reaches, who is left out and why, now or at a time. One key for each time that it opens, so
// that however often the button is pressed, it is sent once.
import { button, el, setText, uniqueId } from "../dom.js";
import { peopleWords } from "../words/people.js";
import { composerWords } from "../words/composer.js";
import { momentOf, newKey, nextMorning } from "./rules.js";

export class Confirm {
  /** `onSend(body)` resolves when it is confirmed, and throws Refused; `onBack()`; `onMoment(iso)` -> {quiet, timing} of the server's preview. */
  constructor({ onSend, onBack, onMoment }) {
    Object.assign(this, { onSend, onBack, onMoment });
    this.title = el("h5", { class: "engage-part-title", tabindex: "-1", testid: "confirm-title" });
    this.numbers = el("div", { testid: "confirm-numbers" });
    this.warnings = el("div", { class: "engage-compose-warnings" });
    const name = uniqueId("when");
    const radio = (value, text) => {
      const input = el("input", { type: "radio", name, value, id: uniqueId("when"), testid: `when-${value}`, on: { change: () => this.#showWhen() } });
      return [input, el("span", { class: "engage-compose-check" }, input, el("label", { for: input.id }, text))];
    };
    const [now, nowLine] = radio("now", composerWords.now());
    const [later, laterLine] = radio("later", composerWords.later());
    Object.assign(this, { now, later });
    this.moment = el("input", { type: "datetime-local", class: "engage-text", "aria-label": composerWords.moment(), testid: "send-at", on: { change: () => this.#showWhen() } });
    this.momentLine = el("span", { class: "engage-filter-fields", hidden: true }, this.moment, el("span", { "aria-hidden": "true" }, "UTC"));
    this.when = el("fieldset", { class: "engage-compose-when" }, el("legend", { class: "engage-unseen" }, composerWords.when()), nowLine, el("span", { class: "engage-filter-fields" }, laterLine, this.momentLine));
    this.quiet = el("p", { role: "status", testid: "confirm-quiet" });
    this.anyway = button("", () => this.#send({ quiet: "send" }), { testid: "send-anyway" });
    this.problem = el("p", { class: "engage-problem", role: "alert", testid: "confirm-problem" });
    this.go = button("", () => this.#send({}), { look: "button engage-primary", testid: "send" });
    this.back = button("", onBack, { testid: "confirm-back" });
    this.hint = el("p", { class: "engage-hint" }, composerWords.undoHint());
    this.element = el("section", { class: "engage-compose-confirm", hidden: true, testid: "confirm" }, this.title, this.numbers, this.warnings, this.when, this.quiet, this.hint, this.problem, el("div", { class: "engage-compose-actions" }, this.go, this.anyway, this.back));
    this.element.setAttribute("aria-labelledby", (this.title.id = uniqueId("confirm")));
  }

  /**
   * Opens for what the server's preview said: {audience: {selected, to_write, left_out}, version, refused, warnings}.
   * `day`, `fresh`: instead, those who came to match on that day. `note`: a sentence before the numbers.
   * `canWait`: whether a time can be chosen; `now`: the course's time, ISO.
   */
  open({ audience, version, refused, warnings, quiet = null }, { day = null, fresh = 0, note = "", canWait = true, isNew = true, now = null }) {
    const count = day ? fresh : audience.to_write;
    const isPossible = count > 0 && !refused;
    this.given = { key: newKey(), version, count, ...(day ? { matches: day } : {}) };
    setText(this.title, count > 0 ? composerWords.confirm(count) : composerWords.confirmNobody());
    const reasons = Object.entries(audience.left_out);
    const out = reasons.reduce((sum, [, number]) => sum + number, 0);
    const about = day
      ? [el("p", {}, composerWords.matches(fresh), " ", composerWords.matchesHint())]
      : [
          note ? el("p", {}, note) : null,
          el("p", {}, composerWords.selected(audience.selected), ". ", out > 0 ? composerWords.leftOut(out) : composerWords.nobodyOut()),
          el("ul", { class: "engage-plain", hidden: out === 0 }, ...reasons.map(([reason, number]) => el("li", {}, composerWords.reasonCount(reason, number)))),
        ];
    this.numbers.replaceChildren(...about.filter(Boolean));
    this.warnings.hidden = warnings.length === 0;
    this.warnings.replaceChildren(el("strong", {}, composerWords.warnings()), el("ul", { class: "engage-plain" }, ...warnings.map((one) => el("li", {}, composerWords.warning(one)))));
    setText(this.problem, refused);
    setText(this.go, composerWords.sendNow(count));
    setText(this.back, isNew ? composerWords.back() : composerWords.cancel());
    this.go.hidden = !isPossible;
    this.waits = isPossible && quiet !== null;
    this.quietNow = this.waits ? composerWords.quiet(quiet) : "";
    this.hint.hidden = !isPossible;
    this.when.hidden = !isPossible || !canWait;
    this.now.checked = true;
    this.moment.value = nextMorning(now);
    this.#showWhen();
    this.element.hidden = false;
    this.title.focus({ preventScroll: true });
    this.element.scrollIntoView({ block: "nearest" });
  }

  close() {
    this.element.hidden = true;
  }

  #showWhen() {
    const isLater = this.later.checked;
    this.momentLine.hidden = !isLater;
    setText(this.anyway, isLater ? composerWords.sendThenAnyway() : composerWords.sendAnyway());
    this.#showQuiet(isLater ? "" : this.quietNow, !isLater && this.waits);
    setText(this.problem, "");
    if (isLater && !this.when.hidden) this.#askAbout(momentOf(this.moment.value));
  }

  /** What is to be known of the time that it goes out at, and whether it can be sent in the quiet hours all the same. */
  #showQuiet(text, isQuiet) {
    setText(this.quiet, text);
    this.quiet.hidden = text === "";
    this.anyway.hidden = !isQuiet;
  }

  /** Says what is odd about a time that was chosen. Without an answer it is chosen all the same, and checked at sending. */
  async #askAbout(moment) {
    this.asked = moment;
    if (moment === null) return;
    const said = await this.onMoment(moment).catch(() => null);
    if (said !== null && this.asked === moment && this.later.checked && !this.element.hidden) this.#showQuiet(said.timing, said.quiet !== null);
  }

  async #send(more) {
    const isLater = this.later.checked && !this.when.hidden;
    const moment = isLater ? momentOf(this.moment.value) : null;
    if (isLater && moment === null) {
      setText(this.problem, composerWords.wrongMoment());
      this.moment.focus();
      return;
    }
    if (this.sending) return; // and were it not for this, the key would see to it
    this.sending = true;
    this.element.setAttribute("aria-busy", "true");
    setText(this.problem, "");
    try {
      await this.onSend({ ...this.given, ...(moment ? { send_at: moment } : {}), ...more });
    } catch (error) {
      setText(this.problem, peopleWords.failed(error));
    } finally {
      this.sending = false;
      this.element.setAttribute("aria-busy", "false");
    }
  }
}
