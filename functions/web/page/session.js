// Who is signed in. The user is kept in localStorage, so that their todos show before the service answers.
import { request, whenSignedOut } from "./api/client.js";
import { run } from "./areas.js";
import { go } from "./router.js";
import { forget, state, update } from "./state.js";
import { startSync, stopSync } from "./sync/sync.js";
import { toastError } from "./ui/toast.js";
import { t } from "./words.js";

// Requests of this tab have the cookie of the account that has signed in last, in any tab.
addEventListener("storage", ({ key, newValue }) => {
  const id = key === "user" ? JSON.parse(newValue ?? "{}").id : state.user?.id;
  if (id !== state.user?.id) location.reload();
});

/** Shows the todos of the last user, and asks the service whether they are still signed in. */
export async function startSession() {
  whenSignedOut(() => signedOut());
  const stored = localStorage.getItem("user");
  if (stored) await signedIn(JSON.parse(stored));
  await request("GET", "auth/me").then(signedIn, (error) => {
    if (!state.user) signedOut();
    // Without a network the copy of this browser serves.
    if (error.status && error.status !== 401) toastError(error);
  });
}

/** Call it after a sign-in or a change of the profile. @param {User} user */
export async function signedIn(user) {
  const isNew = state.user?.id !== user.id;
  localStorage.setItem("user", JSON.stringify(user));
  update((s) => Object.assign(s, { user, ready: true, loading: s.loading || isNew }));
  leaveDoors();
  if (isNew) await startSync(user);
}

/** Leaves the views of visitors once somebody is signed in. */
export function leaveDoors() {
  if (state.user && ["sign-in", "sign-up", "forgot"].includes(state.route.view)) go("all");
}

/** Hides everything. `isWiped` also deletes the copy in this browser, as after a sign-out by the user. */
export function signedOut(isWiped = false) {
  const { user } = state;
  localStorage.removeItem("user");
  stopSync(isWiped ? user : null);
  forget();
  update((s) => (s.ready = true));
  if (user) go("sign-in");
}

/** Signs out, after a question if edits would be lost. */
export async function signOut() {
  const { waiting: n } = state;
  if (n && !(await run("dialog", "askBefore", t("sign_out"), t("sign_out_loses", { n }), t("sign_out"), { isDanger: true }))) return;
  await request("POST", "auth/logout").then(() => signedOut(true), toastError);
}
