// Boxes of copies that stay at a place: handed out and taken back, two names on each record.
import { useEffect, useState } from "preact/hooks";
import type { PlannedBox, Visit } from "../contract";
import { hearScans } from "../desk";
import { run, staff, write } from "../state";
import { sound } from "../sound";
import { t, tn } from "../words";
import { CameraSheet } from "./camera-sheet";
import { Button, Chips, Icon, Notice, Panel, Stepper, TextField } from "./parts";
import type { VisitProps } from "./visit";

type Way = "out" | "back";

export function Boxes({ visit, told }: VisitProps) {
  const [way, setWay] = useState<Way>("out");
  const load = run.value?.load;
  const planned = (way === "out" ? load?.boxes_out : load?.boxes_back) ?? [];
  const here = planned.filter((box) => box.visit_id === visit.id);
  return (
    <div class="columns">
      <Panel title={t("Boxes")} id="boxes">
        <Chips<Way>
          label={t("What happens with the box")}
          name="box-way"
          options={[
            ["out", t("It stays here")],
            ["back", t("It goes back")],
          ]}
          value={way}
          onValue={setWay}
        />
        <BoxForm key={way} visit={visit} way={way} planned={here} />
      </Panel>
      <Panel title={t("Boxes at this stop")}>
        <ul class="lines">
          {told.boxesOut.map((fact) => (
            <li key={fact.id}>
              <Icon name="arrow-right" />
              <strong>{fact.payload.box}</strong>
              <span>{tn("%(num)s copy", "%(num)s copies", fact.payload.barcodes.length)}</span>
              <span class="quiet">{`${fact.payload.handed_by} → ${fact.payload.received_by}`}</span>
            </li>
          ))}
          {told.boxesBack.map((fact) => (
            <li key={fact.id}>
              <Icon name="arrow-left" />
              <strong>{fact.payload.box}</strong>
              <span>{tn("%(num)s copy", "%(num)s copies", fact.payload.barcodes.length)}</span>
              <span class="quiet">{`${fact.payload.handed_by} → ${fact.payload.received_by}`}</span>
            </li>
          ))}
        </ul>
        <p class="quiet">{t("A box stays six months at most. The handover record is printed from the coordinator's pages.")}</p>
      </Panel>
    </div>
  );
}

interface BoxFormProps {
  visit: Visit;
  way: Way;
  planned: PlannedBox[];
}

function BoxForm({ visit, way, planned }: BoxFormProps) {
  const us = staff.value?.name ?? "";
  const [box, setBox] = useState("");
  const [barcodes, setBarcodes] = useState<string[]>([]);
  const [damaged, setDamaged] = useState<string[]>([]);
  const [handedBy, setHandedBy] = useState(way === "out" ? us : visit.place.contact);
  const [receivedBy, setReceivedBy] = useState(way === "out" ? visit.place.contact : us);
  const [condition, setCondition] = useState("");
  const [note, setNote] = useState("");
  const [visitors, setVisitors] = useState(0);
  const [items, setItems] = useState(0);
  const [camera, setCamera] = useState(false);
  useBoxScans(box, barcodes, setBox, setBarcodes);
  const ready = box.trim() && handedBy.trim() && receivedBy.trim();
  const clear = () => {
    setBox("");
    setBarcodes([]);
    setDamaged([]);
    setCondition("");
    setNote("");
    setVisitors(0);
    setItems(0);
  };
  const save = async () => {
    const names = { handed_by: handedBy.trim(), received_by: receivedBy.trim() };
    const said = note.trim() ? { note: note.trim() } : {};
    if (way === "out") {
      const state = condition.trim() ? { condition: condition.trim() } : {};
      await write("box_out", { box: box.trim(), barcodes, ...names, ...state, ...said }, visit);
    } else {
      const whole = barcodes.filter((barcode) => !damaged.includes(barcode));
      const counted = { ...(visitors ? { visitors } : {}), ...(items ? { items } : {}) };
      await write("box_back", { box: box.trim(), barcodes: whole, damaged, ...names, ...counted, ...said }, visit);
    }
    clear();
  };
  return (
    <>
      {planned.length > 0 && (
        <Chips
          label={t("Planned for this stop")}
          name="planned-box"
          options={planned.map((one) => [one.box, boxLabel(one)] as const)}
          value={box}
          onValue={setBox}
        />
      )}
      <TextField label={t("Code of the box")} name="box" value={box} onValue={setBox} longest={40} scanned hint={t("The first scan is the box, the next ones its copies.")} />
      <ScannedCopies barcodes={barcodes} damaged={damaged} onBarcodes={setBarcodes} {...(way === "back" ? { onDamaged: setDamaged } : {})} />
      <MissingCopies planned={planned.find((one) => one.box === box)} way={way} seen={barcodes} />
      <Button icon="camera" action="open-camera" onPress={() => setCamera(true)}>
        {t("Scan with the camera")}
      </Button>
      <div class="form-columns">
        <TextField label={t("Handed over by")} name="handed_by" value={handedBy} onValue={setHandedBy} />
        <TextField label={t("Received by")} name="received_by" value={receivedBy} onValue={setReceivedBy} />
      </div>
      {way === "out" ? (
        <TextField label={t("Condition of the copies")} name="condition" value={condition} onValue={setCondition} />
      ) : (
        <div class="form-columns">
          <Stepper label={t("Readers counted by the host")} name="visitors" value={visitors} onValue={setVisitors} />
          <Stepper label={t("Items lent by the host")} name="items" value={items} onValue={setItems} />
        </div>
      )}
      <TextField label={t("Remark")} name="box_note" value={note} onValue={setNote} />
      {!ready && <p class="hint">{t("Box code and both names are needed for the record.")}</p>}
      <Button big look="main" icon="check-lg" action={way === "out" ? "save-box-out" : "save-box-back"} disabled={!ready} onPress={save}>
        {way === "out" ? t("Hand the box over") : t("Take the box back")}
      </Button>
      {camera && <CameraSheet onClose={() => setCamera(false)} onCode={takeBoxScan(box, barcodes, setBox, setBarcodes)} />}
    </>
  );
}

export function boxLabel({ box, copies: told, barcodes }: PlannedBox): string {
  const copies = told ?? barcodes?.length;
  return copies ? [box, tn("%(num)s copy", "%(num)s copies", copies)].join(" · ") : box;
}

/** The first code is the box, each later one a copy of it. */
function takeBoxScan(
  box: string,
  barcodes: string[],
  setBox: (box: string) => void,
  setBarcodes: (barcodes: string[]) => void,
): (code: string) => void {
  return (code) => {
    if (!box) setBox(code);
    else if (!barcodes.includes(code)) setBarcodes([...barcodes, code]);
    sound(barcodes.includes(code) ? "told" : "good");
  };
}

function useBoxScans(...form: Parameters<typeof takeBoxScan>): void {
  useEffect(() => hearScans(takeBoxScan(...form)));
}

interface ScannedProps {
  barcodes: string[];
  damaged: string[];
  onBarcodes: (barcodes: string[]) => void;
  onDamaged?: (damaged: string[]) => void;
}

function ScannedCopies({ barcodes, damaged, onBarcodes, onDamaged }: ScannedProps) {
  const drop = (barcode: string) => onBarcodes(barcodes.filter((one) => one !== barcode));
  const toggle = (barcode: string) =>
    onDamaged?.(damaged.includes(barcode) ? damaged.filter((one) => one !== barcode) : [...damaged, barcode]);
  return (
    <div class="field" id="box-copies" data-value={barcodes.length} aria-live="polite">
      <span class="label">
        {tn("%(num)s copy scanned", "%(num)s copies scanned", barcodes.length)}
      </span>
      <ul class="lines">
        {[...barcodes].reverse().map((barcode) => (
          <li key={barcode}>
            <span>{barcode}</span>
            {onDamaged && (
              <button type="button" class="chip" data-damaged={barcode} aria-pressed={damaged.includes(barcode)} onClick={() => toggle(barcode)}>
                {t("Damaged")}
              </button>
            )}
            <Button look="plain" icon="trash" aria-label={t("Take %(barcode)s off the list", { barcode })} onPress={() => drop(barcode)} />
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Copies of the deposit that were not seen yet, where the plan names them. */
function MissingCopies({ planned, way, seen }: { planned: PlannedBox | undefined; way: Way; seen: string[] }) {
  if (way !== "back" || !planned) return null;
  const missing = planned.barcodes
    ? planned.barcodes.filter((barcode) => !seen.includes(barcode)).length
    : Math.max(0, (planned.copies ?? 0) - seen.length);
  if (!missing) return <Notice tone="calm">{t("All copies of the box are here.")}</Notice>;
  return (
    <Notice tone="warm">
      {tn("%(num)s copy of the box is not seen yet.", "%(num)s copies of the box are not seen yet.", missing)}
    </Notice>
  );
}
