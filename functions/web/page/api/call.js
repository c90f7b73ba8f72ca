// Requests that are written as data, such as `DELETE auth/tokens/{id}`.
import { request } from "./client.js";

/** @param {string} line @param {object} [body] @param {Record<string, string>} [values] of the names in the path */
export function call(line, body, values = {}) {
  const [method, path] = line.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(values[name])).split(" ");
  return request(method, path, { body });
}
