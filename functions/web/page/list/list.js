// The open list.
import { html } from "../vendor/lit-html/lit-html.js";
import { t } from "../words.js";

/** @param {State} state */
export const list = (state) => html`<h1>${t(`view.${state.route.view}`)}</h1>`;
