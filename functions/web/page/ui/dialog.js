// Dialogs on the native <dialog>: the browser keeps the focus inside, closes on Escape and gives the focus back.
import { html, render } from "../vendor/lit-html/lit-html.js";
import { subscribe } from "../state.js";
import { t } from "../words.js";
import { iconButton } from "./icons.js";

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
