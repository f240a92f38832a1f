// The part of the address that says which learner is open: `#learner=pseudonym`, so that a link leads there.

const KEY = "learner";

/** The pseudonym in the address, or null. */
export function learnerInAddress() {
  const name = new URLSearchParams(window.location.hash.slice(1)).get(KEY);
  return name && /^[0-9a-z]{8}$/.test(name) ? name : null;
}

/** The address of this page with a learner open. */
export function addressOf(pseudonym) {
  const address = new URL(window.location.href);
  address.hash = `${KEY}=${pseudonym}`;
  return address.href;
}

/** Writes a learner into the address, or takes them out of it; the page's own history leads back. */
export function writeAddress(pseudonym) {
  if (pseudonym === learnerInAddress()) return;
  const address = new URL(window.location.href);
  address.hash = pseudonym === null ? "" : `${KEY}=${pseudonym}`;
  window.history.pushState(null, "", address.href.replace(/#$/, ""));
}
