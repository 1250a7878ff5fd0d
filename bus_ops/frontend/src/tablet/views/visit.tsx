// One stop: its clock and the five things done there, one tab each.
import { useEffect } from "preact/hooks";
import type { Visit } from "../contract";
import { stateOf } from "../day";
import { hearScans, openDesk, scanAt } from "../desk";
import { type VisitFold, emptyVisit } from "../fold";
import { type VisitTab, go, route, to, toVisit } from "../route";
import { fold, run, today, write } from "../state";
import { clock, t, writtenDay } from "../words";
import { Activities } from "./activities";
import { Boxes } from "./boxes";
import { Counter } from "./counter";
import { LastWritten } from "./log";
import { PlaceFacts, Timer } from "./next-card";
import { Notes } from "./notes";
import { OutcomeBand, outcomeVisit } from "./outcome";
import { Button, Empty, Icon, Notice } from "./parts";
import { People } from "./people";
import { StateTag } from "./today";

export interface VisitProps {
  visit: Visit;
  told: VisitFold;
}

export function VisitView() {
  const { visit: id, tab } = route.value;
  const visit = run.value?.run.visits.find((one) => one.id === id);
  if (!visit) return <Empty icon="geo-alt-fill">{t("This stop is not in the run in hand.")}</Empty>;
  return <OpenVisit key={visit.id} visit={visit} tab={tab} />;
}

function OpenVisit({ visit, tab }: { visit: Visit; tab: VisitTab }) {
  const told = fold.value.visits.get(visit.id) ?? emptyVisit();
  useEffect(() => {
    openDesk(visit);
    outcomeVisit.value = visit;
    return hearScans((code) => {
      if (route.peek().tab !== "counter") go(toVisit(visit.id, "counter"));
      void scanAt(visit, code);
    });
  }, [visit]);
  if ((run.value?.day ?? "") > today.value) return <NotYet visit={visit} />;
  return (
    <div class="visit" id="visit" data-visit={visit.id}>
      <Head visit={visit} told={told} />
      <Tabs visit={visit} open={tab} />
      <div class="tab-body">
        <Tab visit={visit} told={told} tab={tab} />
      </div>
      <LastWritten visit={visit} told={told} />
    </div>
  );
}

function Tab({ visit, told, tab }: VisitProps & { tab: VisitTab }) {
  switch (tab) {
    case "counter":
      return (
        <>
          <OutcomeBand />
          <Counter visit={visit} told={told} />
        </>
      );
    case "activities":
      return <Activities visit={visit} told={told} />;
    case "boxes":
      return <Boxes visit={visit} told={told} />;
    case "notes":
      return <Notes visit={visit} told={told} />;
    default:
      return <People visit={visit} told={told} />;
  }
}

function NotYet({ visit }: { visit: Visit }) {
  return (
    <div class="stack">
      <BackLink />
      <h1>{visit.place.name}</h1>
      <Notice tone="calm">
        {t("This visit is on %(day)s; log it from that day on.", { day: writtenDay(run.value?.day ?? "") })}
      </Notice>
      <PlaceFacts visit={visit} />
    </div>
  );
}

function BackLink() {
  return (
    <a class="button button--plain back" href={to("today")} aria-label={t("Back to the day")}>
      <Icon name="arrow-left" />
    </a>
  );
}

function Head({ visit, told }: VisitProps) {
  const state = stateOf(visit, fold.value);
  return (
    <div class="visit-head">
      <BackLink />
      <div class="visit-name">
        <h1>{visit.place.name}</h1>
        <p class="quiet">
          {clock(visit.arrival_at)}–{clock(visit.departure_at)} <StateTag state={state} />{" "}
          {told.arrivedAt !== null && t("Arrived at %(time)s", { time: clock(told.arrivedAt) })}
          {told.departedAt !== null && " · "}
          {told.departedAt !== null && t("Departed at %(time)s", { time: clock(told.departedAt) })}
        </p>
        {state === "under_way" && <Timer visit={visit} />}
      </div>
      {told.arrivedAt === null && (
        <Button look="main" icon="geo-alt-fill" action="arrive" onPress={() => write("arrived", {}, visit)}>
          {t("Arrived")}
        </Button>
      )}
      {told.arrivedAt !== null && told.departedAt === null && (
        <Button icon="truck-front" action="depart" onPress={() => write("departed", {}, visit)}>
          {t("Depart")}
        </Button>
      )}
    </div>
  );
}

const TABS: [VisitTab, string, () => string][] = [
  ["people", "people", () => t("People")],
  ["counter", "upc-scan", () => t("Lend, return")],
  ["activities", "book", () => t("Activities")],
  ["boxes", "box-seam", () => t("Boxes")],
  ["notes", "camera", () => t("Notes")],
];

function Tabs({ visit, open }: { visit: Visit; open: VisitTab }) {
  return (
    <nav class="tabs" aria-label={t("What is done here")}>
      {TABS.map(([tab, icon, name]) => (
        <a
          key={tab}
          href={toVisit(visit.id, tab)}
          data-tab={tab}
          aria-current={tab === open ? "page" : undefined}
        >
          <Icon name={icon} />
          <span>{name()}</span>
        </a>
      ))}
    </nav>
  );
}
