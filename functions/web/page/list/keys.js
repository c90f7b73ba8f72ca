// Keys of the list. Those of a todo work while its row has the focus.
import { bind } from "../keys.js";
import { go } from "../router.js";
import { state } from "../state.js";
import { deleteTodo } from "../sync/edits.js";
import { edit } from "./editor.js";
import { newProject } from "./projects.js";
import { indent, move, outdent } from "./reorder.js";
import { complete } from "./row.js";
import { isSortable } from "./select.js";
import { focusedRow, moveFocus } from "./window.js";

const onRow = (act) => () => {
  const todo = state.todos.get(focusedRow() ?? "");
  return !!todo && !todo.deleted_at && act(todo);
};

const onSortable = (act) => onRow((todo) => isSortable() && act(todo));

const focus = (id) => document.getElementById(id)?.focus();

export function bindListKeys() {
  bind("a", "add", () => focus("quick-add"));
  bind("/", "search", () => focus("search"));
  bind("j", "next", () => moveFocus(1));
  bind("k", "previous", () => moveFocus(-1));
  bind("e", "edit", onRow((todo) => edit(todo)));
  bind("x", "complete", onRow(complete));
  bind("Delete", "delete", onRow((todo) => deleteTodo(todo)));
  bind("Alt+ArrowUp", "up", onSortable((todo) => move(todo, -1)));
  bind("Alt+ArrowDown", "down", onSortable((todo) => move(todo, 1)));
  bind("Alt+ArrowRight", "indent", onSortable(indent));
  bind("Alt+ArrowLeft", "outdent", onSortable(outdent));
  bind("p", "project", newProject);
  bind("1", "today", () => go("today"));
  bind("2", "upcoming", () => go("upcoming"));
  bind("3", "all", () => go("all"));
}
