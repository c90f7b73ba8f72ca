// Dialogs and menus on <dialog> and popovers: the browser keeps the focus inside of a dialog, and closes both on Escape.
import { html, render } from "../vendor/lit-html/lit-html.js";
import { subscribe } from "../state.js";
import { t } from "../words.js";
import { icon, iconButton } from "./icons.js";

/** @type {Set<() => void>} */
const open = new Set();
subscribe(() => open.forEach((draw) => draw()));

/** Opens a dialog that is rendered with the page. Resolves with what `close` gets, or undefined after Escape.
 * @param {string} title @param {(close: (result?: any) => void) => unknown} view the content below the title
 * @param {string} [look] @returns {Promise<any>} */
export function openDialog(title, view, look = "") {
  const dialog = document.createElement("dialog");
  dialog.className = look;
  dialog.setAttribute("aria-labelledby", "dialog-title");
  let answer;
  const close = (result) => {
    answer = result;
    dialog.close();
  };
  const draw = () => {
    const heading = html`<h2 id="dialog-title">${title}</h2>`;
    render(html`<header>${heading}${iconButton("close", t("close"), () => close())}</header>${view(close)}`, dialog);
  };
  draw();
  open.add(draw);
  document.body.append(dialog);
  dialog.showModal();
  // The content fills the dialog, so a click on the dialog itself is one on its backdrop.
  dialog.addEventListener("click", (event) => event.target === dialog && close());
  /** @type {HTMLElement | null} */ (dialog.querySelector("[autofocus]"))?.focus();
  return new Promise((resolve) =>
    dialog.addEventListener("close", () => {
      open.delete(draw);
      dialog.remove();
      resolve(answer);
    }),
  );
}

/** Asks a question. Resolves with true if the user chose the action. @param {string} title @param {string} text
 * @param {string} action @param {{isDanger?: boolean}} [options] @returns {Promise<boolean>} */
export const askBefore = async (title, text, action, { isDanger = false } = {}) =>
  !!(await openDialog(
    title,
    (close) => html`
      <p>${text}</p>
      <footer>
        <button class="button" @click=${() => close()}>${t("cancel")}</button>
        <button class="button primary ${isDanger ? "danger" : ""}" @click=${() => close(true)}>${action}</button>
      </footer>
    `,
  ));

/** Asks for a name. Resolves with it, or with undefined. @param {string} title @param {string} action
 * @param {string} [value] @returns {Promise<string | undefined>} */
export const askName = (title, action, value = "") =>
  openDialog(title, (close) => {
    const submit = (event) => {
      event.preventDefault();
      close(event.target.elements.name.value.trim());
    };
    return html`
      <form class="stack" @submit=${submit}>
        <div class="field">
          <label for="dialog-name">${t("field.name")}</label>
          <input class="input" id="dialog-name" name="name" required maxlength="100" autocomplete="off" autofocus .defaultValue=${value} />
        </div>
        <div class="actions end">
          <button class="button" type="button" @click=${() => close()}>${t("cancel")}</button>
          <button class="button primary">${action}</button>
        </div>
      </form>
    `;
  });

/** Opens a menu. An item has the name of its icon and of its text, and what it does.
 * @param {HTMLElement} button @param {any[]} items */
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
