// One row of a list.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { area, run } from "../areas.js";
import { href } from "../router.js";
import { state, update } from "../state.js";
import { deleteTodo, restoreTodo, toggleTodo } from "../sync/edits.js";
import { dayWords, dueDay, dueWords, isOverdue, recurrenceWords, timeWords, today } from "../ui/dates.js";
import { icon, iconButton } from "../ui/icons.js";
import { t } from "../words.js";
import { isSortable, keepFocus } from "./rows.js";

/** Milliseconds that a completed todo stays, so that one can take it back. */
const STAY = 900;

/** @param {Row} row @param {number} index @param {number} size of the list @param {boolean} isFirst of its group */
export const rowView = (row, index, size, isFirst) => html`
  <li data-id=${row.todo.id} aria-posinset=${index + 1} aria-setsize=${size}>
    ${isFirst ? html`<h2 class="group is-${row.group}">${row.group === "overdue" ? t("overdue") : dayWords(row.group)}</h2>` : ""}
    ${state.ui.editing?.todo.id === row.todo.id ? area("editor")?.editor(row.todo) : row.todo.deleted_at ? trashed(row) : present(row)}
  </li>
`;

const trashed = ({ todo }) => html`
  <div class="row">
    <div class="body"><span class="title">${todo.title}</span>${details({ todo })}</div>
    <button class="button quiet" aria-label=${t("restore_title", todo)} @click=${() => restoreTodo(todo)}>${icon("restore")} ${t("restore")}</button>
  </div>
`;

const present = ({ todo, depth, total, open }) => html`
  <div class="row ${todo.completed ? "is-completed" : ""}" data-depth=${depth} draggable=${isSortable()}>
    ${isSortable() ? html`<span class="grip">${icon("grip")}</span>` : ""}
    ${total ? iconButton("chevron", t("subtodos_of", todo), () => fold(todo), { look: "twist", isOpen: !state.ui.folded?.has(todo.id) }) : ""}
    <input class="check is-${todo.priority}" type="checkbox" aria-label=${todo.title} .checked=${todo.completed} @change=${() => complete(todo)} />
    <div class="body">
      <button class="title" aria-label=${t("edit_title", todo)} @click=${() => edit(todo)}>${todo.title}</button>
      ${details({ todo, total, open })}
    </div>
    ${iconButton("more", t("more_for", todo), (event) => openActions(event, todo), { look: "more", hasMenu: true })}
  </div>
`;

function details({ todo, total = 0, open = 0 }) {
  const { view } = state.route;
  const isInTree = view === "all" || view === "project";
  const project = view !== "project" && state.projects.get(todo.project_id ?? "");
  const parent = !isInTree && state.todos.get(todo.parent_id ?? "");
  const part = (name, text, look = "") => text && html`<span class=${look || nothing}>${icon(name)} ${text}</span>`;
  const due = isOverdue(todo) ? "is-overdue" : dueDay(todo) === today() ? "is-today" : "";
  const parts = [
    part("check", view === "completed" && todo.completed_at && timeWords(todo.completed_at)),
    part("calendar", dueWords(todo), `due ${due}`),
    part("repeat", todo.recurrence && recurrenceWords(todo.recurrence, todo.recurrence_from)),
    part("reminder", !todo.completed && todo.reminder_at && timeWords(todo.reminder_at)),
    part("completed", total > 0 && t("subtodos_done", { n: total - open, total })),
    part("flag", todo.priority !== "none" && t(`priority.${todo.priority}`), `is-${todo.priority}`),
    part("note", todo.description && html`<span class="visually-hidden">${t("has_description")}</span>`),
    part("outdent", parent && t("below", parent)),
    project && html`<a href=${href("project", project.id)}>${icon("project")} ${project.name}</a>`,
    ...todo.tags.map((tag) => html`<a href=${href("tag", tag)}>#${tag}</a>`),
  ].filter(Boolean);
  return parts.length ? html`<div class="meta">${parts}</div>` : "";
}

/** Returns a set with the member, or without it if it had it. */
function toggled(set, member) {
  const copy = new Set(set);
  if (!copy.delete(member)) copy.add(member);
  return copy;
}

const fold = ({ id }) => update(({ ui }) => (ui.folded = toggled(ui.folded, id)));

/** @param {Todo} todo */
export function complete(todo) {
  const stay = () => update(({ ui }) => (ui.staying = toggled(ui.staying, todo.id)));
  if (!todo.completed && !state.ui.staying?.has(todo.id)) {
    stay();
    setTimeout(() => keepFocus(todo.id, stay), STAY);
  }
  toggleTodo(todo);
}

/** @param {Todo} todo */
export const remove = (todo) => keepFocus(todo.id, () => deleteTodo(todo));

/** Opens the editor, with the focus in a field. @param {Todo} todo @param {string} [field] */
export const edit = (todo, field) => run("editor", "edit", todo, field);

const openActions = ({ currentTarget }, todo) => run("moves", "openActions", currentTarget, todo);

/** @type {Todo | undefined} */
let dragged;

const rowAt = ({ target }) => target.closest(".todos > li");

/** Marks where the todo would be dropped. */
function mark(row, place = "") {
  document.querySelectorAll("[data-drop]").forEach((each) => each.removeAttribute("data-drop"));
  if (row) row.dataset.drop = place;
}

/** The events of a list by drag and drop. @type {Record<string, (event: any) => void>} */
export const dragging = {
  start(event) {
    dragged = state.todos.get(rowAt(event).dataset.id);
    event.dataTransfer.setData("text/plain", dragged?.title);
  },
  over(event) {
    const row = rowAt(event);
    if (!dragged || !row?.dataset.id) return;
    event.preventDefault();
    const { top, height } = row.getBoundingClientRect();
    mark(row, event.clientY > top + height / 2 ? "after" : "before");
  },
  drop(event) {
    event.preventDefault();
    const { id, drop } = rowAt(event).dataset;
    const todo = dragged;
    if (todo && id) run("moves", "drop", todo, id, drop);
  },
  end() {
    dragged = undefined;
    mark(null);
    update();
  },
};
