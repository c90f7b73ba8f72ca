// Reordering, by drag and by keys. A todo between two others gets the middle of their orders.
import { state, update } from "../state.js";
import { changeTodo } from "../sync/edits.js";
import { childrenOf, descendants } from "../sync/tree.js";
import { announce } from "../ui/live.js";
import { t } from "../words.js";
import { visibleRows } from "./select.js";
import { focusRow } from "./window.js";

const MAX_DEPTH = 5;

/** Returns the todos among which a todo is ordered. @param {string | null} parent */
function siblingsOf(parent) {
  const { view, id } = state.route;
  return childrenOf(parent).filter((todo) => parent || view !== "project" || todo.project_id === id);
}

/** Puts a todo below a parent, before the todo with an index among its children.
 * @param {Todo} todo @param {string | null} parent @param {number} index */
function put(todo, parent, index) {
  const others = siblingsOf(parent).filter((each) => each.id !== todo.id);
  const [before, after] = [others[index - 1], others[index]];
  const order = before && after ? (before.order + after.order) / 2 : before ? before.order + 1 : after ? after.order - 1 : todo.order;
  changeTodo(todo, { order, parent_id: parent }, parent === todo.parent_id ? t("done.moved", todo) : t("done.moved_below", { title: todo.title, parent: state.todos.get(parent ?? "")?.title ?? t("top_level") }));
  announce(t("place", { title: todo.title, n: index + 1, total: others.length + 1 }));
  void focusRow(todo.id);
}

/** @param {Todo} todo */
const indexOf = (todo) => siblingsOf(todo.parent_id).findIndex((each) => each.id === todo.id);

/** Moves a todo past its next neighbor that is shown. @param {Todo} todo @param {number} step */
export function move(todo, step) {
  const shown = visibleRows().filter((row) => row.todo.parent_id === todo.parent_id || (!row.depth && !todo.parent_id));
  const neighbor = shown[shown.findIndex((row) => row.todo.id === todo.id) + step]?.todo;
  if (neighbor) put(todo, todo.parent_id, siblingsOf(todo.parent_id).filter((each) => each.id !== todo.id).indexOf(neighbor) + (step > 0 ? 1 : 0));
}

/** Makes a todo a subtodo of the one above. @param {Todo} todo */
export function indent(todo) {
  const above = siblingsOf(todo.parent_id)[indexOf(todo) - 1];
  if (above) put(todo, above.id, childrenOf(above.id).length);
}

/** Puts a subtodo after its parent. @param {Todo} todo */
export function outdent(todo) {
  const parent = state.todos.get(todo.parent_id ?? "");
  if (parent) put(todo, parent.parent_id, indexOf(parent) + 1);
}

/** Follows the pointer with a row until it is dropped. @param {PointerEvent} event @param {Todo} todo */
export function grab(event, todo) {
  const grip = /** @type {HTMLElement} */ (event.currentTarget);
  const row = /** @type {HTMLElement} */ (grip.closest("li"));
  event.preventDefault();
  grip.setPointerCapture(event.pointerId);
  row.classList.add("is-dragged");
  const ended = new AbortController();
  const { signal } = ended;
  const start = event.clientY;
  /** @type {HTMLElement | null} */
  let target = null;
  const main = /** @type {HTMLElement} */ (document.getElementById("main"));
  const mark = (/** @type {string} */ place) => {
    document.querySelectorAll(".todos [data-drop]").forEach((each) => each.removeAttribute("data-drop"));
    if (target) target.dataset.drop = place;
  };
  grip.addEventListener("pointermove", ({ clientX, clientY }) => {
    row.style.translate = `0 ${clientY - start}px`;
    const under = document.elementsFromPoint(clientX, clientY).find((each) => !row.contains(each) && each.closest(".todos > li"));
    target = /** @type {HTMLElement | null} */ (under?.closest("li")) ?? target;
    if (target) mark(clientY < middleOf(target) ? "before" : "after");
    const edge = clientY < 110 ? -12 : clientY > innerHeight - 90 ? 12 : 0;
    if (edge) main.scrollTop += edge;
  }, { signal });
  const end = (/** @type {boolean} */ isDropped) => {
    ended.abort();
    row.classList.remove("is-dragged");
    row.style.translate = "";
    const place = target?.dataset.drop;
    const id = target?.dataset.id;
    target = null;
    mark("");
    if (isDropped && id && place) drop(todo, id, place === "after");
    update();
  };
  grip.addEventListener("pointerup", () => end(true), { signal });
  grip.addEventListener("pointercancel", () => end(false), { signal });
  addEventListener("keydown", (key) => key.key === "Escape" && end(false), { signal });
}

/** @param {HTMLElement} element */
function middleOf(element) {
  const { top, height } = element.getBoundingClientRect();
  return top + height / 2;
}

/** @param {Todo} todo @param {string} id of the row where it is dropped @param {boolean} isAfter */
function drop(todo, id, isAfter) {
  const below = descendants(todo.id).map((each) => each.id);
  const target = state.todos.get(id);
  if (!target || below.includes(id) || id === todo.id) return;
  const row = visibleRows().find((each) => each.todo.id === id);
  // After a todo whose subtodos are shown is before the first of them.
  if (isAfter && row && row.total && !row.isFolded && row.depth < MAX_DEPTH) return put(todo, id, 0);
  const others = siblingsOf(target.parent_id).filter((each) => each.id !== todo.id);
  put(todo, target.parent_id, others.indexOf(target) + (isAfter ? 1 : 0));
}
