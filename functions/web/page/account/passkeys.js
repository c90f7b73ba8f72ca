// Passkeys (WebAuthn): the browser asks its user between two requests to the service.
import { request } from "../api/client.js";

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
