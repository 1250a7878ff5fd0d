// The last resort: take the facts to the coordinator on a USB stick.
import { useState } from "preact/hooks";
import { download, factsFile } from "../facts-file";
import { unsent } from "../state";
import { t, tn } from "../words";
import { Button, Notice, Panel } from "./parts";

export function FactsFileView() {
  const [made, setMade] = useState<number | null>(null);
  const make = async () => {
    const file = await factsFile();
    download(file);
    setMade(file.facts);
  };
  return (
    <Panel title={t("Signed file")} id="facts-file">
      <p>{t("When sending does not work at all: save this file, carry it to the library, and let the coordinator upload it under “Tablets”.")}</p>
      <p>{t("The facts stay on this tablet and are still sent later; the server keeps each of them once. Photos are not in the file.")}</p>
      <Notice tone={unsent.value ? "warm" : "calm"}>
        {tn("%(num)s item not sent", "%(num)s items not sent", unsent.value)}
      </Notice>
      <Button big look="main" icon="download" action="make-file" onPress={make}>
        {t("Save the file")}
      </Button>
      <div role="status">
        {made !== null && <Notice tone="calm">{tn("%(num)s fact is in the file.", "%(num)s facts are in the file.", made)}</Notice>}
      </div>
    </Panel>
  );
}
