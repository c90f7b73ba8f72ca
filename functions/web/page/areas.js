// Parts of the page that are loaded when they are needed first.
import { update } from "./state.js";
import { toast } from "./ui/toast.js";
import { t } from "./words.js";

const LOADERS = {
  account: () => import("./account/account.js"),
  settings: () => import("./settings/settings.js"),
  assistant: () => import("./assistant/assistant.js"),
  keys: () => import("./keys.js"),
  moves: () => import("./list/moves.js"),
  editor: () => import("./list/editor.js"),
  filters: () => import("./list/filters.js"),
  undo: () => import("./sync/undo.js"),
  conflicts: () => import("./list/conflicts.js"),
  actions: () => import("./sidebar/actions.js"),
  dialog: () => import("./ui/dialog.js"),
  qr: () => import("./vendor/lean-qr/lean-qr.js"),
};

/** @type {Record<string, any>} */
const loaded = {};

/** Returns the module of an area once it is loaded; the page is rendered again then.
 * @param {keyof typeof LOADERS} name */
export function area(name) {
  if (!(name in loaded)) void run(name, "");
  return loaded[name];
}

/** Calls a function of an area once it is loaded. @param {keyof typeof LOADERS} name @param {string} act
 * @param {any[]} values @returns {Promise<any>} */
export async function run(name, act, ...values) {
  loaded[name] ??= undefined;
  const module = await LOADERS[name]().catch(() => toast(t("not_loaded"), { isError: true }));
  update(() => (loaded[name] = module));
  return module?.[act]?.(...values);
}
