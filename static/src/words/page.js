// What the page says of itself, its charts and its troubles. Every text of the page stands in this folder.
import { courseDay, fill, gettext, number, plural } from "../i18n.js";

export const words = {
  explanation: () => gettext("How likely each learner is to earn a certificate, to complete and to leave. Start with a group below, or drag across a chart to choose whom you mean."),
  understood: (percent) => fill(gettext("The model understands {percent}% of what learners do here."), { percent: number(percent) }),
  inDoubt: () => gettext("What is recorded of learners here has changed, so these figures are in doubt at present. Automatic messages pause."),
  notCalibrated: () =>
    gettext("Read these figures as a ranking: they put learners in order, but have not been checked on this course. “80 %” may not mean 8 in 10."),
  shifted: (rate) =>
    fill(gettext("These figures were shifted to an expected pass rate of {rate} %, which an author of the course stated. They have not been checked on this course."), {
      rate: number(Math.round(100 * rate)),
    }),
  target: (target) =>
    ({ certify: gettext("Earns a certificate"), complete: gettext("Completes"), leave: gettext("Leaves") })[target],
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
  showWho: () => gettext("Whom to show"),
  without: (count) =>
    plural("{n} learner without a prediction is not shown", "{n} learners without a prediction are not shown", count),
  reset: () => gettext("Reset"),
  resetChart: (title) => fill(gettext("Reset “{title}”"), { title }),
  from: () => gettext("From"),
  fromRank: () => gettext("Rank"),
  to: () => gettext("to"),
  leastLikely: () => gettext("least likely"),
  mostLikely: () => gettext("most likely"),
  rankAndShare: (rank, share) => fill(gettext("{rank} · {share}"), { rank, share }),
  places: ({ first, last, n, total }) =>
    n === 0
      ? gettext("nobody")
      : first === 1
        ? fill(gettext("the {n} most likely of {total}"), { n: number(n), total: number(total) })
        : last === total
          ? fill(gettext("the {n} least likely of {total}"), { n: number(n), total: number(total) })
          : fill(gettext("rank {first} to {last} of {total}"), { first: number(first), last: number(last), total: number(total) }),
  leaveFact: ({ day, active, not_back: notBack }) =>
    fill(gettext("Of {active} learners active in the two weeks to {day}, {n} had not been back two weeks later."), {
      active: number(active),
      day: courseDay(day),
      n: number(notBack),
    }),
  leaveFactHint: () => gettext("Not seen from the third to the fourteenth day after."),
  leaveShare: () => gettext("Percentages are corrected by what earlier learners of this course did."),
  rankLabel: (title, end) => fill(end === 0 ? gettext("{title}: from rank; 1 is the most likely") : gettext("{title}: to rank"), { title }),
  handleAt: (above, total) => fill(gettext("{n} of {total} are more likely"), { n: number(above), total: number(total) }),
  chartOfRanks: (title, selected, total) =>
    fill(gettext("{title}: histogram from least to most likely, {selected} of {total} learners selected. Two handles choose a range: arrow keys move them."), {
      title,
      selected: number(selected),
      total: number(total),
    }),
  fieldLabel: (title, end) => fill(end === 0 ? gettext("{title}: from, per cent") : gettext("{title}: to, per cent"), { title }),
  wrongRange: () => gettext("The first number has to be the smaller one."),
  everyone: () => gettext("everyone"),
  range: (low, high) => fill(gettext("{low}–{high} %"), { low: Math.round(low / 10), high: Math.round(high / 10) }),
  chart: (title, selected, total) =>
    fill(gettext("{title}: histogram of the probability, {selected} of {total} learners selected. Two handles choose a range: arrow keys move them."), {
      title,
      selected: number(selected),
      total: number(total),
    }),
  handle: (title, end) => fill(end === 0 ? gettext("{title}: lower end of the range") : gettext("{title}: upper end of the range"), { title }),
  percent: (value) => fill(gettext("{n} %"), { n: number(value) }),
  tryAgain: () => gettext("Try again"),
  pill: {
    loading: () => gettext("Loading"),
    live: (time) => (time ? fill(gettext("Live · as of {time}"), { time }) : gettext("Live")),
    lagging: (length) => fill(gettext("Behind by {length}"), { length }),
    noNewData: () => gettext("No new data"),
    noClicks: (since) => fill(gettext("No new clicks since {since}"), { since }),
    offline: () => gettext("Offline"),
    noModel: () => gettext("No model"),
  },
  advice: {
    lagging: (time) => fill(gettext("The worker that reads learners' clicks is late to report; it may be busy. What you see is as of {time}. There is nothing you need to do yet."), { time }),
    neverRan: () => gettext("The worker that reads learners' clicks has not run yet. Ask the platform's operator to start it: engage_consume."),
    consumerDown: (length, time) =>
      fill(gettext("The worker that reads learners' clicks has been silent for {length}. What you see is as of {time}. Ask the platform's operator to start it: engage_consume."), { length, time }),
    unreachable: (since, time) =>
      fill(gettext("The source of learners' clicks has not been reachable since {since}. What you see is as of {time}. This page goes on by itself once it is back. If it lasts, tell the platform's operator: engage_status says what is wrong."), { since, time }),
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
  },
};
