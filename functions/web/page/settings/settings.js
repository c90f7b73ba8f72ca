// The settings. Sections are data (sections.json); own.js has what only code can do.
import { html } from "../vendor/lit-html/lit-html.js";
import { confirmed } from "../account/proofs.js";
import { go, href } from "../router.js";
import { rendered, state, update } from "../state.js";
import { timeWords } from "../ui/dates.js";
import { askBefore } from "../ui/dialog.js";
import { call, form } from "../ui/form.js";
import { errorText, toast, toastError } from "../ui/toast.js";
import { has, loadWords, say, t } from "../words.js";
import { browserName, forms, views } from "./own.js";
import data from "./sections.json" with { type: "json" };

const SECTIONS = /** @type {Record<string, Section>} */ (data);

await loadWords("settings/");

const current = () => (Object.hasOwn(SECTIONS, state.route.id) ? state.route.id : "profile");

/** Shows a section from its beginning. */
export async function openSettings() {
  update((s) => Object.assign(s, { settings: { of: current() }, forms: {} }));
  await read();
  await rendered();
  // On a phone, the link that was followed is hidden now, and with it the focus.
  if (document.activeElement === document.body) document.getElementById("section")?.focus();
}

async function read() {
  const { route } = state;
  const reads = Object.entries(SECTIONS[current()].reads ?? {});
  try {
    const read = await Promise.all(reads.map(async ([name, path]) => [name, await call(`GET ${path}`, undefined, route.params)]));
    if (route === state.route) update((s) => (s.settings.data = Object.fromEntries(read)));
  } catch (error) {
    update((s) => (s.settings.error = error));
  }
}

/** Changes the account and reads the section anew. Shows a secret of the answer, which no other answer has. */
async function change(work) {
  const answer = await confirmed(work);
  const secret = answer?.token ?? answer?.secret ?? answer?.recovery_codes?.join("\n");
  const totp = answer?.provisioning_uri ? answer : null;
  update((s) => Object.assign(s.settings, { totp }, secret && !totp && { secret }));
  if (state.user) await read();
  await rendered();
  if (secret) document.getElementById("secret")?.focus();
}

/** A phone shows the links alone until one is chosen. @param {State} state */
export function settingsView({ route, settings }) {
  const name = current();
  const { blocks, reads } = SECTIONS[name];
  // The route changes before the section is opened: then these are the data of the one before.
  const { data, error, secret } = settings.of === name ? settings : {};
  return html`
    <div class="settings ${route.id ? "" : "is-index"}">
      <h1>${t("view.settings")}</h1>
      <nav aria-label=${t("view.settings")}>
        <ul>${Object.keys(SECTIONS).map((each) => link(each, name))}</ul>
      </nav>
      <section class="stack" aria-labelledby="section">
        <a class="back" href=${href("settings")}>${t("view.settings")}</a>
        <h2 id="section" tabindex="-1">${t(`settings.${name}`)}</h2>
        <p class="hint">${say(`settings.${name}.text`)}</p>
        ${error ? html`<p class="notice is-error" role="alert">${errorText(error)}</p>` : ""}
        ${secret ? secretView(secret) : ""}
        ${data || !reads ? blocks.map((block) => blockView(block, data)) : error ? "" : html`<p class="skeleton">${t("settings.loading")}</p>`}
      </section>
    </div>
  `;
}

const link = (name, shown) =>
  SECTIONS[name].parent
    ? ""
    : html`
        <li>
          <a href=${href("settings", name)} aria-current=${name === shown || name === SECTIONS[shown].parent ? "page" : "false"}>
            ${t(`settings.${name}`)}
          </a>
        </li>
      `;

const blockView = (block, data) => html`
  ${block.title ? html`<h3>${t(block.title)}</h3>` : ""}
  ${block.list ? rows(block, data[block.list]) : ""}
  ${block.own ? views[block.own](data, button) : ""}
  ${block.form ? formView(block.form, data) : ""}
`;

function formView(name, data) {
  const { send, values, canUse } = forms[name] ?? {};
  return canUse && !canUse() ? "" : form(name, { send, values: values?.(data), around: change });
}

const rows = (block, items) =>
  items.length
    ? html`<ul class="rows" aria-label=${t(block.title ?? `settings.${block.list}`)}>${items.map((item) => row(block, item))}</ul>`
    : html`<p class="hint">${t(`settings.${block.list}.none`)}</p>`;

function row({ list, name = "", badge = "", details = [], actions = {} }, item) {
  const title = name === "user_agent" ? browserName(item[name]) : item[name];
  const shown = Object.entries(actions).filter(([, each]) => (!each.if || item[each.if]) && !item[each.unless ?? ""]);
  return html`
    <li>
      <p><strong>${title}</strong> ${item[badge] ? html`<span class="badge">${t(`badge.${item[badge]}`)}</span>` : ""}</p>
      <p class="hint">${details.map((key) => detail(`${list}.${key}`, key, item[key])).filter(Boolean).join(" · ")}</p>
      <div class="actions">
        ${shown.map(([key, { open, call: line = "", body, ask }]) =>
          button(key, async () => (open ? go("settings", open, { of: item.id }) : call(line, body, item)), title, ask),
        )}
      </div>
    </li>
  `;
}

/** A detail without a text of its own is shown as it is. */
function detail(long, key, value) {
  if (value === null || value === false) return say(`detail.${key}.none`);
  const known = [`detail.${long}`, `detail.${key}`].find(has);
  return known ? t(known, { time: value === true || timeWords(value) }) : [value].flat().join(", ");
}

/** A button that changes something. `title` is what it changes; with `ask`, it asks before. */
const button = (key, work, title, ask) => html`
  <button class="button small" aria-label=${[t(`settings.${key}`), title].filter(Boolean).join(": ")} @click=${() => press(key, work, title, ask)}>
    ${t(`settings.${key}`)}
  </button>
`;

async function press(key, work, title, ask) {
  const action = t(`settings.${key}`);
  try {
    if (!ask || (await askBefore(t("settings.sure", { action, title }), t("settings.sure.text"), action, { isDanger: true }))) await change(work);
  } catch (error) {
    toastError(error);
  }
}

const secretView = (secret) => html`
  <div class="notice stack" role="status">
    <p>${t("settings.secret")}</p>
    <pre id="secret" tabindex="0">${secret}</pre>
    <div class="actions">
      <button class="button" @click=${() => copy(secret)}>${t("settings.copy")}</button>
      <button class="button" @click=${() => update((s) => (s.settings.secret = null))}>${t("settings.hide")}</button>
    </div>
  </div>
`;

async function copy(secret) {
  await navigator.clipboard.writeText(secret);
  toast(t("settings.copied"));
}
