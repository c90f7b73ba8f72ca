// Keys of the list. Letters work anywhere but in text fields; those of a todo, while its row has the focus.
import { bind } from "../keys.js";
import { go } from "../router.js";
import { state } from "../state.js";
import { deleteTodo } from "../sync/edits.js";
import { edit } from "./editor.js";
import { newProject } from "./projects.js";
import { indent, move, outdent } from "./reorder.js";
import { complete } from "./row.js";
import { isTree, sortOf } from "./select.js";
import { focusedRow, moveFocus } from "./window.js";

/** @param {(todo: Todo) => void} act */
const onRow = (act) => () => {
  const todo = state.todos.get(focusedRow() ?? "");
  if (todo && !todo.deleted_at) act(todo);
};

/** @param {(todo: Todo) => void} act */
const onSortable = (act) => onRow((todo) => isTree(state.route) && sortOf(state.route) === "order" && act(todo));

/** @param {string} id */
const focus = (id) => () => document.getElementById(id)?.focus();

export function bindListKeys() {
  bind("a", "add", focus("quick-add"));
  bind("/", "search", focus("search"));
  bind("j", "next", () => moveFocus(1));
  bind("k", "previous", () => moveFocus(-1));
  bind("e", "edit", onRow((todo) => edit(todo)));
  bind("x", "complete", onRow(complete));
  bind("Delete", "delete", onRow((todo) => deleteTodo(todo)));
  bind("Alt+ArrowUp", "move_up", onSortable((todo) => move(todo, -1)));
  bind("Alt+ArrowDown", "move_down", onSortable((todo) => move(todo, 1)));
  bind("Alt+ArrowRight", "indent", onSortable(indent));
  bind("Alt+ArrowLeft", "outdent", onSortable(outdent));
  bind("p", "new_project", newProject);
  bind("1", "view_today", () => go("today"));
  bind("2", "view_upcoming", () => go("upcoming"));
  bind("3", "view_all", () => go("all"));
}
