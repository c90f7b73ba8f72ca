// Links to the lists, projects and tags, with the numbers of their open todos.
import { html } from "../vendor/lit-html/lit-html.js";
import { newProject, projects } from "../list/projects.js";
import { countTags } from "../list/tags.js";
import { href } from "../router.js";
import { signOut } from "../session.js";
import { state } from "../state.js";
import { dueDay, today } from "../ui/dates.js";
import { icon, iconButton } from "../ui/icons.js";
import { t } from "../words.js";

/** @type {Map<string, number>} */
let counts = new Map();
let computed = "";

/** Counts the open todos of today, of all, and of each project. */
function count() {
  const key = state.revision + today();
  if (key === computed) return;
  computed = key;
  counts = new Map();
  const add = (name) => counts.set(name, (counts.get(name) ?? 0) + 1);
  for (const todo of state.todos.values()) {
    if (todo.deleted_at || todo.completed) continue;
    add("all");
    if (todo.project_id) add(todo.project_id);
    if (dueDay(todo) && dueDay(todo) <= today()) add("today");
  }
}

const link = (symbol, text, view, id = "", n = counts.get(id || view)) => html`
  <li>
    <a href=${href(view, id)} aria-current=${state.route.view === view && (!id || state.route.id === id) ? "page" : "false"}>
      ${icon(symbol)}<span>${text}</span>${n ? html`<small>${n}</small>` : ""}
    </a>
  </li>
`;

const projectLink = ({ id, name }) => link("project", name, "project", id);

export function sidebar() {
  count();
  const archived = projects(true);
  const tags = countTags();
  const lists = ["today", "upcoming", "all", "completed", "trash"];
  return html`
    <ul>${lists.map((view) => link(view, t(`view.${view}`), view))}</ul>
    <div class="side-heading"><h2>${t("projects")}</h2>${iconButton("add", t("new_project"), newProject)}</div>
    <ul>${projects().map(projectLink)}</ul>
    ${archived.length ? html`<details><summary>${t("archived")}</summary><ul>${archived.map(projectLink)}</ul></details>` : ""}
    ${tags.length ? html`<div class="side-heading"><h2>${t("tags")}</h2></div>` : ""}
    <ul>${tags.map((tag) => link("tag", tag.name, "tag", tag.name, tag.count))}</ul>
    <ul class="side-end">
      ${link("settings", t("view.settings"), "settings")}
      <li><button @click=${signOut}>${icon("sign-out")}<span>${t("sign_out")}</span></button></li>
    </ul>
  `;
}
