// Tags, counted from the open todos. Renaming or deleting one changes many todos at once, so it needs the service.
import { request } from "../api/client.js";
import { go } from "../router.js";
import { state } from "../state.js";
import { askBefore, askName } from "../ui/dialog.js";
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
  const found = new Map();
  for (const { tags, completed, deleted_at } of state.todos.values()) {
    for (const name of completed || deleted_at ? [] : tags) {
      const tag = found.get(fold(name)) ?? { name, count: 0 };
      tag.count++;
      found.set(fold(name), tag);
    }
  }
  return (tags = [...found.values()].sort((a, b) => a.name.localeCompare(b.name)));
}

/** @param {string} tag @returns {[string, () => void][]} */
export const tagActions = (tag) => [
  ["rename", () => renameTag(tag)],
  ["delete", () => deleteTag(tag)],
];

async function renameTag(tag) {
  const name = await askName(t("rename"), t("save"), tag);
  if (name && name !== tag) await change("PATCH", tag, { name }).then(() => go("tag", name), toastError);
}

async function deleteTag(tag) {
  const isSure = await askBefore(t("delete_tag", { tag }), t("delete_tag_text"), t("delete"), { isDanger: true });
  if (isSure) await change("DELETE", tag).then(() => go("all"), toastError);
}

async function change(method, tag, body) {
  const { changed, turn_id } = await request(method, `tags/${encodeURIComponent(tag)}`, { body });
  const undo = () => request("POST", `tags/changes/${turn_id}/undo`).then(() => go("tag", tag), toastError);
  toast(t("done.tag", { n: changed }), { undo });
}
