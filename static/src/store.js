// The learners as columns of integers, one row each, found by pseudonym. Pure: knows neither page nor network.
import { LEFT, NONE, NO_CHANGE, STATES, TARGETS, cleanLevel, cleanPerMille } from "./figures.js";

/** Column -> [kind of array, what stands for nothing]. `state` comes with its own: rows not written yet have left. */
const COLUMNS = {
  state: [Uint8Array, LEFT],
  ...Object.fromEntries(TARGETS.map((target) => [target, [Int16Array, NONE]])), // per mille
  level: [Int16Array, NONE], // 0 to 4
  expectedLevel: [Int16Array, NONE], // hundredths of a level: what the level is ordered by
  mode: [Int16Array, NONE], // index into `modes`
  cohort: [Int16Array, NONE], // index into `cohorts`
  lastActive: [Int32Array, NONE], // minutes since 1970, in the time of the course
  written: [Int32Array, NONE], // when the last message went out, likewise
  ...Object.fromEntries(TARGETS.map((target) => [`${target}Change`, [Int16Array, NO_CHANGE]])), // per mille over seven days
};
const FIGURES = [...TARGETS, "level", "expectedLevel"]; // what an answer says of a learner beside the state
const FACETS = ["mode", "cohort", "lastActive", "written", ...TARGETS.map((target) => `${target}Change`)];

export class Store {
  constructor() {
    this.learners = []; // pseudonym by row
    this.rows = new Map(); // row by pseudonym
    this.modes = []; // names by index
    this.cohorts = [];
    this.now = null; // minutes since 1970 in the time of the course, as of the facets; null before they came
    for (const [name, [Kind]] of Object.entries(COLUMNS)) this[name] = new Kind(0);
  }

  /** Rows ever seen, those who left included. */
  get size() {
    return this.learners.length;
  }

  /** Is the learner of this row on the course now? */
  isPresent(row) {
    return this.state[row] !== LEFT;
  }

  /** Is this learner known, and on the course now? */
  has(pseudonym) {
    const row = this.rows.get(pseudonym);
    return row !== undefined && this.isPresent(row);
  }

  /** Does any learner on the course have an engagement level? A model without it gives none. */
  get hasLevels() {
    return this.level.some((level, row) => level !== NONE && this.isPresent(row));
  }

  /** How many learners are in each state: counts by code. */
  countStates() {
    const counts = new Uint32Array(STATES.length);
    for (let row = 0; row < this.size; row += 1) counts[this.state[row]] += 1;
    return counts;
  }

  /** The mode's or cohort's name of a row, or "". */
  nameOf(column, row) {
    return this[`${column}s`][this[column][row]] ?? "";
  }

  /** Whole days since the moment in a column (lastActive, written) of a row, or null. */
  daysSince(column, row) {
    const minute = this[column][row];
    return minute === NONE || this.now === null ? null : Math.max(0, Math.floor((this.now - minute) / 1440));
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
      for (const row of absent) this.#write(row, LEFT, FIGURES.map(() => NONE));
      for (const [row, position] of last) {
        const code = STATES.indexOf(answer.state[position]);
        const level = cleanLevel(answer.level?.[position]); // older servers give none
        const expected = answer.expected_level?.[position];
        const values = [...TARGETS.map((target) => cleanPerMille(answer[target][position])), level, level !== NONE && Number.isInteger(expected) ? expected : level === NONE ? NONE : 100 * level];
        // A state that this page does not know is somebody who is there: newer servers may have more states.
        const moved = this.#write(row, code < 0 ? 0 : code, values);
        if (moved && row < known) changed.add(this.learners[row]);
      }
    });
    return changed;
  }

  /** Takes in the facets: everything by which one filters but the predictions. Learners not met yet wait for the next. */
  applyFacets(facets) {
    this.modes = facets.modes;
    this.cohorts = facets.cohorts;
    const now = Date.parse(facets.as_of);
    this.now = Number.isNaN(now) ? null : Math.floor(now / 60000);
    for (const name of FACETS) this[name].fill(COLUMNS[name][1]);
    const whole = (value, none) => (Number.isInteger(value) ? value : none);
    facets.learners.forEach((pseudonym, position) => {
      const row = this.rows.get(pseudonym);
      if (row === undefined) return;
      this.mode[row] = whole(facets.mode[position], NONE);
      this.cohort[row] = whole(facets.cohort[position], NONE);
      this.lastActive[row] = whole(facets.last_active[position], NONE);
      this.written[row] = whole(facets.written[position], NONE);
      for (const target of TARGETS) this[`${target}Change`][row] = whole(facets.week[target][position], NO_CHANGE);
    });
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
    FIGURES.forEach((name, i) => {
      moved = moved || this[name][row] !== values[i];
      this[name][row] = values[i];
    });
    return moved;
  }

  /** Room for every row, by doubling. */
  #grow() {
    const had = this.state.length;
    if (this.size <= had) return;
    const length = Math.max(this.size, had * 2, 64);
    for (const [name, [Kind, nothing]] of Object.entries(COLUMNS)) {
      const column = new Kind(length).fill(nothing, had);
      column.set(this[name]);
      this[name] = column;
    }
  }
}
