// Proofs of who the user is: passkeys (WebAuthn), and what is asked again before second factors change.
import { html } from "../vendor/lit-html/lit-html.js";
import { request } from "../api/client.js";
import { openDialog } from "../ui/dialog.js";
import { form } from "../ui/form.js";
import { t } from "../words.js";

/** Whether the browser reads the JSON form of WebAuthn, which the service speaks. */
export const hasPasskeys = () => "parseRequestOptionsFromJSON" in (globalThis.PublicKeyCredential ?? {});

/** Asks for a passkey. With the challenge of a password, it is the second factor. @param {string} [challenge] */
export async function getPasskey(challenge) {
  const options = await request("POST", "auth/login/passkey/options", { body: { challenge } });
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return ask(() => navigator.credentials.get({ publicKey }));
}

export async function makePasskey() {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(await request("POST", "auth/passkeys/options"));
  return ask(() => navigator.credentials.create({ publicKey }));
}

async function ask(prompt) {
  try {
    return /** @type {PublicKeyCredential} */ (await prompt()).toJSON();
  } catch (/** @type {any} */ { name }) {
    throw { code: name === "InvalidStateError" ? "passkey_taken" : "passkey_cancelled" };
  }
}

/** Does the work. If the service wants a proof, asks for it and does the work again.
 * @param {() => Promise<any>} work */
export async function confirmed(work) {
  try {
    return await work();
  } catch (/** @type {any} */ error) {
    if (error.code !== "confirmation_required") throw error;
    if (await openDialog(t("proof"), (close) => proofs(error.problem.methods, close))) return work();
    throw { code: "not_confirmed" };
  }
}

function proofs(methods, close) {
  const send = async (body) => {
    await request("POST", "auth/confirm", { body });
    close(true);
  };
  return html`
    ${methods.includes("password") ? form("proof", { send }) : ""}
    ${methods.includes("recovery_code") ? form("proof-code", { send }) : ""}
    ${methods.includes("passkey") ? form("proof-passkey", { send: async () => send({ credential: await getPasskey() }) }) : ""}
  `;
}
