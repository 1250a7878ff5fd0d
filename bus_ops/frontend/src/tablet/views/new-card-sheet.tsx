// A new card, quickly: kind, number, name; what is unknown stays empty.
import { useEffect, useState } from "preact/hooks";
import type { Visit } from "../contract";
import { hearScans, show, useCard } from "../desk";
import { unknownCard } from "../judge";
import { head, write } from "../state";
import { labelOf } from "../telling";
import { t, tn } from "../words";
import { Button, Chips, Sheet, Stepper, TextField } from "./parts";

export function NewCardSheet({ visit, onClose }: { visit: Visit; onClose: () => void }) {
  const kinds = head.value?.card_kinds ?? [];
  const audiences = head.value?.audiences ?? [];
  const [kind, setKind] = useState(usualKind(kinds.map(([value]) => value)));
  const [number, setNumber] = useState("");
  const [name, setName] = useState("");
  const [audience, setAudience] = useState<string | null>(visit.audience);
  const [cards, setCards] = useState(1);
  useEffect(() => hearScans(setNumber), []);
  const code = number.trim();
  const save = async () => {
    const payload = {
      kind,
      cards: code ? 1 : cards,
      ...(code ? { number: code } : {}),
      ...(code && name.trim() ? { full_name: name.trim() } : {}),
      ...(audience ? { audience } : {}),
    };
    await write("card_issued", payload, visit);
    if (code) useCard({ ...unknownCard(code), kind, name: name.trim(), audience, known: true }, false);
    const made = tn("%(num)s card made", "%(num)s cards made", payload.cards);
    show({ tone: "good", title: name.trim() || code || made, detail: [labelOf(kinds, kind), code || made].join(" · ") });
    onClose();
  };
  return (
    <Sheet title={t("New card")} name="new-card" onClose={onClose}>
      <Chips label={t("Kind")} name="card-kind" options={kinds} value={kind} onValue={setKind} />
      <TextField label={t("Card number")} name="number" value={number} onValue={setNumber} longest={40} scanned hint={t("Scan or type it. Without a number the cards are only counted.")} />
      {code ? (
        <TextField label={t("Reader's name")} name="full_name" value={name} onValue={setName} />
      ) : (
        <Stepper label={t("How many cards")} name="cards" value={cards} least={1} onValue={setCards} />
      )}
      <Chips label={t("Group")} name="audience" options={audiences} value={audience} onValue={setAudience} />
      <Button big look="main" icon="check-lg" action="save-card" onPress={save}>
        {t("Make the card")}
      </Button>
    </Sheet>
  );
}

function usualKind(kinds: string[]): string {
  return kinds.includes("van") ? "van" : (kinds[0] ?? "van");
}
