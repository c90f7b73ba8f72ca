// Tabs of one account share each step. One of them leads: it alone follows the service and sends edits, because a
// browser opens few connections to a host, and so that no two tabs send the same edit.
import { toastError } from "../ui/toast.js";
import { apply } from "./copy.js";
import { save } from "./store.js";

/** @type {BroadcastChannel | undefined} */
let channel;
/** Called with each step of any tab. @type {((step: Step) => void)[]} */
export const listeners = [apply];

/** Takes a step: here, in the other tabs, and in the store. @param {Step} step */
export function take(step) {
  channel?.postMessage(step);
  save(step);
  follow(step);
}

const follow = (step) => listeners.forEach((listener) => listener(step));

/** @param {string} account */
export function openTabs(account) {
  channel = new BroadcastChannel(`todos-${account}`);
  channel.onmessage = ({ data }) => follow(data);
}

export function closeTabs() {
  channel?.close();
  channel = undefined;
}

/** Calls `work` once this tab leads. Without locks (plain http), each tab leads: idempotency keys prevent doubles.
 * @param {string} account @param {AbortSignal} signal @param {() => Promise<void>} work */
export function lead(account, signal, work) {
  const leading = navigator.locks ? navigator.locks.request(`todos-${account}`, { signal }, work) : work();
  leading.catch((error) => signal.aborted || toastError(error));
}
