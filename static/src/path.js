// Paths of SVG from points.

/** A broken line through points [[x, y], ...]. */
export const line = (points) => points.map(([x, y], i) => `${i === 0 ? "M" : "L"}${x},${y}`).join("");
