// Makes this browser a tablet of the service: a code from the coordinator's screen, used once.
import type { Enrolled } from "./contract";
import { RefusedError, ask, read } from "./server";
import { keepSetting, setting, store, tell, unsentCount } from "./store";

export type EnrolProblem = "unknown_code" | "expired_code" | "unsent_facts" | "refused";

export class EnrolError extends Error {
  constructor(readonly problem: EnrolProblem) {
    super(problem);
  }
}

/** The code in a link of the coordinator's screen, or typed alone. */
export function codeIn(text: string): string | null {
  const found = /[#&]enrol=([^&\s]+)/.exec(text);
  const code = found ? decodeURIComponent(found[1] ?? "") : text.trim();
  return /^[\w-]{4,}$/.test(code) ? code : null;
}

/** Take the code out of the page's address, so that it stays in no history. */
export function takeCodeFromAddress(): string | null {
  if (!location.hash.includes("enrol=")) return null;
  const code = codeIn(location.hash);
  history.replaceState(null, "", location.pathname);
  return code;
}

/** Exchange the code for this tablet's own credential. */
export async function enrol(code: string): Promise<void> {
  const former = await setting("credential");
  const waiting = await unsentCount();
  // While the former credential is good, what was recorded with it goes first.
  if (former && waiting > 0 && !(await setting("stranger"))) throw new EnrolError("unsent_facts");
  const enrolled = await exchange(code);
  if (former?.tablet !== enrolled.tablet && !waiting) await forgetFormerLife();
  await keepSetting("credential", {
    tablet: enrolled.tablet,
    secret: enrolled.secret,
    name: enrolled.name,
    library: enrolled.library,
  });
  if (former && former.tablet !== enrolled.tablet) await takeAlong(enrolled.tablet);
  await keepSetting("stranger", false);
  await keepSetting("revoked", false);
  await keepSetting("clockOffset", Date.parse(enrolled.now) - Date.now());
  tell("enrolled");
}

/** Facts that could not be sent under the former name go under the new one; their ids stay. */
async function takeAlong(tablet: string): Promise<void> {
  const transaction = (await store()).transaction("events", "readwrite", { durability: "strict" });
  for await (const cursor of transaction.store.index("unsent")) {
    void cursor.update({ ...cursor.value, event: { ...cursor.value.event, tablet } });
  }
  await transaction.done;
}

async function exchange(code: string): Promise<Enrolled> {
  try {
    const answer = await ask("enrol", {
      method: "POST",
      body: JSON.stringify({ code }),
      headers: { "Content-Type": "application/json" },
    });
    return await read<Enrolled>(answer);
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    if (error.status === 404) throw new EnrolError("unknown_code");
    if (error.status === 410) throw new EnrolError("expired_code");
    throw new EnrolError("refused");
  }
}

async function forgetFormerLife(): Promise<void> {
  const names = ["settings", "plan", "catalogue", "events", "photos"] as const;
  const transaction = (await store()).transaction(names, "readwrite", { durability: "strict" });
  await Promise.all([...names.map((name) => transaction.objectStore(name).clear()), transaction.done]);
}
