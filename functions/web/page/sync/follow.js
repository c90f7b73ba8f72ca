// Follows the change feed: by a stream, or by long polls where streams end at once, as behind AWS Lambda.
import { ApiError, apiUrl, NetworkError, read, send } from "../api/client.js";
import { update } from "../state.js";
import { known } from "./copy.js";
import { Backoff, pause } from "./pause.js";
import { take } from "./tabs.js";

const SHORT_MILLISECONDS = 3000;
/** Streams in a row that ended soon, after which long polls take their place. */
const MAX_SHORT = 3;
/** Changes that arrive together are shown together. */
const GATHER_MILLISECONDS = 20;

/** @param {number} seq @param {AbortSignal} signal @param {() => Promise<number>} readLists */
export async function follow(seq, signal, readLists) {
  const backoff = new Backoff();
  for (let short = 0; !signal.aborted; ) {
    try {
      // Tells also why a stream ended, which an EventSource does not say.
      seq = await readChanges(seq, short < MAX_SHORT ? 0 : 25, signal);
      backoff.failures = 0;
      update((s) => (s.online = true));
      if (short >= MAX_SHORT) continue;
      const began = performance.now();
      seq = await stream(seq, signal);
      short = performance.now() - began < SHORT_MILLISECONDS ? short + 1 : 0;
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof NetworkError) update((s) => (s.online = false));
      if (error instanceof ApiError && error.code === "changes_expired") seq = await readLists();
      else await pause(backoff.next(error instanceof ApiError ? error.retryAfter : 0), signal);
    }
  }
}

/** Reads changes until there are no more. @param {number} seq @param {number} wait @param {AbortSignal} signal */
async function readChanges(seq, wait, signal) {
  for (;;) {
    const ended = AbortSignal.any([signal, AbortSignal.timeout((wait + 20) * 1000)]);
    const response = await send("GET", `todos/changes?since=${seq}&limit=200&wait=${wait}`, { signal: ended }).catch(
      (error) => {
        throw ended.aborted && !signal.aborted ? new NetworkError("timeout") : error;
      },
    );
    /** @type {Change[]} */
    const changes = await read(response);
    seq = takeChanges(changes, seq);
    if (changes.length < 200) return seq;
  }
}

/** Resolves when the stream ends, with the last `seq`. @param {number} seq @param {AbortSignal} signal
 * @returns {Promise<number>} */
function stream(seq, signal) {
  return new Promise((resolve) => {
    const source = new EventSource(apiUrl(`todos/changes?since=${seq}`));
    const ended = new AbortController();
    /** @type {Change[]} */
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
      if (!gathered.length) setTimeout(show, GATHER_MILLISECONDS);
      gathered.push(JSON.parse(data));
    });
    source.onerror = end;
    signal.addEventListener("abort", end, { signal: ended.signal });
    // After a sleep or a change of the network the connection may be dead without an error.
    addEventListener("online", end, { signal: ended.signal });
    addEventListener("offline", end, { signal: ended.signal });
    document.addEventListener("visibilitychange", () => document.hidden || end(), { signal: ended.signal });
  });
}

/** @param {Change[]} changes @param {number} seq */
function takeChanges(changes, seq) {
  const last = changes.at(-1);
  if (!last) return seq;
  take({ keep: changes.flatMap(keepOf), seq: last.seq, changes });
  return last.seq;
}

/** @param {Change} change @returns {[string, any][]} */
function keepOf({ kind, todo_id, project_id, after }) {
  if (kind === "tag") return []; // the todos with the tag have changes of their own
  const path = kind === "todo" ? `todos/${todo_id}` : `projects/${project_id}`;
  const mine = known(path);
  // A response may have brought a later version already.
  return after && mine && /** @type {Todo} */ (after).version < mine.version ? [] : [[path, after]];
}
