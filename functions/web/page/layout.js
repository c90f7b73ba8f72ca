// The frame of the page: sidebar, the open view, the assistant, messages.
import { html } from "./vendor/lit-html/lit-html.js";
import { live } from "./vendor/lit-html/directives/live.js";
import { area, load } from "./areas.js";
import { list } from "./list/list.js";
import { go, setParams } from "./router.js";
import { sidebar } from "./sidebar/sidebar.js";
import { state, update } from "./state.js";
import { icon } from "./ui/icons.js";
import { toasts } from "./ui/toast.js";
import { t } from "./words.js";

/** @param {State} state */
export function layout(state) {
  if (!state.ready) return "";
  return state.user ? signedIn(state) : signedOut(state);
}

/** @param {State} state */
const signedOut = (state) => html`
  <main class="account">${area("account")?.accountView(state)}</main>
  ${toasts(state)}
`;

/** @param {State} state */
const signedIn = (state) => html`
  <a class="skip" href="#main" @click=${skip}>${t("skip")}</a>
  <div class="app ${state.menu ? "has-menu" : ""}">
    <header class="topbar">
      <button class="icon-button menu-button" aria-label=${t("menu")} aria-expanded=${state.menu} @click=${toggleMenu}>${icon("menu")}</button>
      <div class="search">
        ${icon("search")}
        <input id="search" type="search" aria-label=${t("search")} placeholder=${t("search")} autocomplete="off" maxlength="200"
          .value=${live(state.route.params.q ?? "")} @input=${search} @keydown=${leaveSearch} />
      </div>
      <div class="status" role="status">
        ${state.online ? "" : html`${icon("offline")} <span>${t("offline")}</span>`}
        ${state.waiting && !state.online ? html`<span>${t("waiting", { n: state.waiting })}</span>` : ""}
      </div>
      <button class="icon-button" aria-label=${t("assistant")} aria-expanded=${!!state.ui.assistant} @click=${toggleAssistant}>${icon("assistant")}</button>
    </header>
    <nav class="sidebar" aria-label=${t("lists")}>${sidebar()}</nav>
    <div class="shade" @click=${toggleMenu}></div>
    <main id="main" tabindex="-1">${state.route.view === "settings" ? area("settings")?.settingsView(state) : list(state)}</main>
    ${state.ui.assistant ? html`<aside class="assistant" aria-label=${t("assistant")}>${area("assistant")?.assistantPanel(state)}</aside>` : ""}
  </div>
  ${toasts(state)}
`;

/** @param {Event} event */
function search(event) {
  const q = /** @type {HTMLInputElement} */ (event.target).value;
  if (state.route.view === "search") setParams({ q });
  else go("search", "", { q });
}

/** @param {KeyboardEvent} event */
function leaveSearch(event) {
  if (event.key !== "Escape" || state.route.view !== "search") return;
  event.preventDefault();
  history.back();
}

export function toggleAssistant() {
  update(({ ui }) => (ui.assistant = !ui.assistant));
  if (state.ui.assistant) load("assistant").then((assistant) => assistant?.openAssistant());
}

/** @param {Event} event */
function skip(event) {
  // The fragment names the view, so a link to #main would leave it.
  event.preventDefault();
  document.getElementById("main")?.focus();
}

const toggleMenu = () => update((s) => (s.menu = !s.menu));
