// Studio's form: saves the settings, and says in Studio's own way what happened.

import { csrfToken } from "./api.js";

/** What the form says, as the handler takes it. */
function settingsOf(form) {
  const boxes = [...form.querySelectorAll('input[type="checkbox"]')];
  const settings = { display_name: form.elements.display_name.value };
  settings.targets = boxes.filter((box) => box.name === "targets" && box.checked).map((box) => box.value);
  const rate = form.elements.expected_pass_rate.value.trim();
  settings.expected_pass_rate = rate === "" ? null : Number(rate);
  for (const box of boxes) if (box.name !== "targets") settings[box.name] = box.checked;
  return settings;
}

window.EngageCommunicatorStudio = function EngageCommunicatorStudio(runtime, element) {
  const root = element instanceof Element ? element : element[0];
  const form = root.querySelector(".engage-studio");
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
