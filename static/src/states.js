// Of whom the charts speak: one chip for each state, with how many are in it.
import { el, setText } from "./dom.js";
import { SHOWN_STATES, STATES } from "./figures.js";
import { number } from "./i18n.js";
import { words } from "./words/page.js";

export class StateChips {
  /** `onStates(states)` hears the states chosen; there is always one at least. */
  constructor({ onStates }) {
    this.onStates = onStates;
    this.chosen = [];
    this.chips = SHOWN_STATES.map((state) => {
      const count = el("span", { class: "engage-chip-count", testid: `count-${state}` });
      const attributes = { type: "button", class: "engage-chip", title: words.stateHint(state), testid: `chip-${state}`, on: { click: () => this.#toggle(state) } };
      return { state, count, button: el("button", attributes, words.state(state), " ", count) };
    });
    const title = el("h4", { class: "engage-small-title" }, words.showWho());
    this.element = el("section", { class: "engage-who-shown", "aria-label": words.showWho() }, title, el("div", { class: "engage-chips" }, ...this.chips.map((chip) => chip.button)));
  }

  /** Shows the chosen states and the learners in each: `counts` by code. */
  render(states, counts) {
    this.chosen = states;
    for (const { state, count, button } of this.chips) {
      button.setAttribute("aria-pressed", String(states.includes(state)));
      setText(count, number(counts[STATES.indexOf(state)]));
    }
  }

  #toggle(state) {
    const states = SHOWN_STATES.filter((one) => this.chosen.includes(one) !== (one === state));
    if (states.length > 0) this.onStates(states); // the charts always speak of somebody
  }
}
