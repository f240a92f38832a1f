// When others come to match later: asked about first; by itself only as a second, deliberate step.
import { button, el, setText } from "../dom.js";
import { composerWords } from "../words/composer.js";

export class Automation {
  /** `onSwitch(mode)` -> resolves when it is so; `onReview(matches)`: {day, fresh}. */
  constructor({ onSwitch, onReview }) {
    Object.assign(this, { onSwitch, onReview });
    this.title = el("h5", { class: "engage-small-title", tabindex: "-1" }, composerWords.automation());
    this.state = el("p", { class: "engage-quiet", testid: "automation-state" });
    this.paused = el("p", { class: "engage-trouble", role: "status", testid: "paused" });
    this.matches = el("p", { class: "engage-compose-actions" });
    this.actions = el("div", { class: "engage-compose-actions" });
    this.element = el("section", { class: "engage-automation", "aria-label": composerWords.automation(), testid: "automation" }, this.title, this.state, this.paused, this.matches, this.actions);
  }

  /** Shows a communication. What is open to be confirmed stays open while nothing changes. */
  render({ automation, paused_because: paused, matches }) {
    const said = JSON.stringify([automation, paused, matches]);
    if (said === this.said) return;
    this.said = said;
    this.current = { automation, paused, matches };
    this.element.dataset.mode = automation;
    setText(this.state, composerWords.automationState(automation));
    this.paused.hidden = !paused;
    setText(this.paused, paused ? composerWords.paused(paused) : "");
    const isFresh = automation !== "off" && matches !== null && matches.fresh > 0;
    this.matches.hidden = !isFresh;
    this.matches.replaceChildren();
    if (isFresh) {
      const then = matches.decided ? composerWords.matchesDecided() : button(composerWords.reviewMatches(), () => this.onReview(matches), { testid: "review-matches" });
      this.matches.append(composerWords.matches(matches.fresh), " ", then);
    }
    this.#offer();
  }

  /** Forgets what was shown: another message comes. */
  reset() {
    this.said = null;
  }

  #offer() {
    const { automation, paused } = this.current;
    const to = (mode, text, testid, look = "button") => button(text, () => this.onSwitch(mode), { look, testid });
    const offers = {
      off: () => [to("ask", composerWords.ask(), "automation-ask")],
      ask: () => [button(composerWords.byItself(), () => this.#askTwice(), { testid: "automation-send" }), to("off", composerWords.off(), "automation-off")],
      send: () => [to("ask", composerWords.askAgain(), "automation-ask"), to("off", composerWords.off(), "automation-off")],
    }[automation]();
    if (paused && automation !== "off") offers.unshift(to(automation, composerWords.goOn(), "automation-go-on"));
    this.actions.replaceChildren(...offers);
  }

  #askTwice() {
    const yes = button(composerWords.byItselfSure(), () => this.onSwitch("send"), { look: "button engage-danger", testid: "automation-send-sure" });
    const back = () => {
      this.#offer();
      this.actions.querySelector("button").focus();
    };
    const no = button(composerWords.cancel(), back);
    this.actions.replaceChildren(el("p", { class: "engage-hint engage-wide-hint" }, composerWords.byItselfHint()), yes, no);
    no.focus(); // what is deliberate is not done by pressing twice
  }
}
