// @ts-check
/// <reference no-default-lib="true" />
/// <reference lib="es2023" />
/// <reference lib="webworker" />

/**
 * The service worker: keeps the files of the page, so that a reload works offline. It never answers for the API, whose
 * data the page keeps itself (sync/store.js).
 *
 * The service puts a line before this file: `const PAGE = {...}`, with the version, the root of all paths, and the files.
 */

/** @type {ServiceWorkerGlobalScope} */
const worker = /** @type {any} */ (self);
const CACHE = `page-${PAGE.version}`;
const DOCUMENT = `${PAGE.root}/`;
const FOLDER = `${PAGE.root}/page/${PAGE.version}/`;
/** Milliseconds that a reload waits for the network before it shows the stored document. */
const PATIENCE = 2000;

worker.addEventListener("install", (event) => event.waitUntil(store()));
worker.addEventListener("activate", (event) => event.waitUntil(forgetOtherVersions()));
worker.addEventListener("fetch", (event) => {
  const { pathname, origin } = new URL(event.request.url);
  if (event.request.method !== "GET" || origin !== location.origin) return;
  if (event.request.mode === "navigate" && pathname === DOCUMENT) event.respondWith(loadDocument(event.request));
  else if (pathname.startsWith(FOLDER)) event.respondWith(loadFile(event.request));
});

async function store() {
  const cache = await caches.open(CACHE);
  // The files are immutable, so those that the page has loaded come from the browser's cache.
  await cache.addAll([DOCUMENT, ...PAGE.files.map((path) => FOLDER + path)]);
}

/** Runs when no tab shows the version before any more, because its modules may still be imported until then. */
async function forgetOtherVersions() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("page-") && name !== CACHE).map((name) => caches.delete(name)));
}

/** @param {Request} request */
async function loadFile(request) {
  return (await caches.match(request.url)) ?? fetch(request);
}

/**
 * Answers from the network, so that a new version shows at once; without one, or if it is slow, from the cache.
 * @param {Request} request
 */
async function loadDocument(request) {
  const stored = await caches.match(DOCUMENT);
  if (!stored) return fetch(request);
  const slow = new Promise((resolve) => setTimeout(resolve, PATIENCE, stored));
  const response = fetch(request).catch(() => stored);
  // A proxy in front of a service that is down answers with 502 to 504.
  return Promise.race([response.then((found) => (found.status >= 500 ? stored : found)), slow]);
}
