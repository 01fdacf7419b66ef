/* Keeps the page, so that it opens at once and works without a network. Files whose path has the version
   never change and come from the cache; for others the network comes first, so that a new version shows
   at once. */

const VERSION = "";                    // written by bridgevec/explorer/site.py, as are
const FILES = [];                      // the files of this version
const CACHE = `bridgevec-explorer-${VERSION}`;
const scope = new URL(self.registration.scope);
const isFixed = (url) => new URL(url).pathname.startsWith(`${scope.pathname}${VERSION}/`);

self.addEventListener("install", (event) => {
  self.skipWaiting();
  // Where the browser can, it looks into the cache itself, without waiting for this worker to start.
  const routes = [
    { condition: { urlPattern: { pathname: `${scope.pathname}${VERSION}/*` } }, source: "cache" },
    { condition: { requestMode: "navigate" }, source: "race-network-and-fetch-handler" },
  ];
  event.waitUntil(Promise.resolve(event.addRoutes?.(routes)).catch(() => null));
});

self.addEventListener("activate", (event) => event.waitUntil(Promise.all([
  self.clients.claim(),
  caches.keys().then((names) => Promise.all(names
    .filter((name) => name.startsWith("bridgevec-explorer-") && name !== CACHE).map((name) => caches.delete(name)))),
])));

/** Keep files that are not kept yet, one after the other: what the page begins with, then the networks. */
async function keep(withNetworks) {
  const cache = await caches.open(CACHE);
  await cache.add("./");
  for (const file of FILES.filter((name) => withNetworks || !name.includes("/weights/"))) {
    if (!await cache.match(file)) await cache.add(file);
  }
}

self.addEventListener("message", (event) => event.waitUntil(keep(event.data === "all").catch(() => null)));

self.addEventListener("fetch", (event) => {
  if (event.request.method !== "GET" || !event.request.url.startsWith(scope.href)) return;
  event.respondWith((async () => {
    const cache = await caches.open(CACHE);
    const kept = () => cache.match(event.request, { ignoreSearch: true });
    const found = isFixed(event.request.url) && await kept();
    if (found) return found;
    try {
      const answer = await fetch(event.request);
      if (answer.ok) await cache.put(event.request, answer.clone());
      return answer;
    } catch (error) {
      const last = await kept();
      if (last) return last;
      throw error;
    }
  })());
});
