// What the figures are: targets, states, per mille and bins. Pure; every other part speaks in these terms.

/** The three probabilities, in the order in which they are shown. */
export const TARGETS = ["certify", "complete", "leave"];

/** How many steps the engagement level has: none, 1, 2, 3 to 4, 5 to 7 active days in the next seven. */
export const LEVELS = 5;

/** Those of them that are shown as percentages; `leave` is a rank. */
export const IN_PERCENT = ["certify", "complete"];

/** States a learner can be in, by code. The page never shows who has left. */
export const STATES = ["active", "never_started", "gone", "finished", "left"];
export const LEFT = STATES.indexOf("left");
export const SHOWN_STATES = STATES.slice(0, LEFT);

/** Stands for "no prediction" (or mode, cohort, moment) in columns of integers. */
export const NONE = -1;

/** Stands for "not known seven days ago" in the columns of changes, where -1 is a change. */
export const NO_CHANGE = -32768;

/** 20 bins of 5 %: bin i holds [50 i, 50 i + 49] per mille, the last one 1000 too. */
export const BINS = 20;
export const BIN_WIDTH = 1000 / BINS;

/** Number of the bin for a value in 0..1000 per mille. */
export function binOf(perMille) {
  return Math.min(BINS - 1, Math.floor(perMille / BIN_WIDTH));
}

/** A whole number in 0..1000, or NONE for anything else: null, text, out of range. */
export function cleanPerMille(value) {
  return Number.isInteger(value) && value >= 0 && value <= 1000 ? value : NONE;
}

/** A level, 0 to 4, or NONE for anything else. */
export function cleanLevel(value) {
  return Number.isInteger(value) && value >= 0 && value < LEVELS ? value : NONE;
}

/** A range on per mille, both ends included, from whatever two numbers came in; null when they make none. */
export function cleanRange(low, high) {
  if (!Number.isFinite(low) || !Number.isFinite(high)) return null;
  const [from, to] = [low, high].map((end) => Math.round(Math.min(1000, Math.max(0, end))));
  return from <= to ? [from, to] : null;
}
