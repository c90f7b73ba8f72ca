// Which todos the open view shows, in which order, and which of them are near the viewport: only those are rendered, so
// that 5,000 todos scroll as smoothly as 50.
import { rendered, state, subscribe, update } from "../state.js";
import { byOrder, childrenOf } from "../sync/tree.js";
import { dueDay, dueOf, isOverdue, today } from "../ui/dates.js";

export const PRIORITIES = ["none", "low", "medium", "high"];

/** Returns the text as it is searched: without case and accents. @param {string} text */
export const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

/** The searched texts: a search folds 5,000 only once. @type {WeakMap<Todo, string>} */
const texts = new WeakMap();

function textOf(todo) {
  const text = texts.get(todo) ?? fold(`${todo.title} ${todo.description ?? ""} ${todo.tags}`);
  texts.set(todo, text);
  return text;
}

const latest = (instant) => -Date.parse(instant ?? 0);

/** Keys by which todos are sorted; equal ones by their order. @type {Record<string, (todo: Todo) => string | number>} */
const SORTS = {
  order: () => 0,
  due: (todo) => dueOf(todo) || "~",
  priority: (todo) => -PRIORITIES.indexOf(todo.priority),
  title: (todo) => fold(todo.title),
  created: (todo) => latest(todo.created_at),
  completed: (todo) => latest(todo.completed_at),
  trash: (todo) => latest(todo.deleted_at),
  search: (todo) => +todo.completed,
};
SORTS.today = SORTS.upcoming = SORTS.due;

/** The todos of a view, and those that a filter lets through. @type {Record<string, (todo: Todo, value: string) => any>} */
const TESTS = {
  today: (todo) => dueOf(todo) && dueDay(todo) <= today(),
  upcoming: (todo) => dueDay(todo) > today(),
  project: (todo, id) => todo.project_id === id,
  tag: (todo, tag) => todo.tags.some((each) => fold(each) === fold(tag)),
  priority: (todo, priority) => todo.priority === priority,
  due: (todo, when) => Object.hasOwn(DUE, when) && DUE[when](todo),
  q: (todo, words) => fold(words).split(/\s+/).every((word) => textOf(todo).includes(word)),
};

const DUE = {
  overdue: isOverdue,
  today: (todo) => dueDay(todo) === today(),
  week: (todo) => dueOf(todo) && dueDay(todo) <= today(7),
  none: (todo) => !dueOf(todo),
};

/** Returns how the open view is sorted. @param {Route} route */
export const sortOf = ({ view, params }) => [params.sort, view].find((name) => Object.hasOwn(SORTS, name ?? "")) ?? "order";

/** Whether filters are chosen, beside the search. @param {Route} route */
export const isFiltered = ({ params }) => Object.keys(params).some((name) => Object.hasOwn(TESTS, name) && name !== "q");

/** Whether subtodos stand below their todos. @param {Route} route */
const isTree = (route) => ["all", "project"].includes(route.view) && !isFiltered(route);

/** Whether the user orders the list. */
export const isSortable = () => isTree(state.route) && sortOf(state.route) === "order";

/** @type {Row[]} */
let rows = [];
let computed = "";
let open = "";

/** @returns {Row[]} */
export function visibleRows() {
  const { route, revision, user, ui } = state;
  const edited = ui.editing?.todo.id;
  const key = JSON.stringify([route, revision, today(), user?.timezone, [...(ui.folded ?? [])], [...(ui.staying ?? [])], edited]);
  if (key !== computed) {
    const place = route.view + route.id;
    const at = place === open ? indexOf(edited) : -1;
    const kept = rows[at];
    [computed, open] = [key, place];
    rows = isTree(route) ? treeRows(null, 0) : flatRows(route);
    // What is typed must not vanish when another device deletes or moves the todo.
    if (kept && indexOf(edited) < 0) rows.splice(at, 0, kept);
  }
  return rows;
}

const indexOf = (id) => rows.findIndex(({ todo }) => todo.id === id);

const isShown = (todo) => !todo.completed || state.route.params.completed === "1" || state.ui.staying?.has(todo.id);

/** @returns {Row[]} */
function treeRows(parent, depth) {
  const { view, id } = state.route;
  const todos = childrenOf(parent).filter((todo) => isShown(todo) && (view !== "project" || todo.project_id === id));
  return sorted(todos).flatMap((todo) => {
    const children = childrenOf(todo.id);
    const open = children.filter((each) => !each.completed).length;
    const below = state.ui.folded?.has(todo.id) ? [] : treeRows(todo.id, depth + 1);
    return [{ todo, depth, total: children.length, open, group: "" }, ...below];
  });
}

function flatRows({ view, id, params }) {
  const tests = [...Object.entries(params), [view, id]].filter(([name]) => Object.hasOwn(TESTS, name));
  const isAny = view === "trash" || view === "search";
  const isIn = (todo) => (view === "completed" ? todo.completed : isAny || isShown(todo));
  const found = [...state.todos.values()].filter(
    (todo) => !!todo.deleted_at === (view === "trash") && isIn(todo) && tests.every(([name, value]) => TESTS[name](todo, value)),
  );
  const isGrouped = view === "today" || view === "upcoming";
  const groupOf = (todo) => (isGrouped ? (dueDay(todo) < today() ? "overdue" : dueDay(todo)) : "");
  return sorted(found).map((todo) => ({ todo, depth: 0, total: 0, open: 0, group: groupOf(todo) }));
}

function sorted(todos) {
  const key = SORTS[sortOf(state.route)];
  return todos
    .map((todo) => ({ todo, key: key(todo) }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : byOrder(a.todo, b.todo)))
    .map(({ todo }) => todo);
}

const MARGIN_PIXELS = 600;
const ESTIMATE_PIXELS = 56;

/** @type {Map<string, number>} */
const heights = new Map();
/** The ids of all rows, in order. @type {string[]} */
let ids = [];
let shown = "";

const heightOf = (id) => heights.get(id) ?? ESTIMATE_PIXELS;
/** @returns {HTMLElement | null} */
const find = (selector) => document.querySelector(selector);

addEventListener("scroll", () => shown !== JSON.stringify(computeWindow()) && update(), { capture: true, passive: true });
addEventListener("resize", () => {
  heights.clear();
  update();
});
subscribe(() => requestAnimationFrame(measure));

function measure() {
  for (const row of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".todos > [data-id]"))) {
    heights.set(row.dataset.id ?? "", row.offsetHeight);
  }
}

/** Returns the first row to render, the end of the rows, and the pixels above and below them. */
function computeWindow() {
  const main = find("#main");
  const from = (main?.scrollTop ?? 0) - (find(".todos")?.offsetTop ?? 0) - MARGIN_PIXELS;
  const to = from + (main?.clientHeight ?? innerHeight) + 2 * MARGIN_PIXELS;
  const window = { first: 0, end: 0, above: 0, below: 0 };
  let y = 0;
  for (const id of ids) {
    const height = heightOf(id);
    if (y + height <= from) {
      window.first++;
      window.above += height;
    }
    if (y < to) window.end++;
    else window.below += height;
    y += height;
  }
  return window;
}

/** @param {string[]} all the ids of all rows, in order */
export function windowOf(all) {
  ids = all;
  const window = computeWindow();
  shown = JSON.stringify(window);
  return window;
}

/** Scrolls to a row, and moves the focus to its title. @param {string} id */
export async function focusRow(id) {
  const title = `[data-id="${id}"] .title`;
  const main = find("#main");
  await rendered();
  if (main && !find(title) && ids.includes(id)) {
    main.scrollTop = ids.slice(0, ids.indexOf(id)).reduce((sum, each) => sum + heightOf(each), 0);
    await rendered();
  }
  find(title)?.focus({ preventScroll: true });
  find(title)?.closest("li")?.scrollIntoView({ block: "nearest" });
}

/** Returns the id of the row with the focus. */
export const focusedRow = () => /** @type {HTMLElement | null} */ (document.activeElement?.closest("[data-id]"))?.dataset.id;

/** Moves the focus by rows; to the first row if none has it. @param {number} step */
export function moveFocus(step) {
  const at = ids.indexOf(focusedRow() ?? "");
  const next = ids[at < 0 ? 0 : Math.min(ids.length - 1, Math.max(0, at + step))];
  if (next) void focusRow(next);
}

/** Makes a change. If it takes the focused row out of the list, the row after it gets the focus, or the one before.
 * @param {string} id @param {() => void} change */
export function keepFocus(id, change) {
  const at = ids.indexOf(id);
  const next = focusedRow() === id ? (ids[at + 1] ?? ids[at - 1]) : undefined;
  change();
  if (next && !visibleRows().some(({ todo }) => todo.id === id)) void focusRow(next);
}
