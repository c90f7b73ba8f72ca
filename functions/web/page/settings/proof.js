// The proof that the user is present, which the service wants before second factors change.
import { getPasskey } from "../account/passkeys.js";
import { request } from "../api/client.js";
import { openDialog } from "../ui/dialog.js";
import { form } from "../ui/form.js";
import { html } from "../vendor/lit-html/lit-html.js";
import { t } from "../words.js";

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
