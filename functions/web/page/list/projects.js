// What one can do with a project, for its menu.
import { go } from "../router.js";
import { state } from "../state.js";
import { addProject, changeProject, deleteProject } from "../sync/edits.js";
import { byOrder } from "../sync/tree.js";
import { askBefore, askText } from "../ui/dialog.js";
import { t } from "../words.js";

/** @returns {Project[]} */
export const projects = (isArchived = false) => [...state.projects.values()].filter((each) => each.archived === isArchived).sort(byOrder);

export async function newProject() {
  const name = await askText(t("new_project"), t("field.name"), "", t("create"));
  if (name) go("project", addProject({ name }));
}

/** @param {Project} project @returns {Parameters<typeof import("../ui/menu.js").openMenu>[1]} */
export const projectActions = (project) => [
  { icon: "edit", text: t("rename"), act: () => rename(project) },
  { icon: "up", text: t("move_up"), act: () => move(project, -1) },
  { icon: "down", text: t("move_down"), act: () => move(project, 1) },
  { icon: "archive", text: t(project.archived ? "unarchive" : "archive"), act: () => changeProject(project, { archived: !project.archived }) },
  { icon: "trash", text: t("delete"), act: () => remove(project), isDanger: true },
];

/** @param {Project} project */
async function rename(project) {
  const name = await askText(t("rename"), t("field.name"), project.name);
  if (name) changeProject(project, { name });
}

/** @param {Project} project */
async function remove(project) {
  if (!(await askBefore(t("delete_project", project), t("delete_project_text"), t("delete"), { isDanger: true }))) return;
  deleteProject(project);
  go("all");
}

/** @param {Project} project @param {number} step */
function move(project, step) {
  const others = projects().filter((each) => each.id !== project.id);
  const at = projects().indexOf(project) + step;
  const [before, after] = [others[at - 1], others[at]];
  if (before || after) changeProject(project, { order: before && after ? (before.order + after.order) / 2 : before ? before.order + 1 : after.order - 1 });
}
