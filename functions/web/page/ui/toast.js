// Short messages at the bottom, texts for screen readers, and errors in words.
import { html } from "../vendor/lit-html/lit-html.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";
import { NetworkError } from "../api/client.js";
import { state, update } from "../state.js";
import { has, t } from "../words.js";
import { iconButton } from "./icons.js";

const SECONDS = 8;

/** Shows a message. With `undo`, it has a button that calls it.
 * @param {string} text @param {{undo?: () => void, isError?: boolean}} [options] */
export function toast(text, { undo, isError = false } = {}) {
  const shown = { text, undo, isError };
  update((s) => (s.toasts = [...s.toasts.slice(-1), shown]));
  expire(shown);
}

/** @param {unknown} error */
export const toastError = (error) => toast(errorText(error), { isError: true });

/** Waits while the pointer or the focus is on the messages, so that they can be read and used (WCAG 2.2.1). */
function expire(shown, seconds = SECONDS) {
  setTimeout(() => {
    if (document.querySelector(".toasts:is(:hover, :focus-within)")) expire(shown, 1);
    else dismiss(shown);
  }, seconds * 1000);
}

const dismiss = (shown) => update((s) => (s.toasts = s.toasts.filter((each) => each !== shown)));

/** Undoes what a message offers to undo: by default the newest one. @param {Toast} [shown] */
export function undo(shown = state.toasts.findLast((each) => each.undo)) {
  if (!shown) return;
  dismiss(shown);
  shown.undo?.();
}

/** @param {State} state */
export const toasts = ({ toasts }) => html`
  <div class="toasts" role="status">
    ${repeat(
      toasts,
      (shown) => shown,
      (shown) => html`
        <div class="toast ${shown.isError ? "is-error" : ""}">
          <span>${shown.text}</span>
          ${shown.undo ? html`<button class="link" @click=${() => undo(shown)}>${t("undo")}</button>` : ""}
          ${iconButton("close", t("dismiss"), () => dismiss(shown))}
        </div>
      `,
    )}
  </div>
`;

/** Reads texts to users of screen readers, where no visible text says them. */
const region = document.createElement("div");
region.className = "visually-hidden";
region.setAttribute("role", "status");
document.body.append(region);

/** @param {string} text */
export function announce(text) {
  region.textContent = "";
  // A region that gets the same text again is not read: it must be empty in between.
  setTimeout(() => (region.textContent = text), 50);
}

/** @param {any} error */
export function errorText(error) {
  const key = `error.${error instanceof NetworkError ? "offline" : error?.code}`;
  if (has(key)) return t(key, { n: error.retryAfter || 1 });
  return error?.detail ?? t("error.unexpected");
}
