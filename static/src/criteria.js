// Criteria, version 1: whom a course team means. The twin of `engage_backend.messaging.criteria`, to the letter; both pass
// tests/data/criteria_cases.json. Pure.
import { SHOWN_STATES, TARGETS, cleanRange } from "./figures.js";

export const VERSION = 1;
export const MINUTES_A_DAY = 1440;
const MOST_DAYS = 3650;

/** What the page shows first: those active, and nothing asked of them. */
export const START = Object.freeze({
  everyone: false,
  states: ["active"],
  ranges: {},
  days_inactive: null,
  modes: [],
  cohorts: [],
  task: null,
  written_to: null,
  include: [],
  exclude: [],
});

const isDays = (value) => Number.isInteger(value) && value >= 0 && value <= MOST_DAYS;
const texts = (value) => (Array.isArray(value) ? [...new Set(value.filter((one) => typeof one === "string"))] : []);

/** How far away a due date is, as criteria keep it; nothing where it is open on both ends. */
const dueIn = (hours) => (Array.isArray(hours) && hours.some(Number.isInteger) ? { due_in_hours: hours } : {});

/** Who has handed a task in, who is excused, and when it is due for whom: what the API says of one task. Times in minutes. */
export class TaskStanding {
  constructor(answer) {
    this.answer = answer;
    this.handedIn = new Set(answer.learners);
    this.excused = new Set(answer.excused);
  }

  dueOf(pseudonym) {
    const { due, own_due: own } = this.answer;
    return own?.[pseudonym] === undefined ? due : own[pseudonym];
  }

  /** Whether it was handed in; null for who is excused or has no due date: they have not, and need not. */
  isHandedIn(pseudonym) {
    return this.handedIn.has(pseudonym) || (this.excused.has(pseudonym) || this.dueOf(pseudonym) === null ? null : false);
  }

  /** Is the learner's own due date so far away: more than the first number of hours, and at most the second? */
  isDueIn(pseudonym, [low, high], now) {
    const due = this.dueOf(pseudonym);
    if (due === null) return false;
    const closes = due + (this.answer.grace ?? 0); // time to hand in, and none to be told that something is due
    return (low === null || closes - now > low * 60) && (high === null || (high > 0 ? due : closes) - now <= high * 60);
  }

  isMissing(pseudonym, now) {
    return this.isHandedIn(pseudonym) === false && this.isDueIn(pseudonym, [null, 0], now);
  }
}

/** The criteria that an object of the API says, with every key; what cannot be used is left out. */
export function fromJson(data) {
  const given = data ?? {};
  const ranges = {};
  for (const target of TARGETS) {
    const range = Array.isArray(given.ranges?.[target]) ? cleanRange(...given.ranges[target]) : null;
    if (range) ranges[target] = range;
  }
  const [low, high] = Array.isArray(given.days_inactive) ? given.days_inactive : [null, null];
  // Who has or has not handed something in is a fact, whenever they were last here.
  const states = given.states === undefined ? (given.task?.block ? SHOWN_STATES : START.states) : SHOWN_STATES.filter((state) => given.states.includes(state));
  return {
    everyone: given.everyone === true,
    states,
    ranges,
    days_inactive: isDays(low) || isDays(high) ? [isDays(low) ? low : null, isDays(high) ? high : null] : Array.isArray(given.days_inactive) ? [null, null] : null,
    modes: texts(given.modes),
    cohorts: texts(given.cohorts),
    task: given.task?.block ? { block: given.task.block, handed_in: given.task.handed_in === true, ...dueIn(given.task.due_in_hours) } : null,
    written_to: isDays(given.written_to?.days) ? { days: given.written_to.days, had: given.written_to.had === true } : null,
    include: texts(given.include),
    exclude: texts(given.exclude),
  };
}

/** The criteria as the API wants them: what is not filtered by is left out, the states are always said. */
export function toJson(criteria) {
  const said = { version: VERSION };
  if (criteria.everyone) said.everyone = true;
  said.states = [...criteria.states];
  const ranges = TARGETS.filter((target) => criteria.ranges[target]).map((target) => [target, [...criteria.ranges[target]]]);
  if (ranges.length > 0) said.ranges = Object.fromEntries(ranges);
  for (const key of ["days_inactive", "task", "written_to"]) if (criteria[key]) said[key] = criteria[key];
  for (const key of ["modes", "cohorts", "include", "exclude"]) if (criteria[key].length > 0) said[key] = [...criteria[key]];
  return said;
}

/** Do two criteria ask the same? Picked learners do not count: a group stays that group without one of them. */
export function sameGroup(one, other) {
  const plain = (criteria) => JSON.stringify(toJson({ ...criteria, include: [], exclude: [], modes: [...criteria.modes].sort(), cohorts: [...criteria.cohorts].sort() }));
  return plain(one) === plain(other);
}

/** Whole days between a moment and now, both in minutes; a moment in the future (a wrong clock) is today. */
export const daysBetween = (minute, now) => Math.max(0, Math.floor((now - minute) / MINUTES_A_DAY));

/**
 * The filters other than states, ranges and picks, as a function of one learner:
 * {pseudonym, mode, cohort: name or "", lastActive, written: minutes or null}. `now` in minutes; `task`: the standing of the
 * task that the criteria name, null while it is not known: better nobody than the wrong ones.
 * Null when there is no such filter: then nobody has to be asked.
 */
export function filterOf(criteria, now, task = null) {
  const tests = [];
  if (criteria.days_inactive) {
    const [low, high] = criteria.days_inactive;
    tests.push(({ lastActive }) => {
      if (lastActive === null) return false;
      const days = daysBetween(lastActive, now);
      return days >= (low ?? 0) && days <= (high ?? Infinity);
    });
  }
  if (criteria.modes.length > 0) tests.push(({ mode }) => criteria.modes.includes(mode));
  if (criteria.cohorts.length > 0) tests.push(({ cohort }) => criteria.cohorts.includes(cohort));
  if (criteria.task) {
    const { handed_in: handedIn, due_in_hours: hours } = criteria.task;
    tests.push(({ pseudonym }) => task !== null && task.isHandedIn(pseudonym) === handedIn && (!hours || task.isDueIn(pseudonym, hours, now)));
  }
  if (criteria.written_to) {
    const { days, had } = criteria.written_to;
    tests.push(({ written }) => (written !== null && written >= now - days * MINUTES_A_DAY) === had);
  }
  return tests.length === 0 ? null : (learner) => tests.every((test) => test(learner));
}
