// Asks the server for what changed, again and again, and never twice at once. Knows no page.
import { TARGETS } from "./figures.js";

const SLOWEST_MS = 30000; // between tries when the server fails, and between polls in a hidden tab
const TIMEOUT_MS = 30000;
// A 304 says nothing about the consumer, so an answer with a body is asked for at least this often.
const FRESH_BODY_MS = 5000;
const PHASE_BY_STATUS = { 401: "signed_out", 403: "forbidden", 404: "missing" };

/** An answer that cannot be what the server meant to say: cut in half, or of another make. */
export class UnreadableAnswer extends Error {}

/** Checks the shape of an answer; throws UnreadableAnswer. */
export function checkAnswer(answer) {
  const columns = ["learners", "state", ...TARGETS];
  const whole =
    answer !== null &&
    typeof answer === "object" &&
    columns.every((name) => Array.isArray(answer[name]) && answer[name].length === answer.learners?.length);
  if (!whole || answer.cursor === undefined || answer.cursor === null) throw new UnreadableAnswer("columns do not fit");
  return answer;
}

/**
 * Polls `url`. `onAnswer(answer, {whole})` gets every body; `onPhase({phase, retryAt})` every turn:
 * live, failing, unreadable, offline, signed_out, forbidden, missing. `surroundings` tells what the tab does:
 * {isVisible(), isOnline(), isWanted(), listen(callback) -> unlisten}.
 */
export class Feed {
  #timer = null;
  #running = false;
  #stopped = true;
  #failures = 0;
  #cursor = null;
  #etag = null;
  #bodyAt = -Infinity;

  constructor({ url, pollMs, onAnswer, onPhase, surroundings }) {
    Object.assign(this, { url, pollMs, onAnswer, onPhase, surroundings });
  }

  start() {
    this.#stopped = false;
    this.unlisten = this.surroundings.listen(() => this.retry());
    this.retry();
  }

  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.unlisten?.();
  }

  /** Polls now, unless a poll is under way. */
  retry() {
    if (this.#running || this.#stopped) return;
    clearTimeout(this.#timer);
    this.#turn();
  }

  async #turn() {
    if (!this.surroundings.isWanted()) return this.stop();
    this.#running = true;
    let phase;
    try {
      phase = this.surroundings.isOnline() ? await this.#ask() : "offline";
    } catch (error) {
      if (error instanceof UnreadableAnswer || error instanceof SyntaxError) {
        phase = "unreadable";
        this.#forget(); // what we hold may be half of something: take it all anew
      } else {
        phase = "failing";
      }
    }
    this.#running = false;
    if (this.#stopped) return undefined;
    this.#failures = phase === "live" ? 0 : this.#failures + 1;
    const wait = this.#wait(phase);
    this.onPhase({ phase, retryAt: phase === "live" ? null : Date.now() + wait });
    this.#timer = setTimeout(() => this.#turn(), wait);
    return undefined;
  }

  async #ask() {
    const whole = this.#cursor === null;
    const address = whole ? this.url : `${this.url}${this.url.includes("?") ? "&" : "?"}since=${encodeURIComponent(this.#cursor)}`;
    const headers = { Accept: "application/json" };
    if (!whole && this.#etag && performance.now() - this.#bodyAt < FRESH_BODY_MS) headers["If-None-Match"] = this.#etag;
    const response = await fetch(address, {
      headers,
      credentials: "same-origin",
      cache: "no-store",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (response.status === 304) return "live";
    if (response.status === 410 && !whole) {
      this.#forget();
      return this.#ask();
    }
    if (!response.ok) {
      const phase = PHASE_BY_STATUS[response.status] ?? "failing";
      if (phase !== "failing") this.#forget();
      return phase;
    }
    const answer = checkAnswer(await response.json());
    if (this.#stopped) return "live";
    this.#cursor = String(answer.cursor);
    this.#etag = response.headers.get("ETag");
    this.#bodyAt = performance.now();
    this.onAnswer(answer, { whole });
    return "live";
  }

  #forget() {
    this.#cursor = null;
    this.#etag = null;
  }

  #wait(phase) {
    if (phase === "signed_out" || phase === "forbidden" || phase === "missing") return SLOWEST_MS;
    const wait = Math.min(SLOWEST_MS, this.pollMs * 2 ** Math.min(this.#failures, 10));
    return this.surroundings.isVisible() ? wait : Math.max(wait, SLOWEST_MS);
  }
}
