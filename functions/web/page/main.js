// The start: texts, router, session, and one render for each change of the state.
import { render } from "./vendor/lit-html/lit-html.js";
import { load } from "./areas.js";
import { startKeys } from "./keys.js";
import { layout } from "./layout.js";
import { startRouter } from "./router.js";
import { startSession } from "./session.js";
import { state, subscribe, update } from "./state.js";
import { toastError } from "./ui/toast.js";
import { loadWords } from "./words.js";

/** @param {Route} route */
function entered(route) {
  if (route.view === "settings") load("settings").then((area) => area?.openSettings(route.id));
}

await loadWords();
const app = /** @type {HTMLElement} */ (document.getElementById("app"));
subscribe(() => void render(layout(state), app));
startRouter(entered);
startKeys();
setInterval(() => update((s) => (s.now = new Date())), 60_000);
startSession().catch(toastError);
