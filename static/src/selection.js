// Who is selected: the criteria, applied to the rows of the store. Crossfilter keeps the sums for the charts.
import crossfilter from "crossfilter2";
import { START, filterOf } from "./criteria.js";
import { BINS, NONE, STATES, TARGETS, binOf } from "./figures.js";

const emptySums = () => ({
  learners: 0,
  bins: TARGETS.map(() => new Uint32Array(BINS)),
  without: new Uint32Array(TARGETS.length), // selected, but no prediction for this target
});

export class Selection {
  constructor(store) {
    this.store = store;
    this.criteria = START;
    this.handedIn = null; // the `TaskStanding` of the task of the criteria; null: not known (yet)
    this.passes = null; // by row: lets the filters beside states and ranges through? null: there is no such filter
    this.all = null; // sums over the chosen states, when they are known
    this.filter = crossfilter([]);
    // A record is the number of a row; the values stay in the typed columns of the store.
    this.dimensions = Object.fromEntries(TARGETS.map((target) => [target, this.filter.dimension((row) => store[target][row])]));
    this.byState = this.filter.dimension((row) => store.state[row]);
    this.byFilters = this.filter.dimension((row) => row);
    this.sums = this.filter.groupAll().reduce(
      (sums, row) => this.#count(sums, row, 1),
      (sums, row) => this.#count(sums, row, -1),
      emptySums,
    );
    this.#setStates();
  }

  /** Takes in an answer of the server; the criteria stay. Returns the pseudonyms whose values changed. */
  apply(answer, { whole }) {
    this.all = null;
    const changed = this.store.apply(answer, {
      whole,
      around: (rows, write) => {
        // Sums must lose the old values before the columns hold the new ones.
        if (this.filter.size() > 0 && rows.length > 0) {
          const touched = new Uint8Array(this.store.size);
          for (const row of rows) touched[row] = 1;
          this.filter.remove((row) => touched[row] === 1);
        }
        write();
        if (this.passes) this.#ask(); // rows that are new have been asked nothing yet
        this.filter.add(rows.filter((row) => this.store.isPresent(row)));
      },
    });
    return changed;
  }

  /** Takes in the facets: the filters are asked anew. */
  applyFacets(facets) {
    this.store.applyFacets(facets);
    this.#setFilters();
  }

  /** Says where learners stand with the task of the criteria: a `TaskStanding`, or null while that is not known. */
  setHandedIn(standing) {
    this.handedIn = standing;
    this.#setFilters();
  }

  /** Selects by these criteria: full ones, as `fromJson` makes them. Only what differs from before is worked out anew. */
  set(criteria) {
    const before = this.criteria;
    this.criteria = criteria;
    for (const target of TARGETS) {
      const range = criteria.everyone ? null : (criteria.ranges[target] ?? null);
      if (String(range) !== String(before.everyone ? null : (before.ranges[target] ?? null))) this.#setRange(target, range);
    }
    if (String(criteria.states) !== String(before.states)) this.#setStates();
    const filters = ({ days_inactive, modes, cohorts, task, written_to }) => JSON.stringify([days_inactive, modes, cohorts, task, written_to]);
    if (filters(criteria) !== filters(before)) this.#setFilters();
  }

  /**
   * How many: {matching, out, added, count, total}. count = matching - out + added; total: in the chosen states.
   * `out` counts only those whom the criteria would select, `added` only those whom they would not.
   */
  get tally() {
    const { include, exclude } = this.criteria;
    const matching = this.sums.value().learners;
    const kept = new Set(include);
    const out = this.#present(exclude).filter((row) => !kept.has(this.store.learners[row]) && this.matches(row)).length;
    const added = this.#present(include).filter((row) => !this.matches(row)).length;
    return { matching, out, added, count: matching - out + added, total: this.total };
  }

  /** How many are in the chosen states. */
  get total() {
    return this.#everyone().total;
  }

  /** Would the criteria, without the picks, select this row? */
  matches(row) {
    const { store, criteria } = this;
    if (!criteria.states.includes(STATES[store.state[row]]) || (this.passes && this.passes[row] === 0)) return false;
    if (criteria.everyone) return true;
    return TARGETS.every((target) => {
      const range = criteria.ranges[target];
      return !range || (store[target][row] >= range[0] && store[target][row] <= range[1]);
    });
  }

  /** Is this learner among those selected, picks and all? */
  has(pseudonym) {
    if (!this.store.has(pseudonym)) return false;
    const { include, exclude } = this.criteria;
    return include.includes(pseudonym) || (!exclude.includes(pseudonym) && this.matches(this.store.rows.get(pseudonym)));
  }

  /** For each target, learners by bin: all in the chosen states, those selected, and how many have no prediction. */
  histograms() {
    const { bins, without } = this.#everyone();
    const { include, exclude } = this.criteria;
    let selected = this.sums.value();
    if (include.length + exclude.length > 0) {
      selected = { learners: 0, bins: selected.bins.map((counts) => counts.slice()), without: selected.without.slice() };
      const kept = new Set(include);
      for (const row of this.#present(exclude)) if (!kept.has(this.store.learners[row]) && this.matches(row)) this.#count(selected, row, -1);
      for (const row of this.#present(include)) if (!this.matches(row)) this.#count(selected, row, 1);
    }
    return Object.fromEntries(TARGETS.map((target, i) => [target, { all: bins[i], selected: selected.bins[i], without: without[i] }]));
  }

  /** The rows to show as a list: whom the criteria select, those unticked among them, and those added. */
  rows() {
    const rows = this.filter.allFiltered();
    const added = this.#present(this.criteria.include).filter((row) => !this.matches(row));
    return added.length > 0 ? rows.concat(added) : rows;
  }

  /** The rows of those selected, picks and all. */
  selectedRows() {
    const { include, exclude } = this.criteria;
    if (include.length + exclude.length === 0) return this.filter.allFiltered();
    const out = new Set(exclude.filter((name) => !include.includes(name)));
    return this.rows().filter((row) => !out.has(this.store.learners[row]));
  }

  /** A range that nobody in the chosen states can be in: {target, most, value}, the figure nearest to it; null where there is none. */
  get outOfReach() {
    const { ranges, everyone } = this.criteria;
    if (everyone) return null;
    const shown = this.shownRows();
    for (const target of TARGETS.filter((name) => ranges[name])) {
      const [low, high] = ranges[target];
      const values = this.store[target];
      let [least, most] = [Infinity, NONE];
      for (const row of shown) {
        if (values[row] === NONE) continue;
        if (values[row] < least) least = values[row];
        if (values[row] > most) most = values[row];
      }
      if (most !== NONE && most < low) return { target, most: true, value: most };
      if (least !== Infinity && least > high) return { target, most: false, value: least };
    }
    return null;
  }

  /** The rows in the chosen states, whatever else is asked. */
  shownRows() {
    const chosen = STATES.map((name) => this.criteria.states.includes(name));
    const rows = [];
    for (let row = 0; row < this.store.size; row += 1) if (chosen[this.store.state[row]]) rows.push(row);
    return rows;
  }

  #present(pseudonyms) {
    return pseudonyms.filter((name) => this.store.has(name)).map((name) => this.store.rows.get(name));
  }

  #setStates() {
    this.all = null;
    const codes = new Set(this.criteria.states.map((state) => STATES.indexOf(state)));
    this.byState.filterFunction((code) => codes.has(code));
  }

  #setRange(target, range) {
    // Crossfilter leaves out the upper end; values are whole numbers, so one more takes it in.
    if (range) this.dimensions[target].filterRange([range[0], range[1] + 1]);
    else this.dimensions[target].filterAll();
  }

  #setFilters() {
    this.#ask();
    if (this.passes) this.byFilters.filterFunction((row) => this.passes[row] === 1);
    else this.byFilters.filterAll();
  }

  /** Asks the filters of every row. */
  #ask() {
    const { store, criteria } = this;
    const lets = filterOf(criteria, store.now ?? 0, this.handedIn);
    this.passes = null;
    if (!lets) return;
    const known = (column, row) => (store[column][row] === NONE ? null : store[column][row]);
    const passes = new Uint8Array(store.size);
    for (let row = 0; row < store.size; row += 1) {
      const learner = {
        pseudonym: store.learners[row],
        mode: store.nameOf("mode", row),
        cohort: store.nameOf("cohort", row),
        lastActive: known("lastActive", row),
        written: known("written", row),
      };
      passes[row] = lets(learner) ? 1 : 0;
    }
    this.passes = passes;
  }

  /** Sums over the chosen states, whatever the ranges: kept from one brush move to the next. */
  #everyone() {
    if (this.all) return this.all;
    const { state, size } = this.store;
    const chosen = STATES.map((name) => this.criteria.states.includes(name));
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
