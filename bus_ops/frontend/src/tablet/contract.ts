// What the server and the tablet say to each other; times are ISO 8601 in UTC, days YYYY-MM-DD.

export type Labelled = [value: string, label: string];

export interface Place {
  id: number;
  name: string;
  address: string;
  commune: string;
  lat: number | null;
  lon: number | null;
  contact: string;
  phone: string;
  gate: string;
  parking: string;
  power: string;
  approximate: boolean;
}

export interface ClassSlot {
  id: number;
  /** Minutes after midnight. */
  starts_at: number;
  minutes: number;
  class_name: string;
  audience: string;
  size: number;
  teacher: string;
}

export interface Visit {
  id: number;
  position: number;
  /** Its number on list and map; × where it is cancelled, – where it is a pause. */
  sign: string;
  kind: string;
  status: "planned" | "confirmed" | "cancelled";
  /** Why it was cancelled or moved. */
  reason?: string;
  place: Place;
  arrival_at: string;
  departure_at: string;
  drive_minutes: number;
  distance_m: number;
  buffer_minutes: number;
  audience: string | null;
  promised: boolean;
  next_visit: { day: string } | null;
  due_on: string;
  slots: ClassSlot[];
}

export interface ChecklistItem {
  id: number;
  name: string;
  quantity: number;
}

export interface Run {
  id: number;
  day: string;
  van: { id: number; name: string };
  leaves_at: string;
  returns_at: string;
  lunch_from: string | null;
  lunch_until: string | null;
  distance_m: number;
  drive_minutes: number;
  return_drive_minutes: number;
  return_distance_m: number;
  crew: string[];
  checklist: ChecklistItem[];
  note: string;
  visits: Visit[];
}

export interface Pin {
  salt: string;
  iterations: number;
  hash: string;
}

export interface StaffMember {
  id: number;
  name: string;
  pin: Pin | null;
}

export type Point = [lat: number, lon: number];

export interface Outline {
  name: string;
  rings: Point[][];
}

export interface RouteMap {
  lines: Record<string, Point[]>;
  outlines: Outline[];
  // Where each run's minutes and metres come from, with the credit its map owes.
  sources?: Record<string, string>;
}

export interface Reservation {
  title: string;
  barcode: string | null;
  reader: string;
  card: string;
  visit_id: number;
}

export interface PlannedBox {
  box: string;
  place: string;
  visit_id: number;
  copies?: number;
  barcodes?: string[];
}

export interface Load {
  reservations: Reservation[];
  boxes_out: PlannedBox[];
  boxes_back: PlannedBox[];
}

export interface Depot {
  name: string;
  lat: number;
  lon: number;
}

/** What a day plan says beside its runs and its map. */
export interface PlanHead {
  made_at: string;
  library: string;
  depot: Depot | null;
  idle_lock_minutes: number;
  staff: StaffMember[];
  audiences: Labelled[];
  activities: Labelled[];
  card_kinds: Labelled[];
  incident_kinds: Labelled[];
}

export interface DayPlan extends PlanHead {
  now: string;
  runs: Run[];
  map: RouteMap;
  load: Record<string, Load>;
}

export type TitleRow = [name: string, author: string, subject: string];
export type CopyRow = [barcode: string, title: number, aboard: 0 | 1];
export type CardRow = [
  number: string,
  kind: string,
  place: number | null,
  className: string,
  audience: string | null,
  enabled: 0 | 1,
];
export type NameRow = [number: string, fullName: string, lastDay: string];
export type LoanRow = [
  barcode: string,
  card: string,
  visit: number | null,
  dueOn: string,
  place: number | null,
  renewals: number,
];

export interface Catalogue {
  titles: TitleRow[];
  copies: CopyRow[];
  cards: CardRow[];
  names: NameRow[];
  loans: LoanRow[];
}

/** What each kind of fact holds; a new shape of a kind gets a new version, old ones stay read. */
export interface Payloads {
  run_left: { odometer_km?: number };
  run_returned: { odometer_km?: number; note?: string };
  equipment: { item_id: number; loaded: boolean };
  arrived: Record<string, never>;
  departed: Record<string, never>;
  attendance: { audience: string; people: number };
  activity: { kind: string; count: number; title?: string };
  note: { text: string };
  lent: { barcode: string; card_number: string };
  returned: { barcode: string };
  renewed: { barcode: string };
  used_on_site: { items: number; barcode?: string };
  card_issued: {
    kind: string;
    cards: number;
    number?: string;
    full_name?: string;
    audience?: string;
  };
  undo: { undoes: string };
  settled: { event_id: string; contradiction: string; decision: string };
  class_visit: {
    audience: string;
    people: number;
    class_name?: string;
    teacher?: string;
    teachers?: number;
    slot_id?: number;
  };
  incident: { kind: string; text: string };
  photo: { sha256: string; content_type: string; bytes: number; caption?: string; of?: string };
  box_out: {
    box: string;
    barcodes: string[];
    handed_by: string;
    received_by: string;
    condition?: string;
    note?: string;
  };
  box_back: {
    box: string;
    barcodes: string[];
    damaged: string[];
    handed_by: string;
    received_by: string;
    visitors?: number;
    items?: number;
    note?: string;
  };
  stock_seen: { barcodes: string[] };
  day_closed: {
    counted: { people: number; loans: number; returns: number };
    paper: { people?: number; loans?: number; returns?: number };
    unsent: number;
    reason?: string;
  };
}

export type Kind = keyof Payloads;

export interface EventOf<K extends Kind> {
  id: string;
  tablet: string;
  sequence: number;
  version: number;
  kind: K;
  run: number | null;
  visit: number | null;
  user: number | null;
  recorded_at: string;
  clock_offset: number;
  payload: Payloads[K];
}

/** One fact; `kind` tells which payload it has. */
export type TabletEvent = { [K in Kind]: EventOf<K> }[Kind];

export interface Held {
  held: string[];
  set_aside: { index: number; id: string | null; problem: string }[];
  now: string;
}

export type ForeignEvent = TabletEvent & { tablet_name: string };

export interface ForeignFacts {
  facts: ForeignEvent[];
  cursor: string;
}

export interface Enrolled {
  tablet: string;
  secret: string;
  name: string;
  library: string;
  now: string;
}

export interface FactsFile {
  format: "bus-ops-facts";
  version: 1;
  tablet: string;
  made_at: string;
  events: string;
  signature: string;
}
