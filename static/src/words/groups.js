// What the page says about groups of learners: criteria, presets, filters, what they share, and what became of them.
import { allOf, anyOf, fill, gettext, number, percent, plural } from "../i18n.js";
import { Ranks } from "../ranks.js";
import { words } from "./page.js";

const whole = (perMille) => Math.round(perMille / 10);

function taskPhrases({ handed_in: handedIn, due_in_hours: [low, high] = [null, null] }, task) {
  if (!handedIn && low === null && high === 0) return [fill(gettext("“{task}” missing"), { task })];
  const phrases = [fill(handedIn ? gettext("“{task}” handed in") : gettext("“{task}” not handed in"), { task })];
  if (low !== null && high === null) phrases.push(gettext("not yet due"));
  if (high !== null) phrases.push(fill(gettext("due within {hours} hours"), { hours: number(high) }));
  return phrases;
}

const WHO = {
  active: () => gettext("active learners"),
  never_started: () => gettext("learners who never started"),
  gone: () => gettext("learners who are gone"),
  finished: () => gettext("learners who have finished"),
};

const RANGE = {
  certify: () => gettext("a {low}–{high} % chance of a certificate"),
  complete: () => gettext("a {low}–{high} % chance of completing"),
};

/** A range of `leave` as a rank: {first, last, n, total}. */
function leavePlaces({ first, last, n, total }) {
  if (n === 0) return gettext("a likelihood to leave that nobody has now");
  if (n === total) return gettext("any likelihood to leave");
  if (first === 1) return plural("a place among the {n} most likely to leave", "a place among the {n} most likely to leave", n);
  if (last === total) return plural("a place among the {n} least likely to leave", "a place among the {n} least likely to leave", n);
  return fill(gettext("rank {first} to {last} by likelihood to leave"), { first: number(first), last: number(last) });
}

function silence([low, high]) {
  if (high === null) return low ? plural("{n} day or more of silence", "{n} days or more of silence", low) : gettext("at least one click");
  if (!low) return plural("{n} day of silence at most", "{n} days of silence at most", high);
  return fill(gettext("{low} to {high} days of silence"), { low: number(low), high: number(high) });
}

const oneOf = (names) => anyOf(names.map((name) => name || gettext("none")));

/** Criteria as one sentence. `taskName(block)` names a task; `ranks` say who is in a range of `leave`. */
export function describe(criteria, taskName = (block) => block, ranks = new Ranks()) {
  const { everyone, states, ranges, days_inactive: days, modes, cohorts, task, written_to: written, include, exclude } = criteria;
  const phrases = [];
  if (!everyone) {
    for (const target of ["complete", "certify"]) {
      if (ranges[target]) phrases.push(fill(RANGE[target](), { low: number(whole(ranges[target][0])), high: number(whole(ranges[target][1])) }));
    }
    if (ranges.leave) phrases.push(leavePlaces(ranks.within(ranges.leave)));
  }
  if (days) phrases.push(silence(days));
  if (modes.length > 0) phrases.push(fill(gettext("enrolment mode {names}"), { names: oneOf(modes) }));
  if (cohorts.length > 0) phrases.push(fill(gettext("cohort {names}"), { names: oneOf(cohorts) }));
  if (task) phrases.push(...taskPhrases(task, taskName(task.block)));
  if (written) {
    phrases.push(
      written.had
        ? plural("a message in the last {n} day", "a message in the last {n} days", written.days)
        : plural("no message in the last {n} day", "no message in the last {n} days", written.days),
    );
  }
  const who = states.length === 4 ? gettext("learners in any state") : states.length === 0 ? gettext("nobody by state") : anyOf(states.map((state) => WHO[state]()));
  const said = phrases.length > 0 ? fill(gettext("{who} with {what}"), { who, what: allOf(phrases) }) : fill(gettext("all {who}"), { who });
  const picks = [];
  if (exclude.length > 0) picks.push(plural("{n} taken out by hand", "{n} taken out by hand", exclude.length));
  if (include.length > 0) picks.push(plural("{n} added by hand", "{n} added by hand", include.length));
  const sentence = picks.length > 0 ? fill(gettext("{said}; {picks}"), { said, picks: allOf(picks) }) : said;
  return sentence.charAt(0).toLocaleUpperCase() + sentence.slice(1);
}

/** Why the selected were selected: one trait as a sentence. */
export function traitInWords({ kind, share, usual, days, name, target, up }) {
  const values = { share: percent(1000 * share), usual: percent(1000 * usual), name, title: target && words.target(target) };
  const texts = {
    silent: () => plural("{share} have been silent for {n} day or more", "{share} have been silent for {n} days or more", days, values),
    missing: () => gettext("{share} have not handed in “{name}”"),
    moved: () => (target === "leave" ? (up ? gettext("{share} have become much more likely to leave in seven days") : gettext("{share} have become much less likely to leave in seven days")) : up ? gettext("for {share}, “{title}” rose by 10 points or more in seven days") : gettext("for {share}, “{title}” fell by 10 points or more in seven days")),
    mode: () => gettext("{share} are enrolled as {name}"),
    cohort: () => gettext("{share} are in cohort {name}"),
    unwritten: () => gettext("{share} have never had a message"),
  };
  return { text: fill(texts[kind](), values), usual: fill(gettext("{usual} of all shown"), values) };
}

export const groupWords = {
  groups: () => gettext("Start with a group"),
  all: () => gettext("All learners"),
  allHint: () => gettext("Everybody enrolled, whatever is predicted"),
  sinceLastWeek: (change) =>
    change === 0 ? gettext("as last week") : fill(change > 0 ? gettext("+{n} since last week") : gettext("−{n} since last week"), { n: number(Math.abs(change)) }),
  save: () => gettext("Save this group"),
  saveAs: () => gettext("Name of the group"),
  saveNow: () => gettext("Save"),
  cancel: () => gettext("Cancel"),
  savedAs: (name) => fill(gettext("Saved as “{name}”."), { name }),
  remove: (name) => fill(gettext("Delete the group “{name}”"), { name }),
  removeSure: (name) => fill(gettext("Delete “{name}” for the whole course team?"), { name }),
  removeNow: () => gettext("Delete"),
  removed: (name) => fill(gettext("“{name}” is deleted."), { name }),
  filters: () => gettext("Narrow down by facts"),
  filtersOn: (count) => plural("{n} filter is on", "{n} filters are on", count),
  clearFilters: () => gettext("Clear filters"),
  mode: () => gettext("Enrolment mode"),
  cohort: () => gettext("Cohort"),
  any: () => gettext("any"),
  none: () => gettext("none"),
  silence: () => gettext("Days since the last click"),
  silenceFrom: () => gettext("at least"),
  silenceTo: () => gettext("at most"),
  wrongDays: () => gettext("“At least” has to be the smaller number."),
  task: () => gettext("Task"),
  taskDue: (name, due) => fill(gettext("{name} (due {due})"), { name, due }),
  notHandedIn: () => gettext("not handed in"),
  handedIn: () => gettext("handed in"),
  missing: () => gettext("missing"),
  handedInOf: (n, of) => fill(gettext("{n} of {of} learners have handed it in."), { n: number(n), of: number(of) }),
  taskUnknown: () => gettext("Who has handed this in could not be loaded; until then nobody is selected."),
  message: () => gettext("Message from us"),
  messageIn: () => gettext("in the last"),
  days: () => gettext("days"),
  had: () => gettext("had one"),
  hadNone: () => gettext("had none"),
  filtersFailed: () => gettext("Filters, groups or tasks could not be loaded."),
  learners: (count) => plural("of {n} learner", "of {n} learners", count),
  nobody: () => gettext("Nobody matches all of this now. Widen a range, take a filter away, or choose another group."),
  nobodyReaches: ({ target, most, value }) =>
    target === "leave" ? gettext("Nobody matches now: nobody’s likelihood to leave lies in that range. Widen it, or choose another group.") : fill(most ? gettext("Nobody matches now: “{title}” is {value} at most. Widen that range, or choose another group.") : gettext("Nobody matches now: “{title}” is {value} at least. Widen that range, or choose another group."), { title: words.target(target), value: percent(value) }),
  share: (count, total) => (total > 0 ? percent((1000 * count) / total) : ""),
  enrolled: (count) => fill(gettext("{n} enrolled"), { n: number(count) }),
  tallyAloud: ({ matching, out, added, count, total }) =>
    fill(out + added > 0 ? gettext("{matching} match, {out} taken out, {added} added: {count} of {total} learners selected") : gettext("{count} of {total} learners selected"), {
      matching: number(matching),
      out: number(out),
      added: number(added),
      count: number(count),
      total: number(total),
    }),
  resetAll: () => gettext("Reset all"),
  why: () => gettext("Why these"),
  whyNothing: () => gettext("Nothing that we know sets these learners apart from the others."),
  hindsight: () => gettext("Looking back"),
  hindsightHint: () => gettext("How often it came true, where the outcome is known."),
  hindsightFew: () => gettext("Too few learners had such figures to look back at."),
  hindsightRanks: ({ week, places, learners, happened }) =>
    fill(
      places.n === places.total
        ? gettext("Of all {n} learners at week {week}, {share} left.")
        : places.first === 1
          ? gettext("Of the {n} learners most likely to leave at week {week}, {share} left.")
          : places.last === places.total
            ? gettext("Of the {n} learners least likely to leave at week {week}, {share} left.")
            : gettext("Of the {n} learners on rank {first} to {last} by likelihood to leave at week {week}, {share} left."),
      { n: number(learners), first: number(places.first), last: number(places.last), week: number(week), share: percent((1000 * happened) / learners) },
    ),
  hindsightPlaces: ({ first, last }) => fill(gettext("rank {first}–{last}"), { first: number(first), last: number(last) }),
  hindsightRow: ({ week, target, low, high, learners, happened }) =>
    fill(
      {
        certify: gettext("Of the {n} learners to whom we gave a {low}–{high} % chance of a certificate at week {week}, {share} earned one."),
        complete: gettext("Of the {n} learners to whom we gave a {low}–{high} % chance of completing at week {week}, {share} completed."),
      }[target],
      { n: number(learners), low: number(whole(low)), high: number(whole(high)), week: number(week), share: percent(learners > 0 ? (1000 * happened) / learners : 0) },
    ),
};
