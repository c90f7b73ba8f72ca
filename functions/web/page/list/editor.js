// The editor of a todo, in place of its row. What is typed is kept in the state, so that no other change can lose it.
import { html } from "../vendor/lit-html/lit-html.js";
import { live } from "../vendor/lit-html/directives/live.js";
import { rendered, state, update } from "../state.js";
import { addTodo, changeTodo, deleteTodo } from "../sync/edits.js";
import { byOrder } from "../sync/tree.js";
import { toInstant, today, toLocal } from "../ui/dates.js";
import { icon } from "../ui/icons.js";
import { recurrenceWords } from "../ui/recurrence.js";
import { t } from "../words.js";
import { PRIORITIES } from "./select.js";
import { focusRow } from "./window.js";

const RULES = ["FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "FREQ=WEEKLY", "FREQ=MONTHLY", "FREQ=YEARLY"];

/** Opens the editor, with the focus in a field. @param {Todo} todo @param {string} [field] */
export async function edit(todo, field = "title") {
  const [due_date, due_time] = [todo.due_date ?? "", ""];
  const [day, time] = todo.due_at ? toLocal(todo.due_at).split(" ") : [due_date, due_time];
  const draft = {
    title: todo.title,
    description: todo.description ?? "",
    day,
    time,
    reminder: todo.reminder_at ? toLocal(todo.reminder_at).replace(" ", "T") : "",
    recurrence: todo.recurrence ?? "",
    recurrence_from: todo.recurrence_from,
    priority: todo.priority,
    project_id: todo.project_id ?? "",
    tags: todo.tags.join(", "),
    subtodo: "",
  };
  // The todo as it was: what somebody else changes meanwhile is a conflict, not overwritten.
  update(({ ui }) => (ui.editing = { id: todo.id, todo, draft }));
  await rendered();
  const input = /** @type {HTMLInputElement | null} */ (document.querySelector(`.editor [name="${field}"]`));
  input?.focus();
  input?.closest("li")?.scrollIntoView({ block: "nearest" });
}

async function close() {
  const { id } = state.ui.editing;
  update(({ ui }) => (ui.editing = null));
  await rendered();
  void focusRow(id);
}

/** @param {Event} event */
function keep(event) {
  const { name, value } = /** @type {HTMLInputElement} */ (event.target);
  update(({ ui }) => (ui.editing.draft[name] = value));
}

/** @param {Event} event */
function save(event) {
  event.preventDefault();
  const { todo, draft } = state.ui.editing;
  const day = draft.day || (draft.time || draft.recurrence ? today() : "");
  const tags = draft.tags.split(",").map((/** @type {string} */ tag) => tag.trim().replace(/^#/, "")).filter(Boolean);
  changeTodo(todo, {
    title: draft.title.trim() || todo.title,
    description: draft.description.trim() || null,
    due_date: day && !draft.time ? day : null,
    due_at: day && draft.time ? sameInstant(todo.due_at, toInstant(day, draft.time)) : null,
    reminder_at: draft.reminder ? sameInstant(todo.reminder_at, toInstant(draft.reminder.slice(0, 10), draft.reminder.slice(11, 16))) : null,
    recurrence: draft.recurrence || null,
    recurrence_from: draft.recurrence_from,
    priority: draft.priority,
    project_id: draft.project_id || null,
    tags,
  });
  addSubtodo();
  void close();
}

/** The fields have no seconds, so an instant that differs in seconds only is the same.
 * @param {string | null} old @param {string} typed */
const sameInstant = (old, typed) => (old && toLocal(old) === toLocal(typed) ? old : typed.replace(".000Z", "Z"));

function addSubtodo() {
  const { id, draft } = state.ui.editing;
  const title = draft.subtodo.trim();
  if (title) addTodo({ title, parent_id: id });
  update(({ ui }) => (ui.editing.draft.subtodo = ""));
}

/** @param {KeyboardEvent} event */
function pressed(event) {
  const { name } = /** @type {HTMLInputElement} */ (event.target);
  if (event.key === "Escape") void close();
  else if (event.key === "Enter" && name === "subtodo") addSubtodo();
  else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) save(event);
  else return;
  event.preventDefault();
  event.stopPropagation();
}

/** @param {Todo} todo */
export function editor(todo) {
  const { draft } = state.ui.editing;
  /** @param {string} name @param {string} type @param {{max?: number, list?: string}} [more] */
  const input = (name, type, { max = 500, list = "" } = {}) => html`
    <div class="field">
      <label for="edit-${name}">${t(`field.${name}`)}</label>
      <input class="input" id="edit-${name}" name=${name} type=${type} maxlength=${max} list=${list} autocomplete="off" .value=${live(draft[name])} />
    </div>
  `;
  /** @param {string} name @param {[string, string][]} options */
  const select = (name, options) => html`
    <div class="field">
      <label for="edit-${name}">${t(`field.${name}`)}</label>
      <select id="edit-${name}" name=${name}>
        ${options.map(([value, text]) => html`<option value=${value} ?selected=${value === draft[name]}>${text}</option>`)}
      </select>
    </div>
  `;
  const rules = RULES.includes(draft.recurrence) || !draft.recurrence ? RULES : [draft.recurrence, ...RULES];
  const projects = [...state.projects.values()].filter((each) => !each.archived || each.id === todo.project_id).sort(byOrder);
  return html`
    <form class="editor card" aria-label=${t("edit_title", todo)} @submit=${save} @input=${keep} @keydown=${pressed}>
      <div class="field">
        <label class="visually-hidden" for="edit-title">${t("field.title")}</label>
        <input class="plain title" id="edit-title" name="title" required maxlength="500" autocomplete="off" .value=${live(draft.title)} />
      </div>
      <div class="field">
        <label class="visually-hidden" for="edit-description">${t("field.description")}</label>
        <textarea class="plain" id="edit-description" name="description" maxlength="16384" rows="2" placeholder=${t("field.description")} .value=${live(draft.description)}></textarea>
      </div>
      <div class="fields">
        ${input("day", "date")} ${input("time", "time")}
        ${select("recurrence", [["", t("every.never")], ...rules.map((rule) => /** @type {[string, string]} */ ([rule, recurrenceWords(rule)]))])}
        ${draft.recurrence ? select("recurrence_from", [["due", t("from.due")], ["completion", t("from.completion")]]) : ""}
        ${input("reminder", "datetime-local")}
        ${select("priority", PRIORITIES.map((name) => [name, t(`priority.${name}`)]))}
        ${select("project_id", [["", t("no_project")], ...projects.map((each) => /** @type {[string, string]} */ ([each.id, each.name]))])}
        ${input("tags", "text", { max: 2000 })}
      </div>
      ${input("subtodo", "text")}
      <div class="actions">
        <button class="button primary">${t("save")}</button>
        <button class="button" type="button" @click=${close}>${t("cancel")}</button>
        <button class="button quiet danger" type="button" @click=${() => deleteTodo(todo)}>${icon("trash")} ${t("delete")}</button>
      </div>
    </form>
  `;
}
