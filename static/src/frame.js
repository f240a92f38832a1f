// Inside the LMS's frame: tells the page around it how high the content is, in the words of courseware blocks, and keeps
// the selection in sight although the frame itself never scrolls.

/** Tells the parent window the height of the content, at first and whenever it changes. Returns what ends it. */
export function tellHeight(root) {
  if (window.parent === window) return () => {};
  // The LMS's own page around a block is `#content`; elsewhere it is the body.
  const whole = document.getElementById("content") ?? document.body;
  const target = originOf(document.referrer);
  let told = 0;
  const tell = () => {
    const end = Math.max(whole.getBoundingClientRect().bottom, root.getBoundingClientRect().bottom);
    const height = Math.ceil(end + window.scrollY + parseFloat(getComputedStyle(whole).marginBottom));
    if (height === told) return;
    told = height;
    window.parent.postMessage({ type: "plugin.resize", payload: { height } }, target);
  };
  const watching = new ResizeObserver(tell);
  watching.observe(whole);
  watching.observe(root);
  return () => watching.disconnect();
}

/** Whose page is around the frame; a height is no secret, so where the browser does not say, anybody may hear it. */
function originOf(address) {
  try {
    return new URL(address).origin;
  } catch {
    return "*";
  }
}

const STEPS = 200;

/** Keeps `bar` at the upper edge of what is seen of `board`, and the head of the rows in `table` below it. Returns what ends it. */
export function keepInSight(bar, board, table) {
  const place = () => {
    const covered = bar.getBoundingClientRect().bottom - table.getBoundingClientRect().top;
    const room = table.clientHeight - (table.querySelector("thead")?.offsetHeight ?? 0);
    table.style.setProperty("--engage-covered", `${Math.max(0, Math.min(covered, room))}px`);
  };
  window.addEventListener("scroll", place, { passive: true });
  const watching = new ResizeObserver(place);
  watching.observe(bar);
  const end = followSight(bar, board, place);
  return () => {
    window.removeEventListener("scroll", place);
    watching.disconnect();
    end();
  };
}

/**
 * Moves `bar` where the frame is as high as its content: there `sticky` has nothing to stick to, but the browser still
 * says which part of a frame is in sight. `onMoved()` hears of each move.
 */
function followSight(bar, board, onMoved) {
  if (window.parent === window) return () => {};
  const watching = new IntersectionObserver(
    (entries) => {
      const { intersectionRect: seen, boundingClientRect: all } = entries.at(-1);
      if (seen.height === 0) return;
      const room = all.height - bar.offsetHeight;
      // Where the frame scrolls by itself, `sticky` does it: there the board's upper edge is above the window.
      const down = all.top < 0 ? 0 : Math.max(0, Math.min(room, seen.top - all.top));
      bar.style.setProperty("translate", `0 ${Math.round(down)}px`);
      onMoved();
    },
    { threshold: Array.from({ length: STEPS + 1 }, (_, i) => i / STEPS) },
  );
  watching.observe(board);
  return () => watching.disconnect();
}
