import assert from "node:assert/strict";
import { test } from "node:test";
import { bin, sample } from "../src/author.js";

test("figures fall into bins of five percent, the last one with a hundred", () => {
  const counts = bin([0, 49, 50, 999, 1000, null]);
  assert.equal(counts.length, 20);
  assert.deepEqual([counts[0], counts[1], counts[19]], [2, 1, 2]);
  assert.equal(counts.reduce((sum, count) => sum + count), 5);
});

test("a sample has something in every bin, for every target", () => {
  for (const target of ["certify", "complete", "leave"]) assert.ok(sample(target).every((count) => count > 0));
});
