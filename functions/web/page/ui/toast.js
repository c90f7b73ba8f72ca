// Short messages at the bottom. They are announced by a live region; an undo also has a key (see keys.js).
import { html } from "../vendor/lit-html/lit-html.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";
import { state, update } from "../state.js";
import { t } from "../words.js";
import { icon } from "./icons.js";

const SECONDS = 8;
let last = 0;

/** Shows a message. With `undo`, it has a button that calls it.
 * @param {string} text @param {{undo?: () => void, isError?: boolean}} [options] */
export function toast(text, { undo, isError = false } = {}) {
  const shown = { id: ++last, text, undo, isError };
  update((s) => (s.toasts = [...s.toasts.slice(-1), shown]));
  setTimeout(() => expire(shown), SECONDS * 1000);
}

/** @param {unknown} error */
export function toastError(error) {
  toast(error instanceof Error ? error.message : String(error), { isError: true });
}

/** Waits while the pointer or the focus is on the message, so that it can be read and used (WCAG 2.2.1).
 * @param {Toast} shown */
function expire(shown) {
  if (document.querySelector(".toasts:is(:hover, :focus-within)")) setTimeout(() => expire(shown), 1000);
  else dismiss(shown);
}

/** @param {Toast} shown */
export function dismiss(shown) {
  update((s) => (s.toasts = s.toasts.filter((each) => each !== shown)));
}

/** Undoes what the newest message offers to undo. */
export function undoLast() {
  const shown = state.toasts.findLast((each) => each.undo);
  if (shown) use(shown);
}

/** @param {Toast} shown */
function use(shown) {
  dismiss(shown);
  shown.undo?.();
}

/** @param {State} state */
export const toasts = (state) => html`
  <div class="toasts" role="status">
    ${repeat(
      state.toasts,
      (shown) => shown.id,
      (shown) => html`
        <div class="toast ${shown.isError ? "is-error" : ""}">
          <span>${shown.text}</span>
          ${shown.undo ? html`<button class="link" @click=${() => use(shown)}>${t("undo")}</button>` : ""}
          <button class="icon-button" aria-label=${t("dismiss")} @click=${() => dismiss(shown)}>${icon("close")}</button>
        </div>
      `,
    )}
  </div>
`;
