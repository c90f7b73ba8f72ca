// Edits that met a change of somebody else: both texts, and a choice.
import { html } from "../vendor/lit-html/lit-html.js";
import { state } from "../state.js";
import { take } from "../sync/copy.js";
import { restoreTodo } from "../sync/edits.js";
import { openDialog } from "../ui/dialog.js";
import { dayWords, recurrenceWords, timeWords } from "../ui/dates.js";
import { t } from "../words.js";

/** @type {Record<string, (value: any) => unknown>} */
const WORDS = {
  due_date: dayWords,
  due_at: timeWords,
  reminder_at: timeWords,
  recurrence: (rule) => recurrenceWords(rule),
  priority: (value) => t(`priority.${value}`),
  completed: (value) => t(value ? "completed" : "open"),
  tags: (value) => value.join(", "),
  project_id: (id) => state.projects.get(id)?.name,
  parent_id: (id) => state.todos.get(id)?.title,
};

const words = (name, value) => (value ?? "") === "" ? "–" : String((WORDS[name] ?? String)(value));

/** Asks for each conflict which text to keep. */
export async function decide() {
  for (let edit; (edit = state.conflicts[0]); ) {
    const shown = edit;
    const choice = await openDialog(t(edit.problem?.detail ? "not_saved" : "changed_elsewhere"), (close) => conflict(shown, close), "wide");
    if (!choice) return;
    const todo = state.todos.get(edit.target.split("/")[1]);
    const isKept = choice === "mine" && (edit.problem?.theirs || edit.problem?.detail || edit.method === "POST" || todo?.deleted_at);
    if (isKept && todo?.deleted_at) restoreTodo(todo);
    take({ drop: edit.key }); // so that it follows a restore, which was queued later
    if (isKept) take({ put: { ...edit, problem: undefined, seen: {}, at: Date.now() } });
  }
}

/** @param {Edit} edit @param {(choice: string) => void} close */
function conflict({ target, body, problem }, close) {
  const [collection, id] = target.split("/");
  const mine = body ?? {};
  const theirs = problem?.theirs;
  const object = theirs ?? state[collection].get(id) ?? mine;
  const isShown = (name) => !["id", "order"].includes(name) && words(name, theirs?.[name]) !== words(name, mine[name]);
  const row = (name) => html`
    <tr><th scope="row">${t(`field.${name}`)}</th><td>${words(name, mine[name])}</td><td>${words(name, theirs?.[name])}</td></tr>
  `;
  return html`
    <p><strong>${object.title ?? object.name}</strong></p>
    <p>${problem?.detail || t(theirs ? "conflict_changed" : "conflict_gone")}</p>
    <table class="versions">
      <thead><tr><th>${t("conflict_field")}</th><th>${t("mine")}</th><th>${t("theirs")}</th></tr></thead>
      <tbody>${Object.keys(mine).filter(isShown).map(row)}</tbody>
    </table>
    <footer>
      <button class="button" @click=${() => close("theirs")}>${t(problem?.detail ? "discard" : "keep_theirs")}</button>
      <button class="button primary" @click=${() => close("mine")}>${t(problem?.detail ? "try_again" : "keep_mine")}</button>
    </footer>
  `;
}
