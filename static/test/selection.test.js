import assert from "node:assert/strict";
import { test } from "node:test";
import { BINS, STATES, TARGETS, binOf, cleanPerMille, cleanRange } from "../src/figures.js";
import { Selection } from "../src/selection.js";
import { Store } from "../src/store.js";
import { answerOf, numbers } from "./answers.js";

/** The same questions, asked of plain objects one by one. */
function byHand(people, states, ranges) {
  const chosen = people.filter((p) => states.includes(p.state));
  const inside = (p) => TARGETS.every((t) => !ranges[t] || (p[t] !== null && p[t] >= ranges[t][0] && p[t] <= ranges[t][1]));
  const selected = chosen.filter(inside);
  const bins = (list, t) => {
    const counts = new Array(BINS).fill(0);
    for (const p of list) if (p[t] !== null) counts[binOf(p[t])] += 1;
    return counts;
  };
  return {
    total: chosen.length,
    count: selected.length,
    all: TARGETS.map((t) => bins(chosen, t)),
    selected: TARGETS.map((t) => bins(selected, t)),
    without: TARGETS.map((t) => chosen.filter((p) => p[t] === null).length),
  };
}

function asked(selection) {
  const histograms = selection.histograms();
  return {
    total: selection.total,
    count: selection.count,
    all: TARGETS.map((t) => [...histograms[t].all]),
    selected: TARGETS.map((t) => [...histograms[t].selected]),
    without: TARGETS.map((t) => histograms[t].without),
  };
}

test("a range takes in both its ends", () => {
  const selection = new Selection(new Store());
  const people = [599, 600, 700, 800, 801].map((certify, i) => ({ name: `p${i}`, state: "active", certify, complete: 0, leave: null }));
  selection.apply(answerOf(people), { whole: true });
  selection.setRange("certify", [600, 800]);
  assert.equal(selection.count, 3);
  selection.setRange("certify", [1000, 1000]);
  assert.equal(selection.count, 0);
  selection.setRange("certify", null);
  assert.equal(selection.count, 5);
});

test("a hundred rounds of changes, ranges and states agree with counting by hand", () => {
  const random = numbers(7);
  const pick = (list) => list[Math.floor(random() * list.length)];
  const value = () => (random() < 0.1 ? null : Math.floor(random() * 1001));
  const person = (name) => ({ name, state: pick(STATES), certify: value(), complete: value(), leave: value() });
  const selection = new Selection(new Store());
  let people = new Map();
  let states = ["active"];
  for (let round = 0; round < 100; round += 1) {
    const whole = random() < 0.15;
    if (whole) people = new Map();
    const coming = Array.from({ length: Math.floor(random() * 40) }, () => person(`p${Math.floor(random() * 150)}`));
    for (const p of coming) people.set(p.name, p);
    selection.apply(answerOf(coming), { whole });
    if (random() < 0.5) {
      const low = Math.floor(random() * 900);
      selection.setRange(pick(TARGETS), random() < 0.3 ? null : [low, low + Math.floor(random() * (1001 - low))]);
    }
    if (random() < 0.3) {
      states = ["active", "never_started", "gone", "finished"].filter(() => random() < 0.6);
      selection.setStates(states);
    }
    assert.deepEqual(asked(selection), byHand([...people.values()], states, selection.ranges), `round ${round}`);
  }
});

test("whoever a whole answer leaves out has left, and can come back", () => {
  const selection = new Selection(new Store());
  const one = { name: "one", state: "active", certify: 10, complete: 10, leave: 10 };
  const two = { name: "two", state: "active", certify: 20, complete: 20, leave: 20 };
  selection.apply(answerOf([one, two]), { whole: true });
  selection.apply(answerOf([two]), { whole: true });
  assert.equal(selection.total, 1);
  selection.apply(answerOf([one]), { whole: false });
  assert.equal(selection.total, 2);
  selection.apply(answerOf([{ ...one, state: "left" }]), { whole: false });
  assert.equal(selection.total, 1);
});

test("only learners known before and different now are reported as changed", () => {
  const selection = new Selection(new Store());
  const one = { name: "one", state: "active", certify: 10, complete: 10, leave: 10 };
  const two = { ...one, name: "two" };
  assert.deepEqual([...selection.apply(answerOf([one, two]), { whole: true })], []);
  assert.deepEqual([...selection.apply(answerOf([one, { ...two, leave: 11 }]), { whole: false })], ["two"]);
});

test("a learner named twice in one answer counts once, as named last", () => {
  const selection = new Selection(new Store());
  const one = { name: "one", state: "active", certify: 10, complete: 10, leave: 10 };
  selection.apply(answerOf([one, { ...one, certify: 900 }]), { whole: true });
  selection.setRange("certify", [900, 900]);
  assert.deepEqual([selection.count, selection.total], [1, 1]);
});

test("the table's rows are those selected, in order, those without a prediction last either way", () => {
  const selection = new Selection(new Store());
  const people = [null, 300, 100, null, 200].map((leave, i) => ({ name: `p${i}`, state: "active", certify: 1, complete: 1, leave }));
  people.push({ name: "gone", state: "gone", certify: 1, complete: 1, leave: 50 });
  selection.apply(answerOf(people), { whole: true });
  const names = (rows) => rows.map((row) => selection.store.learners[row]);
  assert.deepEqual(names(selection.top("leave", 3)), ["p1", "p4", "p2"]);
  assert.deepEqual(names(selection.top("leave", 4, { descending: false })).slice(0, 3), ["p2", "p4", "p1"]);
  assert.equal(selection.top("leave", 10, { descending: false }).length, 5);
});

test("values that cannot be per mille count as no prediction", () => {
  assert.deepEqual([0, 1000, 1001, -5, 3.5, "7", null, undefined, NaN].map(cleanPerMille), [0, 1000, -1, -1, -1, -1, -1, -1, -1]);
  assert.deepEqual(cleanRange(-20, 1200), [0, 1000]);
  assert.equal(cleanRange(700, 300), null);
  assert.equal(cleanRange(NaN, 300), null);
});
