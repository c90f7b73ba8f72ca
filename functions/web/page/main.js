// The start: texts, router, session, and one render for each change of the state.
import { render } from "./vendor/lit-html/lit-html.js";
import { load } from "./areas.js";
import { bind, startKeys } from "./keys.js";
import { bindListKeys } from "./list/keys.js";
import { layout, toggleAssistant } from "./layout.js";
import { startNotices, startWorker } from "./notices.js";
import { go, startRouter } from "./router.js";
import { startSession } from "./session.js";
import { state, subscribe, update } from "./state.js";
import { toastError } from "./ui/toast.js";
import { loadWords } from "./words.js";

const SIGNED_OUT = ["sign-in", "sign-up", "forgot"];

/** @param {Route} route */
function entered({ view, id }) {
  if (state.user && SIGNED_OUT.includes(view)) go("all");
  if (view === "settings") load("settings").then((area) => area?.openSettings(id));
}

await loadWords();
const app = /** @type {HTMLElement} */ (document.getElementById("app"));
subscribe(() => void render(layout(state), app));
startRouter(entered);
bindListKeys();
bind("c", "assistant", toggleAssistant);
startKeys();
startNotices();
setInterval(() => update((s) => (s.now = new Date())), 60_000);
startSession().catch(toastError);
addEventListener("load", startWorker);
