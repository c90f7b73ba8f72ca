// The copy of an account in IndexedDB: todos and projects by path, edits that wait, and the `seq` up to which it is.

const STORES = ["objects", "edits", "meta"];
/** Without IndexedDB, as in some private windows, the page works but forgets at a reload. @type {IDBDatabase | null} */
let database = null;

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
const result = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** @param {string} account */
const nameOf = (account) => `todos-${account}`;

/** Opens the copy and returns what it holds. @param {string} account
 * @returns {Promise<{objects: [string, any][], edits: Edit[], seq?: number}>} */
export async function openStore(account) {
  try {
    const opening = indexedDB.open(nameOf(account), 1);
    opening.onupgradeneeded = () => STORES.forEach((name) => opening.result.createObjectStore(name));
    database = await result(opening);
    // Another tab deletes the copy at sign-out, which waits for this connection.
    database.onversionchange = () => database?.close();
    const [objects, edits, meta] = STORES.map((name) => database?.transaction(name).objectStore(name)) ;
    if (!objects || !edits || !meta) throw new Error();
    const [paths, values, waiting, seq] = await Promise.all([
      result(objects.getAllKeys()),
      result(objects.getAll()),
      result(edits.getAll()),
      result(meta.get("seq")),
    ]);
    waiting.sort((a, b) => a.at - b.at);
    return { objects: values.map((value, i) => [String(paths[i]), value]), edits: waiting, seq };
  } catch {
    database = null;
    return { objects: [], edits: [] };
  }
}

/** Saves a step in one transaction, so that the copy and its `seq` agree. @param {Step} step */
export function save({ keep = [], put, drop, seq }) {
  if (!database) return;
  try {
    const saving = database.transaction(STORES, "readwrite");
    const [objects, edits, meta] = STORES.map((name) => saving.objectStore(name));
    for (const [path, object] of keep) object ? objects.put(object, path) : objects.delete(path);
    if (put) edits.put(put, put.key);
    if (drop) edits.delete(drop);
    if (seq !== undefined) meta.put(seq, "seq");
  } catch {
    database = null; // closed by the sign-out of another tab
  }
}

/** @param {string} [wiped] the account whose copy is deleted */
export function closeStore(wiped) {
  database?.close();
  database = null;
  if (wiped) indexedDB.deleteDatabase(nameOf(wiped));
}
