// The page's criteria against the table of cases that the server passes, too: one meaning.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { TaskStanding, START, fromJson, sameGroup, toJson } from "../src/criteria.js";
import { Selection } from "../src/selection.js";
import { Store } from "../src/store.js";
import { Ranks } from "../src/ranks.js";
import { describe } from "../src/words/groups.js";
import { answerOf } from "./answers.js";

const table = JSON.parse(readFileSync(new URL("../../tests/data/criteria_cases.json", import.meta.url)));

function courseOf({ now, learners }) {
  const selection = new Selection(new Store());
  selection.apply(answerOf(learners.map((learner) => ({ ...learner, name: learner.pseudonym }))), { whole: true });
  const names = (key) => [...new Set(learners.map((learner) => learner[key]))].filter(Boolean);
  const [modes, cohorts] = [names("mode"), names("cohort")];
  const place = (list, name) => (name ? list.indexOf(name) : null);
  selection.applyFacets({
    as_of: new Date(now * 60000).toISOString(),
    modes,
    cohorts,
    learners: learners.map((learner) => learner.pseudonym),
    mode: learners.map((learner) => place(modes, learner.mode)),
    cohort: learners.map((learner) => place(cohorts, learner.cohort)),
    last_active: learners.map((learner) => learner.last_active),
    written: learners.map((learner) => learner.written),
    week: { certify: learners.map(() => null), complete: learners.map(() => null), leave: learners.map(() => null) },
  });
  return selection;
}

for (const { name, criteria, selected } of table.cases) {
  test(`criteria: ${name}`, () => {
    const selection = courseOf(table);
    const read = fromJson(criteria);
    selection.set(read);
    if (read.task && table.tasks.includes(read.task.block)) {
      const { block } = read.task;
      const learners = table.learners.filter((learner) => learner.handed_in.includes(block)).map((learner) => learner.pseudonym);
      selection.setHandedIn(new TaskStanding({ learners, excused: table.excused[block], due: table.due[block], grace: table.grace, own_due: table.own_due[block] }));
    }
    const found = selection.selectedRows().map((row) => selection.store.learners[row]);
    assert.deepEqual(found.sort(), [...selected].sort());
    assert.equal(selection.tally.count, selected.length);
    // What the page sends means what it read.
    assert.deepEqual(toJson(fromJson(toJson(read))), toJson(read));
  });
}

test("criteria are said in plain words", () => {
  const said = (criteria) => describe(fromJson(criteria), (block) => ({ hw1: "Homework 1" })[block]);
  assert.equal(said({}), "All active learners");
  assert.equal(said({ ranges: { certify: [0, 200], complete: [800, 1000] } }), "Active learners with a 80–100 % chance of completing and a 0–20 % chance of a certificate");
  assert.equal(
    said({ states: ["active", "gone"], days_inactive: [9, null], task: { block: "hw1", handed_in: false }, written_to: { days: 7, had: false } }),
    "Active learners or learners who are gone with 9 days or more of silence, “Homework 1” not handed in, and no message in the last 7 days",
  );
  assert.equal(said({ cohorts: ["North", ""], exclude: ["aaaaaaaa", "bbbbbbbb"], include: ["cccccccc"] }), "Active learners with cohort North or none; 2 taken out by hand and 1 added by hand");
  assert.equal(said({ everyone: true, ranges: { leave: [0, 1] }, states: ["active", "never_started", "gone", "finished"] }), "All learners in any state");
});

test("a range of leave is said as a rank", () => {
  const ranks = new Ranks([900, 800, 300, 20, 20, -1]);
  const said = (leave) => describe(fromJson({ ranges: { leave } }), undefined, ranks);
  assert.equal(said([800, 1000]), "Active learners with a place among the 2 most likely to leave");
  assert.equal(said([0, 20]), "Active learners with a place among the 2 least likely to leave");
  assert.equal(said([300, 850]), "Active learners with rank 2 to 3 by likelihood to leave");
  assert.equal(said([0, 950]), "Active learners with any likelihood to leave");
  assert.equal(said([901, 1000]), "Active learners with a likelihood to leave that nobody has now");
  assert.equal(describe(fromJson({ ranges: { leave: [800, 1000] } })), "Active learners with a likelihood to leave that nobody has now");
});

test("a group stays the same group with single learners in or out of it, and is another with another range", () => {
  const group = fromJson({ ranges: { leave: [800, 1000] }, cohorts: ["b", "a"] });
  assert.ok(sameGroup(group, { ...group, cohorts: ["a", "b"], exclude: ["aaaaaaaa"] }));
  assert.ok(!sameGroup(group, { ...group, ranges: { leave: [801, 1000] } }));
  assert.ok(!sameGroup(group, START));
});
