// Who is signed in. The user is kept in localStorage, so that the page shows their todos before the service answers.
import { ApiError, request, whenSignedOut } from "./api/client.js";
import { go } from "./router.js";
import { forget, state, update } from "./state.js";
import { startSync, stopSync } from "./sync/sync.js";

const USER = "user";

/** Shows the todos of the user who was here last, and asks the service meanwhile whether they still are. */
export async function startSession() {
  whenSignedOut(() => signedOut());
  const stored = localStorage.getItem(USER);
  if (stored) await signedIn(JSON.parse(stored));
  try {
    await signedIn(await request("GET", "auth/me"));
  } catch (error) {
    if (error instanceof ApiError && error.status !== 401) throw error;
    if (!stored) signedOut();
  }
}

/** Call it after a sign-in or a change of the profile. @param {User} user */
export async function signedIn(user) {
  const isNew = state.user?.id !== user.id;
  localStorage.setItem(USER, JSON.stringify(user));
  update((s) => Object.assign(s, { user, ready: true }));
  if (isNew) await startSync(user);
}

/** Hides everything. `wipe` also deletes the copy in this browser, as after a sign-out by the user. */
export async function signedOut(wipe = false) {
  const { user } = state;
  localStorage.removeItem(USER);
  await stopSync(wipe ? user : null);
  forget();
  update((s) => (s.ready = true));
  if (user) go("sign-in");
}
