// Studio's form: saves the settings, and says in Studio's own way what happened.

import { csrfToken } from "./api.js";

/** What the form says, as the handler takes it: boxes of one name with values are a list, others are on or off. */
function settingsOf(form) {
  const settings = {};
  for (const { type, name, value, checked } of form.querySelectorAll("input[name]")) {
    if (type === "number") settings[name] = value.trim() === "" ? null : Number(value);
    else if (type !== "checkbox") settings[name] = value;
    else if (value === "") settings[name] = checked;
    else settings[name] = [...(settings[name] ?? []), ...(checked ? [value] : [])];
  }
  return settings;
}

window.EngageCommunicatorStudio = function EngageCommunicatorStudio(runtime, element) {
  const root = element instanceof Element ? element : element[0];
  const form = root.querySelector(".engage-studio");
  form.querySelector(".engage-unloaded")?.remove();
  const problem = form.querySelector(".engage-studio-problem");

  async function save(event) {
    event.preventDefault();
    problem.textContent = "";
    runtime.notify?.("save", { state: "start" });
    try {
      const response = await fetch(runtime.handlerUrl(root, "submit"), {
        method: "POST",
        credentials: "same-origin",
        headers: { "Content-Type": "application/json", "X-CSRFToken": csrfToken() },
        body: JSON.stringify(settingsOf(form)),
      });
      if (!response.ok) {
        const answer = await response.json().catch(() => ({}));
        throw new Error(answer.error ?? form.dataset.failed);
      }
      runtime.notify?.("save", { state: "end" });
    } catch (error) {
      problem.textContent = error.message;
      runtime.notify?.("error", { title: form.dataset.failed, message: error.message });
    }
  }

  form.addEventListener("submit", save);
  form.querySelector(".cancel-button").addEventListener("click", () => runtime.notify?.("cancel", {}));
  return {};
};
