// Links to the lists, projects and tags, with the number of their open todos.
import { html } from "../vendor/lit-html/lit-html.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";
import { newProject, projects } from "../list/projects.js";
import { countTags } from "../list/tags.js";
import { href } from "../router.js";
import { state } from "../state.js";
import { dueOf, today } from "../ui/dates.js";
import { icon } from "../ui/icons.js";
import { t } from "../words.js";

/** @type {Map<string, number>} */
let counts = new Map();
let computed = "";

/** Counts the open todos of each project, of today, and all. */
function count() {
  const key = state.revision + today();
  if (key === computed) return;
  computed = key;
  counts = new Map();
  const add = (/** @type {string} */ name) => counts.set(name, (counts.get(name) ?? 0) + 1);
  for (const todo of state.todos.values()) {
    if (todo.deleted_at || todo.completed) continue;
    add("all");
    add(todo.project_id ?? "");
    if (dueOf(todo) && dueOf(todo).slice(0, 10) <= today()) add("today");
  }
}

/** @param {string} symbol @param {string} text @param {string} view @param {string} [id] @param {number} [n] */
const link = (symbol, text, view, id = "", n = 0) => html`
  <li>
    <a href=${href(view, id)} aria-current=${state.route.view === view && (!id || state.route.id === id) ? "page" : "false"}>
      ${icon(symbol)}<span>${text}</span>${n ? html`<small>${n}</small>` : ""}
    </a>
  </li>
`;

/** @param {Project} project */
const projectLink = (project) => link("project", project.name, "project", project.id, counts.get(project.id));

export function sidebar() {
  count();
  const archived = projects(true);
  const tags = countTags();
  return html`
    <ul>
      ${["today", "upcoming", "all", "completed", "trash"].map((view) => link(view, t(`view.${view}`), view, "", counts.get(view)))}
    </ul>
    <div class="side-heading">
      <h2>${t("projects")}</h2>
      <button class="icon-button" aria-label=${t("new_project")} @click=${newProject}>${icon("add")}</button>
    </div>
    <ul>${repeat(projects(), ({ id }) => id, projectLink)}</ul>
    ${archived.length ? html`<details><summary>${t("archived")}</summary><ul>${archived.map(projectLink)}</ul></details>` : ""}
    ${
      tags.length
        ? html`
            <div class="side-heading"><h2>${t("tags")}</h2></div>
            <ul>${tags.map(({ name, count: n }) => link("tag", name, "tag", name, n))}</ul>
          `
        : ""
    }
    <ul class="side-end">${link("settings", t("view.settings"), "settings")}</ul>
  `;
}
