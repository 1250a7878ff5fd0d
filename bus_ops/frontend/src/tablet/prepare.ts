// Fetches what the day needs while the server can be reached: the plan of the next days, the
// catalogue, what other tablets recorded; and forgets what is not needed any more.
import { forgetNames, keepCatalogue } from "./catalogue";
import type { Catalogue, DayPlan, ForeignFacts } from "./contract";
import { effective } from "./fold";
import { RefusedError, ask, ping, read } from "./server";
import {
  type Freshness,
  type Store,
  type StoredEvent,
  type StoredRun,
  codeOf,
  keepSetting,
  setting,
  store,
  tell,
} from "./store";
import { dayOf, language, nextDay } from "./words";

// What a run told stays this long after its day, for looking back.
const DAYS_FACTS_STAY = 3;

export type PrepareStep = "plan" | "catalogue" | "facts";

/** Fetch everything; one at a time, whatever window asks. Rejects where the server is not reached. */
export async function prepare(onStep: (step: PrepareStep) => void): Promise<void> {
  await navigator.locks.request("bus-ops-prepare", async () => {
    await ping();
    onStep("plan");
    await fetchPlan();
    onStep("catalogue");
    await fetchCatalogue();
    onStep("facts");
    await fetchFacts();
  });
  await tidyUp();
  tell("prepared");
}

/** The moment on the service's clock. */
export async function serviceNow(): Promise<number> {
  return Date.now() + ((await setting("clockOffset")) ?? 0);
}

async function noteFresh(change: Freshness): Promise<void> {
  await keepSetting("fresh", { ...(await setting("fresh")), ...change });
}

async function fetchPlan(): Promise<void> {
  const plan = await read<DayPlan>(await ask(`day-plan?language=${language.peek()}`));
  await keepPlan(plan);
  await keepSetting("revoked", false);
  await noteFresh({ planAt: await serviceNow() });
}

async function keepPlan(plan: DayPlan): Promise<void> {
  const { runs, map, load, now: _, ...head } = plan;
  const kept = await runsStillOpen(new Set(runs.map((run) => run.id)), dayOf(plan.now));
  const transaction = (await store()).transaction("plan", "readwrite");
  await transaction.store.clear();
  const empty = { reservations: [], boxes_out: [], boxes_back: [] };
  const stored = runs.map((run) => ({
    id: run.id,
    day: run.day,
    run,
    load: { ...empty, ...load[run.id] },
  }));
  await Promise.all([
    transaction.store.put({ key: "head", day: "", value: head }),
    transaction.store.put({ key: "map", day: "", value: map }),
    ...[...stored, ...kept].map((run) =>
      transaction.store.put({ key: `run ${run.id}`, day: run.day, value: run }),
    ),
    transaction.done,
  ]);
}

/** Runs of earlier days that this tablet knows facts of and nobody closed: not to be lost. */
async function runsStillOpen(fetched: Set<number>, today: string): Promise<StoredRun[]> {
  const open: StoredRun[] = [];
  for (const stored of await knownRuns()) {
    if (fetched.has(stored.id) || stored.day < nextDay(today, -31)) continue;
    const facts = await (await store()).getAllFromIndex("events", "run", stored.id);
    const recent = stored.day >= nextDay(today, -DAYS_FACTS_STAY);
    const waiting = facts.some((fact) => fact.unsent !== undefined);
    if (facts.length && (recent || waiting || !isClosed(facts))) open.push(stored);
  }
  return open;
}

function isClosed(facts: StoredEvent[]): boolean {
  return effective(facts.map((fact) => fact.event)).some((fact) => fact.kind === "day_closed");
}

export async function knownRuns(): Promise<StoredRun[]> {
  const range = IDBKeyRange.bound("run ", "run \uffff");
  const records = await (await store()).getAll("plan", range);
  return records.map((record) => record.value as StoredRun);
}

async function fetchCatalogue(): Promise<void> {
  const etag = await setting("etag");
  const headers: Record<string, string> = etag ? { "If-None-Match": etag } : {};
  const answer = await ask("catalogue", { headers, much: true, also: [304] });
  if (answer.status !== 304) {
    await keepCatalogue(await read<Catalogue>(answer), answer.headers.get("ETag") ?? "");
  }
  await noteFresh({ catalogueAt: await serviceNow() });
}

/** What other tablets and browsers recorded of these runs; resolves to how many were new. */
export async function fetchFacts(): Promise<number> {
  let fresh = 0;
  for (;;) {
    const cursor = (await setting("cursor")) ?? "";
    const path = `facts?after=${encodeURIComponent(cursor)}`;
    const answer = await read<ForeignFacts>(await ask(path, { much: true }));
    const kept = await keepForeign(answer);
    fresh += kept;
    if (!kept || answer.cursor === cursor) break;
  }
  await noteFresh({ factsAt: await serviceNow() });
  if (fresh) tell("recorded");
  return fresh;
}

/** Facts and cursor go together: none is missed; what the server tells again is known by its id. */
async function keepForeign(answer: ForeignFacts): Promise<number> {
  let fresh = 0;
  const transaction = (await store()).transaction(["events", "settings"], "readwrite");
  const events = transaction.objectStore("events");
  for (const { tablet_name, ...event } of answer.facts) {
    const known = await events.get(event.id);
    if (known) continue;
    fresh += 1;
    const stored: StoredEvent = { id: event.id, run: event.run, event, other: tablet_name };
    const code = codeOf(event) ?? (await undoneCode(transaction.objectStore("events"), event));
    void events.put(code ? { ...stored, code } : stored);
  }
  void transaction.objectStore("settings").put(answer.cursor, "cursor");
  await transaction.done;
  return fresh;
}

async function undoneCode(
  events: { get(id: string): Promise<StoredEvent | undefined> },
  event: StoredEvent["event"],
): Promise<string | undefined> {
  return event.kind === "undo" ? (await events.get(event.payload.undoes))?.code : undefined;
}

/** Forget names whose last day is over, and facts that the server holds of runs long closed. */
export async function tidyUp(): Promise<void> {
  const today = dayOf(await serviceNow());
  const runs = await knownRuns();
  const database = await store();
  const openDays = new Set<string>();
  for (const { id, day } of runs) {
    if (day >= today) continue;
    const facts = await database.getAllFromIndex("events", "run", id);
    if (facts.length && !isClosed(facts)) openDays.add(day);
  }
  await forgetNames(today, openDays);
  await forgetFacts(database, new Set(runs.map((run) => run.id)), today);
}

async function forgetFacts(database: Store, known: Set<number>, today: string): Promise<void> {
  const oldest = nextDay(today, -DAYS_FACTS_STAY);
  const transaction = database.transaction(["events", "photos"], "readwrite");
  const photos = transaction.objectStore("photos");
  for await (const cursor of transaction.objectStore("events")) {
    const stored = cursor.value;
    const day = dayOf(Date.parse(stored.event.recorded_at));
    const kept = stored.unsent !== undefined || stored.problem !== undefined || day >= oldest;
    if (kept || (stored.run !== null && known.has(stored.run))) continue;
    if ((await photos.get(stored.id))?.waiting) continue;
    void photos.delete(stored.id);
    void cursor.delete();
  }
  await transaction.done;
}

/** Whether an error says that this tablet was revoked: it reads nothing, and may still send. */
export function saysRevoked(error: unknown): boolean {
  return error instanceof RefusedError && error.status === 401 && error.problem === "revoked";
}
