// Todos by their parent, and orders among neighbors.
import { state } from "../state.js";

/** @type {Map<string | null, Todo[]>} */
let children = new Map();
let computed = -1;

/** Returns the subtodos of a todo outside the trash, or those at the top level, in their order.
 * @param {string | null} parent @returns {Todo[]} */
export function childrenOf(parent) {
  if (computed !== state.revision) {
    computed = state.revision;
    const todos = [...state.todos.values()].filter((todo) => !todo.deleted_at).sort(byOrder);
    children = Map.groupBy(todos, ({ parent_id }) => (state.todos.get(parent_id ?? "")?.deleted_at === null ? parent_id : null));
  }
  return children.get(parent) ?? [];
}

/** @param {{order: number, id: string}} a @param {{order: number, id: string}} b */
export const byOrder = (a, b) => a.order - b.order || (a.id < b.id ? -1 : 1);

/** @param {string} id @returns {Todo[]} */
export const descendants = (id) => childrenOf(id).flatMap((todo) => [todo, ...descendants(todo.id)]);

/** Returns the order that puts something before the neighbor with an index: the middle of two.
 * @param {{order: number}[]} others @param {number} index */
export function between(others, index) {
  const before = others[index - 1]?.order;
  const after = others[index]?.order;
  return before === undefined ? (after ?? 1) - 1 : after === undefined ? before + 1 : (before + after) / 2;
}
