// The learners as columns of integers, one row each, found by pseudonym. Pure: knows neither page nor network.
import { LEFT, NONE, STATES, TARGETS, cleanPerMille } from "./figures.js";

export class Store {
  constructor() {
    this.learners = []; // pseudonym by row
    this.rows = new Map(); // row by pseudonym
    this.state = new Uint8Array(0); // code, see STATES
    for (const target of TARGETS) this[target] = new Int16Array(0); // per mille, or NONE
  }

  /** Rows ever seen, those who left included. */
  get size() {
    return this.learners.length;
  }

  /** Is the learner of this row on the course now? */
  isPresent(row) {
    return this.state[row] !== LEFT;
  }

  /** How many learners are in each state: counts by code. */
  countStates() {
    const counts = new Uint32Array(STATES.length);
    for (let row = 0; row < this.size; row += 1) counts[this.state[row]] += 1;
    return counts;
  }

  /**
   * Takes in an answer of the server, whole or changes only. Whoever a whole answer leaves out has left.
   *
   * `around(rows, write)` is called once and must call `write`: so that what keeps sums over the old values can
   * take them out first. Returns the pseudonyms, known before, whose values are different now.
   */
  apply(answer, { whole = false, around = (rows, write) => write() } = {}) {
    const known = this.size;
    const last = new Map(); // row -> position in the answer; a pseudonym named twice counts as it was last
    answer.learners.forEach((pseudonym, position) => last.set(this.#rowOf(pseudonym), position));
    this.#grow();
    const rows = [...last.keys()];
    const absent = [];
    if (whole) {
      for (let row = 0; row < known; row += 1) if (!last.has(row) && this.isPresent(row)) absent.push(row);
    }
    const changed = new Set();
    around(rows.concat(absent), () => {
      for (const row of absent) this.#write(row, LEFT, [NONE, NONE, NONE]);
      for (const [row, position] of last) {
        const code = STATES.indexOf(answer.state[position]);
        const values = TARGETS.map((target) => cleanPerMille(answer[target][position]));
        // A state that this page does not know is somebody who is there: newer servers may have more states.
        const moved = this.#write(row, code < 0 ? 0 : code, values);
        if (moved && row < known) changed.add(this.learners[row]);
      }
    });
    return changed;
  }

  #rowOf(pseudonym) {
    let row = this.rows.get(pseudonym);
    if (row === undefined) {
      row = this.learners.push(pseudonym) - 1;
      this.rows.set(pseudonym, row);
    }
    return row;
  }

  #write(row, code, values) {
    let moved = this.state[row] !== code;
    this.state[row] = code;
    TARGETS.forEach((target, i) => {
      moved = moved || this[target][row] !== values[i];
      this[target][row] = values[i];
    });
    return moved;
  }

  /** Room for every row, by doubling; new rows have left until they are written. */
  #grow() {
    const had = this.state.length;
    if (this.size <= had) return;
    const length = Math.max(this.size, had * 2, 64);
    const state = new Uint8Array(length).fill(LEFT, had);
    state.set(this.state);
    this.state = state;
    for (const target of TARGETS) {
      const column = new Int16Array(length).fill(NONE, had);
      column.set(this[target]);
      this[target] = column;
    }
  }
}
