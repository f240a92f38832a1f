// What stands beside the predictions: facets, groups, tasks, looking back. Asked for again and again, and never in a
// hidden tab; a server that does not know one of them (it is older than this page) is asked no more.
import { UnreadableAnswer } from "./feed.js";
import { TARGETS } from "./figures.js";

const EVERY_MS = { facets: 15000, presets: 60000, tasks: 300000, hindsight: 600000 };
const SLOWEST = 8; // times the usual, after failures

const isList = Array.isArray;

/** Whether an answer has the shape that the page needs. */
export const SHAPES = {
  facets: (answer) =>
    isList(answer.modes) &&
    isList(answer.cohorts) &&
    isList(answer.learners) &&
    [answer.mode, answer.cohort, answer.last_active, answer.written, ...TARGETS.map((target) => answer.week?.[target])].every((column) => isList(column) && column.length === answer.learners.length),
  presets: (answer) => isList(answer.presets) && isList(answer.segments ?? []),
  tasks: (answer) => isList(answer.tasks) && answer.tasks.every((task) => typeof task?.block === "string" && typeof task.name === "string"),
  hindsight: (answer) => isList(answer.rows),
};

export class Library {
  #timers = new Map();
  #failures = new Map();
  #wanted = false;

  /** `onNews(name, answer)` for each answer that is new; `onTrouble(isTroubled)` when some fail, or all are well again. */
  constructor({ api, surroundings, onNews, onTrouble }) {
    Object.assign(this, { api, surroundings, onNews, onTrouble });
  }

  /** Asks for everything, and goes on asking. Nothing happens when it is doing so. */
  start() {
    if (this.#wanted) return;
    this.#wanted = true;
    for (const name of Object.keys(EVERY_MS)) this.#turn(name);
    this.unlisten = this.surroundings.listen(() => this.refresh("facets", "presets"));
  }

  stop() {
    this.#wanted = false;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.unlisten?.();
  }

  /** Asks for these now; without names for those that failed. */
  refresh(...names) {
    if (!this.#wanted) return;
    for (const name of names.length > 0 ? names : this.#failures.keys()) {
      if (this.#timers.has(name)) this.#turn(name); // not when it is being asked for, nor when the server does not know it
    }
  }

  async #turn(name) {
    clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
    if (!this.surroundings.isWanted()) return this.stop();
    if (this.surroundings.isVisible() && this.surroundings.isOnline()) {
      try {
        const answer = await this.api.get(name, { polled: true });
        if (!this.#wanted) return undefined;
        if (answer !== null) {
          if (!SHAPES[name](answer)) throw new UnreadableAnswer(`${name} does not fit`);
          this.onNews(name, answer);
        }
        this.#failures.delete(name);
      } catch (error) {
        if (error.status === 404) {
          this.#failures.delete(name);
          return undefined;
        }
        this.#failures.set(name, (this.#failures.get(name) ?? 0) + 1);
        this.api.forget();
      }
      this.onTrouble(this.#failures.size > 0);
    }
    if (this.#wanted) this.#timers.set(name, setTimeout(() => this.#turn(name), EVERY_MS[name] * Math.min(SLOWEST, 2 ** (this.#failures.get(name) ?? 0))));
    return undefined;
  }
}
