// Keeps the files of the page, so that a reload works offline. sync/copy.js keeps the data.
// The service puts a line before this file that defines PAGE.

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));
const CACHE = `page-${PAGE.version}`;
const DOCUMENT = `${PAGE.root}/`;
const FOLDER = `${PAGE.root}/page/${PAGE.version}/`;
/** Milliseconds that a reload waits for the network. */
const PATIENCE = 2000;

worker.addEventListener("install", (event) => event.waitUntil(store()));
worker.addEventListener("activate", (event) => event.waitUntil(forgetOthers()));
worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate" && url.pathname === DOCUMENT) event.respondWith(loadDocument(request));
  else if (url.pathname.startsWith(FOLDER)) event.respondWith(loadFile(request));
});

// During a deployment files of another version may come: then nothing is stored, and the next visit tries it again.
async function store() {
  const cache = await caches.open(CACHE);
  await Promise.all([
    add(cache, DOCUMENT, "ETag", PAGE.version),
    // Those that the page has loaded come from the browser's own cache.
    ...PAGE.files.map((path) => add(cache, FOLDER + path, "Cache-Control", "immutable")),
  ]);
}

/** @param {Cache} cache @param {string} url @param {string} header @param {string} sign of this version */
async function add(cache, url, header, sign) {
  const response = await fetch(url);
  if (!response.ok || !response.headers.get(header)?.includes(sign)) throw new Error(`${url} is of another version`);
  await cache.put(url, response);
}

// Runs when no tab shows an older version any more, whose modules may be imported until then.
async function forgetOthers() {
  const old = (await caches.keys()).filter((name) => name.startsWith("page-") && name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
  // From the first visit on: a view that was not opened yet works without a network too.
  await worker.clients.claim();
}

/** @param {Request} request */
async function loadFile(request) {
  return (await caches.match(request.url, { cacheName: CACHE })) ?? fetch(request);
}

/** From the network, so that a new version shows at once; from the cache offline, or if it is slow.
 * @param {Request} request */
async function loadDocument(request) {
  const stored = await caches.match(DOCUMENT, { cacheName: CACHE });
  if (!stored) return fetch(request);
  // A proxy whose service is down answers with 502 to 504.
  const loaded = fetch(request).then((found) => (found.status < 500 ? found : stored), () => stored);
  return Promise.race([loaded, new Promise((resolve) => setTimeout(resolve, PATIENCE, stored))]);
}

// Reminders by web push. One that comes twice has the same id, and replaces itself.
worker.addEventListener("push", (event) => {
  const { id, title, reminder_at } = event.data?.json() ?? {};
  const body = new Date(reminder_at).toLocaleTimeString([], { timeStyle: "short" });
  event.waitUntil(worker.registration.showNotification(title, { tag: id, body }));
});
worker.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(showPage());
});

async function showPage() {
  const [tab] = await worker.clients.matchAll({ type: "window" });
  await (tab ? tab.focus() : worker.clients.openWindow(DOCUMENT));
}
