// Parts of the page that are loaded when they are needed first.
import { update } from "./state.js";
import { toast } from "./ui/toast.js";
import { t } from "./words.js";

const LOADERS = {
  account: () => import("./account/account.js"),
  settings: () => import("./settings/settings.js"),
  assistant: () => import("./assistant/assistant.js"),
};

/** @type {Record<string, any>} */
const loaded = {};

/** Returns the module of an area, or null while it is loading; the page is rendered again then.
 * @param {keyof typeof LOADERS} name @returns {any} */
export function area(name) {
  if (!(name in loaded)) {
    loaded[name] = null;
    void load(name);
  }
  return loaded[name];
}

/** @param {keyof typeof LOADERS} name @returns {Promise<any>} */
export async function load(name) {
  try {
    loaded[name] = await LOADERS[name]();
    update();
  } catch {
    toast(t("not_loaded"), { isError: true });
  }
  return loaded[name];
}
