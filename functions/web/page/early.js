// A classic script in the head. Before the first paint it sets the theme and chooses the shell, so that nothing flashes.
// It speaks up if the modules cannot be loaded: the browser would show the shell for ever.
Object.assign(document.documentElement.dataset, {
  theme: localStorage.getItem("theme") ?? "system",
  who: localStorage.getItem("user") ? "member" : "visitor",
});

function checkStart() {
  if (!document.getElementById("shell")) return;
  // Once by itself: most often the network was away for a moment.
  if (!sessionStorage.getItem("reloaded")) {
    sessionStorage.setItem("reloaded", "yes");
    location.reload();
  }
  /** @type {HTMLElement} */ (document.getElementById("failed")).hidden = false;
}

addEventListener("error", ({ target }) => target instanceof HTMLScriptElement && checkStart(), true);
addEventListener("unhandledrejection", checkStart);
