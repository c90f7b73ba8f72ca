// Pauses between tries, which end early when something happens.

const waker = new EventTarget();

export const wake = () => waker.dispatchEvent(new Event("wake"));

/** @param {number} seconds @param {AbortSignal} signal @returns {Promise<void>} */
export const pause = (seconds, signal) =>
  new Promise((resolve) => {
    const timer = setTimeout(end, Math.min(seconds, 86_400) * 1000);
    waker.addEventListener("wake", end, { once: true });
    signal.addEventListener("abort", end, { once: true });
    function end() {
      clearTimeout(timer);
      waker.removeEventListener("wake", end);
      signal.removeEventListener("abort", end);
      resolve();
    }
  });

/** Counts failures in a row. The pauses grow from 1 to 30 seconds, with jitter, so that clients do not return together. */
export class Backoff {
  failures = 0;

  /** @param {number} [atLeast] seconds that the service asked for */
  next(atLeast = 0) {
    return Math.max(atLeast, Math.min(30, 2 ** this.failures++) * (0.5 + Math.random() / 2));
  }
}
