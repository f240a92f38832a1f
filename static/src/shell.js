// The frame of the page: title, pill, advice, and the message that takes the place of the charts.
import { button, el, setText } from "./dom.js";
import { statusOf } from "./status.js";
import { groupWords } from "./words/groups.js";
import { words } from "./words/page.js";

const CLOSED = ["forbidden", "signed_out", "missing"];
const TROUBLED = ["failing", "unreadable", "offline"];

export const isClosed = (phase) => CLOSED.includes(phase);

/** Which message takes the place of the charts; null when the charts are to be seen. */
export function messageFor(phase, news) {
  if (phase === "loading" || phase === "noCourse" || isClosed(phase)) return phase;
  if (!news) return TROUBLED.includes(phase) ? phase : "loading";
  if (news.total === 0) return "noLearners";
  if (news.model === null) return "noModel";
  if (news.asOf === null) return "noEvents";
  return null;
}

export class Shell {
  /** `title`: the block's own heading; `onRetry()`: of the predictions; `onRetrySide()`: of what stands beside them. */
  constructor({ title, onRetry, onRetrySide }) {
    const retry = (testid) => button(words.tryAgain(), onRetry, { testid });
    this.pillText = el("span");
    this.pill = el("p", { class: "engage-pill", testid: "pill" }, el("span", { class: "engage-dot", "aria-hidden": "true" }), this.pillText);
    this.head = el("header", { class: "engage-head" }, el("div", {}, title, el("p", { class: "engage-lead" }, words.explanation())), this.pill);
    this.advice = el("span", { testid: "advice" });
    this.adviceRetry = retry("advice-retry");
    this.adviceLine = el("div", { class: "engage-advice", role: "status", hidden: true }, this.advice, this.adviceRetry);
    this.notice = el("p", { class: "engage-notice", testid: "not-calibrated", hidden: true }, words.notCalibrated());
    this.doubt = el("p", { class: "engage-trouble", role: "status", testid: "in-doubt", hidden: true }, words.inDoubt());
    this.understood = el("p", { class: "engage-hint", testid: "understood", hidden: true });
    this.trouble = el("p", { class: "engage-trouble", role: "status", testid: "trouble", hidden: true }, groupWords.filtersFailed(), " ", button(words.tryAgain(), onRetrySide, { look: "link", testid: "trouble-retry" }));
    this.boxTitle = el("h4", { class: "engage-box-title" });
    this.boxText = el("p", { class: "engage-box-text" });
    this.boxRetry = retry("retry");
    this.box = el("div", { class: "engage-box", testid: "message", role: "status", hidden: true }, this.boxTitle, this.boxText, this.boxRetry);
  }

  /** Shows the pill and, where something is wrong, what to do. */
  showStatus(phase, news) {
    const { tone, label, advice } = statusOf({ phase, news, now: performance.now() });
    this.pill.dataset.tone = tone;
    this.pill.hidden = label === "" || phase === "noCourse";
    setText(this.pillText, label);
    setText(this.advice, advice);
    this.adviceLine.hidden = advice === "";
    this.adviceLine.dataset.tone = tone;
    this.adviceRetry.hidden = !TROUBLED.includes(phase);
  }

  /** Shows a message in place of the charts, or none. */
  showMessage(message, { calibrated, expectedPassRate, understoodShare, isInDoubt }) {
    this.notice.hidden = !(message === null && !calibrated);
    setText(this.notice, expectedPassRate ? words.shifted(expectedPassRate) : words.notCalibrated());
    this.doubt.hidden = !(message === null && isInDoubt === true);
    const isKnown = typeof understoodShare === "number";
    this.understood.hidden = !(message === null && isKnown);
    if (isKnown) setText(this.understood, words.understood(Math.floor(Math.round(understoodShare * 10000) / 100))); // 100 means all
    this.box.hidden = message === null || message === "loading";
    if (this.box.hidden) return;
    const [title, text] = words.message[message]();
    setText(this.boxTitle, title);
    setText(this.boxText, text);
    this.boxRetry.hidden = !TROUBLED.includes(message) && !isClosed(message);
  }

  /** Says that what stands beside the predictions could not be loaded. */
  showTrouble(isTroubled) {
    this.trouble.hidden = !isTroubled;
  }
}
