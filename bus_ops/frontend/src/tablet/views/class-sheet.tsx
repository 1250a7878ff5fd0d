// A class comes aboard: which class, how many, which teacher; from the plan or by hand.
import { useState } from "preact/hooks";
import type { ClassSlot, Visit } from "../contract";
import { facts, head, run, write } from "../state";
import { t } from "../words";
import { Button, Chips, Sheet, Stepper, TextField } from "./parts";

const USUAL_SIZES = [20, 25, 30, 35, 40, 45] as const;

interface ClassSheetProps {
  visit: Visit;
  slot: ClassSlot | null;
  onClose: () => void;
}

export function ClassSheet({ visit, slot, onClose }: ClassSheetProps) {
  const [name, setName] = useState(slot?.class_name ?? "");
  const [size, setSize] = useState(slot?.size ?? 30);
  const [teacher, setTeacher] = useState(slot?.teacher ?? "");
  const [teachers, setTeachers] = useState(1);
  const [audience, setAudience] = useState(slot?.audience ?? usualAudience(visit));
  const audiences = head.value?.audiences.filter(([value]) => value !== "teachers") ?? [];
  const save = async () => {
    const said = {
      ...(name.trim() ? { class_name: name.trim() } : {}),
      ...(teacher.trim() ? { teacher: teacher.trim() } : {}),
      ...(slot ? { slot_id: slot.id } : {}),
    };
    await write("class_visit", { audience, people: size, teachers, ...said }, visit);
    onClose();
  };
  const submit = (event: Event) => event.preventDefault();
  return (
    <Sheet title={slot ? slot.class_name : t("A class")} name="class" onClose={onClose}>
      <form onSubmit={submit} class="form-columns">
        <div>
          <NameChoice value={name} onValue={setName} />
          <Chips label={t("Group")} name="audience" options={audiences} value={audience} onValue={setAudience} />
        </div>
        <div>
          <Chips label={t("Pupils")} name="size" options={USUAL_SIZES.map((one) => [one, String(one)] as const)} value={size} onValue={setSize} />
          <Stepper label={t("Exact number of pupils")} name="people" value={size} least={1} onValue={setSize} />
          <Chips label={t("Teachers with them")} name="teachers" options={[[0, "0"], [1, "1"], [2, "2"], [3, "3"]]} value={teachers} onValue={setTeachers} />
          <TextField label={t("Teacher's name")} name="teacher" value={teacher} onValue={setTeacher} />
        </div>
      </form>
      <Button big look="main" icon="check-lg" action="save-class" onPress={save}>
        {t("Count this class")}
      </Button>
    </Sheet>
  );
}

function usualAudience(visit: Visit): string {
  return visit.audience ?? head.peek()?.audiences[0]?.[0] ?? "primary";
}

/** Names of the run's classes as chips: one tap instead of typing. */
function NameChoice({ value, onValue }: { value: string; onValue: (name: string) => void }) {
  const names = knownClasses();
  return (
    <>
      {names.length > 0 && (
        <Chips label={t("Class")} name="class" options={names.map((name) => [name, name] as const)} value={value} onValue={onValue} />
      )}
      <TextField label={names.length ? t("Another class") : t("Class")} name="class_name" value={value} onValue={onValue} longest={60} />
    </>
  );
}

function knownClasses(): string[] {
  const planned = run.value?.run.visits.flatMap(({ slots }) => slots.map((slot) => slot.class_name));
  const counted = facts.value.map((fact) => (fact.kind === "class_visit" ? fact.payload.class_name : ""));
  return [...new Set([...(planned ?? []), ...counted])].filter((name) => name !== undefined && name !== "").slice(0, 12) as string[];
}
