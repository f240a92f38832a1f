// What the pill says, and in words what to do. Pure: from phase and answer to {tone, label, advice}.
import { courseTime, duration, words } from "./words.js";

/** The consumer reports at least every 5 s; four missed reports are no coincidence. */
export const DOWN_AFTER_S = 20;
/** Behind by more than this is worth an amber pill. */
export const LAG_AFTER_S = 30;

/**
 * `phase` as the feed names it, or "loading"; `news` the last {asOf, consumer, serverTime, receivedAt} or null;
 * `now` on the clock of `receivedAt` (ms, monotonic). Tones: idle, ok, warn, bad.
 */
export function statusOf({ phase, news, now }) {
  const { pill, advice } = words;
  if (phase === "loading") return { tone: "idle", label: pill.loading(), advice: "" };
  if (phase === "offline") return { tone: "bad", label: pill.offline(), advice: news ? advice.offline() : "" };
  if (phase === "failing") return { tone: "bad", label: pill.noNewData(), advice: news ? advice.serverDown() : "" };
  if (phase === "unreadable") return { tone: "bad", label: pill.noNewData(), advice: news ? advice.unreadable() : "" };
  if (phase !== "live" || !news) return { tone: "idle", label: pill.closed(), advice: "" };

  const time = news.asOf ? courseTime(news.asOf) : "";
  const { last_seen: lastSeen = null, lag_seconds: lag = null } = news.consumer ?? {};
  if (lastSeen === null) return { tone: "bad", label: pill.noNewData(), advice: advice.neverRan() };
  const silent = (news.serverTime - Date.parse(lastSeen) + (now - news.receivedAt)) / 1000;
  if (!(silent <= DOWN_AFTER_S)) return { tone: "bad", label: pill.noNewData(), advice: advice.consumerDown(duration(silent), time || "–") };
  if (lag > LAG_AFTER_S) return { tone: "warn", label: pill.lagging(duration(lag)), advice: advice.lagging(time || "–") };
  return { tone: "ok", label: pill.live(time), advice: "" };
}
