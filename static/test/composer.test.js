import assert from "node:assert/strict";
import { test } from "node:test";
import { parseHTML } from "linkedom";

const { document, window, DOMParser } = parseHTML('<!doctype html><html lang="en"><body></body></html>');
Object.assign(globalThis, { document, window, DOMParser });
const { Draft } = await import("../src/composer/draft.js");
const { askAgainIn, inserted, isDraft, momentOf, newKey, nextMorning, problemOf, progressOf, shelfOf, waitsFor } = await import("../src/composer/rules.js");
const { safeNodes } = await import("../src/composer/safe.js");

const counts = (more = {}) => ({ queued: 0, claimed: 0, sent: 0, failed: 0, uncertain: 0, held_back: 0, skipped: 0, ...more });
const one = (more = {}) => ({ id: 1, state: "draft", active: false, undo_seconds: 0, counts: counts(), sendings: [], ...more });

test("a key is new for each press, and one that the server takes", () => {
  assert.match(newKey(), /^[A-Za-z0-9_-]{8,64}$/);
  assert.notEqual(newKey(), newKey());
});

test("a refusal is shown by its field, and by none where it names none", () => {
  assert.deepEqual(problemOf("subject: is empty; a message needs one"), { field: "subject", text: "is empty; a message needs one" });
  assert.equal(problemOf("criteria.ranges: has to be a list").field, null);
  assert.equal(problemOf("").field, null);
});

test("nobody is asked again while nothing moves", () => {
  assert.equal(askAgainIn(one()), null);
  assert.equal(askAgainIn(one({ state: "done" })), null);
  assert.ok(askAgainIn(one({ state: "sending" })) > 0);
});

test("a message that waits for a time says so until it has come by the course's clock, and is asked about in time", () => {
  const waiting = one({ state: "waiting", sendings: [{ send_at: "2026-03-02T09:00:00Z" }] });
  const before = "2026-03-01T09:00:00Z";
  assert.equal(waitsFor(waiting, before), "2026-03-02T09:00:00Z");
  assert.equal(waitsFor(waiting, null), "2026-03-02T09:00:00Z");
  for (const now of ["2026-03-02T09:00:00Z", "2026-03-05T00:00:00Z"]) assert.equal(waitsFor(waiting, now), null);
  assert.equal(waitsFor({ ...waiting, state: "sending" }, before), null);
  assert.equal(waitsFor(one({ state: "waiting" }), before), null);
  const often = askAgainIn(one({ state: "waiting", undo_seconds: 40 }), before);
  assert.ok(often < askAgainIn(waiting, before));
  assert.equal(askAgainIn(waiting, "2026-03-02T09:00:00Z"), often);
  // At an hour a second it is asked about when it has come.
  const hours = 6;
  assert.equal(askAgainIn(waiting, "2026-03-02T03:00:00Z"), hours * 1000);
  assert.equal(askAgainIn(waiting, null), askAgainIn(waiting, "2026-01-01T00:00:00Z"));
});

test("what was taken back is a draft again, and what some have had is none", () => {
  assert.ok(isDraft(one()));
  assert.ok(!isDraft(one({ counts: counts({ sent: 3 }) })));
  assert.deepEqual([one(), one({ active: true }), one({ state: "done", counts: counts({ sent: 1 }) })].map(shelfOf), ["drafts", "active", "sent"]);
  assert.deepEqual(progressOf(counts({ sent: 5, queued: 2, claimed: 1, skipped: 1, failed: 1 })), { done: 7, of: 10 });
});

test("a time is read as UTC, and nonsense is none", () => {
  assert.equal(momentOf("2026-03-01T09:00"), "2026-03-01T09:00:00Z");
  for (const value of ["", "tomorrow", "2026-13-01T09:00"]) assert.equal(momentOf(value), null);
  assert.equal(nextMorning("2026-02-28T23:00:00Z"), "2026-03-01T09:00");
});

test("a name is put where the cursor is, in place of what is marked", () => {
  assert.deepEqual(inserted("Dear X, hello", "[:firstname:]", 5, 6), { text: "Dear [:firstname:], hello", caret: 18 });
});

test("of the HTML of a mail only what is known gets through", () => {
  const div = document.createElement("div");
  div.append(...safeNodes('<h1>Hi</h1><p onclick="x()">a <strong>b</strong><script>alert(1)</script><img src="x"><a href="javascript:x()">c</a><a href="https://example.org" onclick="y()">d</a></p><form><b>e</b></form>'));
  assert.equal(div.innerHTML, '<p class="engage-letter-heading">Hi</p><p>a <strong>b</strong><a>c</a><a rel="noopener noreferrer" target="_blank" href="https://example.org">d</a></p>e');
});

test("a draft is made once however often it is saved, and then only what changed goes to the server", async () => {
  const asked = [];
  const api = {
    post: async (path, body) => (asked.push(["POST", path, body]), { id: 7, frozen: false, pseudonyms: body.pseudonyms }),
    patch: async (path, body) => (asked.push(["PATCH", path, body]), { id: 7, frozen: false, pseudonyms: body.pseudonyms }),
  };
  const group = { criteria: { version: 1 }, pseudonyms: ["aaaaaaaa"] };
  const draft = new Draft({ api, group });
  draft.words = { ...draft.words, subject: "One" };
  const first = draft.save();
  draft.words = { ...draft.words, body: "Two" };
  await Promise.all([first, draft.save()]);
  await draft.save();
  draft.group = { ...group, pseudonyms: [] };
  await draft.save();
  assert.deepEqual(asked.map(([method, path, body]) => [method, path, Object.keys(body).sort().join()]), [
    ["POST", "communications", "body,criteria,pseudonyms,subject"],
    ["PATCH", "communications/7", "criteria,pseudonyms"],
  ]);
});

test("a draft is for those whom the server kept, and as the page asked for them", async () => {
  const asked = [];
  const api = { post: async (path, body) => (asked.push(body), { id: 7, criteria: { version: 1 }, pseudonyms: ["aaaaaaaa"], no_longer_here: 1 }) };
  const group = { criteria: { version: 1, include: ["bbbbbbbb"] }, pseudonyms: ["aaaaaaaa", "bbbbbbbb"] };
  const draft = new Draft({ api, group });
  await draft.save();
  assert.deepEqual(draft.group, { criteria: group.criteria, pseudonyms: ["aaaaaaaa"] });
  assert.equal(draft.isDirty, false);
  await draft.save();
  assert.equal(asked.length, 1);
});

test("whoever is chosen while a draft is saved is still to be saved", async () => {
  let answer;
  const api = { post: () => new Promise((resolve) => (answer = resolve)) };
  const draft = new Draft({ api, group: { criteria: { version: 1 }, pseudonyms: ["aaaaaaaa", "bbbbbbbb"] } });
  const saving = draft.save();
  await new Promise(setImmediate);
  const wider = (draft.group = { criteria: { version: 1, everyone: true }, pseudonyms: ["cccccccc"] });
  answer({ id: 7, pseudonyms: ["aaaaaaaa"] });
  await saving;
  assert.equal(draft.group, wider);
  assert.equal(draft.isDirty, true);
});
