// The frame around every view: header with the truth about sending, the menu, the view itself.
//
// What tests may hold on to (stable; words on screen are not):
//   body[data-ready]            the first view is on screen and takes taps
//   [data-view=NAME]            the view: today, visit, map, aboard, close, ready, about,
//                               facts-file, enrol, lock
//   [data-nav=NAME]             menu entries
//   #truth [data-unsent=N]      how many facts and pictures the server does not hold yet;
//          [data-contact]       reached, unreached, revoked, unknown
//   [data-action=NAME]          every button that does something: leave, arrive, depart, return,
//                               close-day, undo-last, undo, class-visit, save-class, add-activity,
//                               save-note, save-incident, take-photo, new-card, find-reader,
//                               dismiss-card, pile, save-box-out, save-box-back, prepare, send-now,
//                               make-file, open-camera, type-code, renew, choose-…, update, lock …
//   [data-count=AUDIENCE]       a row of the people counted; [data-step="-1|1|5|30"] its buttons,
//                               [data-people=N] the number
//   [data-slot=ID]              a class of the day's plan
//   [data-mode=lend|return|renew|on_site] modes of the counter
//   #outcome[data-tone][data-turn]  the outcome of the last scan
//   #card-here[data-card]       the card at the counter
//   [data-figure=NAME] > data-value   figures of a visit and of the day
//   [data-stop=ID][data-state]  a stop in the day's list
//   [data-sheet=NAME]           an open dialog; [data-chips=NAME] [data-value=V] choices in it
//   [data-ready-item=NAME][data-ok=yes|no]  what is fresh
import { useEffect } from "preact/hooks";
import { hearScans, openDesk, outcome, scanAt, show } from "../desk";
import { nextStep } from "../day";
import { lockNow, mayLock } from "../idleness";
import { lookNow } from "../in-touch";
import { type View, go, route, to, toVisit } from "../route";
import {
  allSentAt,
  contact,
  credential,
  fold,
  locked,
  now,
  run,
  sending,
  staff,
  today,
  unsent,
} from "../state";
import { dayOf, longDay, moment, t, tn } from "../words";
import { About } from "./about";
import { Aboard } from "./aboard";
import { CloseDay } from "./close-day";
import { Enrol, EnrolTrouble } from "./enrol-page";
import { FactsFileView } from "./facts-file-view";
import { LockScreen } from "./lock-screen";
import { OutcomeBand } from "./outcome";
import { Icon, Notice } from "./parts";
import { Ready } from "./ready";
import { RouteMapView } from "./route-map";
import { Today } from "./today";
import { VisitView } from "./visit";

export function App() {
  if (!credential.value) return <Enrol />;
  if (locked.value) return <LockScreen />;
  return <Frame />;
}

function Frame() {
  useEffect(() => hearScans(takeToCounter), []);
  const { view, visit, tab } = route.value;
  useEffect(() => document.getElementById("content")?.scrollTo(0, 0), [view, visit, tab]);
  return (
    <div class="frame">
      <a class="skip-link" href="#content" onClick={skipToContent}>
        {t("Skip to the content")}
      </a>
      <Header />
      <Menu />
      <main id="content" tabIndex={-1} data-view={view}>
        <HiddenTitle />
        <CredentialNotice />
        <Trouble />
        <OpenView />
      </main>
    </div>
  );
}

/** The address after # is the view's: the link only moves the focus. */
function skipToContent(event: Event): void {
  event.preventDefault();
  document.getElementById("content")?.focus();
}

/** A scan on any other view belongs to the stop the van is at. */
function takeToCounter(code: string): void {
  const inHand = run.peek();
  const step = inHand && nextStep(inHand.run, fold.peek());
  if (step?.what !== "depart") {
    const detail = t("Open a stop to lend or take back.");
    show({ tone: "bad", title: t("No stop is open"), detail });
    return;
  }
  go(toVisit(step.visit.id, "counter"));
  openDesk(step.visit);
  void scanAt(step.visit, code);
}

function OpenView() {
  switch (route.value.view) {
    case "visit":
      return <VisitView />;
    case "map":
      return <RouteMapView />;
    case "aboard":
      return <Aboard />;
    case "close":
      return <CloseDay />;
    case "ready":
      return <Ready />;
    case "about":
      return <About />;
    case "facts-file":
      return <FactsFileView />;
    default:
      return <Today />;
  }
}

function Header() {
  const inHand = run.value;
  return (
    <header class="top">
      <div class="top-name">
        <Icon name="truck-front" />
        <div>
          <strong>{inHand?.run.van.name ?? credential.value?.name}</strong>
          <span>{inHand ? longDay(inHand.day) : longDay(today.value)}</span>
        </div>
      </div>
      <Truth />
      {mayLock.value && (
        <button type="button" class="person" data-action="lock" onClick={lockNow}>
          <Icon name="person-circle" />
          <span>{staff.value?.name ?? t("Nobody")}</span>
        </button>
      )}
    </header>
  );
}

/** The plain truth about what the server has. */
function Truth() {
  const waiting = unsent.value;
  return (
    <button
      type="button"
      id="truth"
      class={`truth${waiting ? " truth--waiting" : ""}`}
      data-unsent={waiting}
      data-contact={contact.value}
      data-action="send-now"
      onClick={() => void lookNow()}
    >
      <Icon name={waiting ? (sending.value ? "cloud-upload" : "cloud-slash") : "cloud-check"} />
      <span>{truthWords(waiting)}</span>
    </button>
  );
}

function truthWords(waiting: number): string {
  if (waiting) {
    const count = tn("%(num)s item not sent", "%(num)s items not sent", waiting);
    return sending.value ? [count, t("sending…")].join(" · ") : count;
  }
  const at = allSentAt.value;
  if (!at) return contact.value === "unreached" ? t("No network yet") : t("Nothing to send");
  return t("All sent at %(time)s", { time: moment(at, dayOf(now.value)) });
}

const ENTRIES: [View, string, () => string][] = [
  ["today", "house", () => t("Today")],
  ["map", "map", () => t("Map")],
  ["aboard", "stack", () => t("Aboard")],
  ["close", "flag", () => t("Day's end")],
  ["about", "gear", () => t("More")],
];

/** Views without a headline of their own are named for whoever listens to the page. */
function HiddenTitle() {
  const { view } = route.value;
  if (view === "visit" || view === "close") return null;
  const names: Partial<Record<View, string>> = {
    map: t("Map"),
    aboard: t("Aboard"),
    ready: t("Ready to go"),
    about: t("This tablet"),
    "facts-file": t("Signed file"),
  };
  return <h1 class="visually-hidden">{names[view] ?? t("Today")}</h1>;
}

function Menu() {
  const open = route.value.view;
  const shown: View = open === "visit" || open === "ready" ? "today" : open;
  return (
    <nav class="menu" aria-label={t("Main menu")}>
      {ENTRIES.map(([view, icon, name]) => (
        <a
          key={view}
          href={to(view)}
          data-nav={view}
          aria-current={shown === view || (shown === "facts-file" && view === "about") ? "page" : undefined}
        >
          <Icon name={icon} />
          <span>{name()}</span>
        </a>
      ))}
    </nav>
  );
}

/** What the server says of this tablet's right to speak. */
function CredentialNotice() {
  const revoked = contact.value === "revoked";
  const stranger = contact.value === "stranger";
  return (
    <div role="alert" id="credential-notice">
      {revoked && (
        <Notice tone="warm">
          {t("This tablet was revoked: it gets no new data. What it holds is still sent.")}
        </Notice>
      )}
      {stranger && (
        <Notice tone="warm">
          {t("The server knows this tablet no more. Ask the coordinator for a new code and open it here: nothing recorded is lost.")}
        </Notice>
      )}
      <EnrolTrouble />
    </div>
  );
}

/** What went wrong is told on every view; the counter tells it itself. */
function Trouble() {
  const { view, tab } = route.value;
  const toldThere = view === "visit" && tab === "counter";
  return toldThere || outcome.value?.tone !== "bad" ? null : <OutcomeBand />;
}
