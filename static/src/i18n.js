// The language of the page: texts through the catalogue that the block loads, numbers and times by `Intl`.
// Open edX gives each block a catalogue of its own name (public/js/translations); Django's own one is the second choice.

const catalogues = () => (typeof window === "undefined" ? [] : [window.EngageI18N, window]);

export function gettext(text) {
  for (const from of catalogues()) {
    const said = from?.gettext?.(text);
    if (said && said !== text) return said;
  }
  return text;
}

export function ngettext(one, many, count) {
  for (const from of catalogues()) {
    const said = from?.ngettext?.(one, many, count);
    if (said && said !== one && said !== many) return said;
  }
  return count === 1 ? one : many;
}

// In a language written from right to left, a name in Latin letters must not pull its surroundings along.
const isolated = (value) => (/\p{L}/u.test(value) && typeof document !== "undefined" && document.documentElement?.dir === "rtl" ? `\u2068${value}\u2069` : value);

/** Puts values into the places of a text: `{name}`. */
export const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => isolated(String(values[name])));

/** The form of a text for `count`, with the count (written as people write it) in its place `{n}`. */
export const plural = (one, many, count, values = {}) => fill(ngettext(one, many, count), { n: number(count), ...values });

const found = new Map(); // language of a page -> the one of the browser's that fits
function locale() {
  const wanted = typeof document === "undefined" ? "en" : document.documentElement?.lang || globalThis.navigator?.language || "en";
  if (!found.has(wanted)) found.set(wanted, supported(wanted));
  return found.get(wanted);
}

function supported(wanted) {
  try {
    return Intl.NumberFormat.supportedLocalesOf(wanted)[0] ?? "en";
  } catch {
    return "en"; // a page may carry a language tag that no browser knows
  }
}

// Making a formatter takes longer than what it is used for: one each is kept.
const kept = new Map();
function kept_(Kind, options) {
  const key = `${locale()} ${Kind.name} ${JSON.stringify(options)}`;
  if (!kept.has(key)) kept.set(key, new Kind(locale(), options));
  return kept.get(key);
}

/** 2000 -> "2,000" in the language of the page. */
export const number = (value) => kept_(Intl.NumberFormat, {}).format(value);

/** 12000 -> "12K": for an axis, where room is short. */
export const shortNumber = (value) => kept_(Intl.NumberFormat, { notation: "compact" }).format(value);

/** Per mille as a whole percentage, or a dash. */
export const percent = (perMille) => (perMille < 0 ? "–" : fill(gettext("{n} %"), { n: number(Math.round(perMille / 10)) }));

/** A change in per mille as whole points with their sign: "+5", "−12", "0". */
export function points(perMille) {
  const whole = Math.round(perMille / 10);
  return whole === 0 ? "0" : `${whole > 0 ? "+" : "−"}${number(Math.abs(whole))}`;
}

const MOMENT = { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: "UTC" };
const DAY = { day: "numeric", month: "short", timeZone: "UTC" };

/** An ISO time as people write it, in UTC, the time zone said. */
export function courseTime(iso) {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return String(iso);
  return `${kept_(Intl.DateTimeFormat, MOMENT).format(date)} UTC`;
}

/** An ISO time as the clock shows it in a time zone: "23:10". In UTC where the browser does not know the zone. */
export function timeIn(iso, zone) {
  const style = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  try {
    return kept_(Intl.DateTimeFormat, { ...style, timeZone: zone }).format(new Date(iso));
  } catch {
    return kept_(Intl.DateTimeFormat, { ...style, timeZone: "UTC" }).format(new Date(iso));
  }
}

/** An ISO time on the reader's own clock: "10:32"; on another day "Apr 11, 10:32". */
export function clockTime(iso) {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return String(iso);
  const isToday = date.toDateString() === new Date().toDateString();
  return kept_(Intl.DateTimeFormat, { ...(isToday ? {} : { day: "numeric", month: "short" }), hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(date);
}

/** An ISO time or date as a day: "Apr 11". */
export function courseDay(iso) {
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? String(iso) : kept_(Intl.DateTimeFormat, DAY).format(date);
}

/** Seconds as a rough length of time. */
export function duration(seconds) {
  if (seconds < 90) return plural("{n} second", "{n} seconds", Math.round(seconds));
  if (seconds < 5400) return plural("{n} minute", "{n} minutes", Math.round(seconds / 60));
  if (seconds < 129600) return plural("{n} hour", "{n} hours", Math.round(seconds / 3600));
  return plural("{n} day", "{n} days", Math.round(seconds / 86400));
}

/** Whole days before now: "today", "yesterday", "9 days ago"; null: a dash. */
export function daysAgo(days) {
  if (days === null) return "–";
  if (days <= 0) return gettext("today");
  if (days === 1) return gettext("yesterday");
  return plural("{n} day ago", "{n} days ago", days);
}

/** Minutes until (or since) a moment: "in 2 days", "in 5 hours", "3 days ago". */
export function fromNow(minutes) {
  if (minutes < 0) return daysAgo(Math.floor(-minutes / 1440));
  if (minutes < 2880) return plural("in {n} hour", "in {n} hours", Math.max(1, Math.round(minutes / 60)));
  return plural("in {n} day", "in {n} days", Math.round(minutes / 1440));
}

/** Names joined as a language joins alternatives: "North or South". */
export const anyOf = (names) => kept_(Intl.ListFormat, { type: "disjunction" }).format(names);

/** Phrases joined as a language joins what all holds: "a, b and c". */
export const allOf = (phrases) => kept_(Intl.ListFormat, { type: "conjunction" }).format(phrases);
