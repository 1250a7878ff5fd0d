// What the screen shows, as signals: the run in hand, its facts, what is sent, who is there.
import { batch, computed, signal } from "@preact/signals";
import type { Kind, Payloads, PlanHead, RouteMap, Visit } from "./contract";
import { type Fact, type RunFold, foldRun } from "./fold";
import { knownRuns } from "./prepare";
import { type Draft, record } from "./record";
import {
  type CatalogueSummary,
  type Credential,
  type Freshness,
  type Settings,
  type StoredEvent,
  type StoredRun,
  allSettings,
  keepSetting,
  store,
  unsentCount,
} from "./store";
import { dayOf } from "./words";

export type Contact = "unknown" | "reached" | "unreached" | "revoked" | "stranger";

export const credential = signal<Credential | null>(null);
export const head = signal<PlanHead | null>(null);
export const runs = signal<StoredRun[]>([]);
export const chosenRun = signal<number | null>(null);
export const facts = signal<Fact[]>([]);
export const fresh = signal<Freshness>({});
export const summary = signal<CatalogueSummary | null>(null);
export const unsent = signal(0);
export const setAside = signal(0);
export const allSentAt = signal<number | null>(null);
export const sending = signal(false);
export const contact = signal<Contact>("unknown");
export const refusal = signal<string | null>(null);
export const clockOffset = signal(0);
export const tick = signal(Date.now());
export const staffId = signal<number | null>(null);
export const locked = signal(false);

/** The moment on the service's clock, moving every few seconds. */
export const now = computed(() => tick.value + clockOffset.value);
export const today = computed(() => dayOf(now.value));

/** The run in hand: the chosen one, else today's, else the next one to come. */
export const run = computed<StoredRun | null>(() => {
  const all = runs.value;
  const chosen = all.find(({ id }) => id === chosenRun.value);
  if (chosen) return chosen;
  return (
    all.find(({ day }) => day === today.value) ??
    all.find(({ day }) => day > today.value) ??
    all.at(-1) ??
    null
  );
});

export const fold = computed<RunFold>(() => foldRun(facts.value));

export const staff = computed(() => {
  const all = head.value?.staff ?? [];
  return all.find(({ id }) => id === staffId.value) ?? null;
});

/** A tick for everything that shows the time. */
export function keepTime(): void {
  tick.value = Date.now();
}

/** Read what the first screen needs, in few readings, and put it on screen at once. */
export async function start(): Promise<Partial<Settings>> {
  const [settings, stored, planHead] = await Promise.all([allSettings(), knownRuns(), readHead()]);
  batch(() => {
    showSettings(settings);
    chosenRun.value = settings.run ?? null;
    head.value = planHead;
    runs.value = inOrder(stored);
    dropChoiceOfAnotherDay();
  });
  await showFacts();
  return settings;
}

function showSettings(settings: Partial<Settings>): void {
  credential.value = settings.credential ?? null;
  clockOffset.value = settings.clockOffset ?? 0;
  fresh.value = settings.fresh ?? {};
  summary.value = settings.summary ?? null;
  allSentAt.value = settings.allSentAt ?? null;
  staffId.value = settings.staff ?? null;
  if (settings.stranger) contact.value = "stranger";
  else if (settings.revoked) contact.value = "revoked";
  else if (contact.peek() === "revoked" || contact.peek() === "stranger") contact.value = "unknown";
}

function inOrder(stored: StoredRun[]): StoredRun[] {
  return [...stored].sort(
    (one, two) =>
      one.day.localeCompare(two.day) || one.run.leaves_at.localeCompare(two.run.leaves_at),
  );
}

/** A run chosen days ago must not hide today's. */
function dropChoiceOfAnotherDay(): void {
  const chosen = runs.peek().find(({ id }) => id === chosenRun.peek());
  const hasToday = runs.peek().some(({ day }) => day === today.peek());
  if (chosen && hasToday && chosen.day !== today.peek()) chosenRun.value = null;
}

async function readHead(): Promise<PlanHead | null> {
  const kept = await (await store()).get("plan", "head");
  return (kept?.value as PlanHead | undefined) ?? null;
}

export async function readMap(): Promise<RouteMap | null> {
  const kept = await (await store()).get("plan", "map");
  return (kept?.value as RouteMap | undefined) ?? null;
}

/** Read the facts of the run in hand again. */
export async function showFacts(): Promise<void> {
  const id = run.peek()?.id;
  const [stored, waiting] = await Promise.all([
    id ? (await store()).getAllFromIndex("events", "run", id) : [],
    unsentCount(),
  ]);
  if (run.peek()?.id !== id) return;
  batch(() => {
    facts.value = stored.map(factOf);
    unsent.value = waiting;
    setAside.value = stored.filter(({ problem }) => problem !== undefined).length;
  });
}

function factOf(stored: StoredEvent): Fact {
  const { event, other, seen } = stored;
  return { ...event, ...(other === undefined ? {} : { other }), ...(seen ? { seen } : {}) };
}

/** Read plan and settings again after something was fetched or sent. */
export async function showAgain(): Promise<void> {
  const [settings, stored, planHead] = await Promise.all([allSettings(), knownRuns(), readHead()]);
  batch(() => {
    showSettings(settings);
    head.value = planHead;
    runs.value = inOrder(stored);
  });
  await showFacts();
}

export async function chooseRun(id: number): Promise<void> {
  chosenRun.value = id;
  facts.value = [];
  await keepSetting("run", id);
  await showFacts();
}

type WroteListener = () => void;
let afterWriting: WroteListener = () => undefined;

/** Who hears that something new waits to be sent. */
export function onWriting(listener: WroteListener): void {
  afterWriting = listener;
}

export interface Extra {
  seen?: Draft["seen"];
  picture?: Blob;
  code?: string | undefined;
  /** Of another run than the one in hand. */
  run?: number;
}

export interface Entry<K extends Kind = Kind> {
  kind: K;
  payload: Payloads[K];
  visit?: number | null;
  extra?: Extra;
}

/** Write down one fact of the run in hand; resolves when it is safe on this tablet. */
export async function write<K extends Kind>(
  kind: K,
  payload: Payloads[K],
  visit: Visit | null = null,
  extra: Extra = {},
): Promise<Fact> {
  const [written] = await writeAll([{ kind, payload, visit: visit?.id ?? null, extra } as Entry]);
  return written as Fact;
}

export async function writeAll(entries: Entry[]): Promise<Fact[]> {
  const inHand = run.peek()?.id ?? null;
  const stored = await record(
    entries.map(({ kind, payload, visit, extra }) => {
      const { run: other, code, ...beside } = extra ?? {};
      const draft = { kind, payload, visit: visit ?? null, user: staffId.peek() };
      return { ...draft, ...beside, ...(code ? { code } : {}), run: other ?? inHand };
    }),
  );
  const written = stored.map(factOf);
  batch(() => {
    facts.value = [...facts.peek(), ...written.filter((fact) => fact.run === inHand)];
    unsent.value += written.length;
  });
  afterWriting();
  return written;
}

/** Undo a fact by a new one that names it. */
export async function undo(fact: Fact, code: string | undefined): Promise<void> {
  const extra = { ...(code ? { code } : {}), ...(fact.run === null ? {} : { run: fact.run }) };
  await writeAll([{ kind: "undo", payload: { undoes: fact.id }, visit: fact.visit, extra }]);
}
