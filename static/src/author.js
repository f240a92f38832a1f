// What an author sees of the page in Studio: small charts of this course's own figures, or of a sample that says it is one.

const BINS = 20; // of five percent each
const MOST = 1000; // per mille
const WIDTH = 300;
const HEIGHT = 90;
const SVG = "http://www.w3.org/2000/svg";

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));

/** How many of the values (per mille; null: no figure) fall into each bin. */
export function bin(values) {
  const counts = new Array(BINS).fill(0);
  for (const value of values) {
    if (value !== null) counts[Math.min(BINS - 1, Math.floor((value / MOST) * BINS))] += 1;
  }
  return counts;
}

/** A smooth made-up course: many who are likely to leave, fewer who are likely to earn a certificate. */
export function sample(target) {
  const at = { certify: 0.25, complete: 0.45, leave: 0.7 }[target];
  return Array.from({ length: BINS }, (_, index) => Math.round(60 * Math.exp(-(((index + 0.5) / BINS - at) ** 2) / 0.05) + 6));
}

function chart(target, counts, words) {
  const figure = document.createElement("figure");
  figure.className = "engage-author-chart";
  const caption = document.createElement("figcaption");
  caption.textContent = words[target];
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", fill(words.chart, { target: words[target] }));
  const most = Math.max(1, ...counts);
  const step = WIDTH / BINS;
  counts.forEach((count, index) => {
    const bar = document.createElementNS(SVG, "rect");
    const height = (count / most) * HEIGHT;
    for (const [name, value] of Object.entries({ x: index * step + 1, y: HEIGHT - height, width: step - 2, height, rx: 1.5 })) {
      bar.setAttribute(name, value);
    }
    bar.setAttribute("class", `engage-author-bar engage-author-${target}`);
    svg.append(bar);
  });
  const scale = document.createElement("p");
  scale.className = "engage-author-scale";
  scale.append(...words.ends[target].map((text) => Object.assign(document.createElement("span"), { textContent: text })));
  figure.append(caption, svg, scale);
  return figure;
}

/** The answer of the API, or null with why there is none to show: "sample" (no predictions yet) or "failed". */
async function figures(url) {
  if (!url) return [null, "sample"];
  try {
    const response = await fetch(url, { credentials: "same-origin", headers: { Accept: "application/json" } });
    if (response.status === 404) return [null, "sample"]; // the course was never published
    if (!response.ok) return [null, "failed"];
    const answer = await response.json();
    const shown = Array.isArray(answer.certify) && [answer.certify, answer.complete, answer.leave].flat().some((value) => value !== null);
    return shown ? [answer, "live"] : [null, "sample"];
  } catch {
    return [null, "failed"];
  }
}

/** Studio and the workbench call this with the block's element. */
async function show(root) {
  root.querySelector(".engage-author-preview").replaceChildren();
  const { predictionsUrl, targets, words } = JSON.parse(root.dataset.engageAuthor);
  const [answer, state] = await figures(predictionsUrl);
  const note = document.createElement("p");
  note.className = "engage-author-note";
  note.dataset.state = state;
  note.textContent = fill(words[state], { n: answer?.total ?? 0 });
  const charts = document.createElement("div");
  charts.className = "engage-author-charts";
  charts.append(...targets.map((target) => chart(target, answer ? bin(answer[target]) : sample(target), words)));
  root.querySelector(".engage-author-preview").replaceChildren(note, charts);
}

if (typeof window !== "undefined") {
  window.EngageCommunicatorAuthor = function EngageCommunicatorAuthor(runtime, element) {
    const node = element instanceof Element ? element : element[0];
    const root = node.matches("[data-engage-author]") ? node : node.querySelector("[data-engage-author]");
    if (root) show(root);
    return {};
  };
}
