// What one can do with projects.
import { go } from "../router.js";
import { state } from "../state.js";
import { addProject, changeProject, deleteProject } from "../sync/edits.js";
import { between, byOrder } from "../sync/tree.js";
import { askBefore, askName } from "../ui/dialog.js";
import { t } from "../words.js";

/** @returns {Project[]} */
export const projects = (isArchived = false) =>
  [...state.projects.values()].filter((each) => each.archived === isArchived).sort(byOrder);

export async function newProject() {
  const name = await askName(t("new_project"), t("create"));
  if (name) go("project", addProject({ name }));
}

/** The menu of a project. @param {Project} project @returns {[string, () => void][]} */
export const projectActions = (project) => [
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
