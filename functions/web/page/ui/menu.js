// A menu at a button, on the native popover: the browser closes it on Escape and on a click elsewhere.
import { html, render } from "../vendor/lit-html/lit-html.js";
import { icon } from "./icons.js";

/** @typedef {{icon: string, text: string, act: () => void, isDanger?: boolean}} MenuItem */

/** @param {HTMLElement} button @param {(MenuItem | false | undefined)[]} items */
export function openMenu(button, items) {
  const menu = document.createElement("div");
  menu.popover = "auto";
  menu.className = "menu";
  menu.setAttribute("role", "menu");
  menu.setAttribute("aria-label", button.getAttribute("aria-label") ?? "");
  const shown = items.filter((item) => !!item);
  render(
    shown.map(
      (item) => html`
        <button role="menuitem" tabindex="-1" class=${item.isDanger ? "danger" : ""} @click=${() => choose(item)}>
          ${icon(item.icon)} ${item.text}
        </button>
      `,
    ),
    menu,
  );
  /** @param {MenuItem} item */
  function choose(item) {
    menu.hidePopover();
    button.focus();
    item.act();
  }
  document.body.append(menu);
  menu.showPopover();
  place(menu, button);
  button.setAttribute("aria-expanded", "true");
  const buttons = [...menu.querySelectorAll("button")];
  buttons[0].focus();
  menu.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1, Home: -buttons.length, End: buttons.length }[event.key];
    if (event.key === "Tab") menu.hidePopover();
    if (!step) return;
    event.preventDefault();
    const at = buttons.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement)) + step;
    const length = buttons.length;
    buttons[Math.abs(step) === length ? (step < 0 ? 0 : length - 1) : (at + length) % length].focus();
  });
  menu.addEventListener("toggle", (event) => {
    if (/** @type {ToggleEvent} */ (event).newState !== "closed") return;
    button.setAttribute("aria-expanded", "false");
    menu.remove();
  });
}

/** @param {HTMLElement} menu @param {HTMLElement} button */
function place(menu, button) {
  const at = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  menu.style.left = `${Math.max(8, Math.min(at.right - width, innerWidth - width - 8))}px`;
  menu.style.top = `${at.bottom + height + 8 > innerHeight ? Math.max(8, at.top - height - 4) : at.bottom + 4}px`;
}
