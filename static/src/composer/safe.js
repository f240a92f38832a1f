// From the server's HTML of a mail to elements. The server made it safe; here, too, only what is known gets through.
import { el } from "../dom.js";

const TAGS = ["a", "blockquote", "br", "code", "em", "hr", "li", "ol", "p", "pre", "strong", "ul"];
const HEADING = /^h[1-6]$/;
const ADDRESS = /^(https?:\/\/|mailto:)/i;

/** The nodes of an HTML text. What is not known leaves its text behind, and no attribute but a link's address is kept. */
export function safeNodes(html) {
  const parsed = new DOMParser().parseFromString(`<!doctype html><html><body>${html}</body></html>`, "text/html");
  return [...parsed.body.childNodes].flatMap(taken);
}

function taken(node) {
  if (node.nodeType === 3) return [document.createTextNode(node.textContent)];
  if (node.nodeType !== 1) return [];
  const tag = node.tagName.toLowerCase();
  if (tag === "script" || tag === "style") return [];
  const children = [...node.childNodes].flatMap(taken);
  // A heading of the mail is none of the page.
  if (HEADING.test(tag)) return [el("p", { class: "engage-letter-heading" }, ...children)];
  if (!TAGS.includes(tag)) return children;
  const href = tag === "a" ? (node.getAttribute("href") ?? "") : "";
  const link = ADDRESS.test(href) ? { href, target: "_blank", rel: "noopener noreferrer" } : {};
  const start = tag === "ol" && /^\d{1,9}$/.test(node.getAttribute("start") ?? "") ? { start: node.getAttribute("start") } : {};
  return [el(tag, { ...link, ...start }, ...children)];
}
