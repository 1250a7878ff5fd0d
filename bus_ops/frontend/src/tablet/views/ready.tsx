// "Ready to go" in one glance: what is fresh on this tablet and what is not.
import { useEffect, useState } from "preact/hooks";
import { prepareNow, preparing } from "../in-touch";
import { cameraKept, shellKept } from "../install";
import { to } from "../route";
import { contact, fresh, head, now, run, runs, summary, today, unsent } from "../state";
import { type Space, spaceHere } from "../space";
import { dayOf, moment, number, t, tn } from "../words";
import { Button, Icon, Panel } from "./parts";

interface Item {
  name: string;
  ok: boolean;
  /** Without it the day can be served all the same. */
  minor?: boolean;
  title: string;
  detail: string;
}

/** Fetched on this day of service. */
function isFresh(at: number | undefined): boolean {
  return at !== undefined && dayOf(at) === today.value;
}

function whenFetched(at: number | undefined): string {
  return at === undefined ? t("never fetched") : t("fetched %(time)s", { time: moment(at, today.value) });
}

function dataItems(): Item[] {
  const { planAt, catalogueAt } = fresh.value;
  const known = summary.value;
  return [
    {
      name: "plan",
      ok: isFresh(planAt) && runs.value.length > 0,
      title: t("Runs of the next days"),
      detail: [tn("%(num)s run", "%(num)s runs", runs.value.length), whenFetched(planAt)].join(" · "),
    },
    {
      name: "catalogue",
      ok: isFresh(catalogueAt) && known !== null,
      title: t("Copies, cards and loans"),
      detail: known
        ? [
            tn("%(num)s copy", "%(num)s copies", known.copies),
            tn("%(num)s card", "%(num)s cards", known.cards),
            tn("%(num)s open loan", "%(num)s open loans", known.loans),
            whenFetched(catalogueAt),
          ].join(" · ")
        : whenFetched(catalogueAt),
    },
    {
      name: "names",
      ok: (known?.names ?? 0) > 0,
      minor: true,
      title: t("Readers' names for the search"),
      detail: [number(known?.names ?? 0), t("deleted when their day is over")].join(" · "),
    },
    {
      name: "sent",
      ok: unsent.value === 0,
      minor: true,
      title: t("Everything sent"),
      detail: tn("%(num)s item not sent", "%(num)s items not sent", unsent.value),
    },
  ];
}

function useTabletItems(): Item[] {
  const [shell, setShell] = useState(true);
  const [camera, setCamera] = useState(true);
  const [space, setSpace] = useState<Space | null>(null);
  const planned = fresh.value.planAt;
  useEffect(() => {
    void shellKept().then(setShell);
    void cameraKept().then(setCamera);
    void spaceHere().then(setSpace);
  }, [planned]);
  return [
    {
      name: "app",
      ok: shell,
      title: t("The app itself"),
      detail: shell ? t("opens without a network") : t("not kept yet: open it once more with a network"),
    },
    {
      name: "camera",
      ok: camera,
      minor: true,
      title: t("Reading codes with the camera"),
      detail: camera ? t("works without a network") : t("not kept yet"),
    },
    {
      name: "space",
      ok: !space?.low,
      title: t("Space on the tablet"),
      detail: space?.low ? t("nearly full: delete pictures or apps") : t("enough"),
    },
  ];
}

function isReady(items: Item[]): boolean {
  return items.every(({ ok, minor }) => ok || minor);
}

/** The glance: one line on the first view. */
export function ReadyLine() {
  const items = [...dataItems(), ...useTabletItems()];
  const ready = isReady(items);
  const wanting = items.filter(({ ok, minor }) => !ok && !minor).map(({ title }) => title);
  if (run.value && run.value.day < today.value) return null;
  return (
    <a class={`ready-line${ready ? "" : " ready-line--not"}`} href={to("ready")} id="ready-line" data-ready-to-go={ready ? "yes" : "no"}>
      <Icon name={ready ? "check-circle-fill" : "exclamation-triangle"} />
      <span>
        <strong>{ready ? t("Ready to go") : t("Not ready yet")}</strong>
        <span>{ready ? preparedWhen() : t("Not fresh: %(what)s", { what: wanting.join(", ") })}</span>
      </span>
      <Icon name="chevron-right" />
    </a>
  );
}

function preparedWhen(): string {
  if (preparing.value !== "idle" && preparing.value !== "failed") return t("Fetching…");
  return whenFetched(fresh.value.catalogueAt);
}

export function Ready() {
  const items = [...dataItems(), ...useTabletItems()];
  const working = preparing.value !== "idle" && preparing.value !== "failed";
  return (
    <Panel title={isReady(items) ? t("Ready to go") : t("Not ready yet")} id="ready">
      <ul class="ready-items">
        {items.map(({ name, ok, minor, title, detail }) => (
          <li key={name} data-ready-item={name} data-ok={ok ? "yes" : "no"} class={ok ? "ok" : minor ? "minor" : "wanting"}>
            <Icon name={ok ? "check-circle-fill" : minor ? "info-circle" : "exclamation-triangle-fill"} />
            <span>
              <strong>{title}</strong>
              <span class="quiet">{detail}</span>
            </span>
          </li>
        ))}
      </ul>
      <Button big look="main" icon="arrow-clockwise" action="prepare" disabled={working} onPress={prepareNow}>
        {working ? stepWords() : t("Fetch everything now")}
      </Button>
      <div role="status">
        {preparing.value === "failed" && (
          <p class="hint">
            {contact.value === "unreached"
              ? t("The server cannot be reached now; what is here stays in use.")
              : t("Fetching failed; what is here stays in use.")}
          </p>
        )}
      </div>
      <p class="quiet">{t("Library: %(name)s", { name: head.value?.library ?? "" })} · {moment(now.value, today.value)}</p>
    </Panel>
  );
}

function stepWords(): string {
  switch (preparing.value) {
    case "plan":
      return t("Fetching the runs…");
    case "catalogue":
      return t("Fetching copies and cards…");
    default:
      return t("Fetching what others recorded…");
  }
}
