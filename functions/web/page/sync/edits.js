// What the user can do with todos and projects. Each function shows its effect at once, queues the request, and offers
// an undo in its message. An empty text makes no message.
//
// An undo reads the change log: what an edit has changed, also in subtodos, is put back by ordinary edits.
import { newId } from "../api/client.js";
import { run } from "../areas.js";
import { state } from "../state.js";
import { announce, toast } from "../ui/toast.js";
import { t } from "../words.js";
import { edits, listeners, take } from "./copy.js";
import { descendants } from "./tree.js";

const NEW = {
  todos: {
    description: null, completed: false, completed_at: null, priority: "none", due_date: null, due_at: null,
    reminder_at: null, recurrence: null, recurrence_from: "due", tags: [], project_id: null, parent_id: null,
    deleted_at: null,
  },
  projects: { archived: false },
};

const now = () => new Date().toISOString();

function make(fields, text) {
  const edit = { key: newId(), at: Date.now(), method: "PATCH", path: fields.target, body: null, seen: {}, effects: [], ...fields };
  take({ put: edit });
  if (text) toast(text, { undo: undoable(edit) });
}

function add(collection, fields, text) {
  const { id = newId() } = fields;
  const target = `${collection}/${id}`;
  let order = 0;
  for (const each of state[collection].values()) order = Math.max(order, each.order);
  const shown = { ...NEW[collection], order: order + 1, created_at: now(), updated_at: now(), version: 0, ...fields, id };
  make({ method: "POST", path: collection, target, body: { ...fields, id }, effects: [[target, shown]] }, text);
  return id;
}

/** @param {Partial<Todo>} fields */
export function addTodo(fields) {
  const parent = state.todos.get(fields.parent_id ?? "");
  return add("todos", parent?.project_id ? { ...fields, project_id: parent.project_id } : fields, t("done.added", fields));
}

/** Adds a project, or one that was deleted again, under its id. @param {{name: string, id?: string, order?: number}} fields
 * @returns {string} its id */
export const addProject = (fields, text = t("done.project_added", fields)) => add("projects", fields, text);

/** Changes the fields that differ. What others have changed in them since `todo` is a conflict.
 * @param {Todo} todo @param {Partial<Todo>} fields */
export function changeTodo(todo, fields, text = t("done.changed", todo)) {
  const body = differing(todo, fields);
  const effect = { ...body };
  if (body.due_date) effect.due_at = null;
  if (body.due_at) effect.due_date = null;
  if (body.parent_id) effect.project_id = state.todos.get(body.parent_id)?.project_id ?? null;
  else if ("project_id" in body && !("parent_id" in body)) effect.parent_id = null;
  if (body.completed) effect.completed_at = now();
  const { project_id, completed_at } = effect;
  const below = {
    ...(project_id !== undefined && { project_id }),
    // A recurring todo opens its subtodos again.
    ...(completed_at && !todo.recurrence && { completed: true, completed_at }),
  };
  const seen = pick(todo, Object.keys(body).filter((name) => name !== "order"));
  // Two completions of one occurrence would skip the next one.
  if (body.completed && todo.recurrence) Object.assign(seen, pick(todo, ["due_date", "due_at"]));
  if (Object.keys(body).length) make({ target: `todos/${todo.id}`, body, seen, effects: effectsOf(todo, effect, below) }, text);
}

const differing = (object, fields) =>
  pick(fields, Object.keys(fields).filter((name) => JSON.stringify(object[name]) !== JSON.stringify(fields[name])));

/** @returns {any} */
export const pick = (object, names) => Object.fromEntries(names.map((name) => [name, object[name]]));

/** @returns {any} */
const effectsOf = (todo, own, below) => [
  [`todos/${todo.id}`, own],
  ...(Object.keys(below).length ? descendants(todo.id).map(({ id }) => [`todos/${id}`, below]) : []),
];

/** @param {Todo} todo */
export const toggleTodo = (todo) =>
  changeTodo(todo, { completed: !todo.completed }, t(todo.completed ? "done.reopened" : "done.completed", todo));

/** @param {Todo} todo */
export function deleteTodo(todo, text = t("done.deleted", todo)) {
  const trashed = { deleted_at: now() };
  make({ method: "DELETE", target: `todos/${todo.id}`, effects: effectsOf(todo, trashed, trashed) }, text);
}

/** @param {Todo} todo */
export function restoreTodo(todo, text = t("done.restored", todo)) {
  const target = `todos/${todo.id}`;
  const effects = trashedWith(todo).map(({ id }) => [`todos/${id}`, { deleted_at: null }]);
  make({ method: "POST", path: `${target}/restore`, target, effects }, text);
}

/** Returns the todo with the subtodos that were deleted with it. */
const trashedWith = (todo) => [
  todo,
  ...[...state.todos.values()].filter((each) => each.parent_id === todo.id && each.deleted_at === todo.deleted_at).flatMap(trashedWith),
];

/** @param {Todo} todo */
export const skipTodo = (todo) =>
  make({ method: "POST", path: `todos/${todo.id}/skip`, target: `todos/${todo.id}` }, t("done.skipped", todo));

/** @param {Project} project @param {Partial<Project>} fields */
export function changeProject(project, fields, text = t("done.changed", { title: project.name })) {
  const body = differing(project, fields);
  const target = `projects/${project.id}`;
  const seen = "name" in body ? { name: project.name } : {};
  if (Object.keys(body).length) make({ target, body, seen, effects: [[target, body]] }, text);
}

/** @param {Project} project */
export function deleteProject(project, text = t("done.deleted", { title: project.name })) {
  const target = `projects/${project.id}`;
  const todos = [...state.todos.values()].filter((each) => each.project_id === project.id && !each.deleted_at);
  const trashed = { deleted_at: now(), project_id: null };
  /** @type {any} */
  const effects = [[target, null], ...todos.map(({ id }) => [`todos/${id}`, trashed])];
  make({ method: "DELETE", target, effects }, text);
}

const MAX_CHANGES = 1000;
const PATIENCE_MILLISECONDS = 10_000;
/** The latest changes, oldest first. @type {Change[]} */
let log = [];
/** The versions that edits have made, by their keys. @type {Map<string, number | undefined>} */
const made = new Map();

listeners.push(({ changes = [], done }) => {
  if (changes.length) log = [...log, ...changes].slice(-MAX_CHANGES);
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
      await run("undo", "revert", log.filter((each) => each.created_at === change.created_at));
    }
    announce(t("undone"));
  };
}
