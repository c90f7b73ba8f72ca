// The frame of the page: sidebar, the open view, the assistant, messages.
import { html } from "./vendor/lit-html/lit-html.js";
import { area } from "./areas.js";
import { list } from "./list/list.js";
import { sidebar } from "./sidebar/sidebar.js";
import { update } from "./state.js";
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
  <div class="app ${state.ui.assistant ? "has-assistant" : ""} ${state.menu ? "has-menu" : ""}">
    <header class="topbar">
      <button class="icon-button" aria-label=${t("menu")} aria-expanded=${state.menu} @click=${toggleMenu}>
        ${icon("menu")}
      </button>
    </header>
    <nav class="sidebar" aria-label=${t("lists")}>${sidebar(state)}</nav>
    <main id="main" tabindex="-1">${state.route.view === "settings" ? area("settings")?.settingsView(state) : list(state)}</main>
    ${
      state.ui.assistant
        ? html`<aside class="assistant" aria-label=${t("assistant")}>${area("assistant")?.assistantPanel(state)}</aside>`
        : ""
    }
  </div>
  ${toasts(state)}
`;

/** @param {Event} event */
function skip(event) {
  // The fragment names the view, so a link to #main would leave it.
  event.preventDefault();
  document.getElementById("main")?.focus();
}

const toggleMenu = () => update((s) => (s.menu = !s.menu));
