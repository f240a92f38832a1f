// The clipboard.
import { el } from "./dom.js";

/** Copies a text; where the browser forbids the clipboard (in a frame of another site), by way of a selection. */
export async function copyText(text, near) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = el("textarea", { class: "engage-unseen", readonly: true, tabindex: "-1", "aria-hidden": "true" });
    field.value = text;
    near.after(field);
    field.select();
    document.execCommand("copy");
    field.remove();
    near.focus({ preventScroll: true });
  }
}
