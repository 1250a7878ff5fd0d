// The card is at home: find the reader by name, with or without Vietnamese signs.
import { useEffect, useState } from "preact/hooks";
import { type FoundCard, readersNamed } from "../catalogue";
import { show, useCard } from "../desk";
import { fold, head, summary } from "../state";
import { labelOf } from "../telling";
import { plainLetters, t } from "../words";
import { Sheet, TextField } from "./parts";

export function ReaderSheet({ place, onClose }: { place: number; onClose: () => void }) {
  const [query, setQuery] = useState("");
  const found = useReaders(query, place);
  const take = (card: FoundCard) => {
    useCard({ ...card, known: true }, false);
    show({ tone: "good", title: card.name, detail: [card.className, card.number].filter(Boolean).join(" · ") });
    onClose();
  };
  return (
    <Sheet title={t("Find a reader")} name="reader" onClose={onClose}>
      <TextField label={t("Name")} name="reader" value={query} onValue={setQuery} hint={t("Signs may be left out: “nguyen thi lan”.")} />
      <ul class="choices" aria-live="polite">
        {found.map((card) => (
          <li key={card.number}>
            <button type="button" class="choice" data-card={card.number} onClick={() => take(card)}>
              <strong>{card.name}</strong>
              <span>
                {[card.className, labelOf(head.value?.card_kinds, card.kind), card.number].filter(Boolean).join(" · ")}
              </span>
            </button>
          </li>
        ))}
      </ul>
      {query.trim().length > 1 && !found.length && <p class="quiet">{t("Nobody of that name at today's stops.")}</p>}
      {!summary.value?.names && <p class="quiet">{t("No names are on this tablet now.")}</p>}
    </Sheet>
  );
}

function useReaders(query: string, place: number): FoundCard[] {
  const [found, setFound] = useState<FoundCard[]>([]);
  useEffect(() => {
    let gone = false;
    void readersNamed(query, place).then((readers) => !gone && setFound([...madeToday(query), ...readers]));
    return () => {
      gone = true;
    };
  }, [query, place]);
  return found;
}

/** Readers whose card was made on this run. */
function madeToday(query: string): FoundCard[] {
  const words = plainLetters(query).split(/\s+/).filter(Boolean);
  if (!words.length) return [];
  return [...fold.peek().issued.values()]
    .filter(({ payload }) => words.every((word) => plainLetters(payload.full_name ?? "").includes(word)))
    .map(({ payload }) => ({
      number: payload.number ?? "",
      kind: payload.kind,
      className: "",
      audience: payload.audience ?? null,
      enabled: true,
      name: payload.full_name ?? "",
    }));
}
