// Requests to the API. Errors are `ApiError` (the service refused) or `NetworkError` (no answer came).

// Relative to this file: the service may run below a prefix, such as a stage of an API gateway.
const BASE = new URL("../../../api/v1/", import.meta.url);
const TIMEOUT_MILLISECONDS = 30_000;

export class ApiError extends Error {
  /** @param {Response} response @param {Problem} problem */
  constructor(response, problem) {
    super(problem.detail);
    this.status = response.status;
    this.code = problem.code;
    this.detail = problem.detail;
    this.errors = problem.errors ?? [];
    this.problem = problem;
    this.retryAfter = Number(response.headers.get("Retry-After")) || 0;
  }
}

export class NetworkError extends Error {}

/** Called after a response that says that the session has ended. */
let onSignedOut = () => {};

/** @param {() => void} handler */
export function whenSignedOut(handler) {
  onSignedOut = handler;
}

/** @param {string} path */
export const apiUrl = (path) => new URL(path, BASE).href;

/**
 * Sends a request and returns its response once the headers are there. Throws ApiError and NetworkError.
 * `key` is the `Idempotency-Key`, with which a write may be sent again.
 * @param {string} method @param {string} path below `/api/v1/`
 * @param {{body?: unknown, headers?: Record<string, string>, signal?: AbortSignal, key?: string}} [options]
 */
export async function send(method, path, { body, headers = {}, signal, key } = {}) {
  /** @type {Record<string, string>} */
  const sent = { Accept: "application/json", ...headers };
  if (body !== undefined && body !== null) sent["Content-Type"] = "application/json";
  if (key) sent["Idempotency-Key"] = key;
  let response;
  try {
    response = await fetch(apiUrl(path), {
      method,
      headers: sent,
      body: sent["Content-Type"] && JSON.stringify(body),
      signal: signal ?? AbortSignal.timeout(TIMEOUT_MILLISECONDS),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new NetworkError(String(error));
  }
  if (!response.ok && response.status !== 304) await refuse(response);
  return response;
}

/** @param {Response} response @returns {Promise<never>} */
async function refuse(response) {
  const unreadable = { detail: response.statusText || String(response.status), code: "unreadable" };
  const error = new ApiError(response, await response.json().catch(() => unreadable));
  if (error.code === "not_authenticated") onSignedOut();
  // Proxies answer 502 and 504 without a problem document when the service does not answer.
  if (error.code === "unreadable" && response.status >= 502) throw new NetworkError(error.detail);
  throw error;
}

/**
 * Sends a request and returns its JSON, or null if the response has none.
 * @param {string} method @param {string} path @param {Parameters<typeof send>[2]} [options]
 * @returns {Promise<any>}
 */
export async function request(method, path, options) {
  return read(await send(method, path, options));
}

/** @param {Response} response */
export async function read(response) {
  try {
    const text = await response.text();
    return text && JSON.parse(text);
  } catch (error) {
    throw new NetworkError(String(error));
  }
}
