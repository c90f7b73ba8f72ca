// The menu of a todo, and its place among others.
import { state } from "../state.js";
import { changeTodo, skipTodo } from "../sync/edits.js";
import { between, childrenOf, descendants } from "../sync/tree.js";
import { openMenu } from "../ui/dialog.js";
import { announce } from "../ui/toast.js";
import { t } from "../words.js";
import { edit, remove } from "./row.js";
import { focusRow, isSortable, visibleRows } from "./rows.js";

/** Opens the menu of a todo. @param {HTMLElement} button @param {Todo} todo */
export const openActions = (button, todo) =>
  openMenu(button, [
    ["edit", () => edit(todo)],
    ["subtodo", () => edit(todo, "subtodo")],
    !!todo.recurrence && ["skip", () => skipTodo(todo)],
    isSortable() && ["up", () => move(todo, -1)],
    isSortable() && ["down", () => move(todo, 1)],
    isSortable() && ["indent", () => indent(todo)],
    isSortable() && !!todo.parent_id && ["outdent", () => outdent(todo)],
    ["delete", () => remove(todo)],
  ]);

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

/** Puts a todo before or after another one. @param {Todo} todo @param {string} id @param {string} place */
export function drop(todo, id, place) {
  const target = state.todos.get(id);
  if (!target || [todo, ...descendants(todo.id)].some((each) => each.id === id)) return;
  // After a todo whose subtodos are shown is before the first of them.
  const isParent = place === "after" && visibleRows().some((row) => row.todo.parent_id === id);
  if (isParent) put(todo, id, childrenOf(id).find((each) => each.id !== todo.id));
  else put(todo, target.parent_id, target, place === "after");
}
