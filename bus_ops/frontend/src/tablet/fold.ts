// From facts to what they say: counts, loans, states of a run. Pure: no store, no screen.
//
// The same rules as on the server, so that the tablet shows what the server will count: order and
// doubles make no difference, an undo names a fact and may itself be undone.
import type { EventOf, Kind, TabletEvent } from "./contract";
import type { Seen } from "./store";

/** A fact with what the tablet knows of it beside. */
export type Fact = TabletEvent & { other?: string; seen?: Seen };
export type FactOf<K extends Kind> = EventOf<K> & { other?: string; seen?: Seen };

export interface VisitFold {
  arrivedAt: number | null;
  departedAt: number | null;
  note: string;
  people: Map<string, number>;
  classes: FactOf<"class_visit">[];
  activities: FactOf<"activity">[];
  incidents: FactOf<"incident">[];
  photos: FactOf<"photo">[];
  boxesOut: FactOf<"box_out">[];
  boxesBack: FactOf<"box_back">[];
  lent: number;
  returned: number;
  /** Taken back though nobody had it on loan: told, not counted. */
  returnedNotLent: number;
  renewed: number;
  onSite: number;
  cards: number;
  /** Facts that hold, the newest last. */
  facts: Fact[];
}

export type Whereabouts = "out" | "aboard" | "box";

export interface CopyFold {
  where: Whereabouts;
  /** Open loan made or renewed in these facts. */
  card: string | null;
  visit: number | null;
  returnedAtVisit: number | null;
  renewedAtVisit: number | null;
}

export interface RunFold {
  leftAt: number | null;
  returnedAt: number | null;
  odometerOut: number | null;
  odometerIn: number | null;
  closed: FactOf<"day_closed"> | null;
  loaded: Map<number, boolean>;
  visits: Map<number, VisitFold>;
  copies: Map<string, CopyFold>;
  issued: Map<string, FactOf<"card_issued">>;
  stockSeen: Set<string>;
}

/** When a fact happened: the tablet's clock, corrected. */
export function happenedAt(fact: TabletEvent): number {
  return Date.parse(fact.recorded_at) + fact.clock_offset;
}

/** The facts that hold, in order of happening; undos themselves are left out. */
export function effective<F extends TabletEvent>(facts: Iterable<F>): F[] {
  const byId = new Map<string, F>();
  for (const fact of facts) byId.set(fact.id, fact);
  const undoes = new Map<string, string>();
  for (const fact of byId.values()) {
    if (fact.kind === "undo") undoes.set(fact.id, fact.payload.undoes);
  }
  const undone = undoes.size ? undoneFacts(byId.keys(), undoes) : new Set<string>();
  const held = [...byId.values()].filter((fact) => fact.kind !== "undo" && !undone.has(fact.id));
  const times = new Map(held.map((fact) => [fact.id, happenedAt(fact)]));
  return held.sort((one, two) => inOrder(one, two, times));
}

function inOrder(one: TabletEvent, two: TabletEvent, times: Map<string, number>): number {
  return (
    (times.get(one.id) ?? 0) - (times.get(two.id) ?? 0) ||
    compared(one.tablet, two.tablet) ||
    one.sequence - two.sequence ||
    compared(one.id, two.id)
  );
}

function compared(one: string, two: string): number {
  return one < two ? -1 : one > two ? 1 : 0;
}

/** A fact is undone when a holding undo names it; chains may have any length. */
function undoneFacts(ids: Iterable<string>, undoes: Map<string, string>): Set<string> {
  const undoers = new Map<string, string[]>();
  for (const [undo, target] of undoes) {
    undoers.set(target, [...(undoers.get(target) ?? []), undo]);
  }
  const undone = new Map<string, boolean>();
  for (const id of inCircles(undoes)) undone.set(id, true);
  for (const start of ids) {
    const path = [start];
    while (path.length) {
      const here = path[path.length - 1] as string;
      const unknown = (undoers.get(here) ?? []).find((undo) => !undone.has(undo));
      if (!undone.has(here) && unknown !== undefined) {
        path.push(unknown);
        continue;
      }
      if (!undone.has(here)) {
        undone.set(here, (undoers.get(here) ?? []).some((undo) => !undone.get(undo)));
      }
      path.pop();
    }
  }
  return new Set([...undone].filter(([, is]) => is).map(([id]) => id));
}

/** Undos that lead back to themselves undo nothing. */
function inCircles(undoes: Map<string, string>): Set<string> {
  const circles = new Set<string>();
  const seen = new Set<string>();
  for (const start of undoes.keys()) {
    const path: string[] = [];
    let here: string | undefined = start;
    while (here !== undefined && undoes.has(here) && !seen.has(here)) {
      seen.add(here);
      path.push(here);
      here = undoes.get(here);
    }
    const from = here === undefined ? -1 : path.indexOf(here);
    if (from >= 0) path.slice(from).forEach((id) => circles.add(id));
  }
  return circles;
}

export function emptyVisit(): VisitFold {
  return {
    arrivedAt: null,
    departedAt: null,
    note: "",
    people: new Map(),
    classes: [],
    activities: [],
    incidents: [],
    photos: [],
    boxesOut: [],
    boxesBack: [],
    lent: 0,
    returned: 0,
    returnedNotLent: 0,
    renewed: 0,
    onSite: 0,
    cards: 0,
    facts: [],
  };
}

/** Everything the facts of one run say. */
export function foldRun(facts: Iterable<Fact>): RunFold {
  const fold: RunFold = {
    leftAt: null,
    returnedAt: null,
    odometerOut: null,
    odometerIn: null,
    closed: null,
    loaded: new Map(),
    visits: new Map(),
    copies: new Map(),
    issued: new Map(),
    stockSeen: new Set(),
  };
  for (const fact of effective(facts)) {
    takeOfRun(fold, fact);
    if (fact.visit !== null) takeOfVisit(fold, visitOf(fold, fact.visit), fact);
  }
  for (const visit of fold.visits.values()) neverFewerThanNone(visit.people);
  return fold;
}

function visitOf(fold: RunFold, id: number): VisitFold {
  const found = fold.visits.get(id) ?? emptyVisit();
  fold.visits.set(id, found);
  return found;
}

function neverFewerThanNone(people: Map<string, number>): void {
  for (const [audience, count] of people) {
    if (count <= 0) people.delete(audience);
  }
}

function takeOfRun(fold: RunFold, fact: Fact): void {
  switch (fact.kind) {
    case "run_left":
      fold.leftAt ??= happenedAt(fact);
      fold.odometerOut = fact.payload.odometer_km ?? fold.odometerOut;
      break;
    case "run_returned":
      fold.returnedAt = happenedAt(fact);
      fold.odometerIn = fact.payload.odometer_km ?? fold.odometerIn;
      break;
    case "equipment":
      fold.loaded.set(fact.payload.item_id, fact.payload.loaded);
      break;
    case "stock_seen":
      fact.payload.barcodes.forEach((barcode) => fold.stockSeen.add(barcode));
      break;
    case "day_closed":
      fold.closed = fact;
      break;
  }
}

function takeOfVisit(fold: RunFold, visit: VisitFold, fact: Fact): void {
  visit.facts.push(fact);
  switch (fact.kind) {
    case "arrived":
      visit.arrivedAt ??= happenedAt(fact);
      break;
    case "departed":
      visit.departedAt = happenedAt(fact);
      break;
    case "attendance":
      addPeople(visit, fact.payload.audience, fact.payload.people);
      break;
    case "class_visit":
      visit.classes.push(fact);
      addPeople(visit, fact.payload.audience, fact.payload.people);
      if (fact.payload.teachers) addPeople(visit, "teachers", fact.payload.teachers);
      break;
    case "activity":
      visit.activities.push(fact);
      break;
    case "note":
      visit.note = fact.payload.text;
      break;
    case "incident":
      visit.incidents.push(fact);
      break;
    case "photo":
      visit.photos.push(fact);
      break;
    case "used_on_site":
      visit.onSite += fact.payload.items;
      break;
    case "card_issued":
      visit.cards += fact.payload.cards;
      if (fact.payload.number && !fold.issued.has(fact.payload.number)) {
        fold.issued.set(fact.payload.number, fact);
      }
      break;
    case "lent":
      lend(copyOf(fold, fact.payload.barcode), visit, fact);
      break;
    case "returned":
      takeBack(copyOf(fold, fact.payload.barcode), visit, fact);
      break;
    case "renewed":
      renew(copyOf(fold, fact.payload.barcode), visit, fact);
      break;
    case "box_out":
      visit.boxesOut.push(fact);
      fact.payload.barcodes.forEach((barcode) => moveTo(fold, barcode, "box"));
      break;
    case "box_back":
      visit.boxesBack.push(fact);
      [...fact.payload.barcodes, ...fact.payload.damaged].forEach((barcode) =>
        moveTo(fold, barcode, "aboard"),
      );
      break;
  }
}

function addPeople(visit: VisitFold, audience: string, people: number): void {
  visit.people.set(audience, (visit.people.get(audience) ?? 0) + people);
}

function copyOf(fold: RunFold, barcode: string): CopyFold {
  const found = fold.copies.get(barcode) ?? {
    where: "aboard",
    card: null,
    visit: null,
    returnedAtVisit: null,
    renewedAtVisit: null,
  };
  fold.copies.set(barcode, found);
  return found;
}

function moveTo(fold: RunFold, barcode: string, where: Whereabouts): void {
  copyOf(fold, barcode).where = where;
}

/** The same copy to the same card at one visit is one loan, however often it is scanned. */
function lend(copy: CopyFold, visit: VisitFold, fact: FactOf<"lent">): void {
  const again = copy.card === fact.payload.card_number && copy.visit === fact.visit;
  copy.where = "out";
  if (again) return;
  visit.lent += 1;
  copy.card = fact.payload.card_number;
  copy.visit = fact.visit;
  copy.returnedAtVisit = null;
  copy.renewedAtVisit = null;
}

function takeBack(copy: CopyFold, visit: VisitFold, fact: FactOf<"returned">): void {
  copy.where = "aboard";
  if (copy.card === null && copy.returnedAtVisit === fact.visit) return;
  // Of another tablet's fact it is not known here what was out before: the server knows.
  const wasOut = copy.card !== null || (copy.returnedAtVisit === null && (fact.seen?.wasOut ?? true));
  copy.card = null;
  copy.visit = null;
  if (!wasOut) {
    visit.returnedNotLent += 1;
    return;
  }
  visit.returned += 1;
  copy.returnedAtVisit = fact.visit;
}

function renew(copy: CopyFold, visit: VisitFold, fact: FactOf<"renewed">): void {
  const isOut = copy.card !== null || (copy.returnedAtVisit === null && (fact.seen?.wasOut ?? true));
  if (!isOut || copy.renewedAtVisit === fact.visit) return;
  copy.where = "out";
  copy.renewedAtVisit = fact.visit;
  visit.renewed += 1;
}

export function allPeople(visit: VisitFold): number {
  return [...visit.people.values()].reduce((sum, people) => sum + people, 0);
}

/** People, loans and returns of the whole run, as they are compared with paper. */
export function totals(fold: RunFold): { people: number; loans: number; returns: number } {
  const sums = { people: 0, loans: 0, returns: 0 };
  for (const visit of fold.visits.values()) {
    sums.people += allPeople(visit);
    sums.loans += visit.lent;
    sums.returns += visit.returned;
  }
  return sums;
}
