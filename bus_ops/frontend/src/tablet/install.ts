// Keeps the app itself on the tablet: the service worker, its updates, what of it is kept.
import { signal } from "@preact/signals";

/** A newer version lies ready and waits to be used. */
export const updateWaiting = signal(false);

let registration: ServiceWorkerRegistration | undefined;
let reloading = false;

/** Register the worker; a version that waited while the app was closed takes over at once. */
export async function keepAppHere(): Promise<void> {
  if (!("serviceWorker" in navigator)) return;
  const hadWorker = navigator.serviceWorker.controller !== null;
  navigator.serviceWorker.addEventListener("controllerchange", () => {
    if (hadWorker && !reloading) reload();
  });
  try {
    registration = await navigator.serviceWorker.register("/tablet/app/sw.js", {
      scope: "/tablet/app/",
      updateViaCache: "none",
    });
  } catch {
    return;
  }
  if (registration.waiting) useUpdate();
  registration.addEventListener("updatefound", () => watch(registration?.installing ?? null));
  registration.active?.postMessage("keep the rest");
}

function watch(worker: ServiceWorker | null): void {
  worker?.addEventListener("statechange", () => {
    if (worker.state === "installed" && navigator.serviceWorker.controller) {
      updateWaiting.value = true;
    }
  });
}

function reload(): void {
  reloading = true;
  location.reload();
}

/** Let the new version take over; every open page of the app reloads. */
export function useUpdate(): void {
  registration?.waiting?.postMessage("take over");
}

export async function lookForUpdate(): Promise<void> {
  await registration?.update().catch(() => undefined);
}

/** Whether the app opens without a network. */
export async function shellKept(): Promise<boolean> {
  return isKept("/tablet/app/");
}

export async function cameraKept(): Promise<boolean> {
  return "BarcodeDetector" in globalThis || isKept("/static/tablet/zxing_reader.wasm");
}

async function isKept(address: string): Promise<boolean> {
  if (!("caches" in globalThis)) return false;
  return (await caches.match(address, { ignoreSearch: true })) !== undefined;
}
