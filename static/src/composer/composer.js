// Writing to learners: from those selected to a message, its confirmation, and how it stands. Nothing goes out before
// somebody has seen to whom and confirmed it; the server decides who may be written to.
import { fromJson } from "../criteria.js";
import { button, el, setText } from "../dom.js";
import { composerWords } from "../words/composer.js";
import { peopleWords } from "../words/people.js";
import { Confirm } from "./confirm.js";
import { Draft } from "./draft.js";
import { Message } from "./message.js";
import { Past } from "./past.js";
import { isDraft, isMoving } from "./rules.js";
import { Running } from "./running.js";
import { Watch } from "./watch.js";
import { Writing } from "./writing.js";

const RETRY_MS = 30000;

export class Composer {
  /**
   * `place`: the element it fills, where it hears `engage:selection`; `onLoad(criteria)`: into the charts;
   * `selectedNow()` -> {criteria, pseudonyms}, however lately the hand moved; `describe(criteria)`;
   * `timeOf()`: the course's time, ISO or null; `automationAllowed`: whether automation is offered.
   */
  constructor({ place, api, surroundings, automationAllowed, onLoad, selectedNow, describe, timeOf }) {
    Object.assign(this, { place, api, onLoad, selectedNow, describe, timeOf });
    this.selected = 0; // how many, as the page says it
    this.signature = {}; // where replies went last time
    this.opener = button("", () => this.write(), { look: "button engage-primary", hidden: true, testid: "write" });
    this.#build(automationAllowed);
    this.watch = new Watch({ api, surroundings, timeOf, onNews: (one) => this.#showStanding(one), onTrouble: (isTroubled) => this.message.standing.showTrouble(isTroubled) });
    place.addEventListener("engage:selection", ({ detail }) => this.#hear(detail));
    this.unlisten = surroundings.listen(() => {
      if (!this.isReady || !surroundings.isOnline()) return;
      this.writing.keep();
      this.#refresh();
    });
    this.keepHidden = () => document.visibilityState === "hidden" && this.writing.keep();
    document.addEventListener("visibilitychange", this.keepHidden);
    this.holdBack = (event) => this.writing.isUnsaved && event.preventDefault();
    window.addEventListener("beforeunload", this.holdBack);
  }

  /** Asks the server for what there is. One that knows no messages has no composer. */
  async start() {
    if (this.isReady || this.isStarting) return;
    this.isStarting = true;
    clearTimeout(this.retrying);
    try {
      const [{ communications }, { templates, sender }] = await Promise.all([this.api.get("communications"), this.api.get("templates")]);
      this.writing.form.offer(templates);
      this.writing.form.showSender(sender);
      this.signature = { reply_to: sender.reply_to[0] ?? "" };
      this.#list(communications);
      this.place.replaceChildren(this.element);
      this.isReady = true;
      this.#showOpener();
    } catch (error) {
      if (error.status !== 404 && error.status !== 403) this.retrying = setTimeout(() => this.start(), RETRY_MS);
    }
    this.isStarting = false;
  }

  /** Forgets everything: who looks may not see it (any more). */
  forget() {
    this.isReady = false;
    this.#leave();
    this.selected = 0;
    this.#list([]);
    this.place.replaceChildren();
    this.opener.hidden = true;
  }

  destroy() {
    clearTimeout(this.retrying);
    this.#leave();
    this.unlisten();
    document.removeEventListener("visibilitychange", this.keepHidden);
    window.removeEventListener("beforeunload", this.holdBack);
  }

  /** Opens the form: for those selected, unless something is being written already. */
  write() {
    this.confirm.close();
    if (!this.writing.draft) {
      this.#leave();
      this.#edit(new Draft({ api: this.api, group: this.selectedNow(), words: this.signature }));
    }
    this.writing.element.hidden = false;
    this.#goTo(this.writing.title);
  }

  #build(automationAllowed) {
    const { api, describe } = this;
    const onTrouble = (error) => this.#fail(error);
    const onClose = () => this.#close();
    this.writing = new Writing({ api, describe, selectedNow: this.selectedNow, onSaved: (one) => this.#saved(one), onReview: (one) => this.#review(one, { note: peopleWords.noLongerHere(one.no_longer_here ?? 0) }), onClose, onGone: () => this.#gone(), onTrouble });
    this.confirm = new Confirm({ onSend: (body) => this.#send(body), onBack: () => this.#back(), onMoment: (iso) => this.api.post(`communications/${this.reviewed}/preview`, { send_at: iso, audience: false }) });
    this.message = new Message({
      automationAllowed,
      timeOf: this.timeOf,
      onUndo: () => this.#act("undo"),
      onStop: () => this.#act("stop"),
      onLoad: (one) => this.#load(one),
      onEdit: (one) => this.#edit(this.#draftOf(one), { focus: true }),
      onResend: () => this.#review(this.message.one, { path: "resend", note: composerWords.again(), canWait: false, isNew: false }),
      onSwitch: (mode) => this.#switch(mode),
      onReview: (matches) => this.#review(this.message.one, { ...matches, isNew: false }),
      onVersion: (number) => api.get(`communications/${this.message.one.id}?version=${number}`),
      onTrouble,
      onClose,
    });
    const onImport = async (data) => {
      const { imported } = await api.post("communications/export", data);
      await this.#refresh();
      return imported.length;
    };
    this.past = new Past({ onOpen: (id) => this.#open(id), onImport, onNews: (text) => this.#say(text), onTrouble, exportUrl: `${api.courseUrl}communications/export` });
    this.running = new Running({ onOpen: (id) => this.#open(id), onOrder: (ids) => this.#order(ids) });
    this.news = el("p", { class: "engage-news", role: "status", testid: "composer-news" });
    this.problem = el("p", { class: "engage-problem", role: "alert", testid: "composer-problem" });
    const heading = el("h4", { class: "engage-part-title" }, composerWords.messages());
    const head = el("header", { class: "engage-compose-head" }, el("div", {}, heading, el("p", { class: "engage-hint" }, composerWords.hint())), this.past.element);
    this.element = el("div", { class: "engage-card" }, head, this.running.element, this.news, this.problem, this.writing.element, this.message.element, this.confirm.element);
  }

  /** Says how many are selected: with each move of a brush, so that no two numbers on the page disagree. */
  count(count) {
    if (count === this.selected) return;
    this.selected = count;
    this.#showOpener();
    this.writing.count(count);
  }

  #hear({ criteria, pseudonyms }) {
    this.writing.hear({ criteria, pseudonyms });
  }

  #showOpener() {
    setText(this.opener, composerWords.writeTo(this.selected));
    this.opener.hidden = !this.isReady || this.selected === 0;
  }

  #draftOf(one) {
    return new Draft({ api: this.api, one, group: { criteria: one.criteria, pseudonyms: one.pseudonyms } });
  }

  #edit(draft, { focus = false } = {}) {
    this.#leave();
    this.writing.open(draft);
    this.#makeRoom(true);
    this.past.mark(draft.one?.id ?? null);
    if (focus) this.#goTo(this.writing.title);
  }

  #saved(one) {
    setText(this.problem, "");
    this.signature = { reply_to: one.reply_to };
    this.#refresh();
  }

  /** Shows whom a message would reach, to be confirmed. */
  async #review(one, { path = "send", ...more } = {}) {
    await this.#try(async () => {
      const said = await this.api.post(`communications/${one.id}/preview`, path === "resend" ? { now: true } : {});
      if ((this.writing.draft?.one ?? this.message.one)?.id !== one.id) return; // something else was opened meanwhile
      this.asked = `communications/${one.id}/${path}`;
      this.reviewed = one.id;
      this.writing.element.hidden = true;
      this.confirm.open(said, { ...more, now: this.timeOf() });
    });
  }

  /** Throws Refused. */
  async #send(body) {
    const { sending } = await this.api.post(this.asked, body);
    const one = await this.api.get(`communications/${sending.communication}`);
    this.#leave();
    this.#show(one);
    this.#goTo(this.message.title);
    this.#refresh();
  }

  #back() {
    this.confirm.close();
    if (!this.writing.draft) return this.#goTo(this.message.title);
    this.writing.element.hidden = false;
    return this.#goTo(this.writing.title);
  }

  async #open(id) {
    await this.#try(async () => {
      await this.writing.keep();
      const one = await this.api.get(`communications/${id}`);
      if (isDraft(one) && one.automation === "off") return this.#edit(this.#draftOf(one), { focus: true });
      this.#leave();
      this.#show(one);
      return this.#goTo(this.message.title);
    });
  }

  #show(one) {
    this.#showStanding(one);
    this.past.mark(one.id);
    this.watch.follow(one);
  }

  #showStanding(one) {
    const wasMoving = this.message.one && isMoving(this.message.one);
    this.message.render(one, this.describe(fromJson(one.criteria)));
    if (wasMoving && !isMoving(one)) this.#refresh();
  }

  /** Undo or stop. */
  async #act(path) {
    const { id } = this.message.one;
    await this.#try(async () => {
      await this.api.post(`communications/${id}/${path}`, {});
      const one = await this.api.get(`communications/${id}`);
      if (this.message.one?.id !== id) return;
      if (isDraft(one)) this.#edit(this.#draftOf(one), { focus: true });
      else this.#show(one);
      if (path === "undo") this.#say(composerWords.undone());
    });
    this.#refresh();
  }

  async #switch(mode) {
    const { id } = this.message.one;
    await this.#try(async () => {
      const one = await this.api.patch(`communications/${id}`, { automation: mode });
      if (this.message.one?.id !== id) return;
      this.#show(one);
      this.message.automation.title.focus({ preventScroll: true });
    });
    this.#refresh();
  }

  /** Gives the automatic messages their places anew. */
  async #order(ids) {
    await this.#try(async () => {
      for (const [order, id] of ids.entries()) {
        if (this.communications.find((one) => one.id === id)?.order !== order) await this.api.patch(`communications/${id}`, { order });
      }
    });
    await this.#refresh();
  }

  #load(one) {
    this.onLoad(fromJson(one.criteria));
    this.#say(composerWords.loaded());
  }

  #gone() {
    this.#leave();
    this.#refresh();
    this.#say(composerWords.removed());
    this.#focusOut();
  }

  async #close() {
    await this.writing.keep();
    this.#leave();
    this.past.mark(null);
    this.#focusOut();
  }

  #focusOut() {
    (this.opener.hidden ? this.past.choice : this.opener).focus({ preventScroll: true });
  }

  #leave() {
    this.#makeRoom(false);
    this.watch.stop();
    this.writing.leave();
    this.confirm.close();
    this.message.close();
    this.#say("");
  }

  /** While somebody writes, the numbers of the selection cover no field. */
  #makeRoom(isWriting) {
    this.place.closest(".engage-communicator")?.classList.toggle("engage-writing", isWriting);
  }

  async #refresh() {
    try {
      this.#list((await this.api.get("communications")).communications);
    } catch {
      // It is asked again after the next change, and when the page comes back into sight.
    }
  }

  #list(communications) {
    this.communications = communications;
    this.past.take(communications);
    this.running.take(communications);
    this.past.mark((this.writing.draft?.one ?? this.message.one)?.id ?? null);
  }

  async #try(action) {
    setText(this.problem, "");
    try {
      await action();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error) {
    if (error.status === undefined) throw error; // a mistake of ours
    const text = peopleWords.failed(error);
    if (text === this.problem.textContent) return; // said already: it is tried again by itself
    setText(this.problem, text);
    this.problem.scrollIntoView({ block: "nearest" });
  }

  #say(text) {
    setText(this.news, text);
    setText(this.problem, "");
  }

  #goTo(heading) {
    heading.focus({ preventScroll: true });
    heading.scrollIntoView({ block: "center" });
  }
}
