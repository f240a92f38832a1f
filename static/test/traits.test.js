import assert from "node:assert/strict";
import { test } from "node:test";
import { TaskStanding, fromJson } from "../src/criteria.js";
import { Store } from "../src/store.js";
import { traits } from "../src/traits.js";
import { traitInWords } from "../src/words/groups.js";
import { answerOf } from "./answers.js";

const NOW = 28_400_000;

/** Ten learners: the first five silent for nine days, all but one of them in cohort North; certify fell for four. */
function courseOf() {
  const store = new Store();
  const names = Array.from({ length: 10 }, (_, i) => `p${i}`);
  store.apply(answerOf(names.map((name) => ({ name, state: "active", certify: 1, complete: 1, leave: 1 }))), { whole: true });
  store.applyFacets({
    as_of: new Date(NOW * 60000).toISOString(),
    modes: ["audit"],
    cohorts: ["North", "South"],
    learners: names,
    mode: names.map(() => 0),
    cohort: names.map((_, i) => (i < 4 ? 0 : 1)),
    last_active: names.map((_, i) => NOW - (i < 5 ? 9 : 1) * 1440),
    written: names.map((_, i) => (i === 9 ? NOW : null)),
    week: { certify: names.map((_, i) => (i < 4 ? -150 : 20)), complete: names.map(() => null), leave: names.map(() => 0) },
  });
  return store;
}

const rows = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);
const task = { block: "hw1", name: "Homework 1", standing: new TaskStanding({ learners: ["p4", "p5", "p6", "p7", "p8", "p9"], due: 0 }) };

test("what the selected share more than the others comes first, and what all share is not said", () => {
  const found = traits(courseOf(), rows(0, 5), rows(0, 10), { tasks: [task] });
  assert.deepEqual(found.map(({ kind, share, usual }) => [kind, share, usual]), [["silent", 1, 0.5], ["missing", 0.8, 0.4], ["moved", 0.8, 0.4], ["cohort", 0.8, 0.4]]);
  assert.deepEqual(found.map((trait) => traitInWords(trait).text), [
    "100 % have been silent for 7 days or more",
    "80 % have not handed in “Homework 1”",
    "for 80 %, “Earns a certificate” fell by 10 points or more in seven days",
    "80 % are in cohort North",
  ]);
  assert.equal(traitInWords(found[0]).usual, "50 % of all shown");
});

test("what the criteria ask for is no news, and a target that is not shown is not spoken of", () => {
  const criteria = fromJson({ days_inactive: [7, null], cohorts: ["North"], task: { block: "hw1", handed_in: false } });
  const found = traits(courseOf(), rows(0, 5), rows(0, 10), { tasks: [task], criteria, targets: ["leave"] });
  assert.deepEqual(found, []);
});

test("nobody selected shares nothing", () => {
  assert.deepEqual(traits(courseOf(), [], rows(0, 10)), []);
});
