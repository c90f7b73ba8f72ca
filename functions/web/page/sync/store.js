// The copy of an account in IndexedDB: todos and projects by path, edits that wait, and the `seq` up to which it is.

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
