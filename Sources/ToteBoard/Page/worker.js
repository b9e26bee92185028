// Keeps the page itself, so that a screen which is started without a network comes up and says so.
// Orders are never kept here: requests of the API are let through untouched.
'use strict';

const CACHE = 'tote-board-1';
// Every store has the same page; `page` stands for all of them.
const PAGE = '/board/page';
const ASSETS = ['board.css', 'strings.js', 'link.js', 'view.js', 'board.js', 'icon.svg']
  .map((name) => '/board-assets/' + name);
const PATIENCE_MS = 4000;

self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(CACHE)
    .then((cache) => cache.addAll([PAGE].concat(ASSETS)))
    .then(() => self.skipWaiting()));
});

self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

self.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== 'GET' || url.origin !== self.location.origin) return;
  const isPage = /^\/board\/[^/]+$/.test(url.pathname);
  if (isPage || ASSETS.includes(url.pathname)) {
    event.respondWith(newest(event.request, isPage ? PAGE : url.pathname));
  }
});

// The server's copy; the kept one when the server is silent.
async function newest(request, name) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(name);
  const fresh = fetch(request).then((response) => {
    if (!response.ok) return kept || response;
    return cache.put(name, response.clone()).then(() => response);
  });
  if (!kept) return fresh;
  const patience = new Promise((resolve) => setTimeout(() => resolve(kept), PATIENCE_MS));
  return Promise.race([fresh.catch(() => kept), patience]);
}
