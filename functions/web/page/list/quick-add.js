// The field that adds todos. The service reads the text while it is typed, and tells what it understood.
// The todo is an ordinary edit with its own id, so it is added once, and also without a network.
import { html } from "../vendor/lit-html/lit-html.js";
import { request } from "../api/client.js";
import { rendered, state, update } from "../state.js";
import { addProject, addTodo } from "../sync/edits.js";
import { dueWords, recurrenceWords, timeWords, today } from "../ui/dates.js";
import { icon } from "../ui/icons.js";
import { t } from "../words.js";
import { fold } from "./rows.js";

const TYPING_MILLISECONDS = 200;
let timer = 0;
/** Ends when all texts so far are added, in their order. */
let added = Promise.resolve();

/** Asks the service how it reads a text. @param {string} text
 * @returns {Promise<{text: string, drafts: Draft[], understood: Understood[]}>} */
const read = async (text) =>
  ({ text, ...(await request("POST", "quick-add", { body: { text, dry_run: true }, seconds: 5 })) });

function typed({ target: { value } }) {
  const hasText = value.trim();
  update(({ ui }) => Object.assign(ui, { adding: value, reading: hasText ? ui.reading : null }));
  clearTimeout(timer);
  const show = (reading) => update(({ ui }) => ui.adding?.startsWith(value) && (ui.reading = reading));
  // Without an answer, the text is only not marked.
  if (hasText) timer = setTimeout(() => read(value).then(show, () => {}), TYPING_MILLISECONDS);
}

function submitted(event) {
  event.preventDefault();
  const { adding = "", reading } = state.ui;
  const text = adding.trim();
  if (!text) return;
  clearTimeout(timer);
  event.target.reset(); // a text that was not rendered yet
  update(({ ui }) => Object.assign(ui, { adding: "", reading: null }));
  const asWritten = () => ({ drafts: [{ title: text.slice(0, 500), tags: [] }] });
  const understood = reading?.text.trim() === text ? reading : read(text).catch(asWritten);
  added = added.finally(async () => (await understood).drafts.forEach(addDraft));
}

/** Adds a draft to the open list. @param {Draft} draft */
function addDraft({ project, ...draft }) {
  const { view, id } = state.route;
  const fields = Object.fromEntries(Object.entries(draft).filter(([, value]) => value !== null));
  const known = project && [...state.projects.values()].find(({ name }) => fold(name) === fold(project));
  if (project) fields.project_id = known ? known.id : addProject({ name: project });
  else if (view === "project") fields.project_id = id;
  if (view === "tag" && !draft.tags.includes(id)) fields.tags = [...draft.tags, id];
  if (view === "today" && !draft.due_date && !draft.due_at) fields.due_date = today();
  addTodo(fields);
}

/** What was understood, in words. @type {Record<string, (draft: any) => unknown>} */
const WORDS = {
  due: (draft) => [icon("calendar"), dueWords(draft)],
  recurrence: (draft) => [icon("repeat"), recurrenceWords(draft.recurrence)],
  reminder: (draft) => [icon("reminder"), timeWords(draft.reminder_at)],
  priority: (draft) => [icon("flag"), t(`priority.${draft.priority}`)],
  tag: (draft) => draft.tags.map((tag) => `#${tag} `),
  project: (draft) => [icon("project"), draft.project],
  parent: (draft) => t("below", state.todos.get(draft.parent_id)),
};

/** Marks the parts of the text that were understood. Positions count code points. */
function marked(text, reading) {
  if (!reading || !text.startsWith(reading.text)) return text;
  const points = [...text];
  let at = 0;
  const parts = reading.understood.map(({ start, end, field }) => {
    const before = points.slice(at, start).join("");
    at = end;
    return html`${before}<mark class="is-${field}">${points.slice(start, end).join("")}</mark>`;
  });
  return [parts, points.slice(at).join("")];
}

/** Keeps the marks below the letters of a long text, once it is rendered. */
async function scrolled({ target }) {
  await rendered();
  target.previousElementSibling.scrollLeft = target.scrollLeft;
}

/** @param {State} state */
export function quickAdd({ ui: { adding = "", reading } }) {
  const fields = [...new Set(reading?.understood.filter(({ todo }) => !todo).map(({ field }) => field))];
  return html`
    <form class="quick-add" @submit=${submitted}>
      ${icon("add")}
      <div class="marked">
        <div class="marks" aria-hidden="true">${marked(adding, reading)}</div>
        <input id="quick-add" aria-label=${t("add_todo")} placeholder=${t("add_hint")} maxlength="4000" autocomplete="off"
          enterkeyhint="done" .value=${adding} @input=${typed} @scroll=${scrolled} />
      </div>
      ${
        fields.length
          ? html`<ul class="understood" aria-label=${t("understood")}>${fields.map((field) => html`<li>${WORDS[field](reading.drafts[0])}</li>`)}</ul>`
          : ""
      }
    </form>
  `;
}
