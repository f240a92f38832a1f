// The learner's page inside a block: brings in its inner part, and sends what its buttons say. Without it there is the link.

window.EngageMine = function EngageMine(runtime, element) {
  const root = element instanceof Element ? element : element[0];
  const block = root.matches?.("[data-engage-mine]") ? root : root.querySelector("[data-engage-mine]");
  if (!block) return {};
  const url = block.dataset.engageMine;
  const room = block.querySelector(".engage-me");

  async function show(asked = {}) {
    const response = await fetch(`${url}?${new URLSearchParams({ part: 1, ...asked })}`, { credentials: "same-origin", redirect: "manual" });
    // Who is not logged in any more is led elsewhere: then the link has to do.
    if (!response.ok) return;
    room.innerHTML = await response.text();
  }

  async function say(event) {
    event.preventDefault();
    const body = new URLSearchParams(new FormData(event.target));
    if (event.submitter?.name) body.set(event.submitter.name, event.submitter.value);
    for (const button of event.target.querySelectorAll("button")) button.disabled = true;
    const isQuestion = event.target.method === "get"; // "are you sure?", or back from it
    if (!isQuestion) await fetch(url, { method: "POST", credentials: "same-origin", redirect: "manual", body }).catch(() => undefined);
    await show(isQuestion ? Object.fromEntries(body) : {});
    const choice = room.querySelector(".choice h2");
    if (choice) {
      choice.tabIndex = -1;
      choice.focus();
    }
  }

  room.addEventListener("submit", say);
  show().catch(() => undefined);
  return {};
};
