// One small helper to build elements: no markup from strings, so nothing that a server sends can become markup.

let made = 0;

/** An id that no other Communicator on the same page has. */
export function uniqueId(name) {
  made += 1;
  return `engage-${name}-${made}`;
}

/**
 * An element. `attributes`: `class`, `on` ({event: handler}), `testid`, booleans and strings; children: nodes or text.
 */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") for (const [event, handler] of Object.entries(value)) node.addEventListener(event, handler);
    else if (name === "testid") node.dataset.testid = value;
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** Sets text only where it differs, so that screen readers and layout are left alone. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** A button that does something when pressed. `look`: button, link, chip, small. */
export function button(text, press, { look = "button", ...attributes } = {}) {
  return el("button", { type: "button", class: `engage-${look}`, on: { click: press }, ...attributes }, text);
}

/** Text for screen readers alone. */
export const unseen = (...children) => el("span", { class: "engage-unseen" }, ...children);

const SVG = "http://www.w3.org/2000/svg";

/** An SVG element, as `el` makes HTML ones. */
export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}
