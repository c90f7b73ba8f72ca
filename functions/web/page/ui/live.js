// Texts for screen readers only: what changed, where no visible text says it.
const region = document.createElement("div");
region.className = "visually-hidden";
region.setAttribute("role", "status");
document.body.append(region);

/** @param {string} text */
export function announce(text) {
  region.textContent = "";
  // A region that gets the same text again is not read: it must be empty in between.
  setTimeout(() => (region.textContent = text), 50);
}
