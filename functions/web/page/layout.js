// The frame of the page: sidebar, the open view, the assistant, messages.
import { html } from "./vendor/lit-html/lit-html.js";
import { area, run } from "./areas.js";
import { list } from "./list/list.js";
import { go, setParams } from "./router.js";
import { sidebar } from "./sidebar/sidebar.js";
import { state, update } from "./state.js";
import { icon, iconButton } from "./ui/icons.js";
import { toasts } from "./ui/toast.js";
import { t } from "./words.js";

/** @param {State} state */
export const layout = (state) => (state.user ? signedIn(state) : signedOut(state));

const signedOut = (state) => html`
  <main class="account">${area("account")?.accountView(state)}</main>
  ${toasts(state)}
`;

const signedIn = (state) => html`
  <a class="skip" href="#main" @click=${skip}>${t("skip_link")}</a>
  <div class="app ${state.menu ? "has-menu" : ""}">
    <header class="topbar">
      ${iconButton("menu", t("menu"), toggleMenu, { look: "menu-button", isOpen: state.menu })}
      <div class="search">
        ${icon("search")}
        <input id="search" type="search" aria-label=${t("search")} placeholder=${t("search")} autocomplete="off" maxlength="200"
          .value=${state.route.params.q ?? ""} @input=${search} @keydown=${leaveSearch} />
      </div>
      <div class="status" role="status">
        ${state.online ? "" : html`${icon("offline")} <span>${t("offline")}</span>`}
        ${state.waiting && !state.online ? html`<span>${t("waiting", { n: state.waiting })}</span>` : ""}
      </div>
      ${iconButton("assistant", t("assistant"), toggleAssistant, { isOpen: !!state.ui.assistant })}
    </header>
    <nav class="sidebar" aria-label=${t("lists")} @click=${leaveMenu} @keydown=${leaveMenu}>${sidebar()}</nav>
    <div class="shade" @click=${toggleMenu}></div>
    <main id="main" tabindex="-1">${state.route.view === "settings" ? area("settings")?.settingsView(state) : list(state)}</main>
    ${state.ui.assistant ? html`<aside class="assistant" aria-label=${t("assistant")}>${area("assistant")?.assistantPanel(state)}</aside>` : ""}
  </div>
  ${toasts(state)}
`;

function search({ target: { value: q } }) {
  if (state.route.view === "search") setParams({ q });
  else go("search", "", { q });
}

function leaveSearch(event) {
  if (event.key !== "Escape" || state.route.view !== "search") return;
  event.preventDefault();
  history.back();
}

export function toggleAssistant() {
  update(({ ui }) => (ui.assistant = !ui.assistant));
  if (state.ui.assistant) void run("assistant", "openAssistant");
}

function skip(event) {
  // The fragment names the view, so a link to #main would leave it.
  event.preventDefault();
  document.getElementById("main")?.focus();
}

/** The menu of a phone closes on Escape, and the focus follows a link into its list. */
function leaveMenu(event) {
  const isLeft = event.key === "Escape" || (event.type === "click" && event.target.closest("a"));
  if (state.menu && isLeft) update((s) => (s.menu = false));
  if (isLeft) document.getElementById("main")?.focus();
}

const toggleMenu = () => update((s) => (s.menu = !s.menu));
