// One turn: the message, the tool calls, the answer, and what the user can do about them.
import { html } from "../vendor/lit-html/lit-html.js";
import { errorText } from "../ui/toast.js";
import { icon } from "../ui/icons.js";
import { t } from "../words.js";
import { ask, decide, undo } from "./turns.js";

const READS = /^(list|search|get|count|day)_/;
const SHOWN_TITLES = 10;

/** @param {Turn} turn @param {boolean} isLast */
export const turnView = (turn, isLast) => html`
  <article>
    <p class="message">${turn.message}</p>
    <ul class="calls">${turn.tool_calls?.map(callView)}</ul>
    ${turn.response ? html`<p class="answer">${turn.response}</p>` : ""}
    ${turn.status === "running" ? html`<p class="hint">${t("assistant.working")}</p>` : ""}
    ${turn.error ? html`<p class="notice is-error" role="alert">${errorText(turn.error)}</p>` : ""}
    ${turn.approval ? approvalView(turn) : ""}
    ${isLast && turn.question ? questionView(turn.question) : ""}
    ${turn.undone ? undoneView(turn.undone) : canUndo(turn) ? undoButton(turn) : ""}
  </article>
`;

const callView = ({ name, ok, result }) => html`
  <li class=${ok === false ? "error" : ""}>
    ${icon(ok ? "check" : ok === false ? "close" : "more")}
    ${t(`tool.${name}`)} <span class="hint">${titles(result?.results?.map((each) => each.todo))}</span>
  </li>
`;

/** @param {({title?: string | null} | undefined)[]} [todos] */
function titles(todos = []) {
  const names = todos.map((todo) => todo?.title).filter(Boolean);
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

const undoButton = (turn) => html`<button class="link" @click=${() => undo(turn)}>${t("assistant.undo")}</button>`;

const undoneView = ({ undone, conflicts }) => html`
  <p class="hint" role="status">
    ${t("assistant.undone", { n: undone.length })} ${conflicts.length ? t("assistant.left", { titles: titles(conflicts) }) : ""}
  </p>
`;
