// Why these: what the selected share, each with how usual it is among all shown.
import { el, setText } from "./dom.js";
import { groupWords, traitInWords } from "./words/groups.js";

const bar = (kind) => el("span", { class: `engage-why-${kind}` });

export class Why {
  constructor() {
    this.list = el("ul", { class: "engage-why-list", testid: "why" });
    this.nothing = el("p", { class: "engage-quiet" }, groupWords.whyNothing());
    this.lines = [];
    this.element = el("section", { class: "engage-card engage-why" }, el("h4", { class: "engage-part-title" }, groupWords.why()), this.list, this.nothing);
  }

  /** Shows traits as `traits` finds them. */
  render(found) {
    this.nothing.hidden = found.length > 0;
    this.list.hidden = found.length === 0;
    while (this.lines.length < found.length) this.#add();
    this.lines.forEach((line, i) => {
      line.element.hidden = i >= found.length;
      if (i >= found.length) return;
      const { text, usual } = traitInWords(found[i]);
      setText(line.text, text);
      setText(line.usual, usual);
      line.share.style.setProperty("inline-size", `${100 * found[i].share}%`);
      line.mark.style.setProperty("inset-inline-start", `${100 * found[i].usual}%`);
    });
  }

  #add() {
    const line = { text: el("span", { class: "engage-why-text" }), usual: el("span", { class: "engage-quiet" }), share: bar("share"), mark: bar("usual") };
    line.element = el("li", {}, line.text, " ", line.usual, el("span", { class: "engage-why-bar", "aria-hidden": "true" }, line.share, line.mark));
    this.lines.push(line);
    this.list.append(line.element);
  }
}
