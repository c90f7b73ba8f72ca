// The assistant: conversations, the turns of one, and the message to send.
import { html } from "../vendor/lit-html/lit-html.js";
import { state, update } from "../state.js";
import { askBefore } from "../ui/dialog.js";
import { icon, iconButton } from "../ui/icons.js";
import { errorText, toastError } from "../ui/toast.js";
import { t } from "../words.js";
import { ask, decide, deleteConversation, newConversation, openConversation, stop, undo } from "./turns.js";

const READS = /^(list|search|get|count|day)_/;
const SHOWN_TITLES = 10;

/** Reads the latest conversation when the panel opens first. */
export async function openAssistant() {
  if (!state.assistant.turns) await openConversation().catch(toastError);
}

/** @param {State} state */
export function assistantPanel({ assistant: { id, conversations = [], turns = [], running }, online }) {
  return html`
    <header>
      <h2>${t("assistant")}</h2>
      ${id ? iconButton("trash", t("assistant.delete"), () => forget(id)) : ""}
      ${iconButton("add", t("assistant.new"), newConversation)}
      ${iconButton("close", t("close"), () => update((s) => (s.ui.assistant = false)))}
    </header>
    ${
      conversations.length > 1
        ? html`
            <select aria-label=${t("assistant.conversations")} @change=${(/** @type {any} */ { target }) => openConversation(target.value).catch(toastError)}>
              ${conversations.map((each) => html`<option value=${each.id} ?selected=${each.id === id}>${each.title}</option>`)}
            </select>
          `
        : ""
    }
    <div class="log" role="log" aria-label=${t("assistant.log")} aria-busy=${Boolean(running)} tabindex="0">
      <div>${turns.length ? turns.map((turn, index) => turnView(turn, index === turns.length - 1)) : welcome()}</div>
    </div>
    <form @submit=${submit}>
      <textarea name="message" rows="1" maxlength="4000" required aria-label=${t("assistant.message")} placeholder=${t("assistant.placeholder")} @keydown=${onKey}></textarea>
      ${
        running
          ? html`<button type="button" class="button" @click=${stop}>${t("assistant.stop")}</button>`
          : html`<button class="button primary" ?disabled=${!online}>${t("assistant.send")}</button>`
      }
    </form>
    ${online ? "" : html`<p class="hint">${t("assistant.offline")}</p>`}
  `;
}

const welcome = () => html`
  <p>${t("assistant.welcome")}</p>
  <div class="stack">
    ${[1, 2, 3].map((number) => t(`assistant.example.${number}`)).map((text) => html`<button class="button" @click=${() => ask(text)}>${text}</button>`)}
  </div>
`;

function submit(event) {
  event.preventDefault();
  const form = event.currentTarget;
  const message = form.message.value.trim();
  if (!message || state.assistant.running) return;
  form.reset();
  void ask(message);
}

/** Enter sends, and Shift+Enter begins a line. */
function onKey(event) {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  event.currentTarget.form?.requestSubmit();
}

async function forget(id) {
  const isSure = await askBefore(t("assistant.delete"), t("assistant.delete.text"), t("delete"), { isDanger: true });
  if (isSure) await deleteConversation(id).catch(toastError);
}

const turnView = (turn, isLast) => html`
  <article>
    <p class="message">${turn.message}</p>
    <ul class="calls">${turn.tool_calls?.map(callView)}</ul>
    ${turn.response ? html`<p class="answer">${turn.response}</p>` : ""}
    ${turn.status === "running" ? html`<p class="hint">${t("assistant.working")}</p>` : ""}
    ${turn.error ? html`<p class="notice is-error" role="alert">${errorText(turn.error)}</p>` : ""}
    ${turn.approval ? approvalView(turn) : ""}
    ${isLast && turn.question ? questionView(turn.question) : ""}
    ${turn.undone ? undoneView(turn.undone) : canUndo(turn) ? html`<button class="link" @click=${() => undo(turn)}>${t("assistant.undo")}</button>` : ""}
  </article>
`;

const callView = ({ name, ok, result }) => html`
  <li class=${ok === false ? "error" : ""}>
    ${icon(ok ? "check" : ok === false ? "close" : "more")}
    ${t(`tool.${name}`)} <span class="hint">${titles(result?.results?.map((each) => each.todo))}</span>
  </li>
`;

function titles(items = []) {
  const names = items.map((each) => each?.title ?? each?.name).filter(Boolean);
  const rest = names.splice(SHOWN_TITLES).length;
  return names.map((name) => `“${name}”`).join(", ") + (rest ? ` ${t("assistant.more", { n: rest })}` : "");
}

const approvalView = (turn) => html`
  <div class="notice is-warn" role="group" aria-label=${t("assistant.approval")}>
    ${turn.approval?.calls.map(({ name, todos }) => html`<p>${t(`tool.${name}`)}: ${titles(todos)}</p>`)}
    <div class="actions">
      <button class="button primary" @click=${() => decide(turn, true)}>${t("assistant.approve")}</button>
      <button class="button" @click=${() => decide(turn, false)}>${t("assistant.refuse")}</button>
    </div>
  </div>
`;

const questionView = ({ options }) => html`
  <div class="actions">
    ${options.map(({ number, label }) => html`<button class="button" @click=${() => ask(String(number))}>${label}</button>`)}
  </div>
`;

const canUndo = ({ status, tool_calls }) =>
  status !== "running" && tool_calls?.some(({ name, ok, result }) => !READS.test(name) && (ok || result));

const undoneView = ({ undone, conflicts, undone_projects, project_conflicts }) => html`
  <p class="hint" role="status">
    ${t("assistant.undone", { n: undone.length + undone_projects.length })}
    ${conflicts.length + project_conflicts.length ? t("assistant.left", { titles: titles([...conflicts, ...project_conflicts]) }) : ""}
  </p>
`;
