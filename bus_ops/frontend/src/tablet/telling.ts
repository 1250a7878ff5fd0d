// One fact in words, for the list of what was written down.
import type { Labelled, PlanHead } from "./contract";
import type { Fact } from "./fold";
import { number, t, tn } from "./words";

export function labelOf(pairs: Labelled[] | undefined, value: string): string {
  return pairs?.find(([known]) => known === value)?.[1] ?? value;
}

export function signed(value: number): string {
  return value < 0 ? `−${number(-value)}` : `+${number(value)}`;
}

export function telling(fact: Fact, head: PlanHead | null): string {
  switch (fact.kind) {
    case "arrived":
      return t("Arrived");
    case "departed":
      return t("Departed");
    case "attendance":
      return `${signed(fact.payload.people)} ${labelOf(head?.audiences, fact.payload.audience)}`;
    case "class_visit":
      return classWords(fact.payload.class_name, fact.payload.people, fact.payload.teacher);
    case "activity":
      return words(labelOf(head?.activities, fact.payload.kind), number(fact.payload.count));
    case "note":
      return words(t("Note"), fact.payload.text);
    case "lent":
      return words(t("Lent"), `${fact.payload.barcode} → ${fact.payload.card_number}`);
    case "returned":
      return words(t("Returned"), fact.payload.barcode);
    case "renewed":
      return words(t("Renewed"), fact.payload.barcode);
    case "used_on_site":
      return words(t("Read on the spot"), fact.payload.barcode ?? number(fact.payload.items));
    case "card_issued":
      return words(t("New cards"), fact.payload.number ?? number(fact.payload.cards));
    case "incident":
      return words(labelOf(head?.incident_kinds, fact.payload.kind), fact.payload.text);
    case "photo":
      return words(t("Photo"), fact.payload.caption ?? "");
    case "box_out":
      return boxWords(t("Box handed out"), fact.payload.box, fact.payload.barcodes.length);
    case "box_back":
      return boxWords(t("Box taken back"), fact.payload.box, fact.payload.barcodes.length);
    default:
      return fact.kind;
  }
}

function words(what: string, detail: string): string {
  return detail ? `${what}: ${detail}` : what;
}

function classWords(name: string | undefined, people: number, teacher: string | undefined): string {
  const size = tn("%(num)s pupil", "%(num)s pupils", people);
  return [words(t("Class"), name ?? ""), size, teacher].filter(Boolean).join(" · ");
}

function boxWords(what: string, box: string, copies: number): string {
  return `${what}: ${box} · ${tn("%(num)s copy", "%(num)s copies", copies)}`;
}
