// The views before a sign-in: sign in, second factor, sign up, forgotten password.
import { html } from "../vendor/lit-html/lit-html.js";
import { request } from "../api/client.js";
import { href } from "../router.js";
import { signedIn } from "../session.js";
import { update } from "../state.js";
import { form } from "../ui/form.js";
import { t } from "../words.js";
import { getPasskey, hasPasskeys } from "./proofs.js";

/** @param {State} state */
export function accountView({ route: { view }, ui }) {
  if (view === "sign-up") return card(view, form(view, { send: signUp, more: ui.needsInvite ? ["invite"] : [] }), link("sign-in"));
  if (view === "forgot") return card(view, form(view), link("sign-in"));
  if (ui.login) return card("second-factor", secondFactor(ui.login));
  const passkey = hasPasskeys() ? form("sign-in-passkey", { send: signInByPasskey }) : "";
  return card("sign-in", form("sign-in", { send: signIn }), passkey, link("forgot"), link("sign-up"));
}

const card = (name, ...content) => html`
  <div class="card stack">
    <h1>${t(`account.${name}`)}</h1>
    <p>${t(`account.${name}.text`)}</p>
    ${content}
  </div>
`;

const link = (view) => html`<p><a href=${href(view)}>${t(`account.to-${view}`)}</a></p>`;

function secondFactor({ challenge, methods }) {
  const go = async (proof) => enter("auth/login", { challenge, ...proof });
  return [
    methods.includes("recovery_code") ? form("second-factor", { send: go }) : "",
    methods.includes("passkey")
      ? form("second-passkey", { send: async () => go({ credential: await getPasskey(challenge) }) })
      : "",
    html`<button class="link" @click=${() => update((s) => (s.ui.login = null))}>${t("account.start-over")}</button>`,
  ];
}

/** @param {Record<string, string>} values */
async function signIn({ email, password }) {
  try {
    await enter("auth/login", { email, password });
  } catch (/** @type {any} */ error) {
    if (error.code !== "second_factor_required") throw error;
    update((s) => (s.ui.login = error.problem));
  }
}

const signInByPasskey = async () => enter("auth/login/passkey", { credential: await getPasskey() });

async function enter(path, body) {
  const user = await request("POST", path, { body });
  update((s) => (s.ui.login = null));
  await signedIn(user);
  location.replace(href("all"));
}

async function signUp(values) {
  try {
    await request("POST", "auth/register", { body: { ...values, timezone: Intl.DateTimeFormat().resolvedOptions().timeZone } });
  } catch (/** @type {any} */ error) {
    update((s) => (s.ui.needsInvite ||= error.code === "invite_required"));
    throw error;
  }
  // Where emails must be confirmed first, the account begins with the link. Then the form says so.
  await signIn(values).catch((error) => {
    if (error.code !== "invalid_credentials") throw error;
  });
}
