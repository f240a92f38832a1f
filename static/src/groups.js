// Groups to start with: all learners, the presets of the site, and what the course team saved; each with its count.
import { fromJson, sameGroup } from "./criteria.js";
import { button, el, setText } from "./dom.js";
import { number } from "./i18n.js";
import { groupWords } from "./words/groups.js";
import { peopleWords } from "./words/people.js";

export class Groups {
  /** `onChoose(criteria)`; `onDelete(id)` resolves when the group is gone, and throws Refused. */
  constructor({ onChoose, onAll, onDelete }) {
    Object.assign(this, { onChoose, onAll, onDelete });
    this.said = "";
    this.entries = [];
    this.allCount = el("span", { class: "engage-group-count" });
    this.all = el(
      "button",
      { type: "button", class: "engage-group", title: groupWords.allHint(), testid: "all-learners", on: { click: () => onAll() } },
      el("span", { class: "engage-group-name" }, groupWords.all()),
      this.allCount,
    );
    this.list = el("ul", { class: "engage-group-list", testid: "groups" });
    this.news = el("p", { class: "engage-news", role: "status", testid: "groups-news" });
    this.element = el("section", { class: "engage-groups", "aria-label": groupWords.groups() }, el("h4", { class: "engage-small-title" }, groupWords.groups()), this.list, this.news);
    this.#list();
  }

  /** Takes in the server's answer: {presets, segments}. */
  take({ presets, segments }) {
    const said = JSON.stringify([presets, segments]);
    if (said === this.said) return; // what has the focus stays as it is
    this.said = said;
    this.entries = [...(presets ?? []), ...(segments ?? [])].map((entry) => ({ ...entry, criteria: fromJson(entry.criteria) }));
    this.#list();
  }

  /** Marks the group that the criteria stand for; `enrolled` is the count of all learners. */
  render(criteria, enrolled, inWords) {
    setText(this.allCount, number(enrolled));
    this.all.setAttribute("aria-pressed", String(criteria.everyone));
    for (const { entry, press } of this.items) {
      press.setAttribute("aria-pressed", String(sameGroup(entry.criteria, criteria)));
      press.title = entry.description || inWords(entry.criteria);
    }
  }

  #list() {
    this.items = this.entries.map((entry) => this.#item(entry));
    this.list.replaceChildren(el("li", {}, this.all), ...this.items.map((item) => item.element));
  }

  #item(entry) {
    const saved = entry.id !== undefined;
    const change = Number.isInteger(entry.week_ago) ? entry.count - entry.week_ago : null;
    const press = el(
      "button",
      { type: "button", class: "engage-group", testid: saved ? "segment" : "preset", "aria-pressed": "false", on: { click: () => this.onChoose(entry.criteria) } },
      el("span", { class: "engage-group-name" }, entry.name),
      el("span", { class: "engage-group-count" }, number(entry.count)),
      change === null ? null : el("span", { class: "engage-group-change" }, groupWords.sinceLastWeek(change)),
    );
    const element = el("li", { class: saved ? "engage-saved" : null }, press);
    if (saved) {
      const remove = button("×", () => this.#ask(element, remove, entry), { look: "small engage-remove", "aria-label": groupWords.remove(entry.name), testid: "segment-delete" });
      element.append(remove);
    }
    return { entry, press, element };
  }

  /** Deleting is for the whole team, so it is asked once more, in its place. */
  #ask(element, remove, entry) {
    const close = () => {
      sure.remove();
      remove.hidden = false;
      remove.focus();
    };
    const go = async () => {
      try {
        await this.onDelete(entry.id);
        setText(this.news, groupWords.removed(entry.name));
        this.all.focus();
      } catch (error) {
        setText(this.news, peopleWords.failed(error));
        close();
      }
    };
    const yes = button(groupWords.removeNow(), go, { look: "button engage-danger", testid: "segment-delete-sure" });
    const sure = el("span", { class: "engage-sure" }, groupWords.removeSure(entry.name), " ", yes, " ", button(groupWords.cancel(), close));
    sure.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        event.stopPropagation();
        close();
      }
    });
    remove.hidden = true;
    element.append(sure);
    yes.focus();
  }
}
