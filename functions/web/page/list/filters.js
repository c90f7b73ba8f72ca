// Filters and sort order of a list. They are in the URL, so a filtered list can be kept as a bookmark.
import { html } from "../vendor/lit-html/lit-html.js";
import { setParams } from "../router.js";
import { t } from "../words.js";
import { PRIORITIES, sortOf } from "./select.js";
import { countTags } from "./tags.js";

/** @param {State} state */
export function filters({ route }) {
  /** @param {string} name @param {[string, string][]} options @param {string} [chosen] */
  const select = (name, options, chosen = route.params[name] ?? "") => html`
    <div class="field">
      <label for="filter-${name}">${t(`filter.${name}`)}</label>
      <select id="filter-${name}" @change=${(/** @type {Event} */ event) => setParams({ [name]: /** @type {HTMLSelectElement} */ (event.target).value })}>
        ${options.map(([value, text]) => html`<option value=${value} ?selected=${value === chosen}>${text}</option>`)}
      </select>
    </div>
  `;
  const any = /** @type {[string, string]} */ (["", t("filter.any")]);
  return html`
    <div class="filters" id="filters">
      ${select("priority", [any, ...PRIORITIES.map((name) => /** @type {[string, string]} */ ([name, t(`priority.${name}`)]))])}
      ${select("due", [any, ...["overdue", "today", "week", "none"].map((name) => /** @type {[string, string]} */ ([name, t(`filter.${name}`)]))])}
      ${select("tag", [any, ...countTags().map(({ name }) => /** @type {[string, string]} */ ([name, `#${name}`]))])}
      ${select("sort", ["order", "due", "priority", "title", "created"].map((name) => [name, t(`sort.${name}`)]), sortOf(route))}
      <label class="check-field">
        <input type="checkbox" .checked=${route.params.completed === "1"}
          @change=${(/** @type {Event} */ event) => setParams({ completed: /** @type {HTMLInputElement} */ (event.target).checked ? "1" : "" })} />
        ${t("show_completed")}
      </label>
    </div>
  `;
}
