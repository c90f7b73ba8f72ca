// Keys of the page. They are letters without modifiers, and work outside of text fields only.
import { html } from "./vendor/lit-html/lit-html.js";
import { openDialog } from "./ui/dialog.js";
import { undo } from "./ui/toast.js";
import { t } from "./words.js";

/** @type {{keys: string, text: string, act: () => unknown}[]} */
const bindings = [];

/** Adds a key. `text` is the key of its description in the list that `?` shows.
 * @param {string} keys as shown, for example `a` @param {string} text @param {() => unknown} act returns false where the key has nothing to do */
export function bind(keys, text, act) {
  bindings.push({ keys, text, act });
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.defaultPrevented) return;
  if (event.target.closest("input:not([type=checkbox]), textarea, select, dialog")) return;
  const binding = bindings.find((each) => each.keys === `${event.altKey ? "Alt+" : ""}${event.key}`);
  if (!binding) return;
  if (binding.act() !== false) event.preventDefault();
}

export function showKeys() {
  void openDialog(
    t("keys.title"),
    () => html`
      <dl class="keys">
        ${bindings.map(({ keys, text }) => html`<div><dt><kbd>${keys}</kbd></dt><dd>${t(`keys.${text}`)}</dd></div>`)}
      </dl>
    `,
  );
}

export function startKeys() {
  addEventListener("keydown", pressed);
  bind("z", "undo", () => undo());
  bind("?", "show", showKeys);
}
