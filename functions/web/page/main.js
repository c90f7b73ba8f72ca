// The start: texts, router, session, and one render for each change of the state.
import { render } from "./vendor/lit-html/lit-html.js";
import { area, run } from "./areas.js";
import { layout } from "./layout.js";
import { listName } from "./list/list.js";
import { startRouter } from "./router.js";
import { leaveDoors, startSession } from "./session.js";
import { state, subscribe, update } from "./state.js";
import { listeners } from "./sync/copy.js";
import { dueWords } from "./ui/dates.js";
import { toast } from "./ui/toast.js";
import { loadWords, t } from "./words.js";

function entered({ view }) {
  leaveDoors();
  document.getElementById("main")?.scrollTo(0, 0);
  if (view === "settings") void run("settings", "openSettings");
}

// Keys are loaded with the first one, or the first focus.
const pressed = (event) => (area("keys") ? area("keys").pressed(event) : run("keys", "pressed", event));

export function startNotices() {
  listeners.push(({ done, changes = [], keep = [] }) => {
    if (done?.completion?.result === "moved") {
      const todo = keep.at(-1)?.[1];
      toast(t("done.recurred", { title: todo.title, due: dueWords(todo) }));
    }
    for (const { op, todo_id } of changes) {
      const todo = state.todos.get(todo_id ?? "");
      if (op === "reminder" && todo) toast(t("done.reminder", todo));
    }
  });
}

/** Keeps the files of the page for a reload without a network. */
export function startWorker() {
  const { trustedTypes } = /** @type {any} */ (window);
  const rules = { createScriptURL: (url) => url };
  const policy = trustedTypes?.createPolicy("service-worker", rules) ?? rules;
  const url = new URL("../../sw.js", import.meta.url).href;
  navigator.serviceWorker?.register(policy.createScriptURL(url)).catch(() => {}); // none in a private window
}

await loadWords();
const app = /** @type {HTMLElement} */ (document.getElementById("app"));
subscribe(() => {
  if (!state.ready) return;
  document.getElementById("shell")?.remove();
  document.documentElement.dataset.who = state.user ? "member" : "visitor";
  render(layout(state), app);
  document.title = state.user ? `${listName(state)} · ${t("todos")}` : t("todos");
});
startRouter(entered);
for (const event of ["focusin", "keydown"]) addEventListener(event, pressed);
startNotices();
setInterval(() => update((s) => (s.now = new Date())), 60_000);
await startSession();
startWorker();
sessionStorage.removeItem("reloaded");
