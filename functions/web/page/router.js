// The view is in the fragment: `#/project/<id>?priority=high`. So no view needs a route of the service.
import { state, update } from "./state.js";

/** @param {string} hash @returns {Route} */
function parse(hash) {
  const [path, query] = hash.replace(/^#\/?/, "").split("?");
  const [view, id] = path.split("/").map(decodeURIComponent);
  return { view: view || "all", id: id ?? "", params: Object.fromEntries(new URLSearchParams(query)) };
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
 * @param {Record<string, string>} params */
export function setParams(params) {
  const { view, id, params: old } = state.route;
  history.replaceState(null, "", href(view, id, { ...old, ...params }));
  update((s) => (s.route = parse(location.hash)));
}

/** Calls `entered` now and after each change of the view. @param {(route: Route) => void} entered */
export function startRouter(entered) {
  const follow = () => {
    const route = parse(location.hash);
    update((s) => Object.assign(s, { route, menu: false }));
    entered(route);
  };
  addEventListener("hashchange", follow);
  follow();
}
