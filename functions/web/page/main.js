// The start: texts, router, session, and one render for each change of the state.
import { render } from "./vendor/lit-html/lit-html.js";
import { load } from "./areas.js";
import { bind, startKeys } from "./keys.js";
import { layout, toggleAssistant } from "./layout.js";
import { bindListKeys } from "./list/keys.js";
import { listName } from "./list/list.js";
import { startNotices, startWorker } from "./notices.js";
import { startRouter } from "./router.js";
import { leaveDoors, startSession } from "./session.js";
import { state, subscribe, update } from "./state.js";
import { loadWords, t } from "./words.js";

/** @param {Route} route */
function entered({ view, id }) {
  leaveDoors();
  document.getElementById("main")?.scrollTo(0, 0);
  if (view === "settings") load("settings").then((settings) => settings?.openSettings(id));
}

await loadWords();
const app = /** @type {HTMLElement} */ (document.getElementById("app"));
subscribe(() => {
  render(layout(state), app);
  document.title = state.user ? `${listName(state)} · ${t("todos")}` : t("todos");
});
startRouter(entered);
bindListKeys();
bind("c", "assistant", toggleAssistant);
startKeys();
startNotices();
setInterval(() => update((s) => (s.now = new Date())), 60_000);
await startSession();
startWorker();
