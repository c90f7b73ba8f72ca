// Forms are data (forms.json). Texts have the key `form.<form>.<field>`, or `field.<field>` for all forms.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { request } from "../api/client.js";
import { rendered, state, update } from "../state.js";
import { say, t } from "../words.js";
import { errorText } from "./toast.js";
import data from "./forms.json" with { type: "json" };

const FORMS = /** @type {Record<string, FormSpec>} */ (data.forms);
const FIELDS = /** @type {Record<string, Field>} */ (data.fields);
/** The fields to which errors belong, by their code. */
const FAULTS = /** @type {Record<string, string[]>} */ (data.faults);

/** A form that sends once at a time, and shows errors beside its fields. An empty text is sent as null.
 * @param {string} name @param {FormOptions} [options] */
export function form(name, { send, values = {}, more = [], around = (work) => work() } = {}) {
  const { fields = [], look = "primary", keep, call: path = "" } = FORMS[name];
  const names = [...fields, ...more];
  const { busy, error, done } = state.forms[name] ?? {};
  const faults = findFaults(error, names);
  return html`
    <form class="stack" aria-label=${t(`form.${name}.button`)} @submit=${submit}>
      ${
        error && !names.some((field) => faults[field])
          ? html`<p class="notice is-error" role="alert" tabindex="-1">${errorText(error)}</p>`
          : ""
      }
      ${names.map((field) => fieldView(name, field, values[field], faults[field]))}
      <button class="button ${look}" ?disabled=${busy}>${t(`form.${name}.button`)}</button>
      <p class="hint" role="status">${done ? say(`form.${name}.done`, "saved") : ""}</p>
    </form>
  `;

  async function submit(event) {
    event.preventDefault();
    const element = event.currentTarget;
    const filled = new FormData(element);
    const body = Object.fromEntries(
      names.map((field) => [field, find(name, field).boxes ? filled.getAll(field) : filled.get(field) || null]),
    );
    setForm(name, { busy: true });
    try {
      await around(() => (send ? send(body) : call(path, body)));
      setForm(name, { done: true });
      if (!keep) element.reset();
    } catch (error) {
      setForm(name, { error });
      await rendered();
      /** @type {HTMLElement | null} */ (element.querySelector("[aria-invalid], [role=alert]"))?.focus();
    }
  }
}

/** Returns the sentences of an error that belong to fields. */
function findFaults(error, names) {
  const faults = (error?.errors ?? []).map(({ field, message, code }) => [field, say(`fault.${code}`) ?? message]);
  const field = error?.problem?.field ?? names.find((name) => FAULTS[error?.code]?.includes(name));
  return Object.fromEntries(field ? [[field, errorText(error)]] : faults);
}

const find = (form, name) => FIELDS[`${form}.${name}`] ?? FIELDS[name];

function fieldView(form, name, value, fault) {
  const field = find(form, name);
  const id = `${form}-${name}`;
  const label = say(`form.${form}.${name}`, `field.${name}`);
  const note = fault ?? say(`form.${form}.${name}.hint`, `field.${name}.hint`);
  const noteView = note && html`<p id="${id}-note" class=${fault ? "error" : "hint"}>${note}</p>`;
  const control = field.options ? optionsView : inputView;
  const view = control({ ...field, id, name, value: value ?? field.value, note: note ? `${id}-note` : nothing, fault });
  return field.boxes
    ? html`<fieldset class="field"><legend class="label">${label}</legend>${view}${noteView}</fieldset>`
    : html`<div class="field"><label for=${id}>${label}</label>${view}${noteView}</div>`;
}

/** @param {any} field */
const inputView = ({ id, name, type = "text", value = "", note, fault, optional, autocomplete = "off", minlength = nothing, maxlength = nothing }) => html`
  <input class="input" id=${id} name=${name} type=${type} value=${value} ?required=${!optional} autocomplete=${autocomplete}
    minlength=${minlength} maxlength=${maxlength} aria-describedby=${note} aria-invalid=${fault ? "true" : nothing}>
`;

/** @param {any} field */
function optionsView({ id, name, value, note, boxes, options }) {
  const all = options === "timezones" ? [...new Set([value, "UTC", ...Intl.supportedValuesOf("timeZone")])].sort() : options;
  const shown = all.map((each) => ({ each, text: say(`option.${each}`) ?? each.replaceAll("_", " ") }));
  if (!boxes) {
    return html`<select id=${id} name=${name} aria-describedby=${note}>
      ${shown.map(({ each, text }) => html`<option value=${each} ?selected=${each === value}>${text}</option>`)}
    </select>`;
  }
  return shown.map(
    ({ each, text }) => html`
      <label class="check-field"><input type="checkbox" name=${name} value=${each} ?checked=${value?.includes(each)}> ${text}</label>
    `,
  );
}

/** @param {string} name @param {{busy?: boolean, error?: unknown, done?: boolean}} progress */
export function setForm(name, progress) {
  update((s) => (s.forms[name] = progress));
}

/** Sends a request that is written as data, such as `DELETE auth/tokens/{id}`.
 * @param {string} line @param {object} [body] @param {Record<string, string>} [values] of the names in the path */
export function call(line, body, values = {}) {
  const [method, path] = line.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(values[name])).split(" ");
  return request(method, path, { body });
}
