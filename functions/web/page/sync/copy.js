// The copy in memory: what the service has confirmed, and the edits on top of it that make what the user sees.
import { state, update } from "../state.js";

/** @type {Map<string, any>} */
const confirmed = new Map();
/** Edits that the service has not confirmed, in order. One with a `problem` waits for a decision of the user.
 * @type {Map<string, Edit>} */
const edits = new Map();

/** @param {string} path */
export const known = (path) => confirmed.get(path);
export const nextEdit = () => [...edits.values()].find((edit) => !edit.problem);
/** @param {string} key */
export const isWaiting = (key) => edits.has(key);
/** @param {string} key */
export const editOf = (key) => edits.get(key);
export const knownPaths = () => [...confirmed.keys()];

/** Applies a step to the copy and shows what it changes. @param {Step} step */
export function apply({ keep = [], put, drop }) {
  const paths = new Set(keep.map(([path]) => path));
  for (const [path, object] of keep) object ? confirmed.set(path, object) : confirmed.delete(path);
  for (const edit of [put, drop && edits.get(drop)]) for (const [path] of edit ? edit.effects : []) paths.add(path);
  if (put) edits.set(put.key, put);
  if (drop) edits.delete(drop);
  for (const path of paths) show(path);
  update((s) => {
    s.revision++;
    s.conflicts = [...edits.values()].filter((edit) => edit.problem);
    s.waiting = edits.size - s.conflicts.length;
  });
}

/** @param {string} path */
function show(path) {
  let shown = confirmed.get(path);
  for (const edit of edits.values()) {
    for (const [changed, fields] of edit.problem ? [] : edit.effects) {
      if (changed === path && (shown || edit.method === "POST")) shown = fields && { ...shown, ...fields };
    }
  }
  const [collection, id] = path.split("/");
  const objects = /** @type {Map<string, any>} */ (collection === "todos" ? state.todos : state.projects);
  if (shown) objects.set(id, shown);
  else objects.delete(id);
}

export function clearCopy() {
  confirmed.clear();
  edits.clear();
}
