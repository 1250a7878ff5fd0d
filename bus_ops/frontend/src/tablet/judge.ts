// What a scanned code means at the counter, and what is written down of it.
//
// Nothing is ever blocked: an unknown card or copy is taken and told, a copy that is out elsewhere
// is lent all the same; the server marks what has to be settled.
import type { FoundCard, Found, FoundLoan } from "./catalogue";
import { shapeOf } from "./catalogue";
import type { Kind, Payloads, Reservation, Run, Visit } from "./contract";
import { type RunFold, effective } from "./fold";
import type { Tone } from "./sound";
import type { CatalogueSummary, Seen } from "./store";
import { t, tn, writtenDay } from "./words";

export type DeskMode = "lend" | "return" | "renew" | "on_site";

export interface Desk {
  mode: DeskMode;
  card: DeskCard | null;
  /** A class's whole pile goes on this one card: other cards do not take its place. */
  pile: boolean;
}

export interface DeskCard extends FoundCard {
  known: boolean;
}

/** A fact to be written, without where and by whom. */
export interface Told<K extends Kind = Kind> {
  kind: K;
  payload: Payloads[K];
  seen?: Seen;
}

export interface Choice {
  name: string;
  label: string;
  icon: string;
  facts: Told[];
  then: Outcome;
}

export interface Outcome {
  tone: Tone;
  title: string;
  detail: string;
  choices?: Choice[];
}

export interface Judgement {
  outcome: Outcome;
  facts: Told[];
  /** The card now at the counter. */
  card?: DeskCard;
}

export interface Counter {
  desk: Desk;
  run: Run;
  visit: Visit;
  fold: RunFold;
  reservations: Reservation[];
  summary: CatalogueSummary | null;
  cardKinds: ReadonlyMap<string, string>;
}

export function judge(found: Found, counter: Counter): Judgement {
  const card = cardHere(found, counter);
  if (card) return greet(card, counter);
  switch (counter.desk.mode) {
    case "lend":
      return lend(found, counter);
    case "return":
      return takeBack(found, counter);
    case "renew":
      return renew(found, counter);
    case "on_site":
      return readHere(found);
  }
}

/** The card a code stands for, if it is rather a card than a copy. */
function cardHere(found: Found, counter: Counter): DeskCard | null {
  if (found.card) return { ...found.card, known: true };
  if (found.copy) return null;
  const made = madeHere(found, counter);
  if (made) return made;
  return looksLikeCard(found.code, counter) ? unknownCard(found.code) : null;
}

export function unknownCard(number: string): DeskCard {
  const blank = { kind: "", className: "", audience: null, enabled: true, name: "" };
  return { number, ...blank, known: false };
}

/** A card made on a tablet, not in the catalogue yet. */
function madeHere(found: Found, counter: Counter): DeskCard | null {
  const here = counter.fold.issued.get(found.code);
  const stored = effective(found.facts.map((fact) => fact.event));
  const made = here ?? stored.find((fact) => fact.kind === "card_issued");
  if (made?.kind !== "card_issued") return null;
  const { kind, full_name, audience } = made.payload;
  return {
    ...unknownCard(found.code),
    kind,
    name: full_name ?? "",
    audience: audience ?? null,
    known: true,
  };
}

function looksLikeCard(code: string, { desk, summary }: Counter): boolean {
  const shape = shapeOf(code);
  const asCard = summary?.cardShapes.includes(shape) ?? false;
  const asCopy = summary?.copyShapes.includes(shape) ?? false;
  if (asCard !== asCopy) return asCard;
  return desk.mode === "lend" && desk.card === null;
}

function greet(card: DeskCard, { desk, cardKinds }: Counter): Judgement {
  if (desk.pile && desk.card && desk.card.number !== card.number) {
    const detail = t("The pile goes on card %(card)s. End the pile to change cards.", {
      card: desk.card.number,
    });
    return { outcome: { tone: "bad", title: t("Another card"), detail }, facts: [] };
  }
  const title = card.name || t("Card %(card)s", { card: card.number });
  if (!card.known) {
    const detail = t("Unknown card %(card)s: lend all the same, it will be settled later.", {
      card: card.number,
    });
    return { outcome: { tone: "told", title: t("Unknown card"), detail }, facts: [], card };
  }
  if (!card.enabled) {
    const detail = t("This card is switched off: lend all the same, and tell the coordinator.");
    return { outcome: { tone: "told", title, detail }, facts: [], card };
  }
  const detail = [cardKinds.get(card.kind), card.className, card.number].filter(Boolean).join(" · ");
  return { outcome: { tone: "good", title, detail }, facts: [], card };
}

interface Standing {
  loan: FoundLoan | null;
  returnedHere: boolean;
  renewedHere: boolean;
  /** Before this run's facts: by an earlier run not sent yet, else by the catalogue. */
  before: FoundLoan | null;
}

/** Who has the copy now. */
export function standing(found: Found, counter: Counter): Standing {
  const before = loanBefore(found, counter.run);
  const told = counter.fold.copies.get(found.code);
  const here = counter.visit.id;
  return {
    loan: told ? loanTold(told, before, counter.run) : before,
    returnedHere: told?.card === null && told.returnedAtVisit === here,
    renewedHere: told?.renewedAtVisit === here,
    before,
  };
}

function loanTold(
  told: { card: string | null; visit: number | null; returnedAtVisit: number | null; where: string },
  before: FoundLoan | null,
  run: Run,
): FoundLoan | null {
  if (told.card !== null) {
    const lentAt = run.visits.find((visit) => visit.id === told.visit);
    return { card: told.card, visit: told.visit, dueOn: lentAt?.due_on ?? "" };
  }
  const came = told.returnedAtVisit !== null || told.where === "aboard";
  return came ? null : before;
}

function loanBefore(found: Found, run: Run): FoundLoan | null {
  const earlier = found.facts.filter((fact) => fact.run !== run.id && fact.unsent !== undefined);
  const last = effective(earlier.map((fact) => fact.event)).at(-1);
  if (last?.kind === "lent") {
    return { card: last.payload.card_number, visit: last.visit, dueOn: "" };
  }
  return last?.kind === "returned" ? null : found.loan;
}

function seenOf(found: Found, here: Standing, card: DeskCard | null): Seen {
  return {
    wasOut: here.before !== null,
    knownCopy: found.copy !== null,
    knownCard: card?.known ?? true,
  };
}

function nameOf(found: Found): string {
  return found.copy?.title || found.code;
}

function lend(found: Found, counter: Counter): Judgement {
  const { card } = counter.desk;
  const here = standing(found, counter);
  if (!card) return lendToNobody(found, counter, here);
  if (here.loan?.card === card.number) return alreadyTheirs(found, counter, here, card);
  const fact: Told<"lent"> = {
    kind: "lent",
    payload: { barcode: found.code, card_number: card.number },
    seen: seenOf(found, here, card),
  };
  return { outcome: lentOutcome(found, counter, here, card), facts: [fact] };
}

function lentOutcome(found: Found, counter: Counter, here: Standing, card: DeskCard): Outcome {
  const title = nameOf(found);
  const due = t("Due %(day)s", { day: writtenDay(counter.visit.due_on) });
  const reserved = reservedForOther(found, counter, card.number);
  const remarks = [
    !found.copy && t("Unknown copy %(barcode)s: lent and marked to settle.", { barcode: found.code }),
    here.loan &&
      t("It was on loan to card %(card)s: lent all the same, marked to settle.", {
        card: here.loan.card,
      }),
    !card.known && t("The card is unknown: marked to settle."),
    reserved && t("Reserved for %(reader)s.", { reader: reserved.reader }),
  ].filter(Boolean);
  return {
    tone: remarks.length ? "told" : "good",
    title,
    detail: [due, ...remarks].join(" · "),
  };
}

function reservedForOther(found: Found, counter: Counter, card: string): Reservation | undefined {
  return counter.reservations.find(
    (reservation) => reservation.barcode === found.code && reservation.card !== card,
  );
}

function lendToNobody(found: Found, counter: Counter, here: Standing): Judgement {
  const outcome: Outcome = {
    tone: "bad",
    title: t("Scan a card first"),
    detail: t("Nothing was written down for %(title)s.", { title: nameOf(found) }),
  };
  if (!here.loan) return { outcome, facts: [] };
  return { outcome: { ...outcome, choices: [backChoice(found, counter, here)] }, facts: [] };
}

function alreadyTheirs(
  found: Found,
  counter: Counter,
  here: Standing,
  card: DeskCard,
): Judgement {
  if (here.loan?.visit === counter.visit.id) {
    const detail = t("Already lent to this card at this visit: counted once.");
    return { outcome: { tone: "told", title: nameOf(found), detail }, facts: [] };
  }
  const outcome: Outcome = {
    tone: "told",
    title: nameOf(found),
    detail: t("Card %(card)s has it on loan. Renew it or take it back?", { card: card.number }),
    choices: [renewChoice(found, counter, here), backChoice(found, counter, here)],
  };
  return { outcome, facts: [] };
}

function renewChoice(found: Found, counter: Counter, here: Standing): Choice {
  return {
    name: "renew",
    label: t("Renew"),
    icon: "arrow-clockwise",
    facts: [renewFact(found, here)],
    then: renewedOutcome(found, counter),
  };
}

function backChoice(found: Found, counter: Counter, here: Standing): Choice {
  return {
    name: "return",
    label: t("Take back"),
    icon: "arrow-counterclockwise",
    facts: [backFact(found, here)],
    then: backOutcome(found, counter, here),
  };
}

function backFact(found: Found, here: Standing): Told<"returned"> {
  return { kind: "returned", payload: { barcode: found.code }, seen: seenOf(found, here, null) };
}

function renewFact(found: Found, here: Standing): Told<"renewed"> {
  return { kind: "renewed", payload: { barcode: found.code }, seen: seenOf(found, here, null) };
}

function takeBack(found: Found, counter: Counter): Judgement {
  const here = standing(found, counter);
  if (here.returnedHere) {
    const detail = t("Already taken back at this visit: counted once.");
    return { outcome: { tone: "told", title: nameOf(found), detail }, facts: [] };
  }
  return { outcome: backOutcome(found, counter, here), facts: [backFact(found, here)] };
}

function backOutcome(found: Found, counter: Counter, here: Standing): Outcome {
  const reserved = counter.reservations.find(({ barcode }) => barcode === found.code);
  const remarks = [
    !found.copy && t("Unknown copy %(barcode)s: taken and marked to settle.", { barcode: found.code }),
    found.copy && !here.loan && t("Nobody had it on loan: taken and marked to settle."),
    reserved && t("Put aside: reserved for %(reader)s.", { reader: reserved.reader }),
  ].filter(Boolean);
  const from = here.loan ? t("Back from card %(card)s", { card: here.loan.card }) : t("Taken back");
  return {
    tone: remarks.length ? "told" : "good",
    title: nameOf(found),
    detail: [from, ...remarks].join(" · "),
  };
}

function renew(found: Found, counter: Counter): Judgement {
  const here = standing(found, counter);
  if (here.renewedHere) {
    const detail = t("Already renewed at this visit: counted once.");
    return { outcome: { tone: "told", title: nameOf(found), detail }, facts: [] };
  }
  const outcome = here.loan ? renewedOutcome(found, counter) : renewedNotLent(found);
  return { outcome, facts: [renewFact(found, here)] };
}

function renewedOutcome(found: Found, counter: Counter): Outcome {
  const detail = t("Renewed, due %(day)s", { day: writtenDay(counter.visit.due_on) });
  return { tone: "good", title: nameOf(found), detail };
}

function renewedNotLent(found: Found): Outcome {
  const detail = t("Nobody had it on loan: renewal written down and marked to settle.");
  return { tone: "told", title: nameOf(found), detail };
}

function readHere(found: Found): Judgement {
  const fact: Told<"used_on_site"> = {
    kind: "used_on_site",
    payload: { items: 1, barcode: found.code },
  };
  const detail = tn("%(num)s item read on the spot", "%(num)s items read on the spot", 1);
  return { outcome: { tone: "good", title: nameOf(found), detail }, facts: [fact] };
}
