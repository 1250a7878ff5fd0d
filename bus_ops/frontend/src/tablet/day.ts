// The day as a chain of next things, and how late it runs. Pure: no store, no screen.
import type { Run, Visit } from "./contract";
import type { RunFold } from "./fold";

const MINUTE = 60_000;

export type Step =
  | { what: "leave" }
  | { what: "arrive"; visit: Visit }
  | { what: "depart"; visit: Visit }
  | { what: "return" }
  | { what: "close" }
  | { what: "over" };

export type VisitState = "cancelled" | "planned" | "under_way" | "served";

export function stateOf(visit: Visit, fold: RunFold): VisitState {
  const told = fold.visits.get(visit.id);
  if (told?.departedAt) return "served";
  if (told?.arrivedAt) return "under_way";
  return visit.status === "cancelled" ? "cancelled" : "planned";
}

/** Visits that are to be held, in order; a cancelled one that was visited all the same counts. */
export function heldVisits(run: Run, fold: RunFold): Visit[] {
  return run.visits.filter((visit) => stateOf(visit, fold) !== "cancelled");
}

/** The one thing to do now. */
export function nextStep(run: Run, fold: RunFold): Step {
  if (fold.closed) return { what: "over" };
  if (fold.returnedAt) return { what: "close" };
  const visits = heldVisits(run, fold);
  const here = visits.find((visit) => stateOf(visit, fold) === "under_way");
  if (here) return { what: "depart", visit: here };
  const lastServed = visits.map((visit) => stateOf(visit, fold)).lastIndexOf("served");
  if (!fold.leftAt && lastServed < 0) return { what: "leave" };
  const next = visits.slice(lastServed + 1)[0];
  return next ? { what: "arrive", visit: next } : { what: "return" };
}

export interface Expected {
  arrival: number;
  departure: number;
  /** Minutes after (before, when negative) the plan. */
  late: number;
}

/** What the delay so far makes of the rest of the day: when each visit will be. */
export function expectedTimes(run: Run, fold: RunFold, now: number): Map<number, Expected> {
  const expected = new Map<number, Expected>();
  let planned = Date.parse(run.leaves_at);
  let delay = soFar(planned, fold.leftAt, now, Boolean(fold.leftAt));
  for (const visit of heldVisits(run, fold)) {
    const told = fold.visits.get(visit.id);
    const arrives = Date.parse(visit.arrival_at);
    const departs = Date.parse(visit.departure_at);
    const slack = Math.max(0, arrives - planned - visit.drive_minutes * MINUTE);
    const later = delay <= 0 ? delay : Math.max(0, delay - slack);
    const arrivalDelay = told?.arrivedAt ? told.arrivedAt - arrives : atLeast(later, arrives, now);
    const departureDelay = told?.departedAt
      ? told.departedAt - departs
      : atLeast(Math.max(0, arrivalDelay), departs, now);
    expected.set(visit.id, {
      arrival: arrives + arrivalDelay,
      departure: departs + departureDelay,
      late: Math.round(arrivalDelay / MINUTE),
    });
    planned = departs;
    delay = departureDelay;
  }
  return expected;
}

function soFar(planned: number, happened: number | null, now: number, done: boolean): number {
  return done && happened ? happened - planned : Math.max(0, now - planned);
}

/** What has not happened yet cannot be earlier than now. */
function atLeast(delay: number, planned: number, now: number): number {
  return Math.max(delay, now - planned);
}

/** When the van will be back at the depot. */
export function expectedReturn(run: Run, fold: RunFold, now: number): number {
  const last = heldVisits(run, fold).at(-1);
  const times = last && expectedTimes(run, fold, now).get(last.id);
  if (!last || !times) return Date.parse(run.returns_at);
  const planned = Date.parse(run.returns_at);
  const slack = planned - Date.parse(last.departure_at) - run.return_drive_minutes * MINUTE;
  const delay = times.departure - Date.parse(last.departure_at);
  return planned + (delay <= 0 ? delay : Math.max(0, delay - Math.max(0, slack)));
}

/** Minutes late (early, when negative) at this moment, by the thing to do next. */
export function lateNow(run: Run, fold: RunFold, now: number): number {
  const step = nextStep(run, fold);
  const times = expectedTimes(run, fold, now);
  switch (step.what) {
    case "leave":
      return Math.max(0, Math.round((now - Date.parse(run.leaves_at)) / MINUTE));
    case "arrive":
      return times.get(step.visit.id)?.late ?? 0;
    case "depart": {
      const departure = times.get(step.visit.id)?.departure ?? 0;
      return Math.round((departure - Date.parse(step.visit.departure_at)) / MINUTE);
    }
    default:
      return Math.round((expectedReturn(run, fold, now) - Date.parse(run.returns_at)) / MINUTE);
  }
}
