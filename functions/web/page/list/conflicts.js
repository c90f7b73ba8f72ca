// Edits that met a change of somebody else: both texts, and a choice.
import { html } from "../vendor/lit-html/lit-html.js";
import { state } from "../state.js";
import { restoreTodo } from "../sync/edits.js";
import { discard, keepMine } from "../sync/outbox.js";
import { openDialog } from "../ui/dialog.js";
import { dueWords, timeWords } from "../ui/dates.js";
import { icon } from "../ui/icons.js";
import { recurrenceWords } from "../ui/recurrence.js";
import { t } from "../words.js";

/** @type {Record<string, (value: any) => string>} */
const WORDS = {
  due_date: (value) => dueWords({ due_date: value, due_at: null }),
  due_at: timeWords,
  reminder_at: timeWords,
  recurrence: recurrenceWords,
  priority: (value) => t(`priority.${value}`),
  completed: (value) => t(value ? "completed" : "open"),
  tags: (value) => value.join(", "),
  project_id: (value) => state.projects.get(value)?.name ?? "",
  parent_id: (value) => state.todos.get(value)?.title ?? "",
};

/** @param {string} name @param {any} value */
const words = (name, value) => (value === null || value === undefined || value === "" ? "–" : (WORDS[name] ?? String)(value));

/** @param {State} state */
export const conflictsNotice = ({ conflicts }) =>
  conflicts.length
    ? html`
        <div class="notice is-warn conflicts" role="alert">
          ${icon("conflict")} <span>${t("conflicts", { n: conflicts.length })}</span>
          <button class="button" @click=${decide}>${t("decide")}</button>
        </div>
      `
    : "";

async function decide() {
  for (let edit; (edit = state.conflicts[0]); ) {
    const choice = await openDialog(t("changed_elsewhere"), (close) => conflict(/** @type {Edit} */ (edit), close), "wide");
    if (!choice) return;
    if (choice === "theirs") discard(edit);
    else {
      const todo = state.todos.get(edit.target.split("/")[1]);
      if (todo?.deleted_at) restoreTodo(todo);
      keepMine(edit);
    }
  }
}

/** @param {Edit} edit @param {(choice: string) => void} close */
function conflict({ target, body, problem }, close) {
  const [collection, id] = target.split("/");
  const mine = body ?? {};
  const theirs = problem?.theirs;
  const object = theirs ?? (collection === "todos" ? state.todos : state.projects).get(id) ?? mine;
  const names = Object.keys(mine).filter((name) => name !== "id" && name !== "order" && (!theirs || words(name, theirs[name]) !== words(name, mine[name])));
  return html`
    <p><strong>${object.title ?? object.name}</strong></p>
    <p>${problem?.detail || t(theirs ? "conflict_changed" : "conflict_gone")}</p>
    <table class="versions">
      <thead><tr><th>${t("conflict_field")}</th><th>${t("mine")}</th><th>${t("theirs")}</th></tr></thead>
      <tbody>
        ${names.map(
          (name) => html`<tr><th scope="row">${t(`field.${name}`)}</th><td>${words(name, mine[name])}</td><td>${theirs ? words(name, theirs[name]) : "–"}</td></tr>`,
        )}
      </tbody>
    </table>
    <footer>
      <button class="button" @click=${() => close("theirs")}>${t("keep_theirs")}</button>
      <button class="button primary" @click=${() => close("mine")}>${t("keep_mine")}</button>
    </footer>
  `;
}
