// The editor of a todo, in place of its row. What is typed is in the state, so that no other change can lose it.
import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { projects } from "../sidebar/sidebar.js";
import { rendered, state, update } from "../state.js";
import { addTodo, changeTodo, restoreTodo } from "../sync/edits.js";
import { recurrenceWords, toInstant, today, toLocal } from "../ui/dates.js";
import { icon } from "../ui/icons.js";
import { t } from "../words.js";
import { choice } from "./filters.js";
import { remove } from "./row.js";
import { focusRow, keepFocus, PRIORITIES } from "./rows.js";

const RULES = ["FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "FREQ=WEEKLY", "FREQ=MONTHLY", "FREQ=YEARLY"];

/** Opens the editor, with the focus in a field. @param {Todo} todo @param {string} [field] */
export async function edit(todo, field = "title") {
  const [day, time = ""] = todo.due_at ? toLocal(todo.due_at).split(" ") : [todo.due_date ?? ""];
  const reminder = todo.reminder_at ? toLocal(todo.reminder_at).replace(" ", "T") : "";
  const draft = { ...todo, day, time, reminder, tags: todo.tags.join(", "), subtodo: "" };
  // The todo as it was: what somebody else changes meanwhile is a conflict, and not overwritten.
  update(({ ui }) => (ui.editing = { todo, draft }));
  await rendered();
  const input = /** @type {HTMLElement | null} */ (document.querySelector(`.editor [name=${field}]`));
  input?.focus();
  input?.closest("li")?.scrollIntoView({ block: "nearest" });
}

function close() {
  const { id } = state.ui.editing.todo;
  keepFocus(id, () => update(({ ui }) => (ui.editing = null)));
  void focusRow(id);
}

const isGone = ({ id }) => state.todos.get(id)?.deleted_at !== null;

function save(event) {
  event.preventDefault();
  const { todo, draft } = state.ui.editing;
  if (isGone(todo)) restoreTodo(state.todos.get(todo.id) ?? todo, "");
  const { title, description, time, reminder, recurrence, recurrence_from, priority, project_id } = draft;
  const day = draft.day || ((time || recurrence) && today());
  changeTodo(todo, {
    title: title.trim() || todo.title,
    description: description?.trim() || null,
    due_date: (!time && day) || null,
    due_at: day && time ? instant(todo.due_at, day, time) : null,
    reminder_at: reminder ? instant(todo.reminder_at, ...reminder.split("T")) : null,
    recurrence: recurrence || null,
    recurrence_from,
    priority,
    project_id: project_id || null,
    tags: draft.tags.split(",").map((tag) => tag.trim().replace(/^#/, "")).filter(Boolean),
  });
  addSubtodo();
  close();
}

/** The fields have no seconds, so an instant that differs in seconds only is the old one. */
const instant = (old, day, time) => (old && toLocal(old) === `${day} ${time}` ? old : toInstant(day, time));

function addSubtodo(input) {
  const { todo, draft } = state.ui.editing;
  const title = draft.subtodo.trim();
  if (title) addTodo({ title, parent_id: todo.id });
  draft.subtodo = "";
  if (input) input.value = ""; // a text that was not rendered yet
}

function pressed(event) {
  if (event.key === "Escape") close();
  else if (event.key === "Enter" && event.target.name === "subtodo") addSubtodo(event.target);
  else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) save(event);
  else return;
  event.preventDefault();
  event.stopPropagation();
}

/** @param {Todo} todo */
export function editor(todo) {
  const { draft } = state.ui.editing;
  const set = (name) => ({ target }) => update(() => (draft[name] = target.value));
  const input = (name, type = "text", max = 500) => html`
    <label class="field">
      <span class="label">${t(`field.${name}`)}</span>
      <input class="input" name=${name} type=${type} maxlength=${type === "text" ? max : nothing} autocomplete="off"
        .value=${draft[name]} @input=${set(name)} />
    </label>
  `;
  const select = (name, options) => choice(name, options, draft[name] ?? "", set(name));
  const rules = [...new Set([...(todo.recurrence ? [todo.recurrence] : []), ...RULES])];
  const inUse = [...projects(), ...projects(true).filter(({ id }) => id === todo.project_id)];
  return html`
    <form class="editor card" aria-label=${t("edit_title", todo)} @submit=${save} @keydown=${pressed}>
      ${isGone(todo) ? html`<p class="notice is-warn" role="alert">${t("conflict_gone")}</p>` : ""}
      <input class="plain title" name="title" aria-label=${t("field.title")} required maxlength="500" autocomplete="off" .value=${draft.title} @input=${set("title")} />
      <textarea class="plain" aria-label=${t("field.description")} placeholder=${t("field.description")} maxlength="16384" rows="2" .value=${draft.description ?? ""} @input=${set("description")}></textarea>
      <div class="fields">
        ${input("day", "date")} ${input("time", "time")}
        ${select("recurrence", [["", t("every.never")], ...rules.map((rule) => [rule, recurrenceWords(rule)])])}
        ${draft.recurrence ? select("recurrence_from", ["due", "completion"].map((name) => [name, t(`from.${name}`)])) : ""}
        ${input("reminder", "datetime-local")}
        ${select("priority", PRIORITIES.map((name) => [name, t(`priority.${name}`)]))}
        ${select("project_id", [["", t("no_project")], ...inUse.map(({ id, name }) => [id, name])])}
        ${input("tags", "text", 2000)}
      </div>
      ${input("subtodo")}
      <div class="actions">
        <button class="button primary">${t("save")}</button>
        <button class="button" type="button" @click=${close}>${t("cancel")}</button>
        <button class="button quiet danger" type="button" @click=${() => (close(), remove(todo))}>${icon("delete")} ${t("delete")}</button>
      </div>
    </form>
  `;
}
