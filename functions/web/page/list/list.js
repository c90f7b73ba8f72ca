// The open list: heading, quick add, filters, rows.
import { html } from "../vendor/lit-html/lit-html.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";
import { area, run } from "../areas.js";
import { state, update } from "../state.js";
import { icon, iconButton } from "../ui/icons.js";
import { has, t } from "../words.js";
import { quickAdd } from "./quick-add.js";
import { dragging, rowView } from "./row.js";
import { isFiltered, visibleRows, windowOf } from "./rows.js";

/** Returns the name of the open list. @param {State} state */
export function listName({ route: { view, id }, projects }) {
  if (view === "project") return projects.get(id)?.name ?? t("project");
  return view === "tag" ? `#${id}` : t(has(`view.${view}`) ? `view.${view}` : "view.all");
}

/** @param {State} state */
export function list(state) {
  const { view, id } = state.route;
  const rows = visibleRows();
  const hasMenu = view === "tag" || (view === "project" && state.projects.has(id));
  const isOpen = !!state.ui.filters || isFiltered(state.route);
  return html`
    <div class="column">
      <header class="heading">
        <h1>${listName(state)}</h1>
        ${iconButton("filter", t("filters"), () => update(({ ui }) => (ui.filters = !isOpen)), { look: isFiltered(state.route) ? "is-active" : "", isOpen })}
        ${hasMenu ? iconButton("more", t("more_for", { title: listName(state) }), openListMenu, { hasMenu: true }) : ""}
      </header>
      ${conflictsNotice(state)} ${isOpen ? area("filters")?.filters(state) : ""} ${view === "trash" || view === "completed" ? "" : quickAdd(state)}
      ${todos(rows)} ${rows.length ? "" : state.loading ? html`<div class="skeleton" aria-hidden="true"></div>` : empty(view)}
    </div>
  `;
}

const conflictsNotice = ({ conflicts: { length } }) =>
  length
    ? html`<div class="notice is-warn conflicts" role="alert">
        ${icon("conflict")} <span>${t("conflicts", { n: length })}</span> <button class="button" @click=${() => run("conflicts", "decide")}>${t("decide")}</button>
      </div>`
    : "";

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

const openListMenu = ({ currentTarget }) => run("actions", "openActions", currentTarget, state.route);

function empty(view) {
  const key = isFiltered(state.route) ? "search" : has(`empty.${view}`) ? view : "all";
  return html`<div class="empty">${icon(key)}<h2>${t(`empty.${key}`)}</h2><p>${t(`empty.${key}_text`)}</p></div>`;
}
