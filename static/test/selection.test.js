import assert from "node:assert/strict";
import { test } from "node:test";
import { START } from "../src/criteria.js";
import { BINS, STATES, TARGETS, binOf, cleanPerMille, cleanRange } from "../src/figures.js";
import { ordered } from "../src/order.js";
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

const rangeOf = (selection, target, range) => selection.set({ ...selection.criteria, ranges: { ...selection.criteria.ranges, [target]: range ?? undefined } });

function asked(selection) {
  const histograms = selection.histograms();
  return {
    total: selection.total,
    count: selection.tally.count,
    all: TARGETS.map((t) => [...histograms[t].all]),
    selected: TARGETS.map((t) => [...histograms[t].selected]),
    without: TARGETS.map((t) => histograms[t].without),
  };
}

test("a range takes in both its ends", () => {
  const selection = new Selection(new Store());
  const people = [599, 600, 700, 800, 801].map((certify, i) => ({ name: `p${i}`, state: "active", certify, complete: 0, leave: null }));
  selection.apply(answerOf(people), { whole: true });
  rangeOf(selection, "certify", [600, 800]);
  assert.equal(selection.tally.count, 3);
  rangeOf(selection, "certify", [1000, 1000]);
  assert.equal(selection.tally.count, 0);
  rangeOf(selection, "certify", null);
  assert.equal(selection.tally.count, 5);
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
      rangeOf(selection, pick(TARGETS), random() < 0.3 ? null : [low, low + Math.floor(random() * (1001 - low))]);
    }
    if (random() < 0.3) {
      states = ["active", "never_started", "gone", "finished"].filter(() => random() < 0.6);
      selection.set({ ...selection.criteria, states });
    }
    assert.deepEqual(asked(selection), byHand([...people.values()], states, selection.criteria.ranges), `round ${round}`);
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

test("a level that cannot be is none, its order is what is expected, and older servers give none", () => {
  const store = new Store();
  const people = ["a", "b", "c", "d", "e"].map((name) => ({ name, state: "active", certify: 1, complete: 1, leave: 1 }));
  store.apply(answerOf(people), { whole: true });
  assert.equal(store.hasLevels, false);
  const answer = { ...answerOf(people), level: [3, 3, 5, "2", 0], expected_level: [262, 301, 400, 200, null] };
  assert.deepEqual([...store.apply(answer, { whole: true })], ["a", "b", "e"]);
  assert.equal(store.hasLevels, true);
  assert.deepEqual([...store.level.subarray(0, 5)], [3, 3, -1, -1, 0]);
  const order = ordered(store, [0, 1, 2, 3, 4], { by: "expectedLevel", descending: true });
  assert.deepEqual(order.map((row) => store.learners[row]), ["b", "a", "e", "c", "d"]);
  store.apply({ ...answerOf(people.map((one) => ({ ...one, state: "left" }))), level: answer.level }, { whole: true });
  assert.equal(store.hasLevels, false);
});

test("a learner named twice in one answer counts once, as named last", () => {
  const selection = new Selection(new Store());
  const one = { name: "one", state: "active", certify: 10, complete: 10, leave: 10 };
  selection.apply(answerOf([one, { ...one, certify: 900 }]), { whole: true });
  rangeOf(selection, "certify", [900, 900]);
  assert.deepEqual([selection.tally.count, selection.total], [1, 1]);
});

test("rows come in order, those without a value last either way", () => {
  const selection = new Selection(new Store());
  const people = [null, 300, 100, null, 200].map((leave, i) => ({ name: `p${i}`, state: "active", certify: 1, complete: 1, leave }));
  people.push({ name: "gone", state: "gone", certify: 1, complete: 1, leave: 50 });
  selection.apply(answerOf(people), { whole: true });
  const names = (by, descending) => ordered(selection.store, selection.rows(), { by, descending }).map((row) => selection.store.learners[row]);
  assert.deepEqual(names("leave", true), ["p1", "p4", "p2", "p0", "p3"]);
  assert.deepEqual(names("leave", false), ["p2", "p4", "p1", "p0", "p3"]);
  assert.deepEqual(names("learner", true), ["p4", "p3", "p2", "p1", "p0"]);
});

test("a hundred thousand rows are ordered as a plain sort orders them", () => {
  const random = numbers(3);
  const store = new Store();
  const people = Array.from({ length: 100000 }, (_, i) => ({ name: `p${i}`, state: "active", certify: Math.floor(random() * 1001), complete: 1, leave: 1 }));
  store.apply(answerOf(people), { whole: true });
  const rows = people.map((_, i) => i);
  const plain = [...rows].sort((a, b) => store.certify[a] - store.certify[b] || a - b);
  assert.deepEqual(ordered(store, rows, { by: "certify", descending: false }), plain);
  const values = (list) => list.map((row) => store.certify[row]);
  assert.deepEqual(values(ordered(store, rows, { by: "certify", descending: true })), values(plain).reverse());
});

test("learners picked by hand stay in or out, whatever comes, and the sum says how many", () => {
  const selection = new Selection(new Store());
  const people = [100, 200, 700, 800].map((certify, i) => ({ name: `p${i}`, state: "active", certify, complete: 0, leave: 0 }));
  selection.apply(answerOf(people), { whole: true });
  selection.set({ ...START, ranges: { certify: [600, 1000] }, exclude: ["p2"], include: ["p0"] });
  assert.deepEqual(selection.tally, { matching: 2, out: 1, added: 1, count: 2, total: 4 });
  assert.deepEqual([...selection.histograms().certify.selected].map((n, bin) => [bin, n]).filter(([, n]) => n), [[2, 1], [16, 1]]);
  assert.deepEqual(["p0", "p1", "p2", "p3", "nobody"].map((name) => selection.has(name)), [true, false, false, true, false]);
  // p0 now matches by itself, p2 does not any more: neither is counted twice.
  selection.apply(answerOf([{ ...people[0], certify: 900 }, { ...people[2], certify: 10 }]), { whole: false });
  assert.deepEqual(selection.tally, { matching: 2, out: 0, added: 0, count: 2, total: 4 });
  // Whoever left is in no selection, picked or not; a pick of somebody unknown says nothing.
  selection.apply(answerOf([{ ...people[0], state: "left" }]), { whole: false });
  selection.set({ ...selection.criteria, include: ["p0", "nobody"] });
  assert.equal(selection.tally.count, 1);
  assert.deepEqual(selection.selectedRows().map((row) => selection.store.learners[row]), ["p3"]);
});

test("values that cannot be per mille count as no prediction", () => {
  assert.deepEqual([0, 1000, 1001, -5, 3.5, "7", null, undefined, NaN].map(cleanPerMille), [0, 1000, -1, -1, -1, -1, -1, -1, -1]);
  assert.deepEqual(cleanRange(-20, 1200), [0, 1000]);
  assert.equal(cleanRange(700, 300), null);
  assert.equal(cleanRange(NaN, 300), null);
});
