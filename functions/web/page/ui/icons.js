// Icons, and menus at buttons. Icons are the symbols of index.html, so they cost no request and follow the color of the
// text. Menus are native popovers: the browser closes them on Escape and on a click elsewhere.
import { html, nothing, render } from "../vendor/lit-html/lit-html.js";
import { t } from "../words.js";

/** @param {string} name */
export const icon = (name) => html`<svg class="icon" aria-hidden="true"><use href=${`#i-${name}`}></use></svg>`;

/** A button that shows only an icon. @param {string} name @param {string} label for screen readers
 * @param {(event: any) => void} act @param {{look?: string, isOpen?: boolean, hasMenu?: boolean}} [options] */
export const iconButton = (name, label, act, { look = "", isOpen, hasMenu } = {}) => html`
  <button type="button" class="icon-button ${look}" aria-label=${label} aria-expanded=${isOpen ?? nothing}
    aria-haspopup=${hasMenu ? "menu" : nothing} @click=${act}>${icon(name)}</button>
`;

/** Opens a menu. An item has the name of its icon, which is the key of its text too, and what it does.
 * @param {HTMLElement} button @param {([string, () => void] | false)[]} items */
export function openMenu(button, items) {
  const menu = document.createElement("div");
  Object.assign(menu, { popover: "auto", className: "menu", role: "menu", ariaLabel: button.ariaLabel });
  const choose = (act) => {
    menu.hidePopover();
    button.focus();
    act();
  };
  const views = items.map(
    (item) =>
      item &&
      html`<button role="menuitem" tabindex="-1" class=${item[0]} @click=${() => choose(item[1])}>${icon(item[0])} ${t(item[0])}</button>`,
  );
  render(views.filter(Boolean), menu);
  // Beside the row of the button, so that the keys of todos do not act; and in a landmark.
  document.getElementById("main")?.append(menu);
  menu.showPopover();
  const { right, top, bottom } = button.getBoundingClientRect();
  const { offsetWidth, offsetHeight } = menu;
  menu.style.left = `${Math.max(8, right - offsetWidth)}px`;
  menu.style.top = `${bottom + offsetHeight > innerHeight ? Math.max(8, top - offsetHeight) : bottom}px`;
  const buttons = [...menu.querySelectorAll("button")];
  buttons[0].focus();
  menu.onkeydown = (event) => {
    const at = buttons.indexOf(/** @type {any} */ (document.activeElement));
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (event.key === "Tab") menu.hidePopover();
    if (next === undefined) return;
    event.preventDefault();
    buttons.at(next % buttons.length)?.focus();
  };
  menu.addEventListener("toggle", (event) => event.newState === "closed" && menu.remove());
}
