// Errors in words: those of the page in its language, or else those of the service.
import { NetworkError } from "../api/client.js";
import { has, t } from "../words.js";

/** @param {any} error */
export function errorText(error) {
  const key = `error.${error instanceof NetworkError ? "offline" : error?.code}`;
  if (has(key)) return t(key, { n: error.retryAfter || 1 });
  return error?.detail ?? t("error.unexpected");
}
