// Reordering: by drag and drop, by keys and by the menu.
import { state, update } from "../state.js";
import { changeTodo } from "../sync/edits.js";
import { between, childrenOf, descendants } from "../sync/tree.js";
import { announce } from "../ui/live.js";
import { t } from "../words.js";
import { visibleRows } from "./select.js";
import { focusRow } from "./window.js";

/** Puts a todo below a parent: before a sibling, or after it, or to the end without one.
 * @param {Todo} todo @param {string | null} parent @param {Todo} [sibling] @param {boolean} [isAfter] */
function put(todo, parent, sibling, isAfter = false) {
  const others = childrenOf(parent).filter((each) => each.id !== todo.id);
  const index = sibling ? others.indexOf(sibling) + +isAfter : others.length;
  const names = { title: todo.title, parent: state.todos.get(parent ?? "")?.title ?? t("top_level") };
  const text = t(parent === todo.parent_id ? "done.moved" : "done.moved_below", names);
  changeTodo(todo, { order: between(others, index), parent_id: parent }, text);
  announce(t("place", { title: todo.title, n: index + 1, total: others.length + 1 }));
  void focusRow(todo.id);
}

/** Returns the todo that is shown before or after one, below the same parent. */
function neighbor(todo, step) {
  const shown = visibleRows().map((row) => row.todo).filter((each) => each.parent_id === todo.parent_id);
  return shown[shown.findIndex(({ id }) => id === todo.id) + step];
}

/** @param {Todo} todo @param {number} step */
export function move(todo, step) {
  const other = neighbor(todo, step);
  if (other) put(todo, todo.parent_id, other, step > 0);
}

/** Makes a todo a subtodo of the one above. @param {Todo} todo */
export function indent(todo) {
  const above = neighbor(todo, -1);
  if (above) put(todo, above.id);
}

/** Puts a subtodo after its parent. @param {Todo} todo */
export function outdent(todo) {
  const parent = state.todos.get(todo.parent_id ?? "");
  if (parent) put(todo, parent.parent_id, parent, true);
}

/** @type {Todo | undefined} */
let dragged;

const rowAt = ({ target }) => target.closest(".todos > li");

/** Marks where the todo would be dropped. */
function mark(row, place = "") {
  document.querySelectorAll("[data-drop]").forEach((each) => each.removeAttribute("data-drop"));
  if (row) row.dataset.drop = place;
}

/** The events of a list by drag and drop. @type {Record<string, (event: any) => void>} */
export const dragging = {
  start(event) {
    dragged = state.todos.get(rowAt(event).dataset.id);
    event.dataTransfer.setData("text/plain", dragged?.title);
  },
  over(event) {
    const row = rowAt(event);
    if (!dragged || !row?.dataset.id) return;
    event.preventDefault();
    const { top, height } = row.getBoundingClientRect();
    mark(row, event.clientY > top + height / 2 ? "after" : "before");
  },
  drop(event) {
    const { id, drop } = rowAt(event).dataset;
    const target = state.todos.get(id);
    if (!dragged || !target || [dragged, ...descendants(dragged.id)].some((each) => each.id === id)) return;
    event.preventDefault();
    // After a todo whose subtodos are shown is before the first of them.
    const isParent = drop === "after" && visibleRows().some(({ todo }) => todo.parent_id === id);
    if (isParent) put(dragged, id, childrenOf(id).find((each) => each.id !== dragged?.id));
    else put(dragged, target.parent_id, target, drop === "after");
  },
  end() {
    dragged = undefined;
    mark(null);
    update();
  },
};
