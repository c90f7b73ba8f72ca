// Errors in words: those of the page in its language, or else those of the service.
import { NetworkError } from "../api/client.js";
import { has, t } from "../words.js";

/** @param {any} error */
export function errorText(error) {
  const key = `error.${error instanceof NetworkError ? "offline" : error?.code}`;
  if (has(key)) return t(key, { n: error.retryAfter || 1 });
  return error?.detail ?? t("error.unexpected");
}

/** Returns the errors that the service found in fields, by the field's name.
 * @param {any} error @returns {Record<string, string>} */
export function fieldErrors(error) {
  const { errors = [], problem } = error ?? {};
  const faults = Object.fromEntries(errors.map((/** @type {any} */ { field, message }) => [field, message]));
  return problem?.field ? { [problem.field]: errorText(error) } : faults;
}
