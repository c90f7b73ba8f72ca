// Parts of the page that are loaded when they are needed first.
import { update } from "./state.js";
import { toast } from "./ui/toast.js";
import { t } from "./words.js";

const LOADERS = {
  account: () => import("./account/account.js"),
  settings: () => import("./settings/settings.js"),
  assistant: () => import("./assistant/assistant.js"),
  editor: () => import("./list/editor.js"),
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
  if (!(name in loaded)) void load(name);
  return loaded[name];
}

/** @param {keyof typeof LOADERS} name @returns {Promise<any>} */
export async function load(name) {
  loaded[name] ??= undefined;
  const module = await LOADERS[name]().catch(() => toast(t("not_loaded"), { isError: true }));
  update(() => (loaded[name] = module));
  return module;
}
