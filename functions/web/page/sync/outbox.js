// Sends edits in order, each until it is answered. An edit that cannot take effect waits for the user's choice.
import { ApiError, NetworkError, request } from "../api/client.js";
import { update } from "../state.js";
import { editOf, isWaiting, known, nextEdit } from "./copy.js";
import { Backoff, pause, wake } from "./pause.js";
import { take } from "./tabs.js";

/** Statuses and codes of answers that ask to come again. */
const LATER = new Set([429, 502, 503, 504, "request_in_progress"]);
const NEVER = 86_400;

/** @param {Edit} edit */
export function enqueue(edit) {
  take({ put: edit });
  wake();
}

/** @param {AbortSignal} signal */
export async function sendEdits(signal) {
  const backoff = new Backoff();
  while (!signal.aborted) {
    const edit = nextEdit();
    if (!edit) {
      await pause(NEVER, signal);
      continue;
    }
    try {
      await sendEdit(edit);
      backoff.failures = 0;
      update((s) => (s.online = true));
    } catch (error) {
      if (signal.aborted) return;
      if (!isTemporary(error)) throw error;
      if (error instanceof NetworkError) update((s) => (s.online = false));
      await pause(backoff.next(error instanceof ApiError ? error.retryAfter : 0), signal);
    }
  }
}

/** @param {unknown} error */
const isTemporary = (error) =>
  error instanceof NetworkError || (error instanceof ApiError && (LATER.has(error.status) || LATER.has(error.code)));

/** @param {Edit} edit */
async function sendEdit(edit) {
  const isPatch = edit.method === "PATCH";
  if (isPatch && !edit.version) {
    const current = known(edit.target);
    if (!current || differs(current, edit)) return settleConflict(edit, current ?? null, null);
    // Kept until there is an answer: a repeat with the same key and version gets the stored response.
    edit = { ...edit, version: current.version };
  }
  if (!edit.tried || isPatch) take({ put: (edit = { ...edit, tried: true }) });
  try {
    const answer = await request(edit.method, edit.path, {
      body: edit.body,
      headers: isPatch ? { "If-Match": `"${edit.version}"` } : {},
      key: `${edit.key}-${edit.version ?? 0}`,
    });
    if (isWaiting(edit.key)) settle(edit, answer || {});
  } catch (error) {
    if (!(error instanceof ApiError) || isTemporary(error) || error.status === 401) throw error;
    await refused(edit, error);
  }
}

/** @param {Edit} edit @param {Todo & {completion?: Completion}} answer */
function settle(edit, { completion, ...object }) {
  /** @type {[string, any][]} */
  const keep = edit.effects.flatMap(([path, fields]) => {
    // The feed brings the subtodos as the service has changed them. Until then they stay as they are shown.
    const shown = known(path);
    return shown || fields === null ? [[path, fields && { ...shown, ...fields }]] : [];
  });
  if (object.id) keep.push([edit.target, object]);
  take({ keep, drop: edit.key, done: { key: edit.key, version: object.version, completion } });
}

/** @param {Edit} edit @param {ApiError} error */
async function refused(edit, error) {
  if (edit.method === "DELETE" && error.status === 404) return settle(edit, /** @type {any} */ ({}));
  if (error.status !== 412 && error.status !== 404) return settleConflict(edit, known(edit.target), error.problem);
  const theirs = await request("GET", edit.target).catch((missing) => {
    if (missing instanceof ApiError && missing.status === 404) return null;
    throw missing;
  });
  take({ keep: [[edit.target, theirs]], put: { ...edit, version: undefined } });
  if (!theirs) settleConflict(edit, null, error.problem);
}

/** @param {Edit} edit @param {any} theirs @param {Problem | null} problem */
function settleConflict(edit, theirs, problem) {
  take({ put: { ...edit, version: undefined, problem: { theirs: theirs ?? null, detail: problem?.detail ?? "" } } });
}

/** Returns whether somebody else has changed what the edit changes. @param {any} current @param {Edit} edit */
function differs(current, { seen, body }) {
  return Object.entries(seen).some(
    ([name, value]) => !isSame(current[name], value) && !(body && name in body && isSame(current[name], body[name])),
  );
}

/** @param {unknown} a @param {unknown} b */
const isSame = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/** Sends an edit that met another change again, over that change. @param {string} key */
export function keepMine(key) {
  const edit = editOf(key);
  if (!edit) return;
  take({ put: { ...edit, problem: undefined, seen: {}, key: edit.key } });
  wake();
}

/** @param {string} key */
export const discard = (key) => take({ drop: key });
