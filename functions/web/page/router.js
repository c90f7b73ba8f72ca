// The view is in the fragment: `#/project/<id>?priority=high`. So no view needs a route of the service.
import { state, update } from "./state.js";

/** @returns {Route} */
function parse() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [view, id = ""] = path.split("/").map(decode);
  return { view: view || "all", id, params: Object.fromEntries(new URLSearchParams(query)) };
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // not written by `href`
  }
}

/** Returns the fragment of a view. @param {string} view @param {string} [id] @param {Record<string, string>} [params] */
export function href(view, id = "", params = {}) {
  const query = new URLSearchParams(Object.entries(params).filter(([, value]) => value)).toString();
  return `#/${view}${id && `/${encodeURIComponent(id)}`}${query && `?${query}`}`;
}

/** @param {string} view @param {string} [id] @param {Record<string, string>} [params] */
export function go(view, id, params) {
  location.hash = href(view, id, params);
}

/** Changes filters of the open view, without an entry in the history for each typed letter.
 * @param {Record<string, string>} changed */
export function setParams(changed) {
  const { view, id, params } = state.route;
  history.replaceState(null, "", href(view, id, { ...params, ...changed }));
  update((s) => (s.route = parse()));
}

/** Calls `entered` now and after each change of the view. @param {(route: Route) => void} entered */
export function startRouter(entered) {
  const follow = () => {
    update((s) => Object.assign(s, { route: parse(), menu: false }));
    entered(state.route);
  };
  addEventListener("hashchange", follow);
  follow();
}
