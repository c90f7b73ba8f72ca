// The copy of the user's todos and projects: in memory, in IndexedDB, and the same in all tabs. It has what the service
// confirmed, and on top of it the edits that wait. Both make what the user sees.
import { state, update } from "../state.js";
import { toastError } from "../ui/toast.js";

/** Objects by path, as the service confirmed them. @type {Map<string, any>} */
export const confirmed = new Map();
/** Edits without an answer by key, in order. One with a `problem` waits for the user's choice.
 * @type {Map<string, Edit>} */
export const edits = new Map();

/** Applies a step to the copy and shows what it changes. @param {Step} step */
export function apply({ keep = [], put, drop, seq, online = state.online }) {
  const paths = new Set(keep.map(([path]) => path));
  for (const [path, object] of keep) object ? confirmed.set(path, object) : confirmed.delete(path);
  for (const [path] of [...(put?.effects ?? []), ...(edits.get(drop ?? "")?.effects ?? [])]) paths.add(path);
  if (put) edits.set(put.key, put);
  if (drop) edits.delete(drop);
  paths.forEach(show);
  update((s) => {
    s.revision++;
    s.online = online;
    s.loading &&= seq === undefined;
    s.conflicts = [...edits.values()].filter((edit) => edit.problem);
    s.waiting = edits.size - s.conflicts.length;
  });
}

function show(path) {
  let shown = confirmed.get(path);
  for (const { problem, method, effects } of edits.values()) {
    for (const [changed, fields] of problem ? [] : effects) {
      if (changed === path && (shown || method === "POST")) shown = fields && { ...shown, ...fields };
    }
  }
  const [collection, id] = path.split("/");
  if (shown) state[collection].set(id, shown);
  else state[collection].delete(id);
}

export function clearCopy() {
  confirmed.clear();
  edits.clear();
}

const STORES = ["objects", "edits", "meta"];
/** Null without IndexedDB, as in some private windows: the page works then, but a reload forgets.
 * @type {IDBDatabase | null} */
let database = null;

const result = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

const nameOf = (account) => `todos-${account}`;

/** Opens the copy and returns what it holds. @param {string} account
 * @returns {Promise<{objects: [string, any][], edits: Edit[], seq?: number}>} */
export async function openStore(account) {
  try {
    const opening = indexedDB.open(nameOf(account), 1);
    opening.onupgradeneeded = () => STORES.forEach((name) => opening.result.createObjectStore(name));
    const opened = (database = await result(opening));
    // Another tab deletes the copy at sign-out, which waits for this connection.
    opened.onversionchange = () => opened.close();
    const [objects, edits, meta] = await Promise.all(
      STORES.map((name) => result(opened.transaction(name).objectStore(name).getAll())),
    );
    return { objects, edits: edits.sort((a, b) => a.at - b.at), seq: meta[0] };
  } catch {
    database = null;
    return { objects: [], edits: [] };
  }
}

/** Saves a step in one transaction, so that the copy and its `seq` agree. @param {Step} step */
export function save({ keep = [], put, drop, seq }) {
  try {
    const saving = database?.transaction(STORES, "readwrite");
    if (!saving) return;
    const [objects, edits, meta] = STORES.map((name) => saving.objectStore(name));
    for (const [path, object] of keep) object ? objects.put([path, object], path) : objects.delete(path);
    if (put) edits.put(put, put.key);
    if (drop) edits.delete(drop);
    if (seq !== undefined) meta.put(seq, "seq");
  } catch {
    database = null; // closed, because another tab signed out
  }
}

/** @param {string} [wiped] the account whose copy is deleted */
export function closeStore(wiped) {
  database?.close();
  database = null;
  if (wiped) indexedDB.deleteDatabase(nameOf(wiped));
}

/** @type {BroadcastChannel | undefined} */
let channel;
/** Called with each step of any tab. @type {((step: Step) => void)[]} */
export const listeners = [apply];

/** Takes a step: here, in the other tabs, and in the store. @param {Step} step */
export function take(step) {
  channel?.postMessage(step);
  save(step);
  follow(step);
}

const follow = (step) => listeners.forEach((listener) => listener(step));

/** Listens to the other tabs. Their steps wait until the function that it returns is called, once the store was read.
 * @param {string} account */
export function openTabs(account) {
  const early = [];
  const opened = (channel = new BroadcastChannel(`todos-${account}`));
  opened.onmessage = ({ data }) => early.push(data);
  return () => {
    early.forEach(follow);
    opened.onmessage = ({ data }) => follow(data);
  };
}

export function closeTabs() {
  channel?.close();
  channel = undefined;
}

/** Calls `work` once this tab leads. Without locks (plain http), each tab leads: idempotency keys prevent doubles.
 * @param {string} account @param {AbortSignal} signal @param {() => Promise<void>} work */
export function lead(account, signal, work) {
  const leading = navigator.locks ? navigator.locks.request(`todos-${account}`, { signal }, work) : work();
  leading.catch((error) => signal.aborted || toastError(error));
}
