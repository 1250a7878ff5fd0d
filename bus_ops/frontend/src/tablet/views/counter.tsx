// Lending and taking back: card, then copies; the scanner works whatever has the focus.
import { useEffect, useState } from "preact/hooks";
import { type FoundCard, copiesOf, loansOf } from "../catalogue";
import type { Visit } from "../contract";
import { desk, dismissCard, scanAt, useCard } from "../desk";
import type { VisitFold } from "../fold";
import type { DeskMode } from "../judge";
import { fold, head, run } from "../state";
import { labelOf } from "../telling";
import { number, t, tn, writtenDay } from "../words";
import { CameraSheet } from "./camera-sheet";
import { NewCardSheet } from "./new-card-sheet";
import { Button, Field, Icon, Panel } from "./parts";
import { ReaderSheet } from "./reader-sheet";
import type { VisitProps } from "./visit";

type OpenSheet = "camera" | "reader" | "card" | null;

export function Counter({ visit, told }: VisitProps) {
  const [sheet, setSheet] = useState<OpenSheet>(null);
  const close = () => setSheet(null);
  return (
    <div class="columns columns--counter">
      <div class="stack">
        <Modes />
        {desk.value.mode === "lend" ? (
          <CardHere visit={visit} onFind={() => setSheet("reader")} onNew={() => setSheet("card")} />
        ) : (
          <Panel>
            <p class="prompt">
              <Icon name="upc-scan" />
              {promptOf(desk.value.mode)}
            </p>
          </Panel>
        )}
        <TypeCode visit={visit} onCamera={() => setSheet("camera")} />
      </div>
      <Panel title={t("At this stop")}>
        <CounterFigures told={told} />
        <p class="quiet">{t("Lent here is due on %(day)s.", { day: writtenDay(visit.due_on) })}</p>
        <Reserved visit={visit} />
      </Panel>
      {sheet === "camera" && <CameraSheet onClose={close} onCode={(code) => void scanAt(visit, code)} />}
      {sheet === "reader" && <ReaderSheet place={visit.place.id} onClose={close} />}
      {sheet === "card" && <NewCardSheet visit={visit} onClose={close} />}
    </div>
  );
}

const MODES: [DeskMode, string, () => string][] = [
  ["lend", "book", () => t("Lend")],
  ["return", "arrow-counterclockwise", () => t("Take back")],
  ["renew", "arrow-clockwise", () => t("Renew")],
  ["on_site", "people", () => t("Read here")],
];

function Modes() {
  return (
    <div class="modes" role="group" aria-label={t("What a scanned copy means")}>
      {MODES.map(([mode, icon, name]) => (
        <button
          key={mode}
          type="button"
          class="mode"
          data-mode={mode}
          aria-pressed={desk.value.mode === mode}
          onClick={() => (desk.value = { ...desk.value, mode })}
        >
          <Icon name={icon} />
          {name()}
        </button>
      ))}
    </div>
  );
}

function promptOf(mode: DeskMode): string {
  switch (mode) {
    case "return":
      return t("Scan the copies that come back. No card is needed.");
    case "renew":
      return t("Scan the copies to renew.");
    default:
      return t("Scan the copies that were read here.");
  }
}

interface CardHereProps {
  visit: Visit;
  onFind: () => void;
  onNew: () => void;
}

function CardHere({ visit, onFind, onNew }: CardHereProps) {
  const { card, pile } = desk.value;
  if (!card) {
    return (
      <Panel id="card-here">
        <p class="prompt">
          <Icon name="upc-scan" />
          {t("Scan a reader's card, then the copies.")}
        </p>
        <div class="actions">
          <Button icon="search" action="find-reader" onPress={onFind}>
            {t("Card forgotten")}
          </Button>
          <Button icon="person-plus" action="new-card" onPress={onNew}>
            {t("New card")}
          </Button>
        </div>
      </Panel>
    );
  }
  return (
    <section class="panel card-here" id="card-here" data-card={card.number}>
      <div class="card-who">
        <Icon name="person-circle" />
        <div>
          <h2>{card.name || t("Card %(card)s", { card: card.number })}</h2>
          <p class="quiet">
            {[labelOf(head.value?.card_kinds, card.kind), card.className, card.number].filter(Boolean).join(" · ")}
          </p>
        </div>
      </div>
      <OnCard visit={visit} card={card} pile={pile} />
      <div class="actions">
        <Button look={pile ? "main" : "soft"} icon="stack" action="pile" aria-pressed={pile} onPress={() => useCard(card, !pile)}>
          {pile ? t("End the pile") : t("A class's pile")}
        </Button>
        <Button icon="check-lg" action="dismiss-card" onPress={dismissCard}>
          {t("Done")}
        </Button>
      </div>
    </section>
  );
}

/** What the card has: lent here today, and out from before. */
function OnCard({ visit, card, pile }: { visit: Visit; card: FoundCard; pile: boolean }) {
  const lentHere = [...fold.value.copies]
    .filter(([, copy]) => copy.card === card.number && copy.visit === visit.id)
    .map(([barcode]) => barcode);
  const before = useLoansBefore(card.number).filter((barcode) => !fold.value.copies.has(barcode));
  const titles = useTitles(pile ? [] : [...lentHere, ...before]);
  return (
    <>
      <p class="pile" data-figure="on-card" data-value={lentHere.length}>
        <strong class="figure">{number(lentHere.length)}</strong>
        {tn("copy lent now", "copies lent now", lentHere.length)}
      </p>
      {!pile && (
        <ul class="lines">
          {lentHere.slice(-6).reverse().map((barcode) => (
            <li key={barcode}>
              <span>{titles.get(barcode) ?? barcode}</span>
              <span class="quiet">{barcode}</span>
            </li>
          ))}
        </ul>
      )}
      {before.length > 0 && (
        <details>
          <summary>{tn("%(num)s copy from before", "%(num)s copies from before", before.length)}</summary>
          <ul class="lines">
            {before.map((barcode) => (
              <li key={barcode}>
                <span>{titles.get(barcode) ?? barcode}</span>
                <Button icon="arrow-clockwise" action="renew" onPress={() => renewNow(visit, barcode)}>
                  {t("Renew")}
                </Button>
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

/** As if the copy had been scanned with "Renew" chosen. */
async function renewNow(visit: Visit, barcode: string): Promise<void> {
  const { mode } = desk.peek();
  desk.value = { ...desk.peek(), mode: "renew" };
  await scanAt(visit, barcode);
  desk.value = { ...desk.peek(), mode };
}

function useLoansBefore(card: string): string[] {
  const [barcodes, setBarcodes] = useState<string[]>([]);
  useEffect(() => {
    let gone = false;
    void loansOf(card).then((found) => !gone && setBarcodes(found));
    return () => {
      gone = true;
    };
  }, [card]);
  return barcodes;
}

function useTitles(barcodes: string[]): Map<string, string> {
  const [titles, setTitles] = useState(new Map<string, string>());
  const wanted = barcodes.join("\n");
  useEffect(() => {
    let gone = false;
    void copiesOf(wanted ? wanted.split("\n") : []).then((copies) => {
      if (!gone) setTitles(new Map([...copies].map(([barcode, copy]) => [barcode, copy.title])));
    });
    return () => {
      gone = true;
    };
  }, [wanted]);
  return titles;
}

/** For a barcode that no scanner reads any more. */
function TypeCode({ visit, onCamera }: { visit: Visit; onCamera: () => void }) {
  const [typed, setTyped] = useState("");
  const take = (event: Event) => {
    event.preventDefault();
    const code = typed.trim();
    setTyped("");
    if (code) void scanAt(visit, code);
  };
  return (
    <form class="type-code" onSubmit={take}>
      <Field label={t("Type a code that cannot be scanned")}>
        {(id) => (
          <div class="with-button">
            <input
              id={id}
              name="code"
              type="text"
              autocomplete="off"
              autocapitalize="characters"
              maxLength={40}
              value={typed}
              onInput={(event) => setTyped(event.currentTarget.value)}
            />
            <Button type="submit" icon="check-lg" action="type-code" aria-label={t("Use this code")} />
            <Button icon="camera" action="open-camera" aria-label={t("Scan with the camera")} onPress={onCamera} />
          </div>
        )}
      </Field>
    </form>
  );
}

function CounterFigures({ told }: { told: VisitFold }) {
  const figures: [string, string, number][] = [
    ["lent", t("Lent"), told.lent],
    ["returned", t("Taken back"), told.returned],
    ["renewed", t("Renewed"), told.renewed],
    ["on_site", t("Read on the spot"), told.onSite],
    ["cards", t("New cards"), told.cards],
  ];
  return (
    <dl class="figures">
      {figures.map(([name, label, value]) => (
        <div key={name} data-figure={name} data-value={value}>
          <dt>{label}</dt>
          <dd>{number(value)}</dd>
        </div>
      ))}
      {told.returnedNotLent > 0 && (
        <div data-figure="not_lent" data-value={told.returnedNotLent}>
          <dt>{t("Back, though not on loan")}</dt>
          <dd>{number(told.returnedNotLent)}</dd>
        </div>
      )}
    </dl>
  );
}

function Reserved({ visit }: { visit: Visit }) {
  const here = run.value?.load.reservations.filter((one) => one.visit_id === visit.id) ?? [];
  if (!here.length) return null;
  return (
    <>
      <h3>{t("Reserved for this stop")}</h3>
      <ul class="lines">
        {here.map((one) => (
          <li key={`${one.card} ${one.title}`}>
            <span>{one.title}</span>
            <span class="quiet">
              {one.reader} · {one.card}
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}
