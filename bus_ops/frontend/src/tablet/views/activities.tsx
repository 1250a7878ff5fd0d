// What happens beside lending, each with its own count; and what is read on the spot.
import { useState } from "preact/hooks";
import { head, write } from "../state";
import { labelOf } from "../telling";
import { number, t } from "../words";
import { OtherTag } from "./log";
import { Button, Chips, Panel, Stepper, TextField } from "./parts";
import type { VisitProps } from "./visit";

const ON_SITE_STEPS = [1, 5, 10, 30] as const;

export function Activities(props: VisitProps) {
  return (
    <div class="columns">
      <Activity {...props} />
      <OnSite {...props} />
    </div>
  );
}

function Activity({ visit, told }: VisitProps) {
  const [kind, setKind] = useState<string | null>(null);
  const [count, setCount] = useState(1);
  const [title, setTitle] = useState("");
  const add = async () => {
    if (!kind) return;
    const remark = title.trim() ? { title: title.trim() } : {};
    await write("activity", { kind, count, ...remark }, visit);
    setKind(null);
    setCount(1);
    setTitle("");
  };
  return (
    <Panel title={t("Activities")} id="activities">
      <Chips label={t("What is done here")} name="activity" options={head.value?.activities ?? []} value={kind} onValue={setKind} />
      <div class="form-columns">
        <Stepper label={t("Count")} name="count" value={count} onValue={setCount} />
        <TextField label={t("Title or remark")} name="title" value={title} onValue={setTitle} />
      </div>
      <Button look="main" icon="plus-lg" action="add-activity" disabled={!kind} onPress={add}>
        {t("Add")}
      </Button>
      <ul class="lines">
        {told.activities.map((fact) => (
          <li key={fact.id}>
            <strong>{labelOf(head.value?.activities, fact.payload.kind)}</strong>
            <span>{number(fact.payload.count)}</span>
            <span class="quiet">{fact.payload.title}</span>
            {fact.other !== undefined && <OtherTag name={fact.other} />}
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function OnSite({ visit, told }: VisitProps) {
  const total = (
    <strong class="figure" data-figure="on_site" data-value={told.onSite} aria-live="polite">
      {number(told.onSite)}
    </strong>
  );
  return (
    <Panel title={t("Read on the spot")} aside={total} id="on-site">
      <p class="quiet">{t("Items read at the van and put back. Mistakes are undone below.")}</p>
      <div class="count-taps">
        {ON_SITE_STEPS.map((step) => (
          <Button
            key={step}
            big
            look={step === 1 ? "main" : "soft"}
            data-items={step}
            onPress={() => write("used_on_site", { items: step }, visit)}
          >
            +{step}
          </Button>
        ))}
      </div>
    </Panel>
  );
}
