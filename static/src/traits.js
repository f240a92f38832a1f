// What the selected have in common, against all who are shown. Pure.
import { NONE, NO_CHANGE, TARGETS } from "./figures.js";

export const LEAST_SELECTED = 5; // of fewer one learner makes a trait
const LEAST_APART = 0.1; // less than this between the two shares says nothing worth a line
const LEAST_SHARE = 0.3; // and it has to hold for a fair part of the selected
const MOST_TASKS = 6; // the latest ones that are due
const CHANGED = 100; // per mille over seven days: ten points

/**
 * Up to `limit` traits, the most telling first: {kind, ..., share, usual, count}: `share` of the selected have it, `usual`
 * of those shown. Kinds: silent {days}, missing {name}, moved {target, up}, mode {name}, cohort {name}, unwritten {}.
 * `tasks`: [{block, name, standing: TaskStanding}] whose due date has passed. What the criteria ask for is no news.
 */
export function traits(store, selected, shown, { tasks = [], criteria = null, targets = TARGETS, limit = 5 } = {}) {
  if (selected.length < LEAST_SELECTED || store.now === null) return [];
  const tests = [
    ...[14, 7, 3].map((days) => [{ kind: "silent", days }, (row) => store.lastActive[row] !== NONE && store.daysSince("lastActive", row) >= days]),
    ...tasks.filter((task) => task.block !== criteria?.task?.block).slice(0, MOST_TASKS).map((task) => [{ kind: "missing", name: task.name }, (row) => task.standing.isMissing(store.learners[row], store.now)]),
    ...targets.flatMap((target) => [true, false].map((up) => [{ kind: "moved", target, up }, (row) => movedBy(store, target, row, up)])),
    ...store.modes.map((name, index) => [{ kind: "mode", name }, (row) => store.mode[row] === index]),
    ...store.cohorts.map((name, index) => [{ kind: "cohort", name }, (row) => store.cohort[row] === index]),
    [{ kind: "unwritten" }, (row) => store.written[row] === NONE],
  ];
  const asked = {
    silent: criteria?.days_inactive,
    mode: criteria?.modes.length > 0,
    cohort: criteria?.cohorts.length > 0,
    unwritten: criteria?.written_to,
  };
  const found = tests
    .filter(([{ kind }]) => !asked[kind])
    .map(([trait, has]) => {
      const count = countIf(selected, has);
      return { ...trait, count, share: count / selected.length, usual: shown.length > 0 ? countIf(shown, has) / shown.length : 0 };
    })
    .filter(({ share, usual }) => share >= LEAST_SHARE && share - usual >= LEAST_APART)
    .sort((a, b) => b.share - b.usual - (a.share - a.usual));
  // Of one kind the most telling is enough, but for tasks, of which each is something to do.
  const kinds = new Set();
  return found.filter(({ kind }) => kind === "missing" || (!kinds.has(kind) && kinds.add(kind))).slice(0, limit);
}

function movedBy(store, target, row, up) {
  const change = store[`${target}Change`][row];
  return change !== NO_CHANGE && (up ? change >= CHANGED : change <= -CHANGED);
}

function countIf(rows, has) {
  let count = 0;
  for (const row of rows) if (has(row)) count += 1;
  return count;
}
