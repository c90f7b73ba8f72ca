// A classic script in the head. It sets the theme before the first paint, so that nothing flashes, and speaks up if the
// modules cannot be loaded: the browser would show an empty page.
document.documentElement.dataset.theme = localStorage.getItem("theme") ?? "system";

function checkStart() {
  if (document.getElementById("app")?.childElementCount) return;
  // Once by itself: most often the network was away for a moment.
  if (!sessionStorage.getItem("reloaded")) {
    sessionStorage.setItem("reloaded", "yes");
    location.reload();
  }
  /** @type {HTMLElement} */ (document.getElementById("failed")).hidden = false;
}

addEventListener("error", ({ target }) => target instanceof HTMLScriptElement && checkStart(), true);
addEventListener("unhandledrejection", checkStart);
