// Tags, counted from the open todos. Renaming and deleting one changes many todos at once, so it needs the service.
import { request } from "../api/client.js";
import { go } from "../router.js";
import { state } from "../state.js";
import { askBefore, askText } from "../ui/dialog.js";
import { toast, toastError } from "../ui/toast.js";
import { t } from "../words.js";
import { fold } from "./select.js";

/** @type {{name: string, count: number}[]} */
let tags = [];
let computed = -1;

/** Returns the tags by name, with the number of open todos that have them. */
export function countTags() {
  if (computed === state.revision) return tags;
  computed = state.revision;
  /** @type {Map<string, {name: string, count: number}>} */
  const found = new Map();
  for (const todo of state.todos.values()) {
    for (const name of todo.deleted_at || todo.completed ? [] : todo.tags) {
      const tag = found.get(fold(name)) ?? { name, count: 0 };
      tag.count++;
      found.set(fold(name), tag);
    }
  }
  return (tags = [...found.values()].sort((a, b) => a.name.localeCompare(b.name)));
}

/** @param {string} tag */
export async function renameTag(tag) {
  const name = await askText(t("rename"), t("field.name"), tag);
  if (name && name !== tag) await change("PATCH", tag, { name }, name);
}

/** @param {string} tag */
export async function deleteTag(tag) {
  if (await askBefore(t("delete_tag", { tag }), t("delete_tag_text"), t("delete"), { isDanger: true })) await change("DELETE", tag);
}

/** @param {string} method @param {string} tag @param {object} [body] @param {string} [name] */
async function change(method, tag, body, name) {
  try {
    const { changed, turn_id } = await request(method, `tags/${encodeURIComponent(tag)}`, { body });
    const undo = () => void request("POST", `tags/changes/${turn_id}/undo`).then(() => go("tag", tag), toastError);
    toast(t("done.tag", { n: changed }), { undo });
    go(name ? "tag" : "all", name);
  } catch (error) {
    toastError(error);
  }
}
