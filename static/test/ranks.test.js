import assert from "node:assert/strict";
import { test } from "node:test";
import { Ranks } from "../src/ranks.js";

const FIGURES = [900, 300, -1, 300, 100, 50, 50, 50, 20, 10, 0]; // ten learners, and one without a figure

test("a rank counts those with a higher figure; equal figures share one", () => {
  const ranks = new Ranks(FIGURES);
  assert.equal(ranks.total, 10);
  assert.deepEqual([900, 300, 100, 50, 0].map((figure) => ranks.of(figure)), [1, 2, 4, 5, 10]);
  assert.deepEqual([900, 300, 0].map((figure) => ranks.height(figure)), [1000, 900, 100]);
  assert.deepEqual([900, 300, 50, 10, 0].map((figure) => ranks.tenths(figure)), [9, 7, 3, 1, 0]);
});

test("a range of figures is a range of ranks, and back", () => {
  const ranks = new Ranks(FIGURES);
  assert.deepEqual(ranks.within([300, 1000]), { first: 1, last: 3, n: 3, total: 10 });
  assert.deepEqual(ranks.within([0, 20]), { first: 8, last: 10, n: 3, total: 10 });
  assert.deepEqual(ranks.within([0, 1000]), { first: 1, last: 10, n: 10, total: 10 });
  assert.equal(ranks.within([400, 800]).n, 0);
  assert.equal(ranks.within([901, 1000]).n, 0);
  assert.deepEqual(ranks.range(1, 3), [300, 1000]);
  assert.deepEqual(ranks.range(1, 2), [300, 1000], "who has the same figure comes along");
  assert.deepEqual(ranks.range(4, 5), [50, 100]);
  assert.deepEqual(ranks.range(8, 10), [0, 20]);
  assert.deepEqual(ranks.range(1, 99), [0, 1000]);
});

test("nobody has a rank where nobody has a figure", () => {
  const ranks = new Ranks([-1, -1]);
  assert.deepEqual(ranks.within([0, 1000]), { first: 1, last: 0, n: 0, total: 0 });
  assert.equal(ranks.tenths(500), 0);
});

test("there is a percentage only with a correction, and it keeps the order", () => {
  assert.equal(new Ranks(FIGURES).share(300), null);
  const ranks = new Ranks(FIGURES, { slope: 1, intercept: Math.log(2) });
  assert.ok(Math.abs(ranks.share(500) - 2000 / 3) < 1e-9);
  assert.ok(ranks.share(0) > 0 && ranks.share(1000) < 1000 && ranks.share(20) < ranks.share(50));
});
