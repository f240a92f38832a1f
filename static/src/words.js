// Every string of the page, in one place. Django's JavaScript catalogue (`window.gettext`) translates them where it is loaded.

const gettext = (text) => (typeof window !== "undefined" && window.gettext ? window.gettext(text) : text);
const ngettext = (one, many, count) => {
  if (typeof window !== "undefined" && window.ngettext) return window.ngettext(one, many, count);
  return count === 1 ? one : many;
};
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));

function locale() {
  const wanted = typeof document === "undefined" ? "en" : document.documentElement.lang || navigator.language;
  try {
    return Intl.getCanonicalLocales(wanted)[0] ?? "en";
  } catch {
    return "en"; // a page may carry a language tag that no browser knows
  }
}

/** 2000 -> "2,000" in the language of the page. */
export const number = (value) => new Intl.NumberFormat(locale()).format(value);

/** 12000 -> "12K": for an axis, where room is short. */
export const shortNumber = (value) => new Intl.NumberFormat(locale(), { notation: "compact" }).format(value);

/** Per mille as a whole percentage, or a dash. */
export const percent = (perMille) => (perMille < 0 ? "–" : `${Math.round(perMille / 10)} %`);

/** An ISO time as people write it, in UTC, the time zone said. */
export function courseTime(iso) {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return String(iso);
  const options = { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: "UTC" };
  return `${new Intl.DateTimeFormat(locale(), options).format(date)} UTC`;
}

/** Seconds as a rough length of time. */
export function duration(seconds) {
  if (seconds < 90) return fill(ngettext("{n} second", "{n} seconds", Math.round(seconds)), { n: number(Math.round(seconds)) });
  if (seconds < 5400) return fill(ngettext("{n} minute", "{n} minutes", Math.round(seconds / 60)), { n: number(Math.round(seconds / 60)) });
  if (seconds < 129600) return fill(ngettext("{n} hour", "{n} hours", Math.round(seconds / 3600)), { n: number(Math.round(seconds / 3600)) });
  return fill(ngettext("{n} day", "{n} days", Math.round(seconds / 86400)), { n: number(Math.round(seconds / 86400)) });
}

export const words = {
  explanation: () => gettext("How likely each learner is to earn a certificate, to complete and to leave. Drag across a chart to choose whom you mean."),
  notCalibrated: () =>
    gettext("Read these figures as a ranking: they put learners in order, but have not been checked on this course. “80 %” may not mean 8 in 10."),
  target: (target) =>
    ({ certify: gettext("Earns a certificate"), complete: gettext("Completes"), leave: gettext("Leaves") })[target],
  column: (target) =>
    ({ certify: gettext("Certificate"), complete: gettext("Completes"), leave: gettext("Leaves") })[target],
  hint: (target) =>
    ({
      certify: gettext("Will be awarded a certificate"),
      complete: gettext("Will hand in enough to be able to pass"),
      leave: gettext("Will not come back to the course"),
    })[target],
  state: (state) =>
    ({
      active: gettext("Active"),
      never_started: gettext("Never started"),
      gone: gettext("Gone"),
      finished: gettext("Finished"),
    })[state],
  stateHint: (state) =>
    ({
      active: gettext("Seen in the last 14 days"),
      never_started: gettext("Enrolled, but no click yet"),
      gone: gettext("Silent for a long time"),
      finished: gettext("Have passed already"),
    })[state],
  showWho: () => gettext("Show learners who are"),
  learners: (count) => fill(ngettext("of {n} learner", "of {n} learners", count), { n: number(count) }),
  share: (count, total) => (total > 0 ? fill(gettext("{n} %"), { n: number(Math.round((100 * count) / total)) }) : ""),
  enrolled: (count) => fill(gettext("{n} enrolled"), { n: number(count) }),
  selected: () => gettext("selected"),
  without: (count) =>
    fill(ngettext("{n} learner without a prediction is not shown", "{n} learners without a prediction are not shown", count), { n: number(count) }),
  resetAll: () => gettext("Reset all"),
  reset: () => gettext("Reset"),
  resetChart: (title) => fill(gettext("Reset “{title}”"), { title }),
  from: () => gettext("From"),
  to: () => gettext("to"),
  fieldLabel: (title, end) => fill(end === 0 ? gettext("{title}: from, per cent") : gettext("{title}: to, per cent"), { title }),
  wrongRange: () => gettext("The first number has to be the smaller one."),
  everyone: () => gettext("everyone"),
  range: (low, high) => fill(gettext("{low}–{high} %"), { low: Math.round(low / 10), high: Math.round(high / 10) }),
  chart: (title, selected, total) =>
    fill(gettext("{title}: histogram of the probability. {selected} of {total} learners selected. Use the two number fields to choose a range."), {
      title,
      selected: number(selected),
      total: number(total),
    }),
  tableTitle: () => gettext("Selected learners"),
  tableNote: (shown, count) =>
    count > shown ? fill(gettext("the first {shown} of {count}"), { shown: number(shown), count: number(count) }) : "",
  tableEmpty: () => gettext("Nobody is selected. Widen a range, or reset it."),
  learner: () => gettext("Learner"),
  stateColumn: () => gettext("State"),
  sortBy: (title) => fill(gettext("Sort by “{title}”"), { title }),
  tryAgain: () => gettext("Try again"),
  pill: {
    loading: () => gettext("Loading"),
    live: (time) => (time ? fill(gettext("Live · as of {time}"), { time }) : gettext("Live")),
    lagging: (length) => fill(gettext("Behind by {length}"), { length }),
    noNewData: () => gettext("No new data"),
    offline: () => gettext("Offline"),
    noModel: () => gettext("No model"),
  },
  advice: {
    lagging: (time) => fill(gettext("The worker that reads learners' clicks is late to report; it may be busy. What you see is as of {time}. There is nothing you need to do yet."), { time }),
    neverRan: () => gettext("The worker that reads learners' clicks has not run yet. Ask the platform's operator to start it: engage_consume."),
    consumerDown: (length, time) =>
      fill(gettext("The worker that reads learners' clicks has been silent for {length}. What you see is as of {time}. Ask the platform's operator to start it: engage_consume."), { length, time }),
    serverDown: () => gettext("The server does not answer. What you see is the last that came; this page goes on trying by itself. If it lasts, tell the platform's operator."),
    unreadable: () => gettext("The server's answer arrived damaged. This page asks again by itself."),
    offline: () => gettext("This computer has no connection. The page goes on by itself once it is back."),
  },
  message: {
    loading: () => [gettext("Loading predictions"), ""],
    noCourse: () => [gettext("Not part of a course"), gettext("This block is not inside a course run, so there are no learners to show. Add it to a unit of a course.")],
    noLearners: () => [gettext("No learners yet"), gettext("As soon as somebody enrols in this course run, they appear here.")],
    noEvents: () => [gettext("Predictions start with the first click"), gettext("Learners are enrolled, but none of them has done anything in the course yet. There is nothing you need to do.")],
    noModel: () => [
      gettext("No model"),
      gettext("Nothing can be predicted for this course run. Ask the platform's operator to put a model where ENGAGE[\"MODEL\"] points, or to leave that setting out: Engage brings a model of its own."),
    ],
    forbidden: () => [gettext("For the course team only"), gettext("Only staff of this course can see predictions. If you are previewing the course as a learner, switch back to the staff view.")],
    signed_out: () => [gettext("You are signed out"), gettext("Sign in again and reload this page.")],
    missing: () => [gettext("This course is not known to Engage"), gettext("The server has no such course run. Ask the platform's operator whether Engage is set up for it.")],
    failing: () => [gettext("The server does not answer"), gettext("This page goes on trying by itself. If it lasts, tell the platform's operator.")],
    unreadable: () => [gettext("The answer could not be read"), gettext("It arrived damaged or incomplete. This page asks again by itself.")],
    offline: () => [gettext("You are offline"), gettext("The page goes on by itself once the connection is back.")],
    nobodyChosen: () => [gettext("Nobody to show"), gettext("No learner is in the states chosen above. Choose another.")],
  },
};
