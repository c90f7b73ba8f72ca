// Keeps the copy of the user's todos and projects in step with the service, and works on it without a network.
import { read, send } from "../api/client.js";
import { update } from "../state.js";
import { apply, clearCopy, confirmed } from "./copy.js";
import { follow } from "./follow.js";
import { sendEdits } from "./outbox.js";
import { wake } from "./pause.js";
import { closeStore, openStore } from "./store.js";
import { closeTabs, lead, openTabs, take } from "./tabs.js";

/** In this order, so that what a user looks at comes first. */
const LISTS = ["projects?", "todos?completed=false&", "projects?archived=true&", "todos?completed=true&", "todos?trashed=true&"];

let session = new AbortController();

addEventListener("online", wake);
addEventListener("offline", () => update((s) => (s.online = false)));
// A page that comes back from the back-forward cache has missed the steps of other tabs.
addEventListener("pageshow", (event) => event.persisted && location.reload());

/** Shows the copy of this browser, then follows the service. @param {User} user */
export async function startSync(user) {
  stopSync();
  const { signal } = (session = new AbortController());
  const { objects, edits, seq } = await openStore(user.id);
  apply({ keep: objects });
  for (const edit of edits) apply({ put: edit });
  openTabs(user.id);
  update((s) => (s.loading = seq === undefined));
  lead(user.id, signal, async () => {
    await Promise.all([sendEdits(signal), follow(signal, seq, () => readLists(signal))]);
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
