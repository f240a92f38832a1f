// A message being written: to whom, the form, the preview, a test; and it is kept while one writes.
import { fromJson } from "../criteria.js";
import { button, el, setText } from "../dom.js";
import { composerWords } from "../words/composer.js";
import { peopleWords } from "../words/people.js";
import { Form } from "./form.js";
import { Preview } from "./preview.js";
import { isDraft, sameCriteria, sameList } from "./rules.js";

const SAVE_AFTER_MS = 1500;
const SAVE_AGAIN_AFTER_MS = 10000; // where the server did not answer, or failed

export class Writing {
  /** `onSaved(one)` after each saving; `onReview(one)`; `onClose()`; `onGone()`: it is deleted; `onTrouble(error)`; `describe(criteria)`; `selectedNow()`. */
  constructor({ api, describe, selectedNow, onSaved, onReview, onClose, onGone, onTrouble }) {
    Object.assign(this, { api, describe, selectedNow, onSaved, onReview, onGone, onTrouble });
    this.draft = null;
    this.selected = null; // on the page, now
    this.title = el("h5", { class: "engage-part-title", tabindex: "-1", testid: "compose-title" });
    this.to = el("span", { class: "engage-quiet", testid: "compose-to" });
    this.keepButton = button("", () => this.#keepGroup(), { testid: "keep-group" });
    this.swap = button("", () => this.#takeSelection(), { testid: "take-selection" });
    this.changed = el("span", { role: "status", testid: "selection-changed" });
    this.question = el("p", { class: "engage-filter-fields", hidden: true, testid: "selection-question" }, this.changed, this.keepButton, this.swap);
    this.reviewButton = button(composerWords.review(), () => this.#review(), { look: "button engage-primary", testid: "review" });
    this.form = new Form({ onInput: (words) => this.#written(words) });
    this.preview = new Preview({ onAsk: (pseudonym) => this.#preview(pseudonym), onTrouble: (error) => this.#fail(error) });
    this.previewButton = button(composerWords.preview(), () => this.#togglePreview(), { "aria-expanded": "false", testid: "preview-open" });
    this.saveButton = button("", () => this.save({ focus: true }), { testid: "save" });
    this.remove = button("", () => this.#remove(), { look: "link", testid: "delete-draft" });
    this.status = el("span", { class: "engage-quiet", role: "status", testid: "compose-status" });
    this.element = el(
      "section",
      { class: "engage-compose", hidden: true, testid: "compose" },
      this.title,
      el("p", {}, this.to),
      this.question,
      this.form.element,
      el(
        "div",
        { class: "engage-compose-actions" },
        this.reviewButton,
        this.previewButton,
        button(composerWords.test(), () => this.#test(), { testid: "test" }),
        this.saveButton,
        button(composerWords.close(), onClose, { testid: "compose-close" }),
        this.remove,
        this.status,
      ),
      this.preview.element,
    );
  }

  /** Begins with a draft. */
  open(draft) {
    this.draft = draft;
    this.selected = this.selectedNow();
    this.keptAgainst = null; // the selection that somebody has said not to use
    this.form.fill(draft.words);
    this.form.warn(draft.one?.warnings ?? []);
    this.element.hidden = false;
    setText(this.status, "");
    this.#showDraft();
    this.showWho();
  }

  /** Ends; what is not kept is lost. */
  leave() {
    clearTimeout(this.saving);
    this.draft = null;
    this.element.hidden = true;
    this.preview.close();
    this.#showPreviewButton();
  }

  /** Whether what is written would be lost with the page. */
  get isUnsaved() {
    return this.draft !== null && !this.draft.isEmpty && this.draft.isDirty;
  }

  /** Keeps by itself what would be lost. */
  async keep() {
    if (this.isUnsaved && this.draft.savesItself) await this.save();
  }

  /** Says who are selected on the page now. */
  hear(group) {
    this.selected = group;
    // Figures move by themselves: while the same is asked for, the message is for those whom the page shows.
    if (this.draft && this.#isAskedFor(group) && !sameList(this.draft.group, group)) this.draft.group = group;
    this.showWho();
  }

  /** Says how many are selected while the hand still moves. */
  count(count) {
    if (this.draft) this.#ask(count);
  }

  /** Says anew whom the message is for. */
  showWho() {
    if (!this.draft) return;
    const { group } = this.draft;
    const count = group.pseudonyms.length;
    setText(this.to, count > 0 ? composerWords.to(count, this.describe(fromJson(group.criteria))) : composerWords.toNobody());
    this.#ask(this.selected?.pseudonyms.length ?? 0);
    this.preview.setNames(group.pseudonyms);
  }

  /** Whether somebody has to say for whom it is: the page shows others as selected. */
  get isUnclear() {
    const { selected, keptAgainst } = this;
    const isAnswered = keptAgainst && sameCriteria(keptAgainst, selected);
    return Boolean(selected?.pseudonyms.length && !this.#isAskedFor(selected) && !isAnswered);
  }

  #isAskedFor(group) {
    return this.draft.group.pseudonyms.length > 0 && sameCriteria(this.draft.group, group);
  }

  #ask(count) {
    const isUnclear = this.isUnclear && count > 0;
    const of = this.draft.group.pseudonyms.length;
    this.question.hidden = !isUnclear;
    this.reviewButton.disabled = isUnclear;
    this.keepButton.hidden = of === 0;
    setText(this.changed, isUnclear ? composerWords.changed(of, count) : "");
    setText(this.keepButton, composerWords.keepGroup(of));
    setText(this.swap, composerWords.useSelection(count));
  }

  #keepGroup() {
    this.keptAgainst = this.selected;
    this.showWho();
    this.title.focus({ preventScroll: true }); // the button is gone
  }

  /** Keeps the draft at the server; the communication, or null where that was refused: then it is said. */
  async save({ focus = false } = {}) {
    const { draft } = this;
    clearTimeout(this.saving);
    setText(this.status, composerWords.saving());
    try {
      const one = await draft.save();
      if (this.draft !== draft) return one;
      this.onSaved(one);
      const saved = one.frozen ? "" : one.version > 1 ? composerWords.savedVersion(one.version) : composerWords.savedDraft();
      setText(this.status, [saved, peopleWords.noLongerHere(one.no_longer_here ?? 0)].filter(Boolean).join(" "));
      if (draft.isDirty) this.#written(draft.words); // somebody wrote on meanwhile
      this.form.warn(one.warnings);
      this.#showDraft();
      this.showWho();
      this.preview.refresh();
      return one;
    } catch (error) {
      if (this.draft === draft) {
        setText(this.status, composerWords.notSaved());
        this.#fail(error, { focus });
        if (error.status === 0 || error.status >= 500) this.saving = setTimeout(() => this.keep(), SAVE_AGAIN_AFTER_MS);
      }
      return null;
    }
  }

  #showDraft() {
    const { one, savesItself } = this.draft;
    setText(this.title, one?.subject ? composerWords.editing(one.subject) : composerWords.newMessage());
    setText(this.saveButton, savesItself ? composerWords.saveDraft() : composerWords.saveChanges());
    this.remove.hidden = !one || !isDraft(one);
    setText(this.remove, composerWords.remove());
    this.isSure = false;
  }

  #takeSelection() {
    this.draft.group = this.selected = this.selectedNow();
    this.showWho();
    this.#written(this.draft.words);
    this.title.focus({ preventScroll: true }); // the button is gone
  }

  /** What is written is kept by itself when the hand rests; a new version of what was sent is made on purpose only. */
  #written(words) {
    const { draft } = this;
    draft.words = words;
    setText(this.status, composerWords.notSaved());
    clearTimeout(this.saving);
    this.saving = setTimeout(() => {
      if (this.draft !== draft) return;
      if (!draft.savesItself) this.preview.refresh();
      else if (!draft.isEmpty) this.save();
    }, SAVE_AFTER_MS);
  }

  #preview(pseudonym) {
    const { course_notice: _, ...words } = this.draft.words;
    return this.api.post(`communications/${this.draft.one.id}/preview`, { ...words, audience: false, ...(pseudonym ? { pseudonym } : {}) });
  }

  async #togglePreview() {
    const { preview } = this;
    // Without a place at the server there is nothing that could be shown.
    if (!preview.isOpen && !this.draft.one && !(await this.save({ focus: true }))) return;
    if (preview.isOpen) preview.close();
    else preview.open();
    this.#showPreviewButton();
  }

  #showPreviewButton() {
    this.previewButton.setAttribute("aria-expanded", String(this.preview.isOpen));
    setText(this.previewButton, this.preview.isOpen ? composerWords.hidePreview() : composerWords.preview());
  }

  async #test() {
    const one = this.form.check() && (await this.save({ focus: true }));
    if (!one) return;
    try {
      await this.api.post(`communications/${one.id}/test`, {});
      setText(this.status, composerWords.testSent());
    } catch (error) {
      this.#fail(error);
    }
  }

  async #review() {
    const { draft } = this;
    this.hear(this.selectedNow()); // however lately the hand moved
    if (this.isUnclear) return;
    const one = this.form.check() && (await this.save({ focus: true }));
    if (!one || this.draft !== draft) return;
    if (one.incomplete) this.form.show(one.incomplete, { focus: true });
    else await this.onReview(one);
  }

  /** Deletes the draft, once it was asked for twice. */
  async #remove() {
    if (!this.isSure) {
      this.isSure = true;
      setText(this.remove, composerWords.removeSure());
      return;
    }
    try {
      await this.api.delete(`communications/${this.draft.one.id}`);
      this.onGone();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error, { focus = false } = {}) {
    if (!this.form.show(error.detail ?? "", { focus })) this.onTrouble(error);
  }
}
