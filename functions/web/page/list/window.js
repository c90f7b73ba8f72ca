// Renders only the rows near the viewport, so that 5,000 todos scroll as smoothly as 50. Rows may have any height: it is
// estimated until a row has been rendered, then measured.
import { rendered, subscribe, update } from "../state.js";

const MARGIN_PIXELS = 600;
const ESTIMATE_PIXELS = 56;

/** @type {Map<string, number>} */
const heights = new Map();
/** The ids of all rows, in order. @type {string[]} */
let ids = [];
let shown = "";

const heightOf = (id) => heights.get(id) ?? ESTIMATE_PIXELS;
/** @returns {HTMLElement | null} */
const find = (selector) => document.querySelector(selector);

addEventListener("scroll", () => shown !== JSON.stringify(computeWindow()) && update(), { capture: true, passive: true });
addEventListener("resize", () => {
  heights.clear();
  update();
});
subscribe(() => requestAnimationFrame(measure));

function measure() {
  for (const row of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".todos > [data-id]"))) {
    heights.set(row.dataset.id ?? "", row.offsetHeight);
  }
}

/** Returns the first row to render, the end of the rows, and the pixels above and below them. */
function computeWindow() {
  const main = find("#main");
  const from = (main?.scrollTop ?? 0) - (find(".todos")?.offsetTop ?? 0) - MARGIN_PIXELS;
  const to = from + (main?.clientHeight ?? innerHeight) + 2 * MARGIN_PIXELS;
  const window = { first: 0, end: 0, above: 0, below: 0 };
  let y = 0;
  for (const id of ids) {
    const height = heightOf(id);
    if (y + height <= from) {
      window.first++;
      window.above += height;
    }
    if (y < to) window.end++;
    else window.below += height;
    y += height;
  }
  return window;
}

/** @param {string[]} all the ids of all rows, in order */
export function windowOf(all) {
  ids = all;
  const window = computeWindow();
  shown = JSON.stringify(window);
  return window;
}

/** Scrolls to a row, and moves the focus to its title. @param {string} id */
export async function focusRow(id) {
  const title = `[data-id="${id}"] .title`;
  const main = find("#main");
  await rendered();
  if (!find(title) && main) {
    main.scrollTop = ids.slice(0, ids.indexOf(id)).reduce((sum, each) => sum + heightOf(each), 0);
    await rendered();
  }
  find(title)?.focus({ preventScroll: true });
  find(title)?.closest("li")?.scrollIntoView({ block: "nearest" });
}

/** Returns the id of the row with the focus. */
export const focusedRow = () => /** @type {HTMLElement | null} */ (document.activeElement?.closest("[data-id]"))?.dataset.id;

/** Moves the focus by rows; to the first row if none has it. @param {number} step */
export function moveFocus(step) {
  const at = ids.indexOf(focusedRow() ?? "");
  const next = ids[at < 0 ? 0 : Math.min(ids.length - 1, Math.max(0, at + step))];
  if (next) void focusRow(next);
}
