// The open list: heading, quick add, filters, rows.
import { html } from "../vendor/lit-html/lit-html.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";
import { load } from "../areas.js";
import { setParams } from "../router.js";
import { countTags } from "../sidebar/sidebar.js";
import { state, update } from "../state.js";
import { icon, iconButton, openMenu } from "../ui/icons.js";
import { has, t } from "../words.js";
import { quickAdd } from "./quick-add.js";
import { dragging, rowView } from "./row.js";
import { isFiltered, LISTS, PRIORITIES, sortOf, visibleRows, windowOf } from "./rows.js";

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
      ${conflictsNotice(state)} ${isOpen ? filters(state) : ""} ${view === "trash" || view === "completed" ? "" : quickAdd(state)}
      ${todos(rows)} ${rows.length ? "" : state.loading ? html`<div class="skeleton" aria-hidden="true"></div>` : empty(view)}
    </div>
  `;
}

/** @param {State} state */
const conflictsNotice = ({ conflicts: { length } }) =>
  length
    ? html`<div class="notice is-warn conflicts" role="alert">
        ${icon("conflict")} <span>${t("conflicts", { n: length })}</span> <button class="button" @click=${() => load("conflicts").then((conflicts) => conflicts?.decide())}>${t("decide")}</button>
      </div>`
    : "";

/** @param {import("./rows.js").Row[]} rows */
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

const openListMenu = ({ currentTarget }) =>
  load("actions").then((actions) => actions && openMenu(currentTarget, actions.listActions(state.route)));

/** @param {string} view */
function empty(view) {
  const key = isFiltered(state.route) ? "search" : LISTS.includes(view) ? view : "all";
  return html`<div class="empty">${icon(key)}<h2>${t(`empty.${key}`)}</h2><p>${t(`empty.${key}_text`)}</p></div>`;
}

/** A field to choose from. @param {string} name @param {string[][]} options values with their texts
 * @param {string} chosen @param {(event: any) => void} act */
export const choice = (name, options, chosen, act) => html`
  <label class="field">
    <span class="label">${t(`field.${name}`)}</span>
    <select @change=${act}>
      ${options.map(([value, text]) => html`<option value=${value} ?selected=${value === chosen}>${text}</option>`)}
    </select>
  </label>
`;

/** The name in the field of an order that a view has by itself. @type {Record<string, string>} */
const ORDER_OF = { today: "due", upcoming: "due" };

// Filters and sort order are in the URL, so a filtered list can be kept as a bookmark.

/** @param {State} state */
export function filters({ route }) {
  const set = (name) => ({ target }) => setParams({ [name]: target.type === "checkbox" ? (target.checked ? "1" : "") : target.value });
  const select = (name, options) => choice(name, [["", t("filter.any")], ...options], route.params[name] ?? "", set(name));
  const named = (area, names) => names.map((name) => [name, t(`${area}.${name}`)]);
  return html`
    <div class="filters" id="filters">
      ${select("priority", named("priority", PRIORITIES))} ${select("due", named("filter", ["overdue", "today", "week", "none"]))}
      ${select("tag", countTags().map(({ name }) => [name, `#${name}`]))}
      ${choice("sort", named("sort", ["order", "due", "priority", "title", "created"]), ORDER_OF[sortOf(route)] ?? sortOf(route), set("sort"))}
      <label class="check-field">
        <input type="checkbox" .checked=${route.params.completed === "1"} @change=${set("completed")} /> ${t("show_completed")}
      </label>
    </div>
  `;
}
