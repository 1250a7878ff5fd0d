// The service worker: keeps the app on the tablet, and sends facts when the network comes back.
//
// Shell and built files come from the cache of this version; the API always from the network. A
// new version waits until no page of the old one is open (or until the page asks), so a page never
// mixes files of two versions; the cache of the old one goes only then.
import { sendAll } from "./send";
import { speakAs } from "./server";

interface Kept {
  version: string;
  addresses: string[];
}

/** The server puts the version and the list of built files here. */
declare const __KEPT__: Kept;

interface WaitingEvent extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface FetchingEvent extends WaitingEvent {
  request: Request;
  respondWith(answer: Promise<Response>): void;
}
interface SyncEvent extends WaitingEvent {
  tag: string;
}
interface Worker {
  addEventListener(type: "install" | "activate", listener: (event: WaitingEvent) => void): void;
  addEventListener(type: "fetch", listener: (event: FetchingEvent) => void): void;
  addEventListener(type: "sync", listener: (event: SyncEvent) => void): void;
  addEventListener(type: "message", listener: (event: MessageEvent) => void): void;
  skipWaiting(): Promise<void>;
  clients: { claim(): Promise<void> };
  location: Location;
}

const worker = self as unknown as Worker;
const kept = __KEPT__;
const PREFIX = "bus-ops-tablet ";
const CACHE = `${PREFIX}${kept.version}`;
const SHELL = "/tablet/app/";
const OWN = [
  SHELL,
  "/tablet/app/manifest.webmanifest",
  "/tablet/app/messages/vi.json",
  "/tablet/app/messages/en.json",
];
// Big and only for the camera: the app is installed without it, and it is fetched afterwards.
const LATER = /\.wasm$|camera-|reader-/;

speakAs(kept.version);

worker.addEventListener("install", (event) => event.waitUntil(keepFirst()));
worker.addEventListener("activate", (event) => event.waitUntil(takeOver()));
worker.addEventListener("fetch", (event) => {
  const address = new URL(event.request.url);
  if (event.request.method !== "GET" || address.origin !== worker.location.origin) return;
  if (isOfApp(event.request, address)) event.respondWith(keptOrFetched(event.request));
});
worker.addEventListener("sync", (event) => {
  if (event.tag === "send") event.waitUntil(sendInBackground());
});
worker.addEventListener("message", (event) => {
  if (event.data === "take over") void worker.skipWaiting();
  if (event.data === "keep the rest") void keepRest();
});

function addresses(): string[] {
  return [...new Set([...OWN, ...kept.addresses])];
}

async function keepFirst(): Promise<void> {
  const cache = await caches.open(CACHE);
  const first = addresses().filter((address) => !LATER.test(address));
  // Straight from the server: a stale file of the browser's own cache would stay for good.
  await cache.addAll(first.map((address) => new Request(address, { cache: "reload" })));
  void keepRest();
}

async function keepRest(): Promise<void> {
  const cache = await caches.open(CACHE);
  for (const address of addresses().filter((one) => LATER.test(one))) {
    if (await cache.match(address)) continue;
    await cache.add(new Request(address, { cache: "reload" })).catch(() => undefined);
  }
}

async function takeOver(): Promise<void> {
  const old = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
  await worker.clients.claim();
}

function isOfApp(request: Request, address: URL): boolean {
  if (address.pathname.startsWith("/tablet/api/")) return false;
  if (request.mode === "navigate") return address.pathname === SHELL;
  return address.pathname.startsWith("/static/") || OWN.includes(address.pathname);
}

async function keptOrFetched(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE);
  const found = await cache.match(request, { ignoreSearch: true, ignoreVary: true });
  return found ?? fetch(request);
}

/** Rejecting makes the browser try again later. */
async function sendInBackground(): Promise<void> {
  const outcome = await sendAll();
  if (outcome.how === "unreachable" || outcome.how === "refused") throw new Error(outcome.how);
}
