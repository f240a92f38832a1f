// One message while it is written: what stands in it, what the server holds of it, and the saving, one after the other.
import { FIELDS, sameNames } from "./rules.js";

export class Draft {
  /** `one`: the communication as the server has it, or null for a new one; `group`: {criteria, pseudonyms}. */
  constructor({ api, one = null, group, words = {} }) {
    this.api = api;
    this.one = one;
    this.group = group;
    const given = one ?? words;
    this.words = { course_notice: given.course_notice === true, ...Object.fromEntries(FIELDS.map((name) => [name, given[name] ?? ""])) };
    this.kept = one ? { ...this.words } : null;
    this.keptGroup = one ? group : null;
    this.last = Promise.resolve();
  }

  get isDirty() {
    return Object.keys(this.#changes()).length > 0;
  }

  /** Whether it may be saved without being asked: what was confirmed before becomes a new version only on purpose. */
  get savesItself() {
    return !this.one?.frozen;
  }

  /** Whether anybody would miss it. */
  get isEmpty() {
    return this.one === null && !this.words.subject && !this.words.body;
  }

  /** Keeps it at the server; the communication, as it stands there. Throws Refused. */
  save() {
    this.last = this.last.catch(() => {}).then(() => this.#save());
    return this.last;
  }

  async #save() {
    const changes = this.#changes();
    if (this.one && Object.keys(changes).length === 0) return this.one;
    const [words, group] = [{ ...this.words }, this.group];
    this.one = this.one ? await this.api.patch(`communications/${this.one.id}`, changes) : await this.api.post("communications", changes);
    this.kept = words;
    // Of those named the server kept who is still there; what they were asked for by stays as the page has it.
    this.keptGroup = sameNames(group, this.one) ? group : { criteria: group.criteria, pseudonyms: this.one.pseudonyms };
    if (this.group === group) this.group = this.keptGroup;
    return this.one;
  }

  #changes() {
    const changes = Object.fromEntries(Object.entries(this.words).filter(([name, value]) => value !== (this.kept?.[name] ?? (name === "course_notice" ? false : ""))));
    return this.group === this.keptGroup ? changes : { ...changes, criteria: this.group.criteria, pseudonyms: this.group.pseudonyms };
  }
}
