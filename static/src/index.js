// The door: what the XBlock runtimes call. The block's own element carries its configuration, so any runtime will do.
import { Page } from "./page.js";

function surroundingsOf(root) {
  const wake = ["visibilitychange", "online", "offline"];
  return {
    isVisible: () => document.visibilityState !== "hidden",
    isOnline: () => navigator.onLine !== false,
    isWanted: () => root.isConnected, // a unit that was navigated away from asks no more
    listen(callback) {
      const heard = () => document.visibilityState !== "hidden" && callback();
      document.addEventListener(wake[0], heard);
      for (const name of wake.slice(1)) window.addEventListener(name, heard);
      return () => {
        document.removeEventListener(wake[0], heard);
        for (const name of wake.slice(1)) window.removeEventListener(name, heard);
      };
    },
  };
}

/** `element`: a DOM node or a jQuery object around the fragment. Returns what edX keeps as the block's JavaScript side. */
window.EngageCommunicator = function EngageCommunicator(runtime, element) {
  const node = element instanceof Element ? element : element[0];
  const root = node.matches(".engage-communicator") ? node : node.querySelector(".engage-communicator");
  if (!root || root.dataset.engageConfig === undefined) return {}; // what learners and authors get has no page in it
  const page = new Page(root, JSON.parse(root.dataset.engageConfig), surroundingsOf(root));
  return { destroy: () => page.destroy() };
};

// At the page's own address there is no runtime that calls the door.
for (const root of document.querySelectorAll(".engage-course-page .engage-communicator")) window.EngageCommunicator(null, root);
