// A message that was confirmed before: its words, how it stands, its versions, and what can be done with it.
import { button, el, setText } from "../dom.js";
import { composerWords } from "../words/composer.js";
import { Automation } from "./automation.js";
import { isMoving, progressOf, written } from "./rules.js";
import { Standing } from "./standing.js";

export class Message {
  /** `timeOf()`: the course's time, ISO or null. What it hands on: `onUndo`, `onStop`, `onLoad(one)`, `onEdit(one)`, `onResend`, `onSwitch(mode)`, `onReview(matches)`, `onVersion(number)` -> the whole, `onTrouble(error)`. */
  constructor({ automationAllowed, timeOf, onUndo, onStop, onLoad, onEdit, onResend, onSwitch, onReview, onVersion, onTrouble, onClose }) {
    Object.assign(this, { automationAllowed, onVersion, onTrouble });
    this.title = el("h5", { class: "engage-part-title", tabindex: "-1", testid: "message-title" });
    this.who = el("p", { class: "engage-quiet" });
    this.text = el("div", { class: "engage-letter-body engage-letter-plain", testid: "message-text" });
    this.versions = el("ul", { class: "engage-plain" });
    this.history = el("details", { class: "engage-history" }, el("summary", {}, composerWords.versions()), this.versions);
    this.standing = new Standing({ timeOf, onUndo, onStop });
    this.resend = button(composerWords.resend(), onResend, { testid: "resend" });
    this.automation = new Automation({ onSwitch, onReview });
    this.element = el(
      "section",
      { class: "engage-message", hidden: true, testid: "message-view" },
      this.title,
      this.who,
      this.standing.element,
      el("div", { class: "engage-letter" }, this.text),
      this.history,
      el("div", { class: "engage-compose-actions" }, button(composerWords.load(), () => onLoad(this.one), { testid: "load-criteria" }), button(composerWords.edit(), () => onEdit(this.one), { testid: "edit" }), this.resend, button(composerWords.close(), onClose, { testid: "message-close" })),
      this.automation.element,
    );
  }

  /** Shows a communication; `who`: its criteria in words. */
  render(one, who) {
    const isOther = this.one?.id !== one.id;
    this.one = one;
    if (isOther) {
      this.automation.reset();
      this.history.open = false;
    }
    this.element.hidden = false;
    setText(this.title, composerWords.subjectAsRead(one.subject));
    setText(this.who, this.#to(one, who));
    this.standing.render(one);
    this.resend.hidden = written(one.counts) === 0 || one.undo_seconds > 0;
    this.#list(one, isOther);
    this.automation.element.hidden = !this.automationAllowed && one.automation === "off" && !one.paused_because;
    this.automation.render(one);
  }

  /** To how many: as the list says while it is to be confirmed, then as it was confirmed, and in the end who has had it. */
  #to(one, who) {
    const { of } = progressOf(one.counts);
    if (!one.frozen || of === 0) return composerWords.to(one.pseudonyms.length, who);
    return isMoving(one) ? composerWords.to(of, who) : composerWords.sentTo(one.counts.sent, of, who);
  }

  close() {
    this.element.hidden = true;
    this.standing.leave();
    this.one = null;
  }

  #list(one, isOther) {
    const said = JSON.stringify(one.versions);
    if (said === this.said && !isOther) return;
    this.said = said;
    setText(this.text, one.body);
    this.history.hidden = one.versions.length < 2;
    const item = ({ number, sent_at: sentAt, subject }) => el("li", {}, `${composerWords.version(number, sentAt)}: ${composerWords.subjectAsRead(subject)} `, button(composerWords.show(), () => this.#show(number), { look: "link", "aria-label": `${composerWords.show()}: ${composerWords.version(number, sentAt)}` }));
    this.versions.replaceChildren(...one.versions.map(item));
  }

  async #show(number) {
    try {
      const { subject, body } = await this.onVersion(number);
      setText(this.text, `${subject}\n\n${body}`);
    } catch (error) {
      this.onTrouble(error);
    }
  }
}
