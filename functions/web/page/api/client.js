// Requests to the API. Errors are `ApiError` (the service refused) or `NetworkError` (no answer came).

// Relative to this file: the service may run below a prefix, such as a stage of an API gateway.
const BASE = new URL("../../../api/v1/", import.meta.url);

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

let onSignedOut = () => {};

/** @param {() => void} handler called after an answer that says that the session has ended */
export function whenSignedOut(handler) {
  onSignedOut = handler;
}

/** @param {string} path below `/api/v1/` */
export const apiUrl = (path) => new URL(path, BASE).href;

/**
 * Sends a request, and returns the response once its headers are there. `key` is the `Idempotency-Key`, with which a
 * write may be sent again. With a `signal` there is no other limit of time, unless `seconds` are given.
 * @param {string} method @param {string} path @param {Options} [options]
 */
export async function send(method, path, { body, headers, signal, seconds = signal ? 0 : 30, key } = {}) {
  const signals = [signal, seconds && AbortSignal.timeout(seconds * 1000)].filter((each) => !!each);
  const sent = new Headers({ Accept: "application/json", ...headers });
  const hasBody = body !== undefined && body !== null;
  if (hasBody) sent.set("Content-Type", "application/json");
  if (key) sent.set("Idempotency-Key", key);
  let response;
  try {
    const content = hasBody ? JSON.stringify(body) : null;
    response = await fetch(apiUrl(path), { method, headers: sent, body: content, signal: AbortSignal.any(signals) });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new NetworkError(String(error));
  }
  if (!response.ok) await refuse(response);
  return response;
}

/** @param {Response} response @returns {Promise<never>} */
async function refuse(response) {
  const problem = await response.json().catch(() => null);
  // Proxies answer without a problem document when the service does not answer.
  if (!problem?.code) throw new NetworkError(`${response.status} ${response.statusText}`);
  if (problem.code === "not_authenticated") onSignedOut();
  throw new ApiError(response, problem);
}

/** Sends a request and returns its JSON, or "" if the answer has no body.
 * @param {string} method @param {string} path @param {Options} [options] @returns {Promise<any>} */
export const request = async (method, path, options) => read(await send(method, path, options));

/** Returns the JSON of a response. @param {Response} response @returns {Promise<any>} */
export async function read(response) {
  try {
    const text = await response.text();
    return text && JSON.parse(text);
  } catch (error) {
    throw new NetworkError(String(error));
  }
}

/** Returns a UUIDv7: its time comes first, so that objects of offline clients sort by their creation. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  new DataView(bytes.buffer).setBigUint64(0, (BigInt(Date.now()) << 16n) | BigInt((bytes[6] << 8) | bytes[7]));
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}
