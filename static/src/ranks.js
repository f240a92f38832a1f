// The order of learners by `leave`, most likely first: as a percentage that figure does not hold, as a rank it does. Pure.
import { NONE } from "./figures.js";

const FIGURES = 1001; // 0 to 1000 per mille

export class Ranks {
  /** `values`: figures in per mille, NONE among them. `correction`: {slope, intercept} by which they are percentages, or null. */
  constructor(values = [], correction = null) {
    this.correction = correction;
    this.above = new Uint32Array(FIGURES); // how many have a higher figure
    const counts = new Uint32Array(FIGURES);
    for (const value of values) if (value !== NONE) counts[value] += 1;
    this.total = 0;
    for (let figure = FIGURES - 1; figure >= 0; figure -= 1) {
      this.above[figure] = this.total;
      this.total += counts[figure];
    }
  }

  /** The rank of a figure, 1 for the highest; who has the same figure has the same rank. */
  of(figure) {
    return this.above[figure] + 1;
  }

  /** Than how many of ten, rounded down, this figure is higher. */
  tenths(figure) {
    const notBelow = figure === 0 ? this.total : this.above[figure - 1];
    return this.total > 0 ? Math.floor((10 * (this.total - notBelow)) / this.total) : 0;
  }

  /** How high a figure stands in the order, in per mille: 1000 for the first. */
  height(figure) {
    return this.total > 0 ? (1000 * (this.total - this.above[figure])) / this.total : 0;
  }

  /** Who is in a range of figures, both ends included: {first, last, n, total}; n is 0 where nobody is. */
  within([low, high]) {
    const first = this.above[high] + 1;
    const last = low === 0 ? this.total : this.above[low - 1];
    return { first, last, n: last - first + 1, total: this.total };
  }

  /** The range of figures that holds the ranks from `first` to `last`; open at an end where nobody is beyond. */
  range(first, last) {
    return [last >= this.total ? 0 : this.#figureAt(last), first <= 1 ? FIGURES - 1 : this.#figureAt(first)];
  }

  /** The percentage of a figure in per mille; null while there is only a rank. */
  share(figure) {
    if (this.correction === null) return null;
    const chance = Math.min(999.5, Math.max(0.5, figure)) / 1000;
    const odds = this.correction.slope * Math.log(chance / (1 - chance)) + this.correction.intercept;
    return 1000 / (1 + Math.exp(-odds));
  }

  /** The figure of whoever has a rank. */
  #figureAt(rank) {
    return this.above.findIndex((above) => above < rank);
  }
}
