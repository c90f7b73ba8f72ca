// Sends edits in order, each until it is answered. An edit that cannot take effect waits for the user's choice.
import { ApiError, request } from "../api/client.js";
import { confirmed, edits } from "./copy.js";
import { pause, repeatedly, wake } from "./pause.js";
import { listeners, take } from "./tabs.js";

/** Statuses and codes of answers that ask to come again, or to sign in again. */
const LATER = new Set([401, 429, 502, 503, 504, "request_in_progress"]);

// The edit may be of another tab.
listeners.push(({ put }) => put && wake());

/** @param {Edit} edit */
export const enqueue = (edit) => take({ put: edit });

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

/** Reads the object that somebody else has changed or deleted. The edit is checked against it, then sent again. */
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

/** Sends an edit that met another change again, over that change. @param {Edit} edit */
export function keepMine(edit) {
  discard(edit); // so that it follows a restore, which was queued later
  enqueue({ ...edit, problem: undefined, seen: {}, at: Date.now() });
}

/** @param {Edit} edit */
export const discard = (edit) => take({ drop: edit.key });
