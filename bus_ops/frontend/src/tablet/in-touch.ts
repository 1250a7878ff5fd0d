// Keeps in touch with the server: sends soon after each fact, asks for news, never trusts the
// browser's word that there is a network.
import { signal } from "@preact/signals";
import { fetchFacts, prepare, saysRevoked, serviceNow } from "./prepare";
import { sendAll, waitBefore } from "./send";
import { RefusedError, UnreachableError, ping } from "./server";
import {
  allSentAt,
  clockOffset,
  contact,
  credential,
  fresh,
  keepTime,
  onWriting,
  refusal,
  sending,
  showAgain,
  showFacts,
  today,
  unsent,
} from "./state";
import { keepSetting, onNews, setting, unsentCount } from "./store";
import { dayOf } from "./words";

const LOOK_AGAIN_MS = 60_000;
const TICK_MS = 5_000;
const SOON_MS = 400;
const STALE_AFTER_MS = 15 * 60_000;

export type Preparing = "idle" | "plan" | "catalogue" | "facts" | "failed";
export const preparing = signal<Preparing>("idle");

let attempts = 0;
let next: ReturnType<typeof setTimeout> | undefined;

export function keepInTouch(): void {
  onWriting(() => {
    void askForBackgroundSync();
    lookAfter(SOON_MS);
  });
  onNews((what) => void hear(what));
  addEventListener("online", () => void lookNow());
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") void lookNow();
  });
  setInterval(keepTime, TICK_MS);
  void lookNow();
}

async function hear(what: string): Promise<void> {
  if (what === "sent") await showSending();
  else if (what === "prepared" || what === "enrolled") await showAgain();
  else await showFacts();
}

async function showSending(): Promise<void> {
  unsent.value = await unsentCount();
  allSentAt.value = (await setting("allSentAt")) ?? null;
}

function lookAfter(wait: number): void {
  clearTimeout(next);
  next = setTimeout(() => void look(), wait);
}

/** Look at once, whatever was waited for. */
export async function lookNow(): Promise<void> {
  attempts = 0;
  keepTime();
  clearTimeout(next);
  await look();
}

let looking = false;

/** Send what waits, ask for the clock and for others' facts, prepare what is stale. */
async function look(): Promise<void> {
  if (looking || !credential.peek()) return;
  looking = true;
  try {
    const sent = await sendWaiting();
    if (sent) await hearNews();
  } finally {
    looking = false;
    lookAfter(unsent.peek() > 0 || contact.peek() !== "reached" ? waitBefore(attempts) : LOOK_AGAIN_MS);
  }
}

async function sendWaiting(): Promise<boolean> {
  sending.value = unsent.peek() > 0;
  try {
    const outcome = await sendAll();
    refusal.value = outcome.how === "refused" ? `${outcome.status} ${outcome.problem}` : null;
    if (outcome.how === "refused" && outcome.problem === "unknown_tablet") await noteStranger();
    if (outcome.how === "unreachable") contact.value = "unreached";
    attempts = outcome.how === "all" ? 0 : attempts + 1;
    return outcome.how === "all";
  } finally {
    sending.value = false;
    await showSending();
  }
}

async function hearNews(): Promise<void> {
  try {
    await ping();
    clockOffset.value = (await setting("clockOffset")) ?? 0;
    contact.value = "reached";
    // Not waited for: a catalogue may take minutes, and facts are to be sent meanwhile.
    if (await isStale()) void prepareNow();
    else if ((await fetchFacts()) > 0) await showFacts();
  } catch (error) {
    await noteTrouble(error);
  }
}

async function noteTrouble(error: unknown): Promise<void> {
  if (saysRevoked(error)) {
    contact.value = "revoked";
    await keepSetting("revoked", true);
    return;
  }
  if (error instanceof RefusedError && error.problem === "unknown_tablet") {
    await noteStranger();
    return;
  }
  if (error instanceof UnreachableError) {
    contact.value = "unreached";
    attempts += 1;
    return;
  }
  refusal.value = error instanceof Error ? error.message : String(error);
}

/** The coordinator made a new code for this tablet: it has to be enrolled again. */
async function noteStranger(): Promise<void> {
  contact.value = "stranger";
  await keepSetting("stranger", true);
}

async function isStale(): Promise<boolean> {
  const at = fresh.peek().catalogueAt ?? 0;
  const time = await serviceNow();
  return dayOf(at) !== today.peek() || time - at > STALE_AFTER_MS;
}

/** Fetch everything anew and show it; what fails leaves the old in place. */
export async function prepareNow(): Promise<void> {
  if (preparing.peek() !== "idle" && preparing.peek() !== "failed") return;
  preparing.value = "plan";
  try {
    await prepare((step) => {
      preparing.value = step;
    });
    preparing.value = "idle";
    contact.value = "reached";
  } catch (error) {
    preparing.value = "failed";
    await noteTrouble(error);
  }
  await showAgain();
}

interface SyncRegistration {
  sync?: { register(tag: string): Promise<void> };
}

/** Let the browser send in the background where it can; elsewhere each opening sends. */
async function askForBackgroundSync(): Promise<void> {
  try {
    const registration = await navigator.serviceWorker?.ready;
    await (registration as unknown as SyncRegistration).sync?.register("send");
  } catch {
    // Not allowed here: the page itself sends.
  }
}
