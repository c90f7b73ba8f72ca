// Links to the lists, projects and tags, with the numbers of their open todos.
import { html } from "../vendor/lit-html/lit-html.js";
import { run } from "../areas.js";
import { fold } from "../list/rows.js";
import { href } from "../router.js";
import { signOut } from "../session.js";
import { state } from "../state.js";
import { byOrder } from "../sync/tree.js";
import { dueDay, today } from "../ui/dates.js";
import { icon, iconButton } from "../ui/icons.js";
import { t } from "../words.js";

/** @returns {Project[]} */
export const projects = (isArchived = false) =>
  [...state.projects.values()].filter((each) => each.archived === isArchived).sort(byOrder);

export const newProject = () => run("actions", "newProject");

/** @type {{name: string, count: number}[]} */
let tags = [];
let taggedAt = -1;

/** Returns the tags by name, with the number of open todos that have them. */
export function countTags() {
  if (taggedAt === state.revision) return tags;
  taggedAt = state.revision;
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

const action = (symbol, text, act) => html`<li><button @click=${act}>${icon(symbol)}<span>${text}</span></button></li>`;

const projectLink = ({ id, name }) => link("project", name, "project", id);

export function sidebar() {
  count();
  const archived = projects(true);
  const tags = countTags();
  const lists = ["today", "upcoming", "all", "completed", "trash"];
  const name = state.user?.name || state.user?.email || "";
  return html`
    <p class="who"><span aria-hidden="true">${name.slice(0, 1)}</span> <b>${name}</b></p>
    <ul>${lists.map((view) => link(view, t(`view.${view}`), view))}</ul>
    <div class="side-heading"><h2>${t("projects")}</h2>${iconButton("add", t("new_project"), newProject)}</div>
    <ul>${projects().map(projectLink)}</ul>
    ${archived.length ? html`<details><summary>${t("archived")}</summary><ul>${archived.map(projectLink)}</ul></details>` : ""}
    ${tags.length ? html`<div class="side-heading"><h2>${t("tags")}</h2></div>` : ""}
    <ul>${tags.map((tag) => link("tag", tag.name, "tag", tag.name, tag.count))}</ul>
    <ul class="side-end">
      ${link("settings", t("view.settings"), "settings")} ${action("keyboard", t("keys.title"), () => run("keys", "showKeys"))}
      ${action("sign-out", t("sign_out"), signOut)}
    </ul>
  `;
}
