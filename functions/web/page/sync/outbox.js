// Sends edits in order, each until it is answered. An edit that cannot take effect waits for the user's choice.
import { ApiError, NetworkError, request } from "../api/client.js";
import { state } from "../state.js";
import { confirmed, edits, listeners, take } from "./copy.js";

/** Statuses and codes of answers that ask to come again, or to sign in again. */
const LATER = new Set([401, 429, 502, 503, 504, "request_in_progress"]);

// The edit may be of another tab.
listeners.push(({ put }) => put && wake());

/** @param {AbortSignal} signal */
export const sendEdits = (signal) =>
  repeatedly(signal, async () => {
    const edit = [...edits.values()].find((each) => !each.problem);
    if (edit) return sendEdit(edit);
    await pause(signal);
    return false;
  });

/** @param {Edit} edit */
async function sendEdit(edit) {
  const current = confirmed.get(edit.target);
  const isPatch = edit.method === "PATCH";
  if (isPatch && !edit.version && (!current || differs(current, edit))) return refuse(edit, current);
  // The version is kept until there is an answer: a repeat with the same key and version gets the stored response.
  if (!edit.tried || (isPatch && !edit.version)) {
    edit = { ...edit, tried: true, version: isPatch ? current.version : undefined };
    take({ put: edit });
  }
  try {
    const answer = await request(edit.method, edit.path, {
      body: edit.body,
      headers: isPatch ? { "If-Match": `"${edit.version}"` } : {},
      key: `${edit.key}-${edit.version ?? 0}`,
    });
    if (edits.has(edit.key)) settle(edit, answer || {});
  } catch (error) {
    if (!(error instanceof ApiError) || LATER.has(error.status) || LATER.has(error.code)) throw error;
    if (edit.method === "DELETE" && error.status === 404) return settle(edit, {});
    if (error.status !== 412 && error.status !== 404) return refuse(edit, current, error.detail);
    await reread(edit);
  }
}

/** Reads what somebody else has changed or deleted. The edit is checked against it, then sent again. */
async function reread(edit) {
  const theirs = await request("GET", edit.target).catch((error) => {
    if (error.status === 404) return null;
    throw error;
  });
  if (theirs) take({ keep: [[edit.target, theirs]], put: { ...edit, version: undefined } });
  else refuse(edit, null);
}

/** @param {Edit} edit @param {any} answer */
function settle(edit, { completion, ...object }) {
  // The feed brings subtodos as the service has changed them. Until then they stay as they are shown.
  /** @type {any} */
  const keep = edit.effects
    .filter(([path]) => confirmed.has(path))
    .map(([path, fields]) => [path, fields && { ...confirmed.get(path), ...fields }]);
  if (object.id) keep.push([edit.target, object]);
  take({ keep, drop: edit.key, done: { key: edit.key, version: object.version, completion } });
}

const refuse = (edit, theirs, detail = "") =>
  take({ put: { ...edit, version: undefined, problem: { theirs: theirs ?? null, detail } } });

/** Returns whether somebody else has changed what the edit changes. */
const differs = (current, { seen, body }) =>
  Object.entries(seen).some(
    ([name, value]) => !isSame(current[name], value) && !(body && name in body && isSame(current[name], body[name])),
  );

const isSame = (a, b) => JSON.stringify(a) === JSON.stringify(b);

const waker = new EventTarget();

export const wake = () => waker.dispatchEvent(new Event("wake"));

/** Resolves after some seconds, or when somebody calls `wake`. @param {AbortSignal} signal @param {number} [seconds]
 * @returns {Promise<void>} */
export const pause = (signal, seconds = 86_400) =>
  new Promise((resolve) => {
    const ended = new AbortController();
    const end = () => {
      clearTimeout(timer);
      ended.abort();
      resolve();
    };
    const timer = setTimeout(end, seconds * 1000);
    waker.addEventListener("wake", end, { signal: ended.signal });
    signal.addEventListener("abort", end, { signal: ended.signal });
  });

/** Tries again and again until the signal aborts. After failures in a row the pauses grow from 1 to 10 seconds, with
 * jitter, so that clients do not come back together. @param {AbortSignal} signal
 * @param {() => Promise<any>} work resolves with false if it has sent nothing */
export async function repeatedly(signal, work) {
  for (let failures = 0; !signal.aborted; ) {
    try {
      if ((await work()) !== false) setOnline(true);
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof NetworkError) setOnline(false);
      const seconds = Math.min(10, 2 ** failures++) * (0.5 + Math.random() / 2);
      await pause(signal, Math.max(seconds, /** @type {any} */ (error).retryAfter ?? 0));
    }
  }
}

/** Tells all tabs whether the service answers. */
function setOnline(online) {
  if (state.online !== online) take({ online });
}
