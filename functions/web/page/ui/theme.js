// The theme: "light", "dark" or "system". early.js sets it before the first paint.

/** @returns {string} */
export const theme = () => document.documentElement.dataset.theme ?? "system";

/** @param {string} chosen */
export function setTheme(chosen) {
  localStorage.setItem("theme", chosen);
  document.documentElement.dataset.theme = chosen;
}
