// Which todos the open view shows, in which order. Computed once for each revision of the state and each route.
import { state } from "../state.js";
import { byOrder, childrenOf } from "../sync/tree.js";
import { dueOf, isOverdue, today } from "../ui/dates.js";

/** @typedef {{todo: Todo, depth: number, total: number, open: number, isFolded: boolean, group: string}} Row */

export const LISTS = ["today", "upcoming", "all", "completed", "trash", "project", "tag", "search"];
export const PRIORITIES = ["none", "low", "medium", "high"];

/** @param {string | null} text */
const latestFirst = (text) => (text ? -Date.parse(text) : 0);

/** Keys by which todos are sorted; equal ones by their order. @type {Record<string, (todo: Todo) => string | number>} */
const SORTS = {
  order: () => 0,
  due: (todo) => dueOf(todo) || "~",
  priority: (todo) => -PRIORITIES.indexOf(todo.priority),
  title: (todo) => fold(todo.title),
  created: (todo) => latestFirst(todo.created_at),
  completed: (todo) => latestFirst(todo.completed_at),
  deleted: (todo) => latestFirst(todo.deleted_at),
};
const SORT_OF = /** @type {Record<string, string>} */ ({ today: "due", upcoming: "due", completed: "completed", trash: "deleted" });

/** Returns the text as it is searched: without case and accents. @param {string} text */
export const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

/** @type {Record<string, (todo: Todo, id: string) => boolean>} */
const MEMBERS = {
  today: (todo) => !!dueOf(todo) && dueOf(todo).slice(0, 10) <= today(),
  upcoming: (todo) => dueOf(todo).slice(0, 10) > today(),
  project: (todo, id) => todo.project_id === id,
  tag: (todo, id) => todo.tags.some((tag) => fold(tag) === fold(id)),
};

/** @type {Record<string, (todo: Todo) => boolean>} */
const DUE = {
  overdue: isOverdue,
  today: (todo) => dueOf(todo).slice(0, 10) === today(),
  week: (todo) => !!dueOf(todo) && dueOf(todo).slice(0, 10) <= today(7),
  none: (todo) => !dueOf(todo),
};

/** Returns how the open view is sorted. @param {Route} route */
export const sortOf = ({ view, params }) => (params.sort in SORTS ? params.sort : (SORT_OF[view] ?? "order"));

/** Whether the view has a filter or a search. @param {Route} route */
export const isFiltered = ({ params }) => Object.keys(params).some((name) => name !== "sort" && name !== "completed");

/** Whether subtodos stand below their todos. @param {Route} route */
export const isTree = (route) => ["all", "project"].includes(route.view) && !isFiltered(route);

/** @type {Row[]} */
let rows = [];
let computed = "";

/** @returns {Row[]} */
export function visibleRows() {
  const { route, revision, user } = state;
  const key = JSON.stringify([route, revision, today(), user?.timezone, state.ui.folded?.size, state.ui.staying?.size]);
  if (key !== computed) {
    computed = key;
    rows = isTree(route) ? treeRows(null, 0) : flatRows(route);
  }
  return rows;
}

/** @param {Todo} todo */
const isShown = (todo) => !todo.completed || state.route.params.completed === "1" || state.ui.staying?.has(todo.id);

/** @param {string | null} parent @param {number} depth @returns {Row[]} */
function treeRows(parent, depth) {
  const { view, id } = state.route;
  const todos = childrenOf(parent).filter((todo) => isShown(todo) && (view !== "project" || todo.project_id === id));
  return sorted(todos).flatMap((todo) => {
    const children = childrenOf(todo.id);
    const isFolded = !!state.ui.folded?.has(todo.id);
    const open = children.filter((each) => !each.completed).length;
    return [
      { todo, depth, total: children.length, open, isFolded, group: "" },
      ...(isFolded ? [] : treeRows(todo.id, depth + 1)),
    ];
  });
}

/** @param {Route} route @returns {Row[]} */
function flatRows({ view, id, params }) {
  const words = fold(params.q ?? "").split(/\s+/).filter(Boolean);
  const member = MEMBERS[view];
  const due = DUE[params.due];
  const found = [...state.todos.values()].filter(
    (todo) =>
      !todo.deleted_at === (view !== "trash") &&
      (view === "completed" ? todo.completed : view === "trash" || view === "search" || isShown(todo)) &&
      (!member || member(todo, id)) &&
      (!params.priority || todo.priority === params.priority) &&
      (!params.tag || MEMBERS.tag(todo, params.tag)) &&
      (!due || due(todo)) &&
      (!words.length || matches(todo, words)),
  );
  const shown = sorted(found);
  if (view === "search") shown.sort((a, b) => +a.completed - +b.completed);
  return shown.map((todo) => ({ todo, depth: 0, total: 0, open: 0, isFolded: false, group: groupOf(view, todo) }));
}

/** @param {Todo} todo @param {string[]} words */
function matches(todo, words) {
  const text = ` ${fold(`${todo.title} ${todo.description ?? ""} ${todo.tags.join(" ")}`)}`;
  return words.every((word) => text.includes(word));
}

/** @param {Todo[]} todos */
function sorted(todos) {
  const key = SORTS[sortOf(state.route)];
  if (key === SORTS.order) return todos.sort(byOrder);
  return todos
    .map((todo) => ({ todo, key: key(todo) }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : byOrder(a.todo, b.todo)))
    .map(({ todo }) => todo);
}

/** Returns the heading under which a view shows a todo: `overdue`, or a day. @param {string} view @param {Todo} todo */
function groupOf(view, todo) {
  if (view !== "today" && view !== "upcoming") return "";
  const day = dueOf(todo).slice(0, 10);
  return day < today() ? "overdue" : day;
}
