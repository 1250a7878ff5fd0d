// The one next thing, big: leave, drive, serve, depart, come back, close; with the time against
// the plan.
import { useState } from "preact/hooks";
import type { Visit } from "../contract";
import { type Step, expectedReturn, expectedTimes, heldVisits, lateNow, nextStep } from "../day";
import { to, toVisit } from "../route";
import { fold, head, now, run, today, write } from "../state";
import { clock, duration, kilometres, t } from "../words";
import { Button, Icon, TextField } from "./parts";

export function NextCard() {
  const inHand = run.value;
  if (!inHand) return null;
  const step = nextStep(inHand.run, fold.value);
  return (
    <section class="next" id="next" data-step={step.what} aria-label={t("The next thing")}>
      {inHand.day <= today.value && <Lateness />}
      <StepBody step={step} />
    </section>
  );
}

function StepBody({ step }: { step: Step }) {
  switch (step.what) {
    case "leave":
      return <Leave />;
    case "arrive":
      return <Drive visit={step.visit} />;
    case "depart":
      return <Serve visit={step.visit} />;
    case "return":
      return <ComeBack />;
    case "close":
      return <NearlyOver />;
    case "over":
      return <Over />;
  }
}

/** Minutes late or early at this moment. */
function Lateness() {
  const inHand = run.value;
  if (!inHand || fold.value.returnedAt || inHand.day !== today.value) return null;
  const late = lateNow(inHand.run, fold.value, now.value);
  if (Math.abs(late) < 2) {
    return (
      <p class="late" data-late={late}>
        <Icon name="check-circle" /> {t("On time")}
      </p>
    );
  }
  return (
    <p class={late > 0 ? "late late--late" : "late"} data-late={late}>
      <Icon name="clock" />
      {late > 0
        ? t("%(time)s late", { time: duration(late) })
        : t("%(time)s early", { time: duration(-late) })}
    </p>
  );
}

function useOdometer() {
  const [typed, setTyped] = useState("");
  const kilometre = /^\d{1,7}$/.test(typed.trim()) ? Number(typed.trim()) : undefined;
  const field = (
    <TextField
      label={t("Odometer (km)")}
      name="odometer"
      value={typed}
      onValue={setTyped}
      numeric
      longest={7}
    />
  );
  return { field, payload: kilometre === undefined ? {} : { odometer_km: kilometre } };
}

function Leave() {
  const inHand = run.value;
  const odometer = useOdometer();
  if (!inHand) return null;
  const first = heldVisits(inHand.run, fold.value)[0];
  const early = inHand.day > today.value;
  return (
    <>
      <p class="next-what">{t("Leave %(depot)s", { depot: head.value?.depot?.name ?? t("the depot") })}</p>
      <p class="next-time">{clock(inHand.run.leaves_at)}</p>
      {first && <p class="quiet">{t("First stop: %(place)s", { place: first.place.name })}</p>}
      <p class="quiet">{inHand.run.crew.join(", ")}</p>
      {inHand.run.note && <p class="remark">{inHand.run.note}</p>}
      {!early && (
        <>
          {odometer.field}
          <Button big look="main" icon="truck-front" action="leave" onPress={() => write("run_left", odometer.payload)}>
            {t("We are leaving")}
          </Button>
        </>
      )}
      <a class="button button--soft" href={to("aboard")} data-action="load-list">
        <Icon name="list-check" />
        {t("Load list")}
      </a>
    </>
  );
}

function Drive({ visit }: { visit: Visit }) {
  const expected = useExpected(visit);
  return (
    <>
      <p class="next-what">{t("Drive to")}</p>
      <h2 class="next-place">{visit.place.name}</h2>
      <p class="next-time">
        {clock(expected?.arrival ?? visit.arrival_at)}
        {" "}
        <small>{t("planned %(time)s", { time: clock(visit.arrival_at) })}</small>
      </p>
      <p class="quiet">
        {duration(visit.drive_minutes)} · {kilometres(visit.distance_m)}
      </p>
      <PlaceFacts visit={visit} />
      <Button big look="main" icon="geo-alt-fill" action="arrive" onPress={() => write("arrived", {}, visit)}>
        {t("We have arrived")}
      </Button>
      <a class="button button--soft" href={toVisit(visit.id)}>
        {t("Open the stop")}
        <Icon name="chevron-right" />
      </a>
    </>
  );
}

function Serve({ visit }: { visit: Visit }) {
  return (
    <>
      <p class="next-what">{t("Serving")}</p>
      <h2 class="next-place">{visit.place.name}</h2>
      <Timer visit={visit} />
      <a class="button button--main button--big" href={toVisit(visit.id)} data-action="open-visit">
        <Icon name="people" />
        {t("Count and lend")}
      </a>
      <Button big icon="truck-front" action="depart" onPress={() => write("departed", {}, visit)}>
        {t("We are departing")}
      </Button>
    </>
  );
}

/** How long the service goes on, and how long it may. */
export function Timer({ visit }: { visit: Visit }) {
  const arrived = fold.value.visits.get(visit.id)?.arrivedAt;
  if (!arrived) return null;
  const leaves = Date.parse(visit.departure_at);
  const left = Math.round((leaves - now.value) / 60_000);
  const gone = Math.max(0, Math.floor((now.value - arrived) / 60_000));
  const share = Math.min(1, Math.max(0, (now.value - arrived) / Math.max(60_000, leaves - arrived)));
  return (
    <div class="timer">
      <p>
        <strong>{duration(gone)}</strong>
        <span class={left < 0 ? "over-time" : "quiet"}>
          {left >= 0
            ? t("%(time)s left, until %(clock)s", { time: duration(left), clock: clock(leaves) })
            : t("%(time)s over, planned until %(clock)s", { time: duration(-left), clock: clock(leaves) })}
        </span>
      </p>
      <progress max={1} value={share} aria-label={t("Time served")} />
    </div>
  );
}

function ComeBack() {
  const odometer = useOdometer();
  return (
    <>
      <p class="next-what">{t("Drive back to")}</p>
      <h2 class="next-place">{head.value?.depot?.name ?? t("the depot")}</h2>
      <ReturnTime />
      {odometer.field}
      <Button big look="main" icon="house" action="return" onPress={() => write("run_returned", odometer.payload)}>
        {t("We are back")}
      </Button>
    </>
  );
}

function ReturnTime() {
  const inHand = run.value;
  if (!inHand) return null;
  const planned = t("planned %(time)s", { time: clock(inHand.run.returns_at) });
  return (
    <p class="next-time">
      {clock(expectedReturn(inHand.run, fold.value, now.value))} <small>{planned}</small>
    </p>
  );
}

function NearlyOver() {
  return (
    <>
      <p class="next-what">{t("The van is back")}</p>
      <h2 class="next-place">{t("Check the figures, then end the day")}</h2>
      <a class="button button--main button--big" href={to("close")} data-action="go-close">
        <Icon name="flag" />
        {t("End the day")}
      </a>
    </>
  );
}

function Over() {
  return (
    <>
      <p class="next-what">{t("The day is closed")}</p>
      <h2 class="next-place">{t("Thank you. Prepare for tomorrow below.")}</h2>
      <a class="button button--soft button--big" href={to("aboard")}>
        <Icon name="list-check" />
        {t("Load list")}
      </a>
    </>
  );
}

function useExpected(visit: Visit) {
  const inHand = run.value;
  return inHand ? expectedTimes(inHand.run, fold.value, now.value).get(visit.id) : undefined;
}

/** What a driver needs at the gate. */
export function PlaceFacts({ visit }: { visit: Visit }) {
  const { place } = visit;
  const facts: [string, string][] = [
    [t("Address"), place.address],
    [t("Gate"), place.gate],
    [t("Parking"), place.parking],
    [t("Power"), place.power],
    [t("Contact"), place.contact],
  ];
  return (
    <dl class="facts">
      {facts
        .filter(([, text]) => text)
        .map(([name, text]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      {place.phone && (
        <div>
          <dt>{t("Phone")}</dt>
          <dd>
            <a class="button button--plain" href={`tel:${place.phone.replace(/[^\d+]/g, "")}`}>
              <Icon name="telephone" />
              {place.phone}
            </a>
          </dd>
        </div>
      )}
      {place.lat !== null && (
        <div>
          <dt>{t("Position")}</dt>
          <dd>
            <a
              class="button button--plain"
              href={`geo:${place.lat},${place.lon}?q=${place.lat},${place.lon}(${encodeURIComponent(place.name)})`}
            >
              <Icon name="signpost-2" />
              {place.approximate ? t("Navigate (approximate position)") : t("Navigate")}
            </a>
          </dd>
        </div>
      )}
    </dl>
  );
}
