// The turns of a conversation: sent, streamed into the state, approved, undone.
import { NetworkError, newId, request, send } from "../api/client.js";
import { state, update } from "../state.js";
import { toastError } from "../ui/toast.js";

const MAX_TRIES = 6;
const POLL_MILLISECONDS = 2000;

/** Counts what was opened or asked: only the latest is shown. */
let steps = 0;

/** Shows a conversation, or the latest one. @param {string} [id] */
export async function openConversation(id) {
  const step = ++steps;
  const query = id ? `&conversation_id=${id}` : "";
  const [conversations, messages] = await Promise.all([
    request("GET", "chat/conversations?limit=50"),
    request("GET", `chat/history?limit=200${query}`),
  ]);
  /** @type {Map<string, Partial<Turn>>} */
  const turns = new Map();
  for (const { turn_id, role, content, tool_calls } of messages) {
    const isUser = role === "user";
    turns.set(turn_id, { ...turns.get(turn_id), turn_id, ...(isUser ? { message: content } : { response: content, tool_calls }) });
  }
  const last = messages.at(-1);
  // Only the turn itself has the question, or the approval, that may wait for an answer.
  if (last) Object.assign(turns.get(last.turn_id) ?? {}, await request("GET", `chat/turns/${last.turn_id}`));
  update(({ assistant }) => (assistant.conversations = conversations));
  if (step !== steps) return;
  update((s) => (s.assistant = { id: last?.conversation_id, conversations, turns: [...turns.values()] }));
  if (turns.get(last?.turn_id)?.status === "running") setTimeout(openConversation, POLL_MILLISECONDS, last.conversation_id);
}

export function newConversation() {
  steps++;
  update((s) => Object.assign(s.assistant, { id: null, turns: [] }));
}

/** @param {string} id */
export async function deleteConversation(id) {
  await request("DELETE", `chat/conversations/${id}`);
  await openConversation();
}

/** Sends a message. @param {string} message */
export async function ask(message) {
  const { id, turns = [] } = state.assistant;
  /** @type {Partial<Turn>} */
  const turn = { message, tool_calls: [] };
  steps++;
  update((s) => (s.assistant.turns = [...turns, turn]));
  await run(turn, "chat", { message, conversation_id: id });
}

/** Answers the approval for which a turn waits. @param {Turn} turn @param {boolean} approve */
export const decide = (turn, approve) => run(turn, `chat/turns/${turn.turn_id}/approval`, { approve });

export const stop = () => state.assistant.running?.abort();

/** Runs a turn. After a lost connection, the request is repeated with its key, so that the turn happens once. */
async function run(turn, path, body) {
  const running = new AbortController();
  const key = newId();
  Object.assign(turn, { status: "running", error: null, approval: null });
  update((s) => (s.assistant.running = running));
  for (let tries = 1; turn.status === "running"; tries++) {
    try {
      await stream(turn, await send("POST", path, { body, key, signal: running.signal, headers: { Accept: "text/event-stream" } }));
    } catch (/** @type {any} */ error) {
      const isLost = error instanceof NetworkError || error.code === "turn_in_progress";
      if (running.signal.aborted) Object.assign(turn, { status: "incomplete", error: { code: "stopped" } });
      else if (!isLost || tries === MAX_TRIES) Object.assign(turn, { status: "incomplete", error });
      else await new Promise((resolve) => setTimeout(resolve, (error.retryAfter || tries) * 1000));
    }
  }
  update((s) => (s.assistant.running = null));
}

async function stream(turn, response) {
  for await (const { event, data } of readEvents(response)) {
    EVENTS[event]?.(turn, data);
    update((s) => (s.assistant.id = turn.conversation_id ?? s.assistant.id));
  }
  if (turn.status === "running") throw new NetworkError("The stream ended before the turn.");
}

/** @type {Record<string, (turn: any, data: any) => void>} */
const EVENTS = {
  turn: (turn, data) => Object.assign(turn, data, { response: "", tool_calls: [] }),
  token(turn, { text, round, attempt }) {
    // A new round, or a new attempt of the same one, begins a new text.
    const part = `${round}.${attempt}`;
    Object.assign(turn, { part, response: turn.part === part ? turn.response + text : text });
  },
  tool_call: (turn, call) => turn.tool_calls.push(call),
  tool_result: (turn, call) => (turn.tool_calls = [...turn.tool_calls.filter(({ id }) => id !== call.id), call]),
  done: (turn, data) => Object.assign(turn, data),
  error: (turn, error) => Object.assign(turn, { status: "incomplete", error }),
};

/** Puts back what a turn has changed. @param {Turn} turn */
export async function undo(turn) {
  try {
    const undone = await request("POST", `chat/turns/${turn.turn_id}/undo`, { key: newId() });
    update(() => (turn.undone = undone));
  } catch (error) {
    toastError(error);
  }
}

/** Reads the server-sent events of a POST, which EventSource cannot send.
 * @returns {AsyncGenerator<{event: string, data: any}>} */
async function* readEvents(response) {
  const reader = /** @type {ReadableStream} */ (response.body).pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ; ) {
    const { value, done } = await reader.read().catch((error) => {
      throw new NetworkError(error);
    });
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const [, event, data] = /^event: (\w+)\ndata: (.*)$/m.exec(block) ?? [];
      if (event) yield { event, data: JSON.parse(data) };
    }
  }
}
