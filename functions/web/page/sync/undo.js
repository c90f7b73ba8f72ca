// Puts back changes of the change log, by ordinary edits.
import { state } from "../state.js";
import { addProject, changeProject, changeTodo, deleteProject, deleteTodo, pick, restoreTodo } from "./edits.js";

const TODO_FIELDS = [
  "title", "description", "completed", "priority", "due_date", "due_at", "reminder_at", "recurrence",
  "recurrence_from", "tags", "parent_id", "project_id", "order",
];

/** @param {any[]} changes */
export function revert(changes) {
  for (const { before, after } of changes.filter((each) => each.kind === "project")) {
    if (!after) addProject(pick(before, ["id", "name", "order"]), "");
    else if (!before) deleteProject(after, "");
    else changeProject(after, pick(before, ["name", "archived", "order"]), "");
  }
  const todos = changes.filter((each) => each.kind === "todo");
  const ids = new Set(todos.map((each) => each.todo_id));
  for (const { before, after } of todos) if (after) revertTodo(before, after, ids.has(after.parent_id));
}

/** @param {Todo | null} before @param {Todo} after @param {boolean} isBelow a todo that is reverted too */
function revertTodo(before, after, isBelow) {
  if (!before || (before.deleted_at && !after.deleted_at)) return isBelow || deleteTodo(after, "");
  // The service restores subtodos with their parent.
  if (after.deleted_at && !before.deleted_at && !isBelow) restoreTodo(state.todos.get(after.id) ?? after, "");
  // A subtodo has the project of its parent, and would leave the parent with another one.
  const names = TODO_FIELDS.filter((name) => name !== "project_id" || !before.parent_id);
  changeTodo(after, pick(before, names), "");
}
