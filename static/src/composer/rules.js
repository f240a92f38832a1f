// What the composer decides without asking anybody. Pure.

export const FIELDS = ["reply_to", "subject", "body"];
/** The ways of a message to one learner, as the server names them. */
export const DELIVERIES = ["queued", "claimed", "sent", "failed", "uncertain", "held_back", "skipped"];
const ON_THE_WAY = ["queued", "claimed", "held_back"];
const KEY_BYTES = 16;
const HOUR_MS = 3600000;
const FASTEST_CLOCK = 3600; // times the world's
const SOON_MS = 2000;
const LATER_MS = 15000;

/** A key for one press of a button: the same key again sends nothing more. */
export function newKey(random = (bytes) => crypto.getRandomValues(bytes)) {
  return [...random(new Uint8Array(KEY_BYTES))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Which field a refusal is about, and what it says: "subject: is empty" -> {field: "subject", text: "is empty"}. */
export function problemOf(detail) {
  const [, field, text] = /^(\w+): ([\s\S]*)$/.exec(detail) ?? [];
  return FIELDS.includes(field) ? { field, text } : { field: null, text: detail };
}

const sumOf = (counts, names) => names.reduce((sum, name) => sum + (counts[name] ?? 0), 0);

/** To how many learners something was, is or will be sent. */
export const written = (counts) => sumOf(counts, DELIVERIES) - (counts.skipped ?? 0);

/** A message that nobody has confirmed yet, or whose only confirmation was taken back. */
export const isDraft = (one) => one.state === "draft" && sumOf(one.counts, DELIVERIES) === 0;

/** Whether anything is still to go out. */
export const isMoving = (one) => one.state === "waiting" || one.state === "sending";

/** How far it is: {done, of}. */
export function progressOf(counts) {
  const of = sumOf(counts, DELIVERIES);
  return { done: of - sumOf(counts, ON_THE_WAY), of };
}

/** The time that a message waits for, ISO, while that is still to come by the course's time `now`, ISO; else null. */
export function waitsFor(one, now) {
  const at = one.state === "waiting" ? (one.sendings[0]?.send_at ?? null) : null;
  return at !== null && Date.parse(at) <= Date.parse(now ?? "") ? null : at;
}

/**
 * In how many milliseconds to ask again how it stands; null: nothing moves, so nobody is asked. `now`: the course's time,
 * ISO or null, which in a demo may pass an hour a second.
 */
export function askAgainIn(one, now) {
  if (!isMoving(one)) return null;
  const at = waitsFor(one, now);
  if (one.undo_seconds > 0 || at === null) return SOON_MS;
  const left = (Date.parse(at) - Date.parse(now ?? "")) / FASTEST_CLOCK;
  return Number.isNaN(left) ? LATER_MS : Math.min(LATER_MS, Math.max(SOON_MS, left));
}

/** The group of a past message: active, drafts or sent. */
export const shelfOf = (one) => (one.active ? "active" : isDraft(one) ? "drafts" : "sent");

/** The moment of a field for local dates and times, which is read as UTC; null where it says none. */
export function momentOf(value) {
  const moment = /^\d{4,}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/.test(value) ? new Date(`${value.slice(0, 16)}:00Z`) : null;
  return moment && !Number.isNaN(moment.getTime()) ? moment.toISOString().replace(".000Z", "Z") : null;
}

/** Nine in the morning of the day after `iso`, for a field of dates and times. */
export function nextMorning(iso) {
  const day = new Date(new Date(iso ?? Date.now()).getTime() + 24 * HOUR_MS);
  return `${day.toISOString().slice(0, 10)}T09:00`;
}

/** The text with `place` put between `start` and `end`, and where the cursor goes then. */
export const inserted = (text, place, start, end) => ({ text: text.slice(0, start) + place + text.slice(end), caret: start + place.length });

/** Do two groups ask for the same, and are the same learners in them? */
export const sameCriteria = (one, other) => JSON.stringify(one.criteria) === JSON.stringify(other.criteria);

export const sameNames = (one, other) => one.pseudonyms.length === other.pseudonyms.length && one.pseudonyms.every((name, i) => name === other.pseudonyms[i]);

export const sameList = (one, other) => sameCriteria(one, other) && sameNames(one, other);
