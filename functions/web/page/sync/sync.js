// Keeps the copy of the user's todos and projects in step with the service.

/** @param {User} user */
export async function startSync(user) {
  void user;
}

/** @param {User | null} wiped */
export async function stopSync(wiped) {
  void wiped;
}
