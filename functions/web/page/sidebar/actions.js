// What one can do with projects and tags.
import { request } from "../api/client.js";
import { go } from "../router.js";
import { addProject, changeProject, deleteProject } from "../sync/edits.js";
import { state } from "../state.js";
import { between } from "../sync/tree.js";
import { askBefore, askName, openMenu } from "../ui/dialog.js";
import { toast, toastError } from "../ui/toast.js";
import { t } from "../words.js";
import { projects } from "./sidebar.js";

export async function newProject() {
  const name = await askName(t("new_project"), t("create"));
  if (name) go("project", addProject({ name }));
}

/** Opens the menu of the list of a project or a tag. @param {HTMLElement} button @param {Route} route */
export function openActions(button, { view, id }) {
  const project = state.projects.get(id);
  openMenu(button, view === "project" && project ? projectActions(project) : tagActions(id));
}

const projectActions = (project) => [
  ["rename", () => rename(project)],
  ["up", () => move(project, -1)],
  ["down", () => move(project, 1)],
  [project.archived ? "unarchive" : "archive", () => changeProject(project, { archived: !project.archived })],
  ["delete", () => remove(project)],
];

async function rename(project) {
  const name = await askName(t("rename"), t("save"), project.name);
  if (name) changeProject(project, { name });
}

async function remove(project) {
  const isSure = await askBefore(t("delete_project", project), t("delete_project_text"), t("delete"), { isDanger: true });
  if (!isSure) return;
  deleteProject(project);
  go("all");
}

function move(project, step) {
  const all = projects(project.archived);
  const index = all.findIndex(({ id }) => id === project.id) + step;
  if (all[index]) changeProject(project, { order: between(all.filter(({ id }) => id !== project.id), index) });
}

// Renaming or deleting a tag changes many todos at once, so it needs the service.

const tagActions = (tag) => [
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
