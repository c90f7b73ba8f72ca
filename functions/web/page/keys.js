// Keys of the page. They work outside of text fields; those of a todo while its row has the focus.
import { html } from "./vendor/lit-html/lit-html.js";
import { toggleAssistant } from "./layout.js";
import { indent, move, outdent } from "./list/moves.js";
import { complete, edit, remove } from "./list/row.js";
import { focusedRow, isSortable, moveFocus } from "./list/rows.js";
import { go } from "./router.js";
import { newProject } from "./sidebar/sidebar.js";
import { state } from "./state.js";
import { openDialog } from "./ui/dialog.js";
import { undo } from "./ui/toast.js";
import { t } from "./words.js";

/** @type {{keys: string, text: string, act: () => unknown}[]} */
const bindings = [];

/** Adds a key with its description. `act` returns false where the key has nothing to do. */
const bind = (keys, text, act) => bindings.push({ keys, text, act });

/** @param {any} event */
export function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.defaultPrevented) return;
  if (event.target.closest("input:not([type=checkbox]), textarea, select, dialog")) return;
  const binding = bindings.find((each) => each.keys === `${event.altKey ? "Alt+" : ""}${event.key}`);
  if (!binding) return;
  if (binding.act() !== false) event.preventDefault();
}

export const showKeys = () =>
  openDialog(
    t("keys.title"),
    () => html`
      <dl class="keys">
        ${bindings.map(({ keys, text }) => html`<div><dt><kbd>${keys}</kbd></dt><dd>${t(`keys.${text}`)}</dd></div>`)}
      </dl>
    `,
  );

const onRow = (act) => () => {
  const todo = state.todos.get(focusedRow() ?? "");
  return !!todo && !todo.deleted_at && act(todo);
};

const onSortable = (act) => onRow((todo) => isSortable() && act(todo));

const focus = (id) => document.getElementById(id)?.focus();

bind("z", "undo", () => undo());
bind("a", "add", () => focus("quick-add"));
bind("/", "search", () => focus("search"));
bind("j", "next", () => moveFocus(1));
bind("k", "previous", () => moveFocus(-1));
bind("e", "edit", onRow((todo) => edit(todo)));
bind("x", "complete", onRow(complete));
bind("Delete", "delete", onRow(remove));
bind("Alt+ArrowUp", "up", onSortable((todo) => move(todo, -1)));
bind("Alt+ArrowDown", "down", onSortable((todo) => move(todo, 1)));
bind("Alt+ArrowRight", "indent", onSortable(indent));
bind("Alt+ArrowLeft", "outdent", onSortable(outdent));
bind("p", "project", newProject);
bind("1", "today", () => go("today"));
bind("2", "upcoming", () => go("upcoming"));
bind("3", "all", () => go("all"));
bind("c", "assistant", toggleAssistant);
bind("?", "show", showKeys);
