// Sends facts, then pictures: in order, in batches, one sender at a time, as often as it takes.
//
// Sending again is always safe, because the server keeps each id once; a fact counts as sent only
// when the server says that it holds it. Runs in the page and in the worker (Background Sync).
import type { Held } from "./contract";
import { RefusedError, UnreachableError, ask, read } from "./server";
import { type StoredEvent, keepSetting, setting, store, tell, unsentCount } from "./store";

const MOST_IN_A_BATCH = 200;
const FIRST_WAIT_MS = 2_000;
const LONGEST_WAIT_MS = 300_000;

export type Outcome =
  | { how: "all" }
  | { how: "busy" }
  | { how: "unreachable" }
  | { how: "refused"; status: number; problem: string };

/** Send all that waits; resolves when everything is sent or nothing more can be. */
export async function sendAll(): Promise<Outcome> {
  const outcome = await navigator.locks.request(
    "bus-ops-send",
    { ifAvailable: true },
    async (lock): Promise<Outcome> => (lock ? sendUntilDone() : { how: "busy" }),
  );
  if (outcome.how === "all") await noteAllSent();
  tell("sent");
  return outcome;
}

async function noteAllSent(): Promise<void> {
  if ((await unsentCount()) > 0) return;
  await keepSetting("allSentAt", Date.now() + ((await setting("clockOffset")) ?? 0));
}

async function sendUntilDone(): Promise<Outcome> {
  try {
    await sendFacts();
    await sendPhotos();
    return { how: "all" };
  } catch (error) {
    if (error instanceof UnreachableError) return { how: "unreachable" };
    if (error instanceof RefusedError) {
      return { how: "refused", status: error.status, problem: error.problem };
    }
    throw error;
  }
}

async function sendFacts(): Promise<void> {
  let most = MOST_IN_A_BATCH;
  for (;;) {
    const batch = await nextBatch(most);
    if (!batch.length) return;
    try {
      const answer = await ask("events", {
        method: "POST",
        body: JSON.stringify({ events: batch.map((stored) => stored.event) }),
        headers: { "Content-Type": "application/json" },
        much: true,
      });
      await markHeld(batch, await read<Held>(answer));
    } catch (error) {
      // Too much at once for this server: less, until a single fact is refused.
      if (!(error instanceof RefusedError && error.status === 413 && most > 1)) throw error;
      most = Math.ceil(most / 2);
    }
  }
}

/** The oldest facts that wait, in the tablet's own order. */
async function nextBatch(most: number): Promise<StoredEvent[]> {
  return (await store()).getAllFromIndex("events", "unsent", null, most);
}

/** Note what the server holds; an answer that tells of none of the batch is no answer. */
async function markHeld(batch: StoredEvent[], answer: Held): Promise<void> {
  if (!Array.isArray(answer.held)) throw new UnreachableError("events");
  const held = new Set(answer.held);
  const problems = new Map<string, string>();
  for (const aside of answer.set_aside ?? []) {
    const id = aside.id ?? batch[aside.index]?.id;
    if (id) problems.set(id, aside.problem);
  }
  const settled = batch.filter((stored) => held.has(stored.id) || problems.has(stored.id));
  if (!settled.length) throw new UnreachableError("events");
  const transaction = (await store()).transaction("events", "readwrite", { durability: "strict" });
  for (const { unsent: _, ...stored } of settled) {
    const problem = held.has(stored.id) ? undefined : problems.get(stored.id);
    void transaction.store.put(problem === undefined ? stored : { ...stored, problem });
  }
  await transaction.done;
  tell("sent");
}

async function sendPhotos(): Promise<void> {
  for (const id of await (await store()).getAllKeysFromIndex("photos", "waiting")) {
    await sendPhoto(id);
  }
}

async function sendPhoto(id: string): Promise<void> {
  const photo = await (await store()).get("photos", id);
  if (!photo?.waiting) return;
  const answer = await ask(`photos/${id}`, {
    method: "PUT",
    body: photo.picture,
    headers: { "Content-Type": photo.picture.type, "X-Content-SHA256": photo.sha256 },
    much: true,
    also: [400, 409, 413, 415, 422],
  });
  // 422: it was damaged on its way, or here; what cannot be mended must not wait for ever.
  if (answer.status === 422 && (await sha256(photo.picture)) === photo.sha256) {
    throw new UnreachableError("photos");
  }
  const { waiting: _, ...kept } = photo;
  const problem = answer.ok ? {} : { problem: String(answer.status) };
  await (await store()).put("photos", { ...kept, ...problem });
  tell("sent");
}

export async function sha256(picture: Blob): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", await picture.arrayBuffer());
  return hex(new Uint8Array(digest));
}

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** How long to wait before trying again: longer each time, never the same for two tablets. */
export function waitBefore(attempt: number): number {
  const longest = Math.min(FIRST_WAIT_MS * 2 ** attempt, LONGEST_WAIT_MS);
  return longest / 2 + Math.random() * (longest / 2);
}
