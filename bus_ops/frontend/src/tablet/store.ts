// The tablet's own store (IndexedDB): the plan, the catalogue, and every fact until it is safe.
//
// settings   one small record a name: who the tablet is, its clock, what is fresh
// plan       "head", "map" and one record a run: the screen starts from these few
// catalogue  titles, copies, cards, names and loans in pages of some hundred rows, found by the
//            key a page begins with: a whole catalogue is replaced in one transaction
// events     every fact, own and others'; `unsent` holds the sequence until the server has it
// photos     pictures until the server has them
//
// An upgrade only adds: a newer app must read, send and never drop what an older one recorded.
import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import type { Load, PlanHead, RouteMap, Run, TabletEvent } from "./contract";

const NAME = "bus-ops-tablet";
const VERSION = 1;

export interface Credential {
  tablet: string;
  secret: string;
  name: string;
  library: string;
}

/** What was known before, beside the run's own facts, when a copy and a card were scanned. */
export interface Seen {
  /** The catalogue, or an earlier run's facts, had the copy on loan. */
  wasOut: boolean;
  knownCopy: boolean;
  knownCard: boolean;
}

/** A fact as it lies in the store. */
export interface StoredEvent {
  id: string;
  run: number | null;
  event: TabletEvent;
  /** The sequence while unsent; absent once the server holds it. */
  unsent?: number;
  /** The copy it tells of, or the number of the card it made: to be found across runs. */
  code?: string;
  /** Why the server could not read it; it is kept there as it came. */
  problem?: string;
  /** The name of the other tablet that recorded it. */
  other?: string;
  seen?: Seen;
}

export interface StoredPhoto {
  id: string;
  run: number | null;
  picture: Blob;
  sha256: string;
  /** 1 until the server holds the picture. */
  waiting?: 1;
  problem?: string;
}

export interface StoredRun {
  id: number;
  day: string;
  run: Run;
  load: Load;
}

/** How fresh each thing fetched is; times in milliseconds of the service's clock. */
export interface Freshness {
  planAt?: number;
  catalogueAt?: number;
  factsAt?: number;
}

export interface CatalogueSummary {
  copies: number;
  cards: number;
  names: number;
  loans: number;
  aboard: Record<string, number>;
  copyShapes: string[];
  cardShapes: string[];
  loansOfPlace: Record<number, number>;
}

export interface LockState {
  wrongTries: number;
  pausedUntil: number;
  lastTouch: number;
  /** Locked, and no reload opens it. */
  locked: boolean;
}

export interface Settings {
  credential: Credential;
  sequence: number;
  clockOffset: number;
  revoked: boolean;
  /** The server knows this credential no more: the tablet was given a new code. */
  stranger: boolean;
  staff: number | null;
  run: number | null;
  lock: LockState;
  fresh: Freshness;
  summary: CatalogueSummary;
  etag: string;
  cursor: string;
  allSentAt: number;
}

export type SettingName = keyof Settings;
export type PageKind = "titles" | "copies" | "cards" | "names" | "loans" | "loansOfCard";

export interface CataloguePage {
  kind: PageKind;
  first: string;
  rows: unknown[][];
}

export interface TabletStore extends DBSchema {
  settings: { key: string; value: unknown };
  plan: {
    key: string;
    value: { key: string; day: string; value: PlanHead | RouteMap | StoredRun };
  };
  catalogue: { key: [string, string]; value: CataloguePage };
  events: {
    key: string;
    value: StoredEvent;
    indexes: { run: number; unsent: number; code: string };
  };
  photos: { key: string; value: StoredPhoto; indexes: { waiting: number } };
}

export type Store = IDBPDatabase<TabletStore>;

let opened: Promise<Store> | undefined;

/** The store, opened once; an upgrade in another window makes this one let go and reload. */
export function store(): Promise<Store> {
  opened ??= openDB<TabletStore>(NAME, VERSION, {
    upgrade(database, oldVersion) {
      if (oldVersion < 1) makeFirstStores(database);
    },
    blocking: (_old, _new, event) => {
      (event.target as IDBDatabase).close();
      opened = undefined;
    },
    terminated: () => {
      opened = undefined;
    },
  });
  return opened;
}

function makeFirstStores(database: Store): void {
  database.createObjectStore("settings");
  database.createObjectStore("plan", { keyPath: "key" });
  database.createObjectStore("catalogue", { keyPath: ["kind", "first"] });
  const events = database.createObjectStore("events", { keyPath: "id" });
  events.createIndex("run", "run");
  events.createIndex("unsent", "unsent");
  events.createIndex("code", "code");
  const photos = database.createObjectStore("photos", { keyPath: "id" });
  photos.createIndex("waiting", "waiting");
}

export async function setting<N extends SettingName>(name: N): Promise<Settings[N] | undefined> {
  return (await (await store()).get("settings", name)) as Settings[N] | undefined;
}

export async function keepSetting<N extends SettingName>(
  name: N,
  value: Settings[N],
): Promise<void> {
  await (await store()).put("settings", value, name);
}

/** Every setting in one reading, for the start. */
export async function allSettings(): Promise<Partial<Settings>> {
  const transaction = (await store()).transaction("settings");
  const [names, values] = await Promise.all([
    transaction.store.getAllKeys(),
    transaction.store.getAll(),
  ]);
  return Object.fromEntries(names.map((name, index) => [name, values[index]]));
}

/** How many facts and pictures the server does not hold yet. */
export async function unsentCount(): Promise<number> {
  const transaction = (await store()).transaction(["events", "photos"]);
  const [facts, pictures] = await Promise.all([
    transaction.objectStore("events").index("unsent").count(),
    transaction.objectStore("photos").index("waiting").count(),
  ]);
  return facts + pictures;
}

// Windows and the worker tell each other what changed in the store.
const news = new BroadcastChannel("bus-ops-tablet");

export type News = "recorded" | "sent" | "prepared" | "enrolled";

export function tell(what: News): void {
  news.postMessage(what);
}

export function onNews(listener: (what: News) => void): void {
  news.addEventListener("message", (message) => listener(message.data as News));
}

/** The code a fact is found by: its copy's barcode, or the number of the card it made. */
export function codeOf(event: TabletEvent): string | undefined {
  switch (event.kind) {
    case "lent":
    case "returned":
    case "renewed":
      return event.payload.barcode;
    case "card_issued":
      return event.payload.number;
    default:
      return undefined;
  }
}
