// Dialogs on the native <dialog>: the browser keeps the focus inside, closes on Escape and gives the focus back.
import { html, render } from "../vendor/lit-html/lit-html.js";
import { subscribe } from "../state.js";
import { t } from "../words.js";
import { icon } from "./icons.js";

/** @type {Map<HTMLDialogElement, () => void>} */
const open = new Map();
subscribe(() => open.forEach((draw) => draw()));

/**
 * Opens a dialog and resolves with what `close` is given, or undefined after Escape. It is rendered with the page.
 * @param {string} title
 * @param {(close: (result?: any) => void) => unknown} view the content below the title
 * @param {string} [kind] a class for its look: `wide`
 * @returns {Promise<any>}
 */
export function openDialog(title, view, kind = "") {
  const dialog = document.createElement("dialog");
  dialog.className = kind;
  dialog.setAttribute("aria-labelledby", "dialog-title");
  /** @type {any} */
  let answer;
  /** @param {any} [result] */
  const close = (result) => {
    answer = result;
    dialog.close();
  };
  const draw = () =>
    void render(
      html`
        <header>
          <h2 id="dialog-title">${title}</h2>
          <button class="icon-button" aria-label=${t("close")} @click=${() => close()}>${icon("close")}</button>
        </header>
        ${view(close)}
      `,
      dialog,
    );
  draw();
  open.set(dialog, draw);
  document.body.append(dialog);
  dialog.showModal();
  // A click on the backdrop is one on the dialog itself: its content fills it.
  dialog.addEventListener("click", (event) => event.target === dialog && close());
  /** @type {HTMLElement | null} */ (dialog.querySelector("[autofocus]"))?.focus();
  return new Promise((resolve) =>
    dialog.addEventListener("close", () => {
      open.delete(dialog);
      dialog.remove();
      resolve(answer);
    }),
  );
}

/**
 * Asks a question. Resolves with true if the user chose the action.
 * @param {string} title @param {string} text @param {string} action @param {{isDanger?: boolean}} [options]
 * @returns {Promise<boolean>}
 */
export async function askBefore(title, text, action, { isDanger = false } = {}) {
  const result = await openDialog(
    title,
    (close) => html`
      <p>${text}</p>
      <footer>
        <button class="button" @click=${() => close(false)}>${t("cancel")}</button>
        <button class="button primary ${isDanger ? "danger" : ""}" @click=${() => close(true)}>${action}</button>
      </footer>
    `,
  );
  return result === true;
}

/**
 * Asks for a short text. Resolves with it, or with undefined.
 * @param {string} title @param {string} label @param {string} value @param {string} [action]
 * @returns {Promise<string | undefined>}
 */
export const askText = (title, label, value, action = t("save")) =>
  openDialog(
    title,
    (close) => html`
      <form
        class="stack"
        @submit=${(/** @type {SubmitEvent} */ event) => {
          event.preventDefault();
          close(/** @type {HTMLFormElement} */ (event.target).text.value.trim());
        }}
      >
        <div class="field">
          <label for="dialog-text">${label}</label>
          <input class="input" id="dialog-text" name="text" required maxlength="100" autocomplete="off" autofocus .defaultValue=${value} />
        </div>
        <div class="actions end">
          <button class="button" type="button" @click=${() => close()}>${t("cancel")}</button>
          <button class="button primary">${action}</button>
        </div>
      </form>
    `,
  );
