// Who is selected: crossfilter over the rows of the store. Holds the chosen states and one range for each target.
import crossfilter from "crossfilter2";
import { BINS, NONE, STATES, TARGETS, binOf } from "./figures.js";

const emptySums = () => ({
  learners: 0,
  bins: TARGETS.map(() => new Uint32Array(BINS)),
  without: new Uint32Array(TARGETS.length), // selected, but no prediction for this target
});

export class Selection {
  constructor(store) {
    this.store = store;
    this.states = new Set(["active"]);
    this.all = null; // sums over the chosen states, when they are known
    this.ranges = { certify: null, complete: null, leave: null };
    this.filter = crossfilter([]);
    // A record is the number of a row; the values stay in the typed columns of the store.
    this.dimensions = Object.fromEntries(TARGETS.map((target) => [target, this.filter.dimension((row) => store[target][row])]));
    this.byState = this.filter.dimension((row) => store.state[row]);
    this.sums = this.filter.groupAll().reduce(
      (sums, row) => this.#count(sums, row, 1),
      (sums, row) => this.#count(sums, row, -1),
      emptySums,
    );
    this.setStates(this.states);
  }

  /** Takes in an answer of the server; ranges and states stay. Returns the pseudonyms whose values changed. */
  apply(answer, { whole }) {
    this.all = null;
    return this.store.apply(answer, {
      whole,
      around: (rows, write) => {
        // Sums must lose the old values before the columns hold the new ones.
        if (this.filter.size() > 0 && rows.length > 0) {
          const touched = new Uint8Array(this.store.size);
          for (const row of rows) touched[row] = 1;
          this.filter.remove((row) => touched[row] === 1);
        }
        write();
        this.filter.add(rows.filter((row) => this.store.isPresent(row)));
      },
    });
  }

  /** The charts speak of learners in these states. */
  setStates(states) {
    this.states = new Set(states);
    this.all = null;
    const codes = new Set([...this.states].map((state) => STATES.indexOf(state)));
    this.byState.filterFunction((code) => codes.has(code));
  }

  /** Keeps those whose `target` lies in [low, high] per mille, both included; null keeps everyone. */
  setRange(target, range) {
    this.ranges[target] = range;
    // Crossfilter leaves out the upper end; values are whole numbers, so one more takes it in.
    if (range) this.dimensions[target].filterRange([range[0], range[1] + 1]);
    else this.dimensions[target].filterAll();
  }

  /** How many are selected. */
  get count() {
    return this.sums.value().learners;
  }

  /** How many are in the chosen states. */
  get total() {
    return this.#everyone().total;
  }

  /** For each target, learners by bin: all in the chosen states, those selected, and how many have no prediction. */
  histograms() {
    const { bins, without } = this.#everyone();
    const selected = this.sums.value();
    return Object.fromEntries(TARGETS.map((target, i) => [target, { all: bins[i], selected: selected.bins[i], without: without[i] }]));
  }

  /** Up to `limit` selected rows by one target; those without a prediction come last either way. */
  top(target, limit, { descending = true } = {}) {
    const dimension = this.dimensions[target];
    if (descending) return dimension.top(limit);
    const without = this.sums.value().without[TARGETS.indexOf(target)];
    const rows = dimension.bottom(limit, without);
    return rows.length < limit ? rows.concat(dimension.bottom(Math.min(without, limit - rows.length))) : rows;
  }

  /** Sums over the chosen states, whatever the ranges: kept from one brush move to the next. */
  #everyone() {
    if (this.all) return this.all;
    const { state, size } = this.store;
    const chosen = STATES.map((name) => this.states.has(name));
    const { bins, without } = emptySums();
    let total = 0;
    for (let row = 0; row < size; row += 1) total += chosen[state[row]] ? 1 : 0;
    TARGETS.forEach((target, i) => {
      const [values, counts] = [this.store[target], bins[i]]; // one column at a time: four times as fast
      for (let row = 0; row < size; row += 1) {
        if (!chosen[state[row]]) continue;
        if (values[row] === NONE) without[i] += 1;
        else counts[binOf(values[row])] += 1;
      }
    });
    this.all = { total, bins, without };
    return this.all;
  }

  #count(sums, row, step) {
    sums.learners += step;
    for (let i = 0; i < TARGETS.length; i += 1) {
      const value = this.store[TARGETS[i]][row];
      if (value === NONE) sums.without[i] += step;
      else sums.bins[i][binOf(value)] += step;
    }
    return sums;
  }
}
