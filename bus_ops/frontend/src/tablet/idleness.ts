// Locks the screen after idleness, where the crew has PINs.
import { computed, effect } from "@preact/signals";
import { noteLock } from "./lock";
import { head, locked, staffId } from "./state";
import { type LockState, keepSetting } from "./store";

const LOOK_EVERY_MS = 10_000;
const NOTE_EVERY_MS = 15_000;

/** Without any PIN there is nobody to unlock it. */
export const mayLock = computed(() => (head.value?.staff.length ?? 0) > 0);
const hasPins = computed(() => head.value?.staff.some(({ pin }) => pin !== null) ?? false);

let lastTouch = Date.now();
let lastNoted = 0;

export function lockNow(): void {
  if (locked.peek()) return;
  locked.value = true;
  void noteLock({ locked: true });
}

export async function unlock(member: number): Promise<void> {
  staffId.value = member;
  await keepSetting("staff", member);
  lastTouch = Date.now();
  await noteLock({ locked: false, lastTouch });
  locked.value = false;
}

/** Lock at once if it was locked before, or lay idle while the app was closed; then watch. */
export function watchIdleness(before: LockState | undefined): void {
  const idle = Date.now() - (before?.lastTouch ?? 0) > idleMs();
  if (mayLock.peek() && before?.locked) lockNow();
  if (hasPins.peek() && idle) lockNow();
  effect(() => {
    if (hasPins.value && staffId.value === null) lockNow();
  });
  for (const kind of ["pointerdown", "keydown"]) {
    addEventListener(kind, noteTouch, { capture: true, passive: true });
  }
  setInterval(lockWhenIdle, LOOK_EVERY_MS);
  document.addEventListener("visibilitychange", lockWhenIdle);
}

function idleMs(): number {
  return (head.peek()?.idle_lock_minutes ?? 5) * 60_000;
}

function noteTouch(): void {
  lastTouch = Date.now();
  if (locked.peek() || lastTouch - lastNoted < NOTE_EVERY_MS) return;
  lastNoted = lastTouch;
  void noteLock({ lastTouch });
}

function lockWhenIdle(): void {
  if (hasPins.peek() && Date.now() - lastTouch > idleMs()) lockNow();
}
