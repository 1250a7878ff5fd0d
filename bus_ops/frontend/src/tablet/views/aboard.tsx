// What is on the van: counts by subject, the load list of the next run, a quick stock check.
import { useEffect, useState } from "preact/hooks";
import { type StockCheck, type SubjectCount, aboardBySubject, stockCheck } from "../aboard";
import { hearScans } from "../desk";
import { type RunFold, foldRun } from "../fold";
import { sound } from "../sound";
import { facts, fold, run, runs, summary, today, write, writeAll } from "../state";
import { type StoredRun, store } from "../store";
import { clock, longDay, number, t, tn } from "../words";
import { boxLabel } from "./boxes";
import { CameraSheet } from "./camera-sheet";
import { Button, Empty, Icon, Panel } from "./parts";

type Part = "load" | "aboard" | "check";

const PARTS: [Part, string, () => string][] = [
  ["load", "list-check", () => t("Load list")],
  ["aboard", "stack", () => t("On the van")],
  ["check", "upc-scan", () => t("Stock check")],
];

export function Aboard() {
  const [part, setPart] = useState<Part>("load");
  return (
    <>
      <div class="modes" role="group" aria-label={t("Aboard")}>
        {PARTS.map(([one, icon, name]) => (
          <button key={one} type="button" class="mode" data-part={one} aria-pressed={one === part} onClick={() => setPart(one)}>
            <Icon name={icon} />
            {name()}
          </button>
        ))}
      </div>
      {part === "load" && <LoadList />}
      {part === "aboard" && <OnTheVan />}
      {part === "check" && <Check />}
    </>
  );
}

/** The run to load for: today's until it has left, then the next one. */
function runToLoad(): StoredRun | null {
  const inHand = run.value;
  if (inHand && inHand.day >= today.value && !fold.value.leftAt) return inHand;
  const after = inHand?.day ?? today.value;
  return runs.value.find(({ day }) => day > after && day >= today.value) ?? inHand;
}

function LoadList() {
  const next = runToLoad();
  if (!next) return <Empty icon="list-check">{t("No run is planned for the next days.")}</Empty>;
  const { reservations, boxes_out, boxes_back } = next.load;
  return (
    <>
      <h2 class="view-title">
        {longDay(next.day)} · {clock(next.run.leaves_at)}
      </h2>
      <div class="columns">
        <Checklist key={next.id} stored={next} />
        <div class="stack">
          <Panel title={t("Reservations")}>
            {!reservations.length && <p class="quiet">{t("None.")}</p>}
            <ul class="lines">
              {reservations.map((one) => (
                <li key={`${one.visit_id} ${one.card} ${one.title}`}>
                  <span>
                    <strong>{one.title}</strong>
                    <span class="quiet"> {one.barcode}</span>
                  </span>
                  <span class="quiet">
                    {one.reader} · {placeOf(next, one.visit_id)}
                  </span>
                </li>
              ))}
            </ul>
          </Panel>
          <Panel title={t("Boxes")}>
            {!boxes_out.length && !boxes_back.length && <p class="quiet">{t("None.")}</p>}
            <ul class="lines">
              {boxes_out.map((box) => (
                <li key={`out ${box.box}`}>
                  <Icon name="arrow-right" />
                  <strong>{boxLabel(box)}</strong>
                  <span class="quiet">{t("to %(place)s", { place: box.place })}</span>
                </li>
              ))}
              {boxes_back.map((box) => (
                <li key={`back ${box.box}`}>
                  <Icon name="arrow-left" />
                  <strong>{boxLabel(box)}</strong>
                  <span class="quiet">{t("back from %(place)s", { place: box.place })}</span>
                </li>
              ))}
            </ul>
          </Panel>
        </div>
      </div>
    </>
  );
}

function placeOf(stored: StoredRun, visit: number): string {
  return stored.run.visits.find(({ id }) => id === visit)?.place.name ?? "";
}

function Checklist({ stored }: { stored: StoredRun }) {
  const [told, again] = useFoldOf(stored);
  const items = stored.run.checklist;
  const ticked = items.filter(({ id }) => told?.loaded.get(id)).length;
  const tick = async (item: number, loaded: boolean) => {
    await write("equipment", { item_id: item, loaded }, null, { run: stored.id });
    again();
  };
  return (
    <Panel title={t("Checklist")} aside={<span class="quiet">{`${ticked}/${items.length}`}</span>} id="checklist">
      {!items.length && <p class="quiet">{t("None.")}</p>}
      <ul class="checks">
        {items.map((item) => {
          const loaded = told?.loaded.get(item.id) ?? false;
          return (
            <li key={item.id}>
              <button type="button" class="check" data-item={item.id} aria-pressed={loaded} onClick={() => void tick(item.id, !loaded)}>
                <Icon name={loaded ? "check-circle-fill" : "circle"} />
                <span>{item.name}</span>
                {item.quantity > 1 && <span class="quiet">× {number(item.quantity)}</span>}
              </button>
            </li>
          );
        })}
      </ul>
    </Panel>
  );
}

/** Facts of a run that may not be the one in hand. */
function useFoldOf(stored: StoredRun): [RunFold | null, () => void] {
  const [told, setTold] = useState<RunFold | null>(null);
  const read = async () => {
    const kept = await (await store()).getAllFromIndex("events", "run", stored.id);
    setTold(foldRun(kept.map(({ event }) => event)));
  };
  const known = facts.value.length;
  useEffect(() => void read(), [stored.id, known]);
  return [told, () => void read()];
}

function OnTheVan() {
  const counts = useAboard();
  if (!counts) return <Empty icon="stack">{t("The catalogue is not on this tablet yet.")}</Empty>;
  const all = counts.reduce((sum, { copies }) => sum + copies, 0);
  const most = Math.max(1, ...counts.map(({ copies }) => copies));
  return (
    <Panel
      title={t("Copies on the van")}
      aside={
        <strong class="figure" data-figure="aboard" data-value={all}>
          {number(all)}
        </strong>
      }
    >
      <table class="bars">
        <tbody>
          {counts.map(({ subject, copies }) => (
            <tr key={subject}>
              <th scope="row">{subject || t("Without a subject")}</th>
              <td>
                <progress max={most} value={copies} aria-label={subject || t("Without a subject")} />
              </td>
              <td class="number">{number(copies)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

function useAboard(): SubjectCount[] | null {
  const [counts, setCounts] = useState<SubjectCount[] | null>(null);
  const known = summary.value;
  const { copies } = fold.value;
  useEffect(() => {
    let gone = false;
    if (known) void aboardBySubject(known, copies).then((found) => !gone && setCounts(found));
    return () => {
      gone = true;
    };
  }, [known, copies]);
  return counts;
}

const SCANS_OF_A_FACT = 10;
const WRITE_AFTER_MS = 1500;

function Check() {
  const { seen, waiting, scan } = useStockScans();
  const [camera, setCamera] = useState(false);
  const [found, setFound] = useState<StockCheck | null>(null);
  useEffect(() => hearScans(scan));
  const compare = async () => setFound(await stockCheck(seen, fold.peek().copies));
  return (
    <div class="columns">
      <Panel title={t("Stock check")} id="stock-check">
        <p>{t("Scan every copy on the van; then compare.")}</p>
        <p class="pile" data-figure="stock" data-value={seen.size} data-waiting={waiting}>
          <strong class="figure">{number(seen.size)}</strong>
          {tn("copy scanned", "copies scanned", seen.size)}
        </p>
        <div class="actions">
          <Button icon="camera" action="open-camera" onPress={() => setCamera(true)}>
            {t("Scan with the camera")}
          </Button>
          <Button look="main" icon="list-check" action="compare-stock" onPress={compare}>
            {t("Compare")}
          </Button>
        </div>
      </Panel>
      {found && <Compared found={found} />}
      {camera && <CameraSheet onClose={() => setCamera(false)} onCode={scan} />}
    </div>
  );
}

/** Scans are written down some at a time, and at the latest a moment after the last one. */
function useStockScans() {
  const [pending, setPending] = useState<string[]>([]);
  const seen = new Set([...fold.value.stockSeen, ...pending]);
  const keep = async () => {
    if (!pending.length) return;
    await writeAll([{ kind: "stock_seen", payload: { barcodes: pending } }]);
    setPending((now) => now.filter((barcode) => !pending.includes(barcode)));
  };
  useEffect(() => {
    const wait = pending.length >= SCANS_OF_A_FACT ? 0 : WRITE_AFTER_MS;
    const timer = pending.length ? setTimeout(() => void keep(), wait) : undefined;
    return () => clearTimeout(timer);
  }, [pending]);
  const scan = (code: string) => {
    sound(seen.has(code) ? "told" : "good");
    if (!seen.has(code)) setPending((now) => [...new Set([...now, code])]);
  };
  return { seen, waiting: pending.length, scan };
}

function Compared({ found }: { found: StockCheck }) {
  return (
    <Panel title={t("Compared with the catalogue")} id="stock-compared">
      <p>
        {t("%(seen)s scanned, %(expected)s should be aboard.", {
          seen: number(found.seen),
          expected: number(found.expected),
        })}
      </p>
      <Barcodes title={t("Missing")} name="missing" barcodes={found.missing} />
      <Barcodes title={t("Aboard, though not expected")} name="unexpected" barcodes={found.unexpected} />
    </Panel>
  );
}

const MOST_SHOWN = 200;

function Barcodes({ title, name, barcodes }: { title: string; name: string; barcodes: string[] }) {
  return (
    <details data-figure={name} data-value={barcodes.length} open={barcodes.length > 0 && barcodes.length <= 20}>
      <summary>{`${title}: ${number(barcodes.length)}`}</summary>
      <ul class="codes">
        {barcodes.slice(0, MOST_SHOWN).map((barcode) => (
          <li key={barcode}>{barcode}</li>
        ))}
      </ul>
      {barcodes.length > MOST_SHOWN && (
        <p class="quiet">{t("and %(num)s more", { num: number(barcodes.length - MOST_SHOWN) })}</p>
      )}
    </details>
  );
}
