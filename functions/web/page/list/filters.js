// Filters and sort order. They are in the URL, so a filtered list can be kept as a bookmark.
import { html } from "../vendor/lit-html/lit-html.js";
import { setParams } from "../router.js";
import { countTags } from "../sidebar/sidebar.js";
import { t } from "../words.js";
import { PRIORITIES, sortOf } from "./rows.js";

/** A field with options: values and texts. @param {string} name @param {string[][]} options @param {string} chosen
 * @param {(event: any) => void} act */
export const choice = (name, options, chosen, act) => html`
  <label class="field">
    <span class="label">${t(`field.${name}`)}</span>
    <select @change=${act}>
      ${options.map(([value, text]) => html`<option value=${value} ?selected=${value === chosen}>${text}</option>`)}
    </select>
  </label>
`;

/** The orders that views have by themselves. @type {Record<string, string>} */
const ORDER_OF = { today: "due", upcoming: "due" };

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
