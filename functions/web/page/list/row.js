// One row of a list.
import { html } from "../vendor/lit-html/lit-html.js";
import { live } from "../vendor/lit-html/directives/live.js";
import { href } from "../router.js";
import { state, update } from "../state.js";
import { deleteTodo, restoreTodo, skipTodo, toggleTodo } from "../sync/edits.js";
import { dueWords, isOverdue, timeWords, today } from "../ui/dates.js";
import { icon } from "../ui/icons.js";
import { openMenu } from "../ui/menu.js";
import { recurrenceWords } from "../ui/recurrence.js";
import { t } from "../words.js";
import { edit, editor } from "./editor.js";
import { grab, indent, move, outdent } from "./reorder.js";

/** Milliseconds that a completed todo stays, so that one sees what happened and can take it back. */
const STAY = 900;

/** @typedef {import("./select.js").Row} Row */

/** @param {Row} row @param {number} index @param {number} size @param {boolean} isNewGroup @param {boolean} isSortable */
export function rowView(row, index, size, isNewGroup, isSortable) {
  const { todo } = row;
  return html`
    <li data-id=${todo.id} aria-posinset=${index + 1} aria-setsize=${size}>
      ${isNewGroup ? html`<h2 class="group ${row.group === "overdue" ? "is-overdue" : ""}">${groupName(row.group)}</h2>` : ""}
      ${
        state.ui.editing?.id === todo.id
          ? editor(todo)
          : html`<div class="row ${todo.completed ? "is-completed" : ""}" data-depth=${row.depth}>${content(row, isSortable)}</div>`
      }
    </li>
  `;
}

/** @param {string} group */
const groupName = (group) => (group === "overdue" ? t("overdue") : dueWords({ due_date: group, due_at: null }));

/** @param {Row} row @param {boolean} isSortable */
const content = (row, isSortable) => {
  const { todo, total, isFolded } = row;
  const title = todo.title;
  return html`
    ${isSortable ? html`<span class="grip" @pointerdown=${(/** @type {PointerEvent} */ event) => grab(event, todo)}>${icon("grip")}</span>` : ""}
    ${
      total
        ? html`<button class="twist icon-button" aria-expanded=${!isFolded} aria-label=${t("subtodos_of", { title })} @click=${() => fold(todo)}>
            ${icon("chevron")}
          </button>`
        : ""
    }
    ${
      todo.deleted_at
        ? ""
        : html`<input class="check is-${todo.priority}" type="checkbox" aria-label=${title} .checked=${live(todo.completed)} @change=${() => complete(todo)} />`
    }
    <div class="body">
      ${
        todo.deleted_at
          ? html`<span class="title">${title}</span>`
          : html`<button class="title" aria-label=${t("edit_title", { title })} @click=${() => edit(todo)}>${title}</button>`
      }
      ${meta(row)}
    </div>
    ${
      todo.deleted_at
        ? html`<button class="button quiet" aria-label=${t("restore_title", { title })} @click=${() => restoreTodo(todo)}>${icon("restore")} ${t("restore")}</button>`
        : html`<button class="more icon-button" aria-haspopup="menu" aria-label=${t("more_for", { title })} @click=${(/** @type {Event} */ event) => openActions(event, row, isSortable)}>
            ${icon("more")}
          </button>`
    }
  `;
};

/** @param {Row} row */
function meta({ todo, total, open }) {
  const { view } = state.route;
  const project = view !== "project" && state.projects.get(todo.project_id ?? "");
  const parent = state.todos.get(todo.parent_id ?? "");
  const parts = [
    todo.completed_at && view === "completed" && html`<span>${icon("check")} ${timeWords(todo.completed_at)}</span>`,
    dueWords(todo) && html`<span class="due ${dueClass(todo)}">${icon("calendar")} ${dueWords(todo)}</span>`,
    todo.recurrence && html`<span>${icon("repeat")} ${recurrenceWords(todo.recurrence, todo.recurrence_from)}</span>`,
    todo.reminder_at && !todo.completed && html`<span>${icon("reminder")} ${timeWords(todo.reminder_at)}</span>`,
    total > 0 && html`<span>${icon("completed")} ${t("subtodos_done", { n: total - open, total })}</span>`,
    todo.priority !== "none" && html`<span class="is-${todo.priority}">${icon("flag")} ${t(`priority.${todo.priority}`)}</span>`,
    todo.description && html`<span>${icon("note")}<span class="visually-hidden">${t("has_description")}</span></span>`,
    parent && view !== "all" && view !== "project" && html`<span>${t("below", parent)}</span>`,
    project && html`<a href=${href("project", project.id)}>${icon("project")} ${project.name}</a>`,
    ...todo.tags.map((tag) => html`<a href=${href("tag", tag)}>#${tag}</a>`),
  ].filter(Boolean);
  return parts.length ? html`<div class="meta">${parts}</div>` : "";
}

/** @param {Todo} todo */
const dueClass = (todo) => (isOverdue(todo) ? "is-overdue" : dueWords(todo) && todo.due_date === today() ? "is-today" : "");

/** @param {Todo} todo */
function fold(todo) {
  update(({ ui }) => {
    ui.folded = new Set(ui.folded);
    if (!ui.folded.delete(todo.id)) ui.folded.add(todo.id);
  });
}

/** @param {Todo} todo */
export function complete(todo) {
  if (!todo.completed) {
    update(({ ui }) => (ui.staying = new Set(ui.staying).add(todo.id)));
    setTimeout(() => update(({ ui }) => (ui.staying = new Set([...(ui.staying ?? [])].filter((id) => id !== todo.id)))), STAY);
  }
  toggleTodo(todo);
}

/** @param {Event} event @param {Row} row @param {boolean} isSortable */
function openActions(event, { todo }, isSortable) {
  openMenu(/** @type {HTMLElement} */ (event.currentTarget), [
    { icon: "edit", text: t("edit"), act: () => edit(todo) },
    { icon: "add", text: t("add_subtodo"), act: () => edit(todo, "subtodo") },
    !!todo.recurrence && { icon: "skip", text: t("skip_occurrence"), act: () => skipTodo(todo) },
    isSortable && { icon: "up", text: t("move_up"), act: () => move(todo, -1) },
    isSortable && { icon: "down", text: t("move_down"), act: () => move(todo, 1) },
    isSortable && { icon: "indent", text: t("indent"), act: () => indent(todo) },
    isSortable && !!todo.parent_id && { icon: "outdent", text: t("outdent"), act: () => outdent(todo) },
    { icon: "trash", text: t("delete"), act: () => deleteTodo(todo), isDanger: true },
  ]);
}
