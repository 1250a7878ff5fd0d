// A note, an incident, a picture of what words do not show.
import { useEffect, useState } from "preact/hooks";
import { type FactOf, happenedAt } from "../fold";
import { compressed } from "../photo";
import { sha256 } from "../send";
import { head, write } from "../state";
import { store } from "../store";
import { labelOf } from "../telling";
import { clock, t } from "../words";
import { OtherTag } from "./log";
import { Button, Chips, Icon, Notice, Panel, TextField } from "./parts";
import type { VisitProps } from "./visit";

export function Notes(props: VisitProps) {
  return (
    <div class="columns">
      <div class="stack">
        <Note {...props} />
        <Photos {...props} />
      </div>
      <Incident {...props} />
    </div>
  );
}

function Note({ visit, told }: VisitProps) {
  const [text, setText] = useState(told.note);
  useEffect(() => setText(told.note), [told.note]);
  return (
    <Panel title={t("Note")} id="note">
      <TextField label={t("For whoever comes here next")} name="note" value={text} onValue={setText} rows={3} longest={2000} />
      <Button look="main" icon="check-lg" action="save-note" disabled={!text.trim() || text.trim() === told.note} onPress={() => write("note", { text: text.trim() }, visit)}>
        {t("Save the note")}
      </Button>
    </Panel>
  );
}

function Incident({ visit, told }: VisitProps) {
  const kinds = head.value?.incident_kinds ?? [];
  const [kind, setKind] = useState<string | null>(null);
  const [text, setText] = useState("");
  const save = async () => {
    if (!kind) return;
    await write("incident", { kind, text: text.trim() }, visit);
    setKind(null);
    setText("");
  };
  return (
    <Panel title={t("Incident")} id="incident">
      <Chips label={t("What happened")} name="incident" options={kinds} value={kind} onValue={setKind} />
      <TextField label={t("In a few words")} name="incident_text" value={text} onValue={setText} rows={3} longest={2000} />
      <Button look="main" icon="exclamation-triangle" action="save-incident" disabled={!kind} onPress={save}>
        {t("Report it")}
      </Button>
      <ul class="lines">
        {told.incidents.map((fact) => (
          <li key={fact.id}>
            <time>{clock(happenedAt(fact))}</time>
            <strong>{labelOf(kinds, fact.payload.kind)}</strong>
            <span>{fact.payload.text}</span>
            {fact.other !== undefined && <OtherTag name={fact.other} />}
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Photos({ visit, told }: VisitProps) {
  const [caption, setCaption] = useState("");
  const [trouble, setTrouble] = useState(false);
  const [working, setWorking] = useState(false);
  const take = async (input: HTMLInputElement) => {
    const taken = input.files?.[0];
    input.value = "";
    if (!taken) return;
    setWorking(true);
    try {
      await keep(taken);
      setCaption("");
      setTrouble(false);
    } catch {
      setTrouble(true);
    } finally {
      setWorking(false);
    }
  };
  const keep = async (taken: File) => {
    const picture = await compressed(taken);
    const digest = await sha256(picture);
    const about = { sha256: digest, content_type: picture.type, bytes: picture.size };
    const said = caption.trim() ? { caption: caption.trim() } : {};
    await write("photo", { ...about, ...said }, visit, { picture });
  };
  return (
    <Panel title={t("Photos")} id="photos">
      <TextField label={t("What it shows")} name="caption" value={caption} onValue={setCaption} />
      <label class="button button--main file-button" data-action="take-photo">
        <Icon name="camera" />
        {working ? t("One moment…") : t("Take a photo")}
        <input
          type="file"
          accept="image/*"
          capture="environment"
          class="visually-hidden"
          disabled={working}
          onChange={(event) => void take(event.currentTarget)}
        />
      </label>
      {trouble && <Notice tone="warm">{t("This picture could not be kept. Try another one.")}</Notice>}
      <p class="hint">{t("Pictures are made small and sent last.")}</p>
      <ul class="photos">
        {told.photos.map((fact) => (
          <li key={fact.id} data-photo={fact.id}>
            <Thumbnail fact={fact} />
            <span class="quiet">{fact.payload.caption}</span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Thumbnail({ fact }: { fact: FactOf<"photo"> }) {
  const [address, setAddress] = useState("");
  useEffect(() => {
    let made = "";
    let gone = false;
    const load = async () => {
      const photo = await (await store()).get("photos", fact.id);
      if (!photo || gone) return;
      made = URL.createObjectURL(photo.picture);
      setAddress(made);
    };
    void load();
    return () => {
      gone = true;
      if (made) URL.revokeObjectURL(made);
    };
  }, [fact.id]);
  const words = fact.payload.caption || t("Photo");
  return address ? <img src={address} alt={words} /> : <span class="no-photo">{words}</span>;
}
