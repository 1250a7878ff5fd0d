// The day at a glance: the next thing to do, then the stops.
import { signal } from "@preact/signals";
import type { Visit } from "../contract";
import { type Expected, type VisitState, expectedReturn, expectedTimes, stateOf } from "../day";
import { allPeople } from "../fold";
import { chooseRun, fold, head, now, run, runs, today } from "../state";
import { go, to, toVisit } from "../route";
import { clock, kilometres, longDay, number, t, tn, writtenDay } from "../words";
import { NextCard } from "./next-card";
import { Button, Empty, Icon, Notice, Panel, Sheet } from "./parts";
import { ReadyLine } from "./ready";

const choosing = signal(false);

export function Today() {
  const inHand = run.value;
  return (
    <>
      <ReadyLine />
      {inHand ? (
        <div class="columns">
          <div class="stack">
            <DayNotice />
            <NextCard />
          </div>
          <Panel title={t("Stops")} aside={<RunSwitch />}>
            <Stops />
          </Panel>
        </div>
      ) : (
        <Empty icon="truck-front">
          {head.value
            ? t("No run is planned for the next days.")
            : t("No plan is on this tablet yet. It comes as soon as the server is reached.")}
        </Empty>
      )}
      {choosing.value && <RunChooser />}
    </>
  );
}

function DayNotice() {
  const inHand = run.value;
  if (!inHand || inHand.day === today.value) return null;
  if (inHand.day > today.value) {
    return <Notice tone="calm">{t("Nothing today. The next run is on %(day)s.", { day: longDay(inHand.day) })}</Notice>;
  }
  return <Notice tone="warm">{t("This is the run of %(day)s.", { day: longDay(inHand.day) })}</Notice>;
}

function RunSwitch() {
  if (runs.value.length < 2) return null;
  return (
    <Button look="plain" icon="signpost-2" action="choose-run" onPress={() => (choosing.value = true)}>
      {t("Another run")}
    </Button>
  );
}

function RunChooser() {
  const close = () => {
    choosing.value = false;
  };
  const choose = async (id: number) => {
    await chooseRun(id);
    close();
    go(to("today"));
  };
  return (
    <Sheet title={t("Runs on this tablet")} name="runs" onClose={close}>
      <ul class="choices">
        {runs.value.map(({ id, day, run: one }) => (
          <li key={id}>
            <button
              type="button"
              class="choice"
              data-run={id}
              aria-current={id === run.value?.id ? "true" : undefined}
              onClick={() => void choose(id)}
            >
              <strong>{longDay(day)}</strong>
              <span>
                {one.van.name} · {clock(one.leaves_at)} ·{" "}
                {tn("%(num)s stop", "%(num)s stops", one.visits.length)}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </Sheet>
  );
}

function Stops() {
  const inHand = run.value;
  if (!inHand) return null;
  const expected = expectedTimes(inHand.run, fold.value, now.value);
  const isToday = inHand.day === today.value;
  return (
    <ol class="stops">
      {inHand.run.visits.map((visit) => (
        <li key={visit.id}>
          <StopRow visit={visit} expected={isToday ? expected.get(visit.id) : undefined} />
        </li>
      ))}
      <li class="stop-end">
        <Icon name="house" />
        <span>{head.value?.depot?.name ?? t("Depot")}</span>
        <time>{clock(isToday ? expectedReturn(inHand.run, fold.value, now.value) : inHand.run.returns_at)}</time>
      </li>
    </ol>
  );
}

function StopRow({ visit, expected }: { visit: Visit; expected: Expected | undefined }) {
  const state = stateOf(visit, fold.value);
  const told = fold.value.visits.get(visit.id);
  return (
    <a class={`stop stop--${state}`} href={toVisit(visit.id)} data-stop={visit.id} data-state={state}>
      <span class="stop-number" aria-hidden="true">
        {state === "served" ? <Icon name="check-lg" /> : visit.sign}
      </span>
      <span class="stop-what">
        <strong>{visit.place.name}</strong>
        <span class="quiet">
          {clock(visit.arrival_at)}–{clock(visit.departure_at)}
          {visit.place.commune && ` · ${visit.place.commune}`}
          {visit.distance_m ? ` · ${kilometres(visit.distance_m)}` : ""}
        </span>
        {told && <Figures people={allPeople(told)} loans={told.lent} returns={told.returned} />}
        {state === "cancelled" && visit.reason && <span class="quiet">{visit.reason}</span>}
        {visit.promised && state === "planned" && <span class="tag">{t("Promised")}</span>}
      </span>
      <span class="stop-state">
        <StateTag state={state} />
        {state === "planned" && expected && <LateTag expected={expected} />}
      </span>
    </a>
  );
}

function Figures({ people, loans, returns }: { people: number; loans: number; returns: number }) {
  return (
    <span class="stop-figures">
      <Icon name="people" /> {number(people)} · <Icon name="book" /> {number(loans)} ·{" "}
      <Icon name="arrow-counterclockwise" /> {number(returns)}
    </span>
  );
}

export function StateTag({ state }: { state: VisitState }) {
  const names: Record<VisitState, string> = {
    planned: "",
    under_way: t("Under way"),
    served: t("Served"),
    cancelled: t("Cancelled"),
  };
  return names[state] ? <span class={`tag tag--${state}`}>{names[state]}</span> : null;
}

function LateTag({ expected }: { expected: Expected }) {
  if (Math.abs(expected.late) < 3) return null;
  return (
    <span class={expected.late > 0 ? "tag tag--warm" : "tag"}>{t("about %(time)s", { time: clock(expected.arrival) })}</span>
  );
}

export function whichDay(day: string): string {
  return day === today.value ? t("Today") : writtenDay(day);
}
