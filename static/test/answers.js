// Answers of the REST contract for the tests, and numbers that are random and the same every time.
import { TARGETS } from "../src/figures.js";

export function answerOf(people, { cursor = "1" } = {}) {
  return {
    as_of: "2013-04-11T09:00:00Z",
    cursor,
    model: { name: "engage-base", trained_on: "four runs" },
    calibrated: false,
    total: people.length,
    consumer: { last_seen: "2026-01-01T00:00:00Z", lag_seconds: 0 },
    learners: people.map((p) => p.name),
    state: people.map((p) => p.state),
    ...Object.fromEntries(TARGETS.map((target) => [target, people.map((p) => p[target])])),
  };
}

/** A generator of numbers in [0, 1) from a seed (mulberry32). */
export function numbers(seed) {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
