// The counter: one scan after another, each judged, written down, then shown and heard.
import { signal } from "@preact/signals";
import { lookUp } from "./catalogue";
import type { Kind, Visit } from "./contract";
import { type Choice, type Desk, type DeskCard, type Outcome, type Told, judge } from "./judge";
import { sound } from "./sound";
import { type Entry, fold, head, run, summary, writeAll } from "./state";
import { t } from "./words";

const NOBODY: Desk = { mode: "lend", card: null, pile: false };

export interface Shown extends Outcome {
  /** Grows with each outcome, so that the same words are told again. */
  turn: number;
}

export const desk = signal<Desk>(NOBODY);
export const outcome = signal<Shown | null>(null);

let turn = 0;
let lastWork: Promise<void> = Promise.resolve();
let deskOf: number | null = null;

/** A new visit begins with an empty counter. */
export function openDesk(visit: Visit): void {
  if (deskOf === visit.id) return;
  deskOf = visit.id;
  desk.value = NOBODY;
  outcome.value = null;
}

export function show(what: Outcome): void {
  turn += 1;
  outcome.value = { ...what, turn };
  sound(what.tone);
}

export function useCard(card: DeskCard, pile = desk.peek().pile): void {
  desk.value = { mode: "lend", card, pile };
}

export function dismissCard(): void {
  desk.value = { ...desk.peek(), card: null, pile: false };
  outcome.value = null;
}

/** Scans are taken one by one, however fast they come. */
export function scanAt(visit: Visit, code: string): Promise<void> {
  const work = lastWork.then(() => scan(visit, code));
  lastWork = work.catch(() => undefined);
  return work;
}

async function scan(visit: Visit, code: string): Promise<void> {
  const inHand = run.peek();
  if (!inHand) return;
  performance.mark("scan-heard");
  const judged = judge(await lookUp(code), {
    desk: desk.peek(),
    run: inHand.run,
    visit,
    fold: fold.peek(),
    reservations: inHand.load.reservations,
    summary: summary.peek(),
    cardKinds: new Map(head.peek()?.card_kinds ?? []),
  });
  const safe = await written(judged.facts, visit);
  if (!safe) return;
  if (judged.card) useCard(judged.card);
  show(judged.outcome);
}

/** Take one of the ways an outcome offered. */
export async function choose(choice: Choice, visit: Visit): Promise<void> {
  if (await written(choice.facts, visit)) show(choice.then);
}

/** Write facts of the counter; tells plainly when the tablet could not keep them. */
async function written(facts: Told[], visit: Visit): Promise<boolean> {
  if (!facts.length) return true;
  try {
    await writeAll(facts.map((fact) => entryOf(fact, visit)));
    return true;
  } catch (error) {
    show(notWritten(error));
    return false;
  }
}

function entryOf(fact: Told<Kind>, visit: Visit): Entry {
  const { kind, payload, seen } = fact;
  return { kind, payload, visit: visit.id, extra: seen ? { seen } : {} };
}

export function notWritten(error: unknown): Outcome {
  const isFull = error instanceof DOMException && error.name === "QuotaExceededError";
  return {
    tone: "bad",
    title: t("Not written down"),
    detail: isFull
      ? t("The tablet's storage is full. Free some space, then try again.")
      : t("The tablet could not keep this. Try again."),
  };
}

// Who hears the scanner now: a form that lists copies goes before the counter.
type Hearer = (code: string) => void;
const hearers: Hearer[] = [];

/** Give the scanner to `hearer` until the returned function is called. */
export function hearScans(hearer: Hearer): () => void {
  hearers.push(hearer);
  return () => {
    const at = hearers.indexOf(hearer);
    if (at >= 0) hearers.splice(at, 1);
  };
}

export function heard(code: string): void {
  hearers.at(-1)?.(code);
}
