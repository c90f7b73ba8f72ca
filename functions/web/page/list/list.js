// The open list: heading, quick add, filters, rows.
import { html } from "../vendor/lit-html/lit-html.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";
import { state, update } from "../state.js";
import { icon, iconButton } from "../ui/icons.js";
import { openMenu } from "../ui/menu.js";
import { has, t } from "../words.js";
import { conflictsNotice } from "./conflicts.js";
import { filters } from "./filters.js";
import { projectActions } from "./projects.js";
import { quickAdd } from "./quick-add.js";
import { dragging } from "./reorder.js";
import { rowView } from "./row.js";
import { isFiltered, LISTS, visibleRows } from "./select.js";
import { tagActions } from "./tags.js";
import { windowOf } from "./window.js";

/** Returns the name of the open list. @param {State} state */
export function listName({ route: { view, id }, projects }) {
  if (view === "project") return projects.get(id)?.name ?? t("project");
  return view === "tag" ? `#${id}` : t(has(`view.${view}`) ? `view.${view}` : "view.all");
}

/** @param {State} state */
export function list(state) {
  const { view, id } = state.route;
  const rows = visibleRows();
  const project = view === "project" && state.projects.get(id);
  const isOpen = !!state.ui.filters || isFiltered(state.route);
  const actions = project ? projectActions(project) : view === "tag" && tagActions(id);
  return html`
    <div class="column">
      <header class="heading">
        <h1>${listName(state)}</h1>
        ${iconButton("filter", t("filters"), () => update(({ ui }) => (ui.filters = !isOpen)), { look: isFiltered(state.route) ? "is-active" : "", isOpen })}
        ${actions ? iconButton("more", t("more_for", { title: listName(state) }), (event) => openMenu(event, actions)) : ""}
      </header>
      ${conflictsNotice(state)} ${isOpen ? filters(state) : ""} ${view === "trash" || view === "completed" ? "" : quickAdd(state)}
      ${todos(rows)} ${rows.length ? "" : state.loading ? html`<div class="skeleton" aria-hidden="true"></div>` : empty(view)}
    </div>
  `;
}

/** @param {import("./select.js").Row[]} rows */
function todos(rows) {
  const { first, end, above, below } = windowOf(rows.map(({ todo }) => todo.id));
  const space = (height) => html`<li class="space" aria-hidden="true" .style=${`height:${height}px`}></li>`;
  const isFirst = ({ group }, index) => group && group !== rows[index - 1]?.group;
  return html`
    <ul class="todos" aria-label=${t("todos")} @dragstart=${dragging.start} @dragover=${dragging.over} @drop=${dragging.drop} @dragend=${dragging.end}>
      ${space(above)}
      ${repeat(
        rows.slice(first, end),
        ({ todo }) => todo.id,
        (row, i) => rowView(row, first + i, rows.length, !!isFirst(row, first + i)),
      )}
      ${space(below)}
    </ul>
  `;
}

/** @param {string} view */
function empty(view) {
  const key = isFiltered(state.route) ? "search" : LISTS.includes(view) ? view : "all";
  return html`<div class="empty">${icon(key)}<h2>${t(`empty.${key}`)}</h2><p>${t(`empty.${key}_text`)}</p></div>`;
}
