import assert from "node:assert/strict";
import { test } from "node:test";
import { statusOf } from "../src/status.js";
import { courseTime, daysAgo, duration, fromNow, number, percent, points } from "../src/i18n.js";
import { groupWords } from "../src/words/groups.js";

const news = (more = {}) => ({
  asOf: "2013-04-11T09:00:00Z",
  model: { name: "engage-base" },
  consumer: { last_seen: "2026-01-01T00:00:08Z", lag_seconds: 2 },
  receivedAt: 1000,
  ...more,
});

test("live says the time of the course, and asks nothing of anyone", () => {
  const { tone, label, advice } = statusOf({ phase: "live", news: news(), now: 1500 });
  assert.deepEqual([tone, label, advice], ["ok", "Live · as of Apr 11, 2013, 09:00 UTC", ""]);
});

test("a consumer that falls silent turns the pill red, also while no new answer comes", () => {
  assert.equal(statusOf({ phase: "live", news: news(), now: 1000 + 9_000 }).tone, "ok");
  const late = statusOf({ phase: "live", news: news(), now: 1000 + 27_000 });
  assert.deepEqual([late.tone, late.label], ["bad", "No new data"]);
  assert.match(late.advice, /silent for 29 seconds.*engage_consume/);
});

test("a consumer that never ran, or reports nonsense, is no live one", () => {
  for (const consumer of [{ last_seen: null, lag_seconds: null }, undefined, { last_seen: "2026-01-01T00:00:08Z", lag_seconds: "soon" }]) {
    assert.equal(statusOf({ phase: "live", news: news({ consumer }), now: 1000 }).tone, "bad");
  }
});

test("a consumer that is late to report is amber and says by how much", () => {
  const { tone, label } = statusOf({ phase: "live", news: news(), now: 1000 + 18_000 });
  assert.deepEqual([tone, label], ["warn", "Behind by 20 seconds"]);
});

test("a source that does not answer is red and says since when, although its consumer lives", () => {
  const since = new Date();
  since.setHours(10, 32, 0, 0);
  const consumer = { last_seen: "2026-01-01T00:00:08Z", lag_seconds: 2, unreachable_since: since.toISOString() };
  const { tone, label, advice } = statusOf({ phase: "live", news: news({ consumer }), now: 1500 });
  assert.deepEqual([tone, label], ["bad", "No new clicks since 10:32"]);
  assert.match(advice, /not been reachable since 10:32.*as of Apr 11, 2013/);
  const earlier = statusOf({ phase: "live", news: news({ consumer: { ...consumer, unreachable_since: "2025-12-31T12:00:00Z" } }), now: 1500 });
  assert.match(earlier.label, /since Dec 31, \d\d:00$/);
  assert.match(statusOf({ phase: "live", news: news({ consumer }), now: 1000 + 60_000 }).advice, /silent/);
});

test("no model is said, and nothing is called live", () => {
  assert.deepEqual(statusOf({ phase: "live", news: news({ model: null }), now: 1000 }).label, "No model");
});

test("every trouble is red once figures are on the page, and says what to do", () => {
  for (const phase of ["failing", "unreadable", "offline"]) {
    const { tone, advice } = statusOf({ phase, news: news(), now: 1000 });
    assert.equal(tone, "bad");
    assert.ok(advice.length > 20);
  }
});

test("figures are written as people write them", () => {
  assert.equal(number(2000), "2,000");
  assert.deepEqual([percent(734), percent(-1), percent(1000)], ["73 %", "–", "100 %"]);
  assert.deepEqual([duration(1), duration(240), duration(7200), duration(864000)], ["1 second", "4 minutes", "2 hours", "10 days"]);
  assert.deepEqual([points(54), points(-120), points(-3)], ["+5", "−12", "0"]);
  assert.deepEqual([daysAgo(null), daysAgo(0), daysAgo(1), daysAgo(9)], ["–", "today", "yesterday", "9 days ago"]);
  assert.deepEqual([fromNow(60 * 47), fromNow(1440 * 5), fromNow(-1440 * 3)], ["in 47 hours", "in 5 days", "3 days ago"]);
  assert.equal(groupWords.learners(1), "of 1 learner");
  assert.equal(courseTime("nonsense"), "nonsense");
});
