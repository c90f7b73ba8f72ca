// Icons are the symbols of index.html, so they cost no request and follow the color of the text.
import { html, nothing } from "../vendor/lit-html/lit-html.js";

/** @param {string} name */
export const icon = (name) => html`<svg class="icon" aria-hidden="true"><use href=${`#i-${name}`}></use></svg>`;

/** A button that shows only an icon. @param {string} name @param {string} label for screen readers
 * @param {(event: any) => void} act @param {{look?: string, isOpen?: boolean, hasMenu?: boolean}} [options] */
export const iconButton = (name, label, act, { look = "", isOpen, hasMenu } = {}) => html`
  <button type="button" class="icon-button ${look}" aria-label=${label} aria-expanded=${isOpen ?? nothing}
    aria-haspopup=${hasMenu ? "menu" : nothing} @click=${act}>${icon(name)}</button>
`;
