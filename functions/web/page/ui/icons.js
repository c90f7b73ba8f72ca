// Icons are the symbols of index.html, so they cost no request and follow the color of the text.
import { html } from "../vendor/lit-html/lit-html.js";

/** @param {string} name */
export const icon = (name) => html`<svg class="icon" aria-hidden="true"><use href=${`#i-${name}`}></use></svg>`;
