// Reads the lists once, then follows the change feed: by a stream, or by long polls where streams end at once, as behind
// AWS Lambda.
import { apiUrl, read, send } from "../api/client.js";
import { update } from "../state.js";
import { apply, clearCopy, closeStore, closeTabs, confirmed, lead, listeners, openStore, openTabs, take } from "./copy.js";
import { repeatedly, sendEdits, wake } from "./outbox.js";

/** In this order, so that what a user looks at comes first. */
const LISTS = ["projects?", "todos?completed=false&", "projects?archived=true&", "todos?completed=true&", "todos?trashed=true&"];

let session = new AbortController();
/** The number of the latest change in the copy, also while another tab leads. @type {number | undefined} */
let latest;

listeners.push(({ seq }) => (latest = seq ?? latest));

addEventListener("online", wake);
addEventListener("offline", () => update((s) => (s.online = false)));
// A page that comes back from the back-forward cache has missed the steps of other tabs.
addEventListener("pageshow", (event) => event.persisted && location.reload());

/** Shows the copy of this browser, then follows the service. @param {User} user */
export async function startSync(user) {
  stopSync();
  const { signal } = (session = new AbortController());
  const listen = openTabs(user.id);
  const { objects, edits, seq } = await openStore(user.id);
  if (signal.aborted) return;
  apply({ keep: objects });
  for (const edit of edits) apply({ put: edit });
  latest = seq;
  update((s) => (s.loading = seq === undefined));
  listen();
  lead(user.id, signal, async () => {
    await Promise.all([sendEdits(signal), follow(signal, latest, () => readLists(signal))]);
  });
}

/** @param {User | null} [wiped] the user whose copy is deleted too */
export function stopSync(wiped) {
  session.abort();
  closeTabs();
  clearCopy();
  closeStore(wiped?.id);
}

/** Reads all lists, and returns the `seq` from which the changes follow. */
async function readLists(signal) {
  const gone = new Set(confirmed.keys());
  // Of the first list: the later ones contain these changes too, and getting some twice does no harm.
  let seq = /** @type {number | undefined} */ (undefined);
  for (const list of LISTS) {
    const collection = list.split("?")[0];
    for (let query = "limit=200"; query; ) {
      const response = await send("GET", list + query, { signal, seconds: 30 });
      seq ??= Number(response.headers.get("X-Change-Seq"));
      const keep = (await read(response)).map((object) => [`${collection}/${object.id}`, object]);
      for (const [path] of keep) gone.delete(path);
      take({ keep });
      query = /\?([^>]*)>; rel="next"/.exec(response.headers.get("Link") ?? "")?.[1] ?? "";
    }
    if (collection === "todos") update((s) => (s.loading = false));
  }
  take({ keep: [...gone].map((path) => [path, null]), seq });
  return seq ?? 0;
}

const SHORT_MILLISECONDS = 3000;
/** Streams in a row that ended soon, after which long polls take their place. */
const MAX_SHORT = 3;
/** Changes that arrive together are shown together. */
const GATHER_MILLISECONDS = 20;

/** @param {AbortSignal} signal @param {number | undefined} seq @param {() => Promise<number>} readLists */
export function follow(signal, seq, readLists) {
  let short = 0;
  return repeatedly(signal, async () => {
    const isPolling = short >= MAX_SHORT;
    // Before each stream too: an answer tells why the last one ended, which an EventSource does not.
    seq = await readChanges(signal, (seq ??= await readLists()), isPolling ? 25 : 0).catch((error) => {
      if (error.code === "changes_expired") return undefined;
      throw error;
    });
    if (isPolling || seq === undefined) return;
    const began = performance.now();
    seq = await stream(signal, seq);
    short = performance.now() - began < SHORT_MILLISECONDS ? short + 1 : 0;
  });
}

/** @returns {Promise<number | undefined>} */
async function readChanges(signal, seq, wait) {
  for (;;) {
    const path = `todos/changes?since=${seq}&limit=200&wait=${wait}`;
    const changes = await read(await send("GET", path, { signal, seconds: wait + 20 }));
    seq = takeChanges(changes, seq);
    if (changes.length < 200) return seq;
  }
}

/** Resolves when the stream ends, with the last `seq`. @returns {Promise<number>} */
const stream = (signal, seq) =>
  new Promise((resolve) => {
    const source = new EventSource(apiUrl(`todos/changes?since=${seq}`));
    const ended = new AbortController();
    let gathered = [];
    const show = () => {
      seq = takeChanges(gathered, seq);
      gathered = [];
    };
    const end = () => {
      source.close();
      ended.abort();
      show();
      resolve(seq);
    };
    source.addEventListener("change", ({ data }) => {
      // Not in the background, where timers wait for a second.
      if (gathered.push(JSON.parse(data)) === 1 && !document.hidden) setTimeout(show, GATHER_MILLISECONDS);
      if (document.hidden) show();
    });
    source.onerror = end;
    const on = (target, event, listener) => target.addEventListener(event, listener, { signal: ended.signal });
    on(signal, "abort", end);
    // After a sleep or a change of the network the connection may be dead without an error.
    on(window, "online", end);
    on(window, "offline", end);
    on(document, "visibilitychange", () => document.hidden || end());
  });

function takeChanges(changes, seq) {
  const last = changes.at(-1);
  if (last) take({ keep: changes.flatMap(keepOf), seq: last.seq, changes });
  return last?.seq ?? seq;
}

/** @param {Change} change @returns {[string, any][]} */
function keepOf({ kind, todo_id, project_id, after }) {
  if (kind === "tag") return []; // the todos with the tag have changes of their own
  const path = kind === "todo" ? `todos/${todo_id}` : `projects/${project_id}`;
  // A response may have brought a later version already.
  return after && "version" in after && after.version < confirmed.get(path)?.version ? [] : [[path, after]];
}
