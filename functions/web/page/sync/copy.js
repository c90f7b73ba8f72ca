// The copy in memory: what the service has confirmed, and on top of it the edits that wait. Both make what the user sees.
import { state, update } from "../state.js";

/** Objects by path, as the service confirmed them. @type {Map<string, any>} */
export const confirmed = new Map();
/** Edits without an answer by key, in order. One with a `problem` waits for the user's choice.
 * @type {Map<string, Edit>} */
export const edits = new Map();

/** Applies a step to the copy and shows what it changes. @param {Step} step */
export function apply({ keep = [], put, drop, online = state.online }) {
  const paths = new Set(keep.map(([path]) => path));
  for (const [path, object] of keep) object ? confirmed.set(path, object) : confirmed.delete(path);
  for (const [path] of [...(put?.effects ?? []), ...(edits.get(drop ?? "")?.effects ?? [])]) paths.add(path);
  if (put) edits.set(put.key, put);
  if (drop) edits.delete(drop);
  paths.forEach(show);
  update((s) => {
    s.revision++;
    s.online = online;
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
