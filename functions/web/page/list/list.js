// The open list: heading, quick add, filters, rows.
import { html } from "../vendor/lit-html/lit-html.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";
import { state, update } from "../state.js";
import { icon } from "../ui/icons.js";
import { openMenu } from "../ui/menu.js";
import { t } from "../words.js";
import { conflictsNotice } from "./conflicts.js";
import { filters } from "./filters.js";
import { projectActions } from "./projects.js";
import { quickAdd } from "./quick-add.js";
import { rowView } from "./row.js";
import { isFiltered, isTree, LISTS, sortOf, visibleRows } from "./select.js";
import { deleteTag, renameTag } from "./tags.js";
import { windowOf } from "./window.js";

/** Returns the name of the open list. @param {State} state */
export function listName({ route: { view, id }, projects }) {
  if (view === "project") return projects.get(id)?.name ?? t("project");
  return view === "tag" ? `#${id}` : t(`view.${LISTS.includes(view) ? view : "all"}`);
}

/** @param {State} state */
export function list(state) {
  const { view, id } = state.route;
  const rows = visibleRows();
  const project = view === "project" && state.projects.get(id);
  const isOpen = state.ui.filters || isFiltered(state.route);
  return html`
    <div class="column">
      <header class="heading">
        <h1>${listName(state)}</h1>
        <button class="icon-button ${isFiltered(state.route) ? "is-active" : ""}" aria-expanded=${isOpen} aria-controls="filters" aria-label=${t("filters")} @click=${() => update(({ ui }) => (ui.filters = !isOpen))}>
          ${icon("filter")}
        </button>
        ${
          project || view === "tag"
            ? html`<button class="icon-button" aria-haspopup="menu" aria-label=${t("more_for", { title: listName(state) })} @click=${openListMenu}>${icon("more")}</button>`
            : ""
        }
      </header>
      ${conflictsNotice(state)} ${isOpen ? filters(state) : ""} ${view === "trash" || view === "completed" ? "" : quickAdd(state)}
      ${rows.length ? todos(rows) : state.loading ? html`<div class="skeleton" aria-hidden="true"></div>` : empty(view)}
    </div>
  `;
}

/** @param {import("./select.js").Row[]} rows */
function todos(rows) {
  const { first, end, above, below } = windowOf(rows.map(({ todo }) => todo.id));
  const isSortable = isTree(state.route) && sortOf(state.route) === "order";
  return html`
    <ul class="todos ${isSortable ? "is-sortable" : ""}" aria-label=${t("todos")}>
      <li class="space" aria-hidden="true" .style=${`height:${above}px`}></li>
      ${repeat(
        rows.slice(first, end),
        ({ todo }) => todo.id,
        (row, index) => rowView(row, first + index, rows.length, !!row.group && row.group !== rows[first + index - 1]?.group, isSortable),
      )}
      <li class="space" aria-hidden="true" .style=${`height:${below}px`}></li>
    </ul>
  `;
}

/** @param {string} view */
function empty(view) {
  const key = isFiltered(state.route) ? "search" : LISTS.includes(view) ? view : "all";
  return html`<div class="empty">${icon(key)}<h2>${t(`empty.${key}`)}</h2><p>${t(`empty.${key}_text`)}</p></div>`;
}

/** @param {Event} event */
function openListMenu(event) {
  const { view, id } = state.route;
  const project = state.projects.get(id);
  const actions = view === "tag"
    ? [{ icon: "edit", text: t("rename"), act: () => renameTag(id) }, { icon: "trash", text: t("delete"), act: () => deleteTag(id), isDanger: true }]
    : project ? projectActions(project) : [];
  openMenu(/** @type {HTMLElement} */ (event.currentTarget), actions);
}
