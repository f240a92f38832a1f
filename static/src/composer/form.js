// The words of a message: fields, names to fill in, texts to begin from, and what is better not said.
import { button, el, setText, uniqueId } from "../dom.js";
import { composerWords } from "../words/composer.js";
import { FIELDS, inserted, problemOf } from "./rules.js";

const LONGEST = { subject: 200, body: 20000 };
const PLACES = [
  ["[:firstname:]", composerWords.firstName],
  ["[:fullname:]", composerWords.fullName],
];
const WITH_NAMES = ["subject", "body"];

export class Form {
  /** `onInput(words)` after each change. */
  constructor({ onInput }) {
    this.onInput = onInput;
    this.templates = [];
    this.addresses = [];
    this.fields = {};
    this.problems = {};
    this.from = el("p", { class: "engage-compose-line", testid: "compose-from" });
    const lines = Object.fromEntries(FIELDS.map((name) => [name, this.#field(name)]));
    this.target = this.fields.body; // where a name goes: where the cursor was last
    this.choice = el("select", { class: "engage-select", id: uniqueId("template"), testid: "template" });
    this.choiceNote = el("span", { class: "engage-quiet", role: "status" });
    this.use = button(composerWords.useTemplate(), () => this.#useTemplate(), { testid: "template-use" });
    this.choice.addEventListener("change", () => this.#ask(false));
    this.begin = el("div", { class: "engage-compose-line", hidden: true }, el("label", { class: "engage-filter-label", for: this.choice.id }, composerWords.template()), el("div", { class: "engage-filter-fields" }, this.choice, this.use, this.choiceNote));
    this.notice = el("input", { type: "checkbox", id: uniqueId("notice"), testid: "course-notice", on: { change: () => this.#told() } });
    this.warnings = el("ul", { class: "engage-plain" });
    this.warned = el("div", { class: "engage-compose-warnings", role: "status", hidden: true, testid: "warnings" }, el("strong", {}, composerWords.warnings()), this.warnings);
    const noticeHint = el("p", { class: "engage-hint", id: uniqueId("notice-hint") }, composerWords.noticeHint());
    this.notice.setAttribute("aria-describedby", noticeHint.id);
    this.element = el(
      "div",
      { class: "engage-compose-fields" },
      this.begin,
      el("div", { class: "engage-compose-pair" }, this.from, lines.reply_to),
      lines.subject,
      lines.body,
      this.warned,
      el("div", { class: "engage-compose-line" }, el("span", { class: "engage-compose-check" }, this.notice, el("label", { for: this.notice.id }, composerWords.notice())), noticeHint),
    );
  }

  get words() {
    return { ...Object.fromEntries(FIELDS.map((name) => [name, this.fields[name].value])), course_notice: this.notice.checked };
  }

  /** Puts words into the fields. */
  fill(words) {
    this.#offerReply(words.reply_to);
    for (const name of FIELDS) this.fields[name].value = words[name];
    this.notice.checked = words.course_notice;
    this.target = this.fields.body;
    this.choice.value = "";
    this.#ask(false);
    this.clear();
    this.warn([]);
  }

  /** Offers texts to begin from. */
  offer(templates) {
    this.templates = templates;
    const options = templates.map(({ name, title }) => el("option", { value: name }, title));
    this.choice.replaceChildren(el("option", { value: "" }, composerWords.noTemplate()), ...options);
    this.begin.hidden = templates.length === 0;
  }

  /** Shows what the site puts in the head: `from`, and the addresses that replies may go to. */
  showSender({ from, reply_to }) {
    this.from.replaceChildren(el("span", { class: "engage-filter-label" }, composerWords.letterFrom()), el("span", {}, from));
    this.addresses = reply_to;
    this.#offerReply(this.fields.reply_to.value);
  }

  /** `kept`: the address of a message that somebody else began stays a choice. */
  #offerReply(kept) {
    const addresses = [...new Set([...this.addresses, kept].filter(Boolean))];
    this.fields.reply_to.replaceChildren(...addresses.map((one) => el("option", { value: one }, one)), el("option", { value: "" }, composerWords.noReply()));
    this.fields.reply_to.value = kept;
  }

  /** Says of which words the server warns, and why. */
  warn(warnings) {
    this.warned.hidden = warnings.length === 0;
    this.warnings.replaceChildren(...warnings.map((one) => el("li", {}, composerWords.warning(one))));
  }

  /** Shows a refusal by its field, and goes there; false when it is about none of them. */
  show(detail, { focus = false } = {}) {
    const { field, text } = problemOf(detail);
    if (field === null) return false;
    this.#mark(field, composerWords.problem(field, text), focus);
    return true;
  }

  /** Whether it can be sent as it stands; where not, says so by the first field that stands against it. */
  check() {
    this.clear();
    const empty = WITH_NAMES.find((name) => this.fields[name].value.trim() === "");
    return empty ? this.#mark(empty, composerWords.missing(), true) : true;
  }

  /** Takes all problems back. */
  clear() {
    for (const name of FIELDS) {
      setText(this.problems[name], "");
      this.fields[name].removeAttribute("aria-invalid");
    }
  }

  #mark(name, text, focus) {
    setText(this.problems[name], text);
    this.fields[name].setAttribute("aria-invalid", "true");
    if (focus) this.fields[name].focus();
    return false;
  }

  #field(name) {
    const id = uniqueId(name);
    const isBody = name === "body";
    const problem = el("p", { class: "engage-problem", role: "alert", id: `${id}-problem`, testid: `problem-${name}` });
    const hint = isBody ? el("p", { class: "engage-hint", id: `${id}-hint` }, composerWords.bodyHint()) : null;
    const shared = { id, class: `engage-text engage-compose-${name}`, maxlength: LONGEST[name], autocomplete: "off", testid: `compose-${name}`, "aria-describedby": hint ? `${hint.id} ${problem.id}` : problem.id };
    const field = isBody ? el("textarea", { ...shared, rows: 10 }) : name === "reply_to" ? el("select", { ...shared, class: "engage-select" }) : el("input", { ...shared, type: "text" });
    field.addEventListener("input", () => {
      setText(problem, "");
      field.removeAttribute("aria-invalid");
      this.#told();
    });
    if (WITH_NAMES.includes(name)) field.addEventListener("focus", () => (this.target = field));
    this.fields[name] = field;
    this.problems[name] = problem;
    return el("div", { class: "engage-compose-line" }, el("label", { class: "engage-filter-label", for: id }, composerWords.field(name)), field, isBody ? this.#names() : null, hint, problem);
  }

  #names() {
    const insert = (place) => {
      const { target } = this;
      const { text, caret } = inserted(target.value, place, target.selectionStart, target.selectionEnd);
      target.value = text;
      target.focus();
      target.setSelectionRange(caret, caret);
      this.#told();
    };
    const buttons = PLACES.map(([place, name]) => button(name(), () => insert(place), { look: "chip", testid: `insert-${place.slice(2, -2)}` }));
    return el("div", { class: "engage-compose-names", role: "group", "aria-label": composerWords.insert() }, el("span", { class: "engage-quiet", "aria-hidden": "true" }, composerWords.insert()), ...buttons);
  }

  #useTemplate() {
    const template = this.templates.find((one) => one.name === this.choice.value) ?? { subject: "", body: "", course_notice: false };
    const isOwn = this.#hasOwnText();
    if (isOwn && !this.sure) return this.#ask(true);
    this.fields.subject.value = template.subject;
    this.fields.body.value = template.body;
    this.notice.checked = template.course_notice;
    this.#ask(false);
    this.clear();
    this.#told();
    return this.fields.subject.focus();
  }

  /** Would a template write over something that somebody wrote? */
  #hasOwnText() {
    const [subject, body] = WITH_NAMES.map((name) => this.fields[name].value.trim());
    const known = this.templates.some((one) => one.subject.trim() === subject && one.body.trim() === body);
    return !known && (subject !== "" || body !== "");
  }

  #ask(sure) {
    this.sure = sure;
    setText(this.use, sure ? composerWords.replaceText() : composerWords.useTemplate());
    setText(this.choiceNote, sure ? composerWords.replaceSure() : "");
  }

  #told() {
    this.onInput(this.words);
  }
}
