// Pauses between tries. They end early when something happens.
import { NetworkError } from "../api/client.js";
import { update } from "../state.js";

const waker = new EventTarget();

export const wake = () => waker.dispatchEvent(new Event("wake"));

/** Resolves after some seconds, or when somebody calls `wake`. @param {AbortSignal} signal @param {number} [seconds]
 * @returns {Promise<void>} */
export const pause = (signal, seconds = 86_400) =>
  new Promise((resolve) => {
    const ended = new AbortController();
    const end = () => {
      clearTimeout(timer);
      ended.abort();
      resolve();
    };
    const timer = setTimeout(end, seconds * 1000);
    waker.addEventListener("wake", end, { signal: ended.signal });
    signal.addEventListener("abort", end, { signal: ended.signal });
  });

/** Tries again and again until the signal aborts. After failures in a row the pauses grow from 1 to 30 seconds, with
 * jitter, so that clients do not come back together. @param {AbortSignal} signal @param {() => Promise<void>} work */
export async function repeatedly(signal, work) {
  for (let failures = 0; !signal.aborted; ) {
    try {
      await work();
      failures = 0;
      update((s) => (s.online = true));
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof NetworkError) update((s) => (s.online = false));
      const seconds = Math.min(30, 2 ** failures++) * (0.5 + Math.random() / 2);
      await pause(signal, Math.max(seconds, /** @type {any} */ (error).retryAfter ?? 0));
    }
  }
}
