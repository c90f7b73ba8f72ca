// Messages about what the service or another device did.
import { state } from "./state.js";
import { listeners } from "./sync/tabs.js";
import { dueWords } from "./ui/dates.js";
import { toast } from "./ui/toast.js";
import { t } from "./words.js";

export function startNotices() {
  listeners.push(({ done, changes = [], keep = [] }) => {
    if (done?.completion?.result === "moved") {
      const todo = keep.at(-1)?.[1];
      toast(t("done.recurred", { title: todo.title, due: dueWords(todo) }));
    }
    for (const { op, todo_id } of changes) {
      const todo = state.todos.get(todo_id ?? "");
      if (op === "reminder" && todo) toast(t("done.reminder", todo));
    }
  });
}

/** Keeps the files of the page for a reload without a network. */
export function startWorker() {
  const { trustedTypes } = /** @type {any} */ (window);
  const rules = { createScriptURL: (url) => url };
  const policy = trustedTypes?.createPolicy("service-worker", rules) ?? rules;
  const url = new URL("../../sw.js", import.meta.url).href;
  navigator.serviceWorker?.register(policy.createScriptURL(url)).catch(() => {}); // none in a private window
}
