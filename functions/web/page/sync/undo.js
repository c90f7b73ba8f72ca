// Undo by the change log: what an edit has changed, also in subtodos, is put back by ordinary edits.
import { state } from "../state.js";
import { announce } from "../ui/live.js";
import { toast } from "../ui/toast.js";
import { t } from "../words.js";
import { edits } from "./copy.js";
import { addProject, changeProject, changeTodo, deleteProject, deleteTodo, pick, restoreTodo } from "./edits.js";
import { listeners, take } from "./tabs.js";

const MAX_CHANGES = 1000;
const PATIENCE_MILLISECONDS = 10_000;
const TODO_FIELDS = [
  "title", "description", "completed", "priority", "due_date", "due_at", "reminder_at", "recurrence",
  "recurrence_from", "tags", "parent_id", "project_id", "order",
];

/** The latest changes, oldest first. @type {Change[]} */
let log = [];
/** The versions that edits have made, by their keys. @type {Map<string, number | undefined>} */
const made = new Map();

listeners.push(({ changes = [], done }) => {
  log = [...log, ...changes].slice(-MAX_CHANGES);
  if (done) made.set(done.key, done.version);
});

/** Returns a function that undoes the edit. @param {Edit} edit */
export function undoable({ key, target, method }) {
  const isOfTarget = (change) => (change.todo_id ?? change.project_id) === target.split("/")[1];
  const seq = log.findLast(isOfTarget)?.seq ?? 0;
  const isMadeBy = (change) =>
    change.seq > seq && made.has(key) && isOfTarget(change) &&
    (made.get(key) ? change.after?.version === made.get(key) : method === "DELETE" && change.op === "delete");
  return async () => {
    const waiting = edits.get(key);
    if (waiting && !waiting.tried) take({ drop: key });
    else {
      // The change comes by the feed, soon after the answer.
      const end = Date.now() + PATIENCE_MILLISECONDS;
      while (!log.some(isMadeBy) && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 50));
      const change = log.findLast(isMadeBy);
      if (!change) return toast(t("undo_failed"), { isError: true });
      // All changes of one transaction have the same time.
      revert(log.filter((each) => each.created_at === change.created_at));
    }
    announce(t("undone"));
  };
}

/** @param {any[]} changes */
function revert(changes) {
  for (const { before, after } of changes.filter((each) => each.kind === "project")) {
    if (!after) addProject(pick(before, ["id", "name", "order"]), "");
    else if (!before) deleteProject(after, "");
    else changeProject(after, pick(before, ["name", "archived", "order"]), "");
  }
  const todos = changes.filter((each) => each.kind === "todo");
  const ids = new Set(todos.map((each) => each.todo_id));
  for (const { before, after } of todos) if (after) revertTodo(before, after, ids.has(after.parent_id));
}

/** @param {Todo | null} before @param {Todo} after @param {boolean} isBelow whether its parent is reverted too */
function revertTodo(before, after, isBelow) {
  if (!before || (before.deleted_at && !after.deleted_at)) return isBelow || deleteTodo(after, "");
  // The service restores subtodos with their parent.
  if (after.deleted_at && !before.deleted_at && !isBelow) restoreTodo(state.todos.get(after.id) ?? after, "");
  // A subtodo has the project of its parent, and would leave the parent with another one.
  const names = TODO_FIELDS.filter((name) => name !== "project_id" || !before.parent_id);
  changeTodo(after, pick(before, names), "");
}
