// Locks the tablet by a PIN of 4 to 6 digits: after idleness, and to switch staff.
//
// Wrong tries are written down before the answer is known, so that reloading the page gives no
// free tries; after five the pause grows with each one.
import type { Pin, StaffMember } from "./contract";
import { type LockState, keepSetting, setting } from "./store";

const FREE_TRIES = 5;
const FIRST_PAUSE_MS = 30_000;
const LONGEST_PAUSE_MS = 15 * 60_000;

export type Attempt =
  | { how: "right" }
  | { how: "wrong"; triesLeft: number }
  | { how: "paused"; until: number };

const UNTOUCHED: LockState = { wrongTries: 0, pausedUntil: 0, lastTouch: 0, locked: false };

export async function lockState(): Promise<LockState> {
  return { ...UNTOUCHED, ...(await setting("lock")) };
}

/** Change a part of what is kept of the lock. */
export async function noteLock(change: Partial<LockState>): Promise<void> {
  await navigator.locks.request("bus-ops-pin", async () => {
    await keepSetting("lock", { ...(await lockState()), ...change });
  });
}

/** Try a PIN for a person. */
export async function tryPin(member: StaffMember, digits: string): Promise<Attempt> {
  return navigator.locks.request("bus-ops-pin", async (): Promise<Attempt> => {
    const state = await lockState();
    if (state.pausedUntil > Date.now()) return { how: "paused", until: state.pausedUntil };
    const wrongTries = state.wrongTries + 1;
    const pausedUntil = Date.now() + pauseAfter(wrongTries);
    await keepSetting("lock", { ...state, wrongTries, pausedUntil });
    if (!member.pin || (await opens(member.pin, digits))) {
      await keepSetting("lock", { ...UNTOUCHED, lastTouch: Date.now() });
      return { how: "right" };
    }
    if (wrongTries >= FREE_TRIES) return { how: "paused", until: pausedUntil };
    return { how: "wrong", triesLeft: FREE_TRIES - wrongTries };
  });
}

export function pauseAfter(wrongTries: number): number {
  if (wrongTries < FREE_TRIES) return 0;
  return Math.min(FIRST_PAUSE_MS * 2 ** (wrongTries - FREE_TRIES), LONGEST_PAUSE_MS);
}

async function opens(pin: Pin, digits: string): Promise<boolean> {
  const typed = new TextEncoder().encode(digits);
  const key = await crypto.subtle.importKey("raw", typed, "PBKDF2", false, ["deriveBits"]);
  const wanted = bytesOf(pin.hash);
  const derived = await crypto.subtle.deriveBits(
    { name: "PBKDF2", hash: "SHA-256", salt: bytesOf(pin.salt), iterations: pin.iterations },
    key,
    wanted.length * 8,
  );
  return equal(new Uint8Array(derived), wanted);
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const plain = atob(base64.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

function equal(one: Uint8Array, two: Uint8Array): boolean {
  let difference = one.length ^ two.length;
  one.forEach((byte, index) => {
    difference |= byte ^ (two[index] ?? 0);
  });
  return difference === 0;
}
