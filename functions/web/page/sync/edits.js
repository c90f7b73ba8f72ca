// What the user can do with todos and projects. Each function shows its effect at once, queues the request, and offers
// an undo.
import { state } from "../state.js";
import { toast } from "../ui/toast.js";
import { t } from "../words.js";
import { newId } from "./ids.js";
import { enqueue } from "./outbox.js";
import { descendants } from "./tree.js";
import { undoable } from "./undo.js";

/** @typedef {Record<string, any>} Fields */

const NEW_TODO = {
  description: null, completed: false, completed_at: null, priority: "none", due_date: null, due_at: null,
  reminder_at: null, recurrence: null, recurrence_from: "due", tags: [], project_id: null, parent_id: null,
  deleted_at: null,
};
const NEW_PROJECT = { archived: false };

const now = () => new Date().toISOString();

/** @param {Partial<Edit> & {target: string}} edit @param {string} [text] of the message */
function make(edit, text) {
  /** @type {Edit} */
  const made = { key: newId(), at: Date.now(), method: "PATCH", path: edit.target, body: null, seen: {}, effects: [], ...edit };
  enqueue(made);
  if (text) toast(text, { undo: undoable(made) });
  return made;
}

/** @param {Map<string, any>} objects */
const endOf = (objects) => Math.max(0, ...[...objects.values()].map((each) => each.order)) + 1;

/** @param {"todos" | "projects"} collection @param {Fields} fields @param {string} [text] */
function add(collection, fields, text) {
  const id = newId();
  const isTodo = collection === "todos";
  const shown = { ...(isTodo ? NEW_TODO : NEW_PROJECT), order: endOf(state[collection]), created_at: now(), updated_at: now(), version: 0, ...fields, id };
  make({ method: "POST", path: collection, target: `${collection}/${id}`, body: { ...fields, id }, effects: [[`${collection}/${id}`, shown]] }, text);
  return id;
}

/** @param {Fields} fields @param {string} [text] */
export const addTodo = (fields, text = t("done.added", fields)) => {
  const parent = state.todos.get(fields.parent_id);
  return add("todos", parent ? { ...fields, project_id: parent.project_id } : fields, text);
};

/** @param {string} name */
export const addProject = (name) => add("projects", { name }, t("done.project_added", { name }));

/** Changes the fields that differ. @param {Todo} todo @param {Fields} fields @param {string} [text] */
export function changeTodo(todo, fields, text = t("done.changed", todo)) {
  const body = differing(todo, fields);
  if (!Object.keys(body).length) return;
  /** @type {Fields} */
  const effect = { ...body };
  if (body.due_date) effect.due_at = null;
  if (body.due_at) effect.due_date = null;
  if (body.parent_id) effect.project_id = state.todos.get(body.parent_id)?.project_id ?? null;
  else if ("project_id" in body && !("parent_id" in body)) effect.parent_id = null;
  /** @type {Fields} */
  const below = {};
  if ("project_id" in effect) below.project_id = effect.project_id;
  if (body.completed) Object.assign(below, { completed: true, completed_at: (effect.completed_at = now()) });
  /** @type {Fields} */
  const seen = {};
  for (const name in body) if (name !== "order") seen[name] = todo[/** @type {keyof Todo} */ (name)];
  // Two completions of one occurrence would skip the next one.
  if (body.completed && todo.recurrence) Object.assign(seen, { due_date: todo.due_date, due_at: todo.due_at });
  make({ target: `todos/${todo.id}`, body, seen, effects: effectsOf(todo, effect, below) }, text);
}

/** @param {Todo | Project} object @param {Fields} fields */
const differing = (object, fields) =>
  Object.fromEntries(Object.entries(fields).filter(([name, value]) => JSON.stringify(/** @type {any} */ (object)[name]) !== JSON.stringify(value)));

/** @param {Todo} todo @param {Fields} own @param {Fields} below @returns {Edit["effects"]} */
const effectsOf = (todo, own, below) => [
  [`todos/${todo.id}`, own],
  .../** @type {Edit["effects"]} */ (Object.keys(below).length ? descendants(todo.id).map(({ id }) => [`todos/${id}`, below]) : []),
];

/** @param {Todo} todo */
export const toggleTodo = (todo) => changeTodo(todo, { completed: !todo.completed }, t(todo.completed ? "done.reopened" : "done.completed", todo));

/** @param {Todo} todo @param {string} [text] */
export function deleteTodo(todo, text = t("done.deleted", todo)) {
  const trashed = { deleted_at: now() };
  make({ method: "DELETE", target: `todos/${todo.id}`, effects: effectsOf(todo, trashed, trashed) }, text);
}

/** @param {Todo} todo @param {string} [text] */
export function restoreTodo(todo, text = t("done.restored", todo)) {
  const target = `todos/${todo.id}`;
  make({ method: "POST", path: `${target}/restore`, target, effects: trashedWith(todo).map(({ id }) => [`todos/${id}`, { deleted_at: null }]) }, text);
}

/** Returns the todo with the subtodos that were deleted with it. @param {Todo} todo @returns {Todo[]} */
function trashedWith(todo) {
  const below = [...state.todos.values()].filter((each) => each.parent_id === todo.id && each.deleted_at === todo.deleted_at);
  return [todo, ...below.flatMap(trashedWith)];
}

/** @param {Todo} todo */
export const skipTodo = (todo) => make({ method: "POST", path: `todos/${todo.id}/skip`, target: `todos/${todo.id}` }, t("done.skipped", todo));

/** @param {Project} project @param {Fields} fields @param {string} [text] */
export function changeProject(project, fields, text = t("done.changed", { title: project.name })) {
  const body = differing(project, fields);
  if (!Object.keys(body).length) return;
  const seen = "name" in body ? { name: project.name } : {};
  make({ target: `projects/${project.id}`, body, seen, effects: [[`projects/${project.id}`, body]] }, text);
}

/** @param {Project} project @param {string} [text] */
export function deleteProject(project, text = t("done.deleted", { title: project.name })) {
  const todos = [...state.todos.values()].filter((each) => each.project_id === project.id && !each.deleted_at);
  const trashed = { deleted_at: now(), project_id: null };
  make({ method: "DELETE", target: `projects/${project.id}`, effects: [[`projects/${project.id}`, null], .../** @type {Edit["effects"]} */ (todos.map(({ id }) => [`todos/${id}`, trashed]))] }, text);
}

/** Adds a project again that was deleted, under its id. @param {Project} project */
export function addProjectAgain({ id, name, order }) {
  const target = `projects/${id}`;
  make({ method: "POST", path: "projects", target, body: { id, name, order }, effects: [[target, { id, name, order, archived: false, version: 0 }]] });
}
