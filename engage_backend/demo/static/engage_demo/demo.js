// The course page around the block: starts the block as an LMS would, keeps the clock, and sends clicks without a reload.
"use strict";

const $ = (selector, root = document) => root.querySelector(selector);
const csrf = () => $("input[name=csrfmiddlewaretoken]")?.value ?? "";

// -- The block: what the LMS's `XBlock.initializeBlock` does, for one block. --------------------------------------
const runtime = {
  handlerUrl(element, handler, suffix = "", query = "") {
    return `/xblock/handler/${handler}/${suffix}${query ? `?${query}` : ""}`;
  },
  notify(name, data) {
    if (name === "cancel" || (name === "save" && data?.state === "end")) location.assign("/course/");
  },
};

for (const element of document.querySelectorAll("[data-init]")) {
  const args = $("script.xblock_json_init_args", element);
  window[element.dataset.init]?.(runtime, element, args ? JSON.parse(args.textContent) : undefined);
}

// -- The clock. ---------------------------------------------------------------------------------------------------
const clock = $("[data-clock]");
const format = new Intl.DateTimeFormat("en-GB", {
  weekday: "short", day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit", timeZone: "UTC",
});
const shown = { at: performance.now(), time: Date.parse(clock.dataset.time), speed: Number(clock.dataset.speed) };

function speedInWords(speed) {
  if (speed === 0) return "as fast as it goes";
  if (speed === 1) return "";
  for (const [unit, seconds] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
    if (speed >= seconds) {
      const count = Math.round((speed / seconds) * 10) / 10;
      return count === 1 ? `one ${unit} a second` : `${count} ${unit}s a second`;
    }
  }
  return `${speed} times as fast`;
}

function tick() {
  const time = new Date(shown.time + (performance.now() - shown.at) * shown.speed);
  clock.textContent = format.format(time);
  clock.dateTime = time.toISOString();
}

// -- What the site says: every half second, while somebody looks. ------------------------------------------------
let before = {}; // what was predicted of "you" at the last click,
let last = {}; // and what is now

function show(status) {
  Object.assign(shown, { at: performance.now(), time: Date.parse(status.time), speed: status.speed });
  $("[data-speed-words]").textContent = speedInWords(status.speed);
  $("[data-week]").textContent = status.week;
  tick();
  const panel = $("[data-panel]");
  if (!panel) return;
  $("[data-unit]").textContent = status.unit;
  $("[data-video]").textContent = status.video;
  $("[data-pseudonym]").textContent = status.pseudonym ?? "not there yet";
  const { task } = status;
  const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", timeZone: "UTC" });
  $("[data-task]").textContent = task
    ? `Task ${task.number} of ${task.of} · ${task.percent} % of the grade${task.due ? `\ndue ${day.format(new Date(task.due))}` : ""}`
    : "No graded task is open:\nanswers are practice";
  if (status.row) showRow(status.row);
}

const STATES = {
  active: "", never_started: "You have never been here: nothing is predicted before a first click.",
  gone: "Gone: no click for more than 14 days.", finished: "Finished: you have passed.", left: "You have left the course.",
};

function showRow(row) {
  const state = $("[data-state]");
  state.textContent = STATES[row.state] ?? row.state;
  state.hidden = !state.textContent;
  const predicted = ["certify", "complete", "leave"].filter((name) => row[name] !== null);
  $("[data-bars]").hidden = predicted.length === 0;
  for (const name of ["certify", "complete", "leave"]) {
    const value = row[name];
    $(`[data-bar=${name}]`).value = value ?? 0;
    const text = $(`[data-value=${name}]`);
    const isRank = name === "leave"; // as a percentage it does not hold
    text.textContent = value === null ? "–" : isRank ? `rank ${row.leave_rank?.join(" of ") ?? "–"}` : `${(value / 10).toFixed(1)} %`;
    const change = isRank || value === null || before[name] == null ? 0 : value - before[name];
    if (change) {
      const note = document.createElement("i");
      note.textContent = ` ${change > 0 ? "+" : "−"}${(Math.abs(change) / 10).toFixed(1)}`;
      text.append(note);
    }
  }
  last = row;
}

async function ask() {
  try {
    if (!document.hidden) {
      const answer = await fetch(document.body.dataset.now, { headers: { Accept: "application/json" } });
      if (answer.ok) show(await answer.json());
    }
  } catch {
    // The site is gone, or starting again: the next round will tell.
  }
  setTimeout(ask, 500);
}

// -- Being a learner. ---------------------------------------------------------------------------------------------
$("[data-panel] form")?.addEventListener("submit", async (event) => {
  const button = event.submitter;
  if (!button) return;
  event.preventDefault();
  before = { ...last };
  button.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(button.formAction, {
      method: "POST", headers: { Accept: "application/json", "X-CSRFToken": csrf() },
    });
    if (!answer.ok) return location.reload();
    const status = await answer.json();
    show(status);
    if (status.lines.length) showLines(status.lines);
  } finally {
    button.removeAttribute("aria-busy");
  }
});

function showLines(lines) {
  const log = $("[data-log]");
  log.hidden = false;
  $("summary", log).textContent = `What your last click wrote: ${lines.length} lines`;
  $("ol", log).replaceChildren(...lines.map((line) => {
    const item = document.createElement("li");
    item.textContent = line;
    return item;
  }));
}

setInterval(tick, 250);
$("[data-speed-words]").textContent = speedInWords(shown.speed);
tick();
ask();
