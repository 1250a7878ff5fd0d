// Writes down one fact: in one durable transaction, before the screen says that it happened.
import type { Kind, Payloads, TabletEvent } from "./contract";
import { type Credential, type Seen, type StoredEvent, codeOf, store, tell } from "./store";

/** A fact to be written: where it belongs and what it tells. */
export interface Draft<K extends Kind = Kind> {
  kind: K;
  run: number | null;
  visit: number | null;
  payload: Payloads[K];
  user: number | null;
  seen?: Seen;
  /** Of an undo: the code of the fact it undoes. */
  code?: string;
  /** Of a kind `photo`: the picture itself. */
  picture?: Blob;
}

export class NotEnrolledError extends Error {}

/** Facts as stored, in order; rejects when nothing of them was written. */
export async function record(drafts: Draft[]): Promise<StoredEvent[]> {
  const database = await store();
  const transaction = database.transaction(["settings", "events", "photos"], "readwrite", {
    durability: "strict",
  });
  const settings = transaction.objectStore("settings");
  const [credential, last, offset] = await Promise.all([
    settings.get("credential") as Promise<Credential | undefined>,
    settings.get("sequence") as Promise<number | undefined>,
    settings.get("clockOffset") as Promise<number | undefined>,
  ]);
  if (!credential) throw new NotEnrolledError();
  const written = drafts.map((draft, index) =>
    storedEvent(draft, credential.tablet, (last ?? 0) + index + 1, offset ?? 0),
  );
  const events = transaction.objectStore("events");
  const photos = transaction.objectStore("photos");
  const puts: Promise<unknown>[] = written.map((fact) => events.add(fact));
  drafts.forEach((draft, index) => {
    const fact = written[index];
    if (!draft.picture || !fact || fact.event.kind !== "photo") return;
    const { sha256 } = fact.event.payload;
    const photo = { id: fact.id, run: fact.run, picture: draft.picture, sha256 };
    puts.push(photos.add({ ...photo, waiting: 1 }));
  });
  puts.push(settings.put((last ?? 0) + drafts.length, "sequence"));
  await Promise.all([...puts, transaction.done]);
  tell("recorded");
  return written;
}

function storedEvent(draft: Draft, tablet: string, sequence: number, offset: number): StoredEvent {
  const now = Date.now();
  const event = {
    id: uuid7(now),
    tablet,
    sequence,
    version: 1,
    kind: draft.kind,
    run: draft.run,
    visit: draft.visit,
    user: draft.user,
    recorded_at: new Date(now).toISOString(),
    clock_offset: offset,
    payload: draft.payload,
  } as TabletEvent;
  const stored: StoredEvent = { id: event.id, run: event.run, event, unsent: sequence };
  const code = draft.code ?? codeOf(event);
  if (code) stored.code = code;
  if (draft.seen) stored.seen = draft.seen;
  return stored;
}

/** A UUID of version 7 (RFC 9562): 48 bits of milliseconds, then chance. */
export function uuid7(milliseconds: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  for (let index = 0; index < 6; index += 1) {
    bytes[index] = Math.floor(milliseconds / 2 ** (8 * (5 - index))) % 256;
  }
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [8, 12, 16, 20].reduce((text, at, dashes) => insertDash(text, at + dashes), hex);
}

function insertDash(text: string, at: number): string {
  return `${text.slice(0, at)}-${text.slice(at)}`;
}
