// Calls to the course's endpoints beside the predictions: one at a time, with what went wrong in a form to show.

const TIMEOUT_MS = 30000;

export const csrfToken = () => /(?:^|;\s*)csrftoken=([^;]*)/.exec(document.cookie)?.[1] ?? "";

/** The server said no, or nothing. `status`: of HTTP; 0 when no answer came, or none that could be read. */
export class Refused extends Error {
  constructor(status, detail = "") {
    super(detail || `status ${status}`);
    this.status = status;
    this.detail = detail;
  }
}

export class Api {
  #etags = new Map();

  /** `courseUrl`: ends with a slash. */
  constructor(courseUrl) {
    this.courseUrl = courseUrl;
  }

  /** The answer to a GET, or null when it is the same as last time (with `polled`). Throws Refused. */
  async get(path, { polled = false } = {}) {
    const headers = { Accept: "application/json" };
    if (polled && this.#etags.has(path)) headers["If-None-Match"] = this.#etags.get(path);
    const response = await this.#ask(path, { headers, cache: "no-store" });
    if (response.status === 304) return null;
    const answer = await this.#read(response);
    if (polled && response.headers.get("ETag")) this.#etags.set(path, response.headers.get("ETag"));
    return answer;
  }

  /** The answer to a POST of JSON. Throws Refused. */
  async post(path, body) {
    return this.#send("POST", path, body);
  }

  /** The answer to a PATCH of JSON. Throws Refused. */
  async patch(path, body) {
    return this.#send("PATCH", path, body);
  }

  /** Deletes what is there. Throws Refused. */
  async delete(path) {
    const headers = { Accept: "application/json", "X-CSRFToken": csrfToken() };
    return this.#read(await this.#ask(path, { method: "DELETE", headers }));
  }

  /** Forgets what was the same as last time: the next answer comes whole. */
  forget() {
    this.#etags.clear();
  }

  async #send(method, path, body) {
    const headers = { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": csrfToken() };
    return this.#read(await this.#ask(path, { method, headers, body: JSON.stringify(body) }));
  }

  async #ask(path, options) {
    try {
      return await fetch(this.courseUrl + path, { credentials: "same-origin", signal: AbortSignal.timeout(TIMEOUT_MS), ...options });
    } catch {
      throw new Refused(0);
    }
  }

  async #read(response) {
    const text = await response.text().catch(() => "");
    let answer = null;
    try {
      answer = text === "" ? {} : JSON.parse(text);
    } catch {
      throw new Refused(response.ok ? 0 : response.status);
    }
    if (!response.ok) throw new Refused(response.status, typeof answer?.detail === "string" ? answer.detail : "");
    return answer;
  }
}
