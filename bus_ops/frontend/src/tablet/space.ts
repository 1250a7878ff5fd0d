// How safely and how long the tablet can keep things.
const LOW_BYTES = 200 * 1024 * 1024;

export interface Space {
  persistent: boolean;
  usedBytes: number;
  freeBytes: number;
  low: boolean;
}

/** Ask the browser not to clear the store; it may say no, and the app says so. */
export async function askToPersist(): Promise<boolean> {
  try {
    return await navigator.storage.persist();
  } catch {
    return false;
  }
}

export async function spaceHere(): Promise<Space> {
  const [persistent, estimate] = await Promise.all([
    navigator.storage.persisted().catch(() => false),
    navigator.storage.estimate().catch((): StorageEstimate => ({})),
  ]);
  const usedBytes = estimate.usage ?? 0;
  const freeBytes = Math.max(0, (estimate.quota ?? 0) - usedBytes);
  return { persistent, usedBytes, freeBytes, low: freeBytes < LOW_BYTES };
}
