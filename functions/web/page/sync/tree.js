// Todos by their parent, computed once for each revision of the state.
import { state } from "../state.js";

/** @type {Map<string | null, Todo[]>} */
let children = new Map();
let computed = -1;

/** Returns the subtodos of a todo outside the trash, or the todos at the top level, in their order.
 * @param {string | null} parent @returns {Todo[]} */
export function childrenOf(parent) {
  if (computed !== state.revision) {
    computed = state.revision;
    children = Map.groupBy(
      [...state.todos.values()].filter((todo) => !todo.deleted_at).sort(byOrder),
      (todo) => (isLive(todo.parent_id) ? todo.parent_id : null),
    );
  }
  return children.get(parent) ?? [];
}

/** @param {string | null} id */
const isLive = (id) => id && state.todos.get(id)?.deleted_at === null;

/** @param {{order: number, id: string}} a @param {{order: number, id: string}} b */
export const byOrder = (a, b) => a.order - b.order || (a.id < b.id ? -1 : 1);

/** @param {string} id @returns {Todo[]} */
export const descendants = (id) => childrenOf(id).flatMap((todo) => [todo, ...descendants(todo.id)]);
