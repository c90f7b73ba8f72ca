// Renders only the rows near the viewport, so that 5,000 todos scroll as smoothly as 50. Rows may have any height: it is
// estimated until a row has been rendered, then measured.
import { rendered, subscribe, update } from "../state.js";

const MARGIN_PIXELS = 600;
const ESTIMATE_PIXELS = 56;

/** @type {Map<string, number>} */
const heights = new Map();
let range = "";
let ids = /** @type {string[]} */ ([]);

/** @param {string} id */
const heightOf = (id) => heights.get(id) ?? ESTIMATE_PIXELS;
const scroller = () => document.getElementById("main");
const list = () => document.querySelector(".todos");

addEventListener("scroll", look, { capture: true, passive: true });
addEventListener("resize", () => {
  heights.clear();
  update();
});

/** Renders again if other rows are near the viewport now. */
function look() {
  if (list() && range !== computeRange().join()) update();
}

/** Returns the first row, the end of the rows, and the pixels above and below them.
 * @returns {[number, number, number, number]} */
function computeRange() {
  const main = scroller();
  const from = main && list() ? main.scrollTop - /** @type {HTMLElement} */ (list()).offsetTop - MARGIN_PIXELS : 0;
  const to = from + (main?.clientHeight ?? innerHeight) + 2 * MARGIN_PIXELS;
  let [first, end, above, below, y] = [0, 0, 0, 0, 0];
  for (const id of ids) {
    const height = heightOf(id);
    if (y + height <= from) [first, end, above] = [first + 1, end + 1, above + height];
    else if (y < to) end++;
    else below += height;
    y += height;
  }
  return [first, end, above, below];
}

/** @param {string[]} all the ids of all rows, in order */
export function windowOf(all) {
  ids = all;
  const [first, end, above, below] = computeRange();
  range = [first, end, above, below].join();
  return { first, end, above, below };
}

subscribe(() => requestAnimationFrame(measure));

function measure() {
  for (const row of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".todos > [data-id]"))) {
    if (row.offsetHeight) heights.set(row.dataset.id ?? "", row.offsetHeight);
  }
}

/** Scrolls to a row, and moves the focus to its title. @param {string} id */
export async function focusRow(id) {
  const index = ids.indexOf(id);
  const main = scroller();
  if (index < 0 || !main) return;
  const find = () => /** @type {HTMLElement | null} */ (document.querySelector(`[data-id="${id}"] .title`));
  if (!find()) {
    main.scrollTop = ids.slice(0, index).reduce((sum, each) => sum + heightOf(each), 0);
    await rendered();
  }
  find()?.focus({ preventScroll: true });
  find()?.closest("li")?.scrollIntoView({ block: "nearest" });
}

/** Returns the id of the row with the focus. */
export const focusedRow = () => /** @type {HTMLElement | null} */ (document.activeElement?.closest("[data-id]"))?.dataset.id;

/** Moves the focus by rows; to the first row if none has it. @param {number} step */
export function moveFocus(step) {
  const at = ids.indexOf(focusedRow() ?? "");
  const next = ids[at < 0 ? 0 : Math.min(ids.length - 1, Math.max(0, at + step))];
  if (next) void focusRow(next);
}
