// Counting people: large buttons by group, and a whole class in three taps.
import { useState } from "preact/hooks";
import type { ClassSlot, Labelled } from "../contract";
import { type VisitFold, allPeople } from "../fold";
import { head, write } from "../state";
import { clockOfMinutes, number, t, tn } from "../words";
import { ClassSheet } from "./class-sheet";
import { OtherTag } from "./log";
import { Button, Icon, Panel } from "./parts";
import type { VisitProps } from "./visit";

const STEPS = [-1, 1, 5, 30] as const;

export function People({ visit, told }: VisitProps) {
  const [slot, setSlot] = useState<ClassSlot | "new" | null>(null);
  return (
    <div class="columns">
      <Panel title={t("People")} aside={<Total told={told} />} id="people">
        <Groups visit={visit} told={told} />
      </Panel>
      <Panel title={t("Classes")} id="classes">
        <ul class="slots">
          {visit.slots.map((one) => (
            <li key={one.id}>
              <Slot slot={one} told={told} onPress={() => setSlot(one)} />
            </li>
          ))}
        </ul>
        <Button big look="main" icon="people" action="class-visit" onPress={() => setSlot("new")}>
          {t("A class")}
        </Button>
        <ClassesHere told={told} />
      </Panel>
      {slot && (
        <ClassSheet visit={visit} slot={slot === "new" ? null : slot} onClose={() => setSlot(null)} />
      )}
    </div>
  );
}

function Total({ told }: { told: VisitFold }) {
  const others = new Set(told.facts.map((fact) => fact.other).filter((name) => name !== undefined));
  return (
    <span class="total" aria-live="polite">
      {[...others].map((name) => (
        <OtherTag key={name} name={name} />
      ))}
      <strong class="figure" data-figure="people" data-value={allPeople(told)}>
        {number(allPeople(told))}
      </strong>
    </span>
  );
}

/** The stop's own group first; the others follow as they are. */
function Groups({ visit, told }: VisitProps) {
  const [all, setAll] = useState(false);
  const audiences = head.value?.audiences ?? [];
  const wanted = new Set([visit.audience, ...visit.slots.map(({ audience }) => audience), "teachers"]);
  const first = audiences.filter(([value]) => wanted.has(value) || told.people.has(value));
  const shown = visit.audience === null || all ? audiences : first;
  const rest = audiences.length - shown.length;
  return (
    <>
      {shown.map((audience) => (
        <Group key={audience[0]} visit={visit} told={told} audience={audience} />
      ))}
      {rest > 0 && (
        <Button look="plain" icon="plus-lg" action="all-groups" onPress={() => setAll(true)}>
          {tn("%(num)s other group", "%(num)s other groups", rest)}
        </Button>
      )}
    </>
  );
}

function Group({ visit, told, audience }: VisitProps & { audience: Labelled }) {
  const [value, label] = audience;
  const people = told.people.get(value) ?? 0;
  const count = (step: number) => write("attendance", { audience: value, people: step }, visit);
  return (
    <div class="count-row" data-count={value}>
      <span class="count-label">{label}</span>
      <span class="figure" data-people={people}>
        {number(people)}
      </span>
      <span class="count-taps">
        {STEPS.map((step) => (
          <Button
            key={step}
            look={step === 1 ? "main" : "soft"}
            data-step={step}
            aria-label={`${label} ${step < 0 ? "−1" : `+${step}`}`}
            disabled={step < 0 && people === 0}
            onPress={() => count(step)}
          >
            {step < 0 ? "−1" : `+${step}`}
          </Button>
        ))}
      </span>
    </div>
  );
}

function Slot({ slot, told, onPress }: { slot: ClassSlot; told: VisitFold; onPress: () => void }) {
  const done = told.classes.some((fact) => fact.payload.slot_id === slot.id);
  return (
    <button type="button" class={`slot${done ? " slot--done" : ""}`} data-slot={slot.id} data-done={done ? "yes" : "no"} onClick={onPress}>
      <time>{clockOfMinutes(slot.starts_at)}</time>
      <span>
        <strong>{slot.class_name}</strong>
        <span class="quiet">
          {tn("%(num)s pupil", "%(num)s pupils", slot.size)}
          {slot.teacher && ` · ${slot.teacher}`}
        </span>
      </span>
      <Icon name={done ? "check-circle-fill" : "chevron-right"} />
    </button>
  );
}

function ClassesHere({ told }: { told: VisitFold }) {
  if (!told.classes.length) return null;
  return (
    <ul class="lines" aria-label={t("Classes counted")}>
      {told.classes.map((fact) => (
        <li key={fact.id}>
          <strong>{fact.payload.class_name || t("Class")}</strong>
          <span>{tn("%(num)s pupil", "%(num)s pupils", fact.payload.people)}</span>
          <span class="quiet">{fact.payload.teacher}</span>
          {fact.other !== undefined && <OtherTag name={fact.other} />}
        </li>
      ))}
    </ul>
  );
}
