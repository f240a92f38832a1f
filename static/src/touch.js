// Lets a finger scroll the page although it began on a chart: d3 takes every touch on a brush for itself.

const DECIDED_AFTER_PX = 4;

/**
 * Keeps touches that move up or down from what listens inside `node`; those that move sideways go through.
 * Returns a function that says whether the last touch scrolled: some browsers end such a touch as if nothing had been.
 */
export function letFingersScroll(node) {
  let origin = null;
  let sideways = null; // not decided yet
  const start = (event) => {
    const { clientX: x, clientY: y } = event.touches[0];
    origin = { x, y };
    sideways = event.touches.length > 1 ? true : null;
  };
  const move = (event) => {
    const { clientX, clientY } = event.touches[0];
    const [dx, dy] = [Math.abs(clientX - origin.x), Math.abs(clientY - origin.y)];
    if (sideways === null && Math.max(dx, dy) >= DECIDED_AFTER_PX) sideways = dx > dy;
    // Whoever hears a move may forbid the browser to scroll, so nobody does before it is known to be a brush.
    if (!sideways) event.stopPropagation();
  };
  node.addEventListener("touchstart", start, { capture: true, passive: true });
  node.addEventListener("touchmove", move, { capture: true, passive: true });
  return () => sideways === false;
}
