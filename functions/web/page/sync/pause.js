// Pauses between tries. They end early when something happens.
import { NetworkError } from "../api/client.js";
import { state } from "../state.js";
import { take } from "./tabs.js";

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

/** Tries again and again until the signal aborts. After failures in a row the pauses grow from 1 to 10 seconds, with
 * jitter, so that clients do not come back together. @param {AbortSignal} signal
 * @param {() => Promise<any>} work resolves with false if it has sent nothing */
export async function repeatedly(signal, work) {
  for (let failures = 0; !signal.aborted; ) {
    try {
      if ((await work()) !== false) setOnline(true);
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof NetworkError) setOnline(false);
      const seconds = Math.min(10, 2 ** failures++) * (0.5 + Math.random() / 2);
      await pause(signal, Math.max(seconds, /** @type {any} */ (error).retryAfter ?? 0));
    }
  }
}

/** Tells all tabs whether the service answers. */
function setOnline(online) {
  if (state.online !== online) take({ online });
}
