// Undo by the change log: what an edit has changed, also in subtodos, is put back by ordinary edits.
import { state } from "../state.js";
import { announce } from "../ui/live.js";
import { toast } from "../ui/toast.js";
import { t } from "../words.js";
import { editOf } from "./copy.js";
import { addProjectAgain, changeProject, changeTodo, deleteProject, deleteTodo, restoreTodo } from "./edits.js";
import { onStep, take } from "./tabs.js";

const MAX_CHANGES = 1000;
const PATIENCE_MILLISECONDS = 10_000;
const FIELDS = /** @type {const} */ ([
  "title", "description", "completed", "priority", "due_date", "due_at", "reminder_at", "recurrence",
  "recurrence_from", "tags", "parent_id", "project_id", "order",
]);

/** The latest changes, oldest first. @type {Change[]} */
let log = [];
/** Versions that edits have made, by the keys of the edits. @type {Map<string, number | undefined>} */
const done = new Map();

onStep((step) => {
  if (step.changes) log = [...log, ...step.changes].slice(-MAX_CHANGES);
  if (step.done) done.set(step.done.key, step.done.version);
});

/** Returns a function that undoes the edit. @param {Edit} edit */
export function undoable(edit) {
  const seq = log.at(-1)?.seq ?? 0;
  return async () => {
    const waiting = editOf(edit.key);
    if (waiting && !waiting.tried) take({ drop: edit.key });
    else if (!(await undo(edit, seq))) return toast(t("undo_failed"), { isError: true });
    announce(t("undone"));
  };
}

/** @param {Edit} edit @param {number} seq of the latest change before the edit */
async function undo({ key, target, method }, seq) {
  const id = target.split("/")[1];
  for (const end = Date.now() + PATIENCE_MILLISECONDS; Date.now() < end; ) {
    const version = done.get(key);
    const change = log.findLast(
      (each) =>
        each.seq > seq && (each.todo_id ?? each.project_id) === id && done.has(key) &&
        (version ? /** @type {any} */ (each.after)?.version === version : method === "DELETE" && each.op === "delete"),
    );
    if (change) {
      // All changes of one transaction have the same time.
      revert(log.filter((each) => each.created_at === change.created_at));
      return true;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}

/** @param {Change[]} changes */
function revert(changes) {
  for (const { before, after, project_id } of changes.filter((each) => each.kind === "project")) {
    const project = state.projects.get(project_id ?? "");
    if (!before && project) deleteProject(project, "");
    else if (!after) addProjectAgain(/** @type {Project} */ (before));
    else if (project) changeProject(project, pick(before, ["name", "archived", "order"]), "");
  }
  const todos = changes.filter((each) => each.kind === "todo");
  const ids = new Set(todos.map((each) => each.todo_id));
  for (const change of todos) revertTodo(/** @type {Todo | null} */ (change.before), /** @type {Todo | null} */ (change.after), ids);
}

/** @param {Todo | null} before @param {Todo | null} after @param {Set<string | null>} ids of all todos that are reverted */
function revertTodo(before, after, ids) {
  const todo = after && state.todos.get(after.id);
  if (!todo) return;
  const isBelow = ids.has(after.parent_id);
  if (!before || (before.deleted_at && !after.deleted_at)) return isBelow ? undefined : deleteTodo(todo, "");
  // The service restores subtodos with their parent.
  if (after.deleted_at && !before.deleted_at && !isBelow) restoreTodo(todo, "");
  const names = FIELDS.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
  // A subtodo has the project of its parent, and leaves the parent with another one.
  const own = names.filter((name) => name !== "project_id" || !before.parent_id);
  // With the values after the change as those that were seen: what others have changed since is a conflict.
  changeTodo(after, pick(before, own), "");
}

/** @param {any} object @param {readonly string[]} names */
const pick = (object, names) => Object.fromEntries(names.map((name) => [name, object[name]]));
