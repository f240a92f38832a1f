// Asks again how a message stands, while something moves and somebody looks.
import { askAgainIn } from "./rules.js";

const AFTER_FAILURE_MS = 5000;

export class Watch {
  /** `timeOf()`: the course's time, ISO or null; `onNews(one)`; `onTrouble(isTroubled)`: whether the last time there was no answer; `surroundings` as Feed takes them. */
  constructor({ api, surroundings, timeOf, onNews, onTrouble }) {
    Object.assign(this, { api, surroundings, timeOf, onNews, onTrouble });
    this.id = null;
  }

  /** Follows a communication from how it stands now. */
  follow(one) {
    this.stop();
    this.id = one.id;
    this.unlisten = this.surroundings.listen(() => this.waiting && this.#ask());
    this.#wait(askAgainIn(one, this.timeOf()));
  }

  stop() {
    this.id = null;
    this.waiting = false;
    clearTimeout(this.timer);
    this.unlisten?.();
    this.unlisten = null;
  }

  #wait(ms) {
    clearTimeout(this.timer);
    this.waiting = ms !== null;
    if (this.waiting) this.timer = setTimeout(() => this.#ask(), ms);
  }

  async #ask() {
    clearTimeout(this.timer);
    const { id, surroundings } = this;
    if (!surroundings.isWanted()) return this.stop();
    if (!surroundings.isVisible() || !surroundings.isOnline()) return this.#wait(AFTER_FAILURE_MS);
    this.waiting = false;
    try {
      const one = await this.api.get(`communications/${id}`);
      if (this.id !== id) return undefined;
      this.onTrouble(false);
      this.onNews(one);
      if (this.id === id) this.#wait(askAgainIn(one, this.timeOf()));
    } catch (error) {
      if (this.id !== id) return undefined;
      this.onTrouble(true);
      if (error.status !== 403 && error.status !== 404) this.#wait(AFTER_FAILURE_MS);
    }
    return undefined;
  }
}
