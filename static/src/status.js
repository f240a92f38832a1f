// What the pill says, and in words what to do. Pure: from phase and answer to {tone, label, advice}.
import { clockTime, courseTime, duration } from "./i18n.js";
import { words } from "./words/page.js";

/** The consumer reports at least every 5 s: two missed reports are worth amber, five are no coincidence. */
export const SLOW_AFTER_S = 12;
export const DOWN_AFTER_S = 27;

/**
 * `phase` as the feed names it, or "loading"; `news` the last {asOf, model, consumer, receivedAt} or null;
 * `now` on the clock of `receivedAt` (ms, monotonic). Tones: idle, ok, warn, bad.
 */
export function statusOf({ phase, news, now }) {
  const { pill, advice } = words;
  if (phase === "loading") return { tone: "idle", label: pill.loading(), advice: "" };
  if (phase === "offline") return { tone: "bad", label: pill.offline(), advice: news ? advice.offline() : "" };
  if (phase === "failing") return { tone: "bad", label: pill.noNewData(), advice: news ? advice.serverDown() : "" };
  if (phase === "unreadable") return { tone: "bad", label: pill.noNewData(), advice: news ? advice.unreadable() : "" };
  if (phase !== "live" || !news) return { tone: "idle", label: "", advice: "" }; // the page's message says it all

  const time = news.asOf ? courseTime(news.asOf) : "";
  // Seconds since the consumer's last report by the server's clock; this computer's may be an hour off.
  const lag = news.consumer?.lag_seconds ?? null;
  if (lag === null) return { tone: "bad", label: pill.noNewData(), advice: advice.neverRan() };
  const silent = lag + (now - news.receivedAt) / 1000;
  if (!(silent <= DOWN_AFTER_S)) return { tone: "bad", label: pill.noNewData(), advice: advice.consumerDown(duration(silent), time || "–") };
  if (news.consumer.unreachable_since) {
    const since = clockTime(news.consumer.unreachable_since);
    return { tone: "bad", label: pill.noClicks(since), advice: advice.unreachable(since, time || "–") };
  }
  if (news.model === null) return { tone: "idle", label: pill.noModel(), advice: "" };
  if (silent > SLOW_AFTER_S) return { tone: "warn", label: pill.lagging(duration(silent)), advice: advice.lagging(time || "–") };
  return { tone: "ok", label: pill.live(time), advice: "" };
}
