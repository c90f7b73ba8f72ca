// The field that adds todos. The service reads the text while it is typed and tells what it understood (`dry_run`);
// the todo itself is an ordinary edit with an id of its own, so it is added once, and also without a network.
import { html } from "../vendor/lit-html/lit-html.js";
import { live } from "../vendor/lit-html/directives/live.js";
import { request } from "../api/client.js";
import { state, update } from "../state.js";
import { addProject, addTodo } from "../sync/edits.js";
import { dueWords, timeWords, today } from "../ui/dates.js";
import { icon } from "../ui/icons.js";
import { recurrenceWords } from "../ui/recurrence.js";
import { t } from "../words.js";

const TYPING_MILLISECONDS = 200;
const PATIENCE_MILLISECONDS = 2000;
let timer = 0;
let asked = new AbortController();

/** @typedef {{text: string, drafts: Draft[], understood: Understood[]}} Reading */

/** Asks the service how it reads a text. @param {string} text @returns {Promise<Reading>} */
async function read(text) {
  asked.abort();
  asked = new AbortController();
  const signal = AbortSignal.any([asked.signal, AbortSignal.timeout(PATIENCE_MILLISECONDS)]);
  return { text, ...(await request("POST", "quick-add", { body: { text, dry_run: true }, signal })) };
}

/** @param {Event} event */
function typed(event) {
  const text = /** @type {HTMLInputElement} */ (event.target).value;
  update(({ ui }) => Object.assign(ui, { adding: text, reading: text.trim() ? ui.reading : null }));
  clearTimeout(timer);
  if (text.trim()) timer = setTimeout(() => read(text).then((reading) => update(({ ui }) => ui.adding && (ui.reading = reading)), () => {}), TYPING_MILLISECONDS);
}

/** @param {Event} event */
async function submitted(event) {
  event.preventDefault();
  const text = (state.ui.adding ?? "").trim();
  if (!text) return;
  clearTimeout(timer);
  const { reading } = state.ui;
  update(({ ui }) => Object.assign(ui, { adding: "", reading: null }));
  const drafts = reading?.text.trim() === text ? reading.drafts : await read(text).then((found) => found.drafts, () => [{ title: text.slice(0, 500), tags: [] }]);
  for (const draft of drafts) addDraft(draft);
}

/** Adds a draft to the open list. @param {Draft} draft */
function addDraft({ project, parent_id, ...fields }) {
  const { view, id } = state.route;
  const named = project && [...state.projects.values()].find((each) => each.name.toLowerCase() === project.toLowerCase());
  const project_id = project ? (named ? named.id : addProject({ name: project })) : view === "project" ? id : undefined;
  const isUndated = !fields.due_date && !fields.due_at;
  addTodo({
    ...Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)),
    ...(project_id && { project_id }),
    ...(parent_id && { parent_id }),
    ...(view === "tag" && !fields.tags.includes(id) && { tags: [...fields.tags, id] }),
    ...(view === "today" && isUndated && { due_date: today() }),
  });
}

/** @type {Record<string, (draft: Draft) => unknown>} */
const WORDS = {
  due: (draft) => [icon("calendar"), dueWords(draft)],
  recurrence: (draft) => [icon("repeat"), draft.recurrence && recurrenceWords(draft.recurrence)],
  reminder: (draft) => [icon("reminder"), draft.reminder_at && timeWords(draft.reminder_at)],
  priority: (draft) => [icon("flag"), t(`priority.${draft.priority}`)],
  tag: (draft) => draft.tags.map((tag) => `#${tag}`).join(" "),
  project: (draft) => [icon("project"), draft.project],
  parent: (draft) => t("below", state.todos.get(draft.parent_id ?? "")),
};

/** Cuts the text into parts, of which those that were understood are marked. Positions count code points.
 * @param {string} text @param {Reading | null} reading */
function marked(text, reading) {
  if (!reading || !text.startsWith(reading.text)) return text;
  const points = [...text];
  let at = 0;
  const parts = reading.understood.map(({ start, end, field }) => {
    const part = html`${points.slice(at, start).join("")}<mark class="is-${field}">${points.slice(start, end).join("")}</mark>`;
    at = end;
    return part;
  });
  return html`${parts}${points.slice(at).join("")}`;
}

/** Keeps the marks below the letters of a text that is longer than the field. @param {Event} event */
function scrolled({ target }) {
  const input = /** @type {HTMLInputElement} */ (target);
  /** @type {Element} */ (input.previousElementSibling).scrollLeft = input.scrollLeft;
}

/** @param {State} state */
export function quickAdd({ ui }) {
  const { adding = "", reading } = ui;
  const fields = [...new Set(/** @type {Reading | null} */ (reading)?.understood.map(({ field }) => field))];
  return html`
    <form class="quick-add" @submit=${submitted}>
      ${icon("add")}
      <div class="marked">
        <div class="marks" aria-hidden="true">${marked(adding, reading)}</div>
        <input id="quick-add" aria-label=${t("add_todo")} placeholder=${t("add_hint")} maxlength="4000" autocomplete="off" enterkeyhint="done"
          .value=${live(adding)} @input=${typed} @scroll=${scrolled} />
      </div>
      ${fields.length ? html`<ul class="understood" aria-label=${t("understood")}>${fields.map((field) => html`<li>${WORDS[field](reading.drafts[0])}</li>`)}</ul>` : ""}
    </form>
  `;
}
