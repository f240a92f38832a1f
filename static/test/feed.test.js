// The feed against a real HTTP server: what it asks, in which order, and how it recovers.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { test } from "node:test";
import { Feed } from "../src/feed.js";
import { answerOf } from "./answers.js";

const one = { name: "one", state: "active", certify: 10, complete: 10, leave: 10 };

/** Runs `play` beside a server that answers request number i with `answers[i]`, the last one for ever. */
async function withServer(answers, play, { pollMs = 5, surroundings = {} } = {}) {
  const asked = [];
  let open = 0;
  const server = createServer((request, response) => {
    open += 1;
    assert.equal(open, 1, "two polls at once");
    asked.push({ url: request.url, etag: request.headers["if-none-match"] });
    const { status = 200, headers = {}, body = "" } = answers[Math.min(asked.length, answers.length) - 1];
    setTimeout(() => {
      open -= 1;
      response.writeHead(status, headers).end(typeof body === "string" ? body : JSON.stringify(body));
    }, 2);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const heard = [];
  let wake = () => {};
  const feed = new Feed({
    url: `http://127.0.0.1:${server.address().port}/predictions`,
    pollMs,
    onAnswer: (answer, { whole }) => heard.push({ whole, learners: answer.learners }),
    onPhase: ({ phase }) => {
      heard.push(phase);
      wake();
    },
    surroundings: { isVisible: () => true, isOnline: () => true, isWanted: () => true, listen: () => () => {}, ...surroundings },
  });
  feed.start();
  const until = async (condition) => {
    while (!condition()) await new Promise((resolve) => { wake = resolve; });
  };
  try {
    await play({ asked, heard, until, feed });
  } finally {
    feed.stop();
    server.closeAllConnections();
    server.close();
  }
}

test("it takes all first, then what is newer than its cursor, and hears a 304 as nothing new", async () => {
  const answers = [
    { body: answerOf([one], { cursor: "7" }), headers: { ETag: '"a"' } },
    { body: answerOf([], { cursor: "8" }), headers: { ETag: '"b"' } },
    { status: 304 },
  ];
  await withServer(answers, async ({ asked, heard, until }) => {
    await until(() => asked.length >= 4);
    assert.deepEqual(asked.slice(0, 4), [
      { url: "/predictions", etag: undefined },
      { url: "/predictions?since=7", etag: '"a"' },
      { url: "/predictions?since=8", etag: '"b"' },
      { url: "/predictions?since=8", etag: '"b"' },
    ]);
    assert.deepEqual(heard.slice(0, 5), [{ whole: true, learners: ["one"] }, "live", { whole: false, learners: [] }, "live", "live"]);
  });
});

test("a cursor from before a restore makes it take all anew, at once", async () => {
  const answers = [{ body: answerOf([one], { cursor: "70" }) }, { status: 410 }, { body: answerOf([one], { cursor: "3" }) }];
  await withServer(answers, async ({ asked, heard, until }) => {
    await until(() => asked.length >= 4);
    assert.deepEqual(asked.map((a) => a.url).slice(0, 4), ["/predictions", "/predictions?since=70", "/predictions", "/predictions?since=3"]);
    assert.ok(!heard.includes("failing"));
  });
});

for (const [what, body] of [
  ["cut in half", '{"cursor": "9", "learners": ["a", "b"], "sta'],
  ["with columns of unlike length", { ...answerOf([one]), leave: [] }],
  ["without a cursor", { ...answerOf([one]), cursor: null }],
  ["that is no object", "null"],
]) {
  test(`an answer ${what} is said to be unreadable, shown to nobody, and all is asked for anew`, async () => {
    const answers = [{ body: answerOf([one], { cursor: "5" }) }, { body }, { body: answerOf([one], { cursor: "6" }) }];
    await withServer(answers, async ({ asked, heard, until }) => {
      await until(() => heard.filter((h) => h === "live").length >= 2);
      assert.deepEqual(asked.map((a) => a.url).slice(0, 3), ["/predictions", "/predictions?since=5", "/predictions"]);
      assert.deepEqual(heard.slice(0, 5), [{ whole: true, learners: ["one"] }, "live", "unreadable", { whole: true, learners: ["one"] }, "live"]);
    });
  });
}

for (const [status, phase] of [[401, "signed_out"], [403, "forbidden"], [404, "missing"], [500, "failing"], [429, "failing"]]) {
  test(`status ${status} is ${phase}`, async () => {
    await withServer([{ status }], async ({ heard, until }) => {
      await until(() => heard.length > 0);
      assert.equal(heard[0], phase);
    });
  });
}

test("it waits longer with every failure, and asks at once when told to", async () => {
  const times = [];
  const surroundings = { isOnline: () => times.push(performance.now()) > 0 };
  const play = async ({ until, feed }) => {
    await until(() => times.length >= 5);
    const waits = times.slice(1).map((time, i) => time - times[i]);
    for (const [i, least] of [40, 80, 160, 320].entries()) assert.ok(waits[i] > least - 2, `${waits}`);
    const before = times.length;
    feed.retry();
    assert.equal(times.length, before + 1);
  };
  await withServer([{ status: 503 }], play, { pollMs: 20, surroundings });
});

test("it is offline without asking, and stops for good when its place is gone", async () => {
  let wanted = true;
  const surroundings = { isOnline: () => false, isWanted: () => wanted };
  await withServer([{ status: 500 }], async ({ asked, heard, until, feed }) => {
    await until(() => heard.length > 0);
    assert.deepEqual([asked.length, heard[0]], [0, "offline"]);
    wanted = false;
    feed.retry();
    const before = heard.length;
    feed.retry();
    assert.equal(heard.length, before);
  }, { surroundings });
});
