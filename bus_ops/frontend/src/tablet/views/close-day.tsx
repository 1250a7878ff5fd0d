// The end of the day: what was counted beside what the paper says; nothing unsent goes home
// without a word.
import { useState } from "preact/hooks";
import { type RunFold, allPeople, totals } from "../fold";
import { lookNow } from "../in-touch";
import { to } from "../route";
import { facts, fold, run, sending, setAside, today, unsent, write } from "../state";
import { clock, number, t, tn } from "../words";
import { Button, Empty, Icon, Notice, Panel, TextField } from "./parts";

type Counted = ReturnType<typeof totals>;
type Figure = keyof Counted;

export function CloseDay() {
  const inHand = run.value;
  if (!inHand) return <Empty icon="flag">{t("No run is planned for the next days.")}</Empty>;
  if (inHand.day > today.value) return <Empty icon="flag">{t("This run has not begun.")}</Empty>;
  return (
    <>
      <h1 class="view-title">{t("Day's end")}</h1>
      <div class="columns">
        <Summary told={fold.value} />
        {fold.value.closed ? <Closed /> : <Closing counted={totals(fold.value)} />}
      </div>
    </>
  );
}

function Summary({ told }: { told: RunFold }) {
  const sums = totals(told);
  const visits = run.value?.run.visits.filter(({ id }) => told.visits.has(id)) ?? [];
  const others = new Set(facts.value.map((fact) => fact.other).filter((name) => name !== undefined));
  return (
    <Panel title={t("What was counted")} id="summary">
      <div class="scroll-x">
        <table class="summary">
          <thead>
            <tr>
              <th scope="col">{t("Stop")}</th>
              <th scope="col" class="number">{t("People")}</th>
              <th scope="col" class="number">{t("Classes")}</th>
              <th scope="col" class="number">{t("Loans")}</th>
              <th scope="col" class="number">{t("Returns")}</th>
              <th scope="col" class="number">{t("Read on the spot")}</th>
            </tr>
          </thead>
          <tbody>
            {visits.map((visit) => {
              const one = told.visits.get(visit.id);
              if (!one) return null;
              return (
                <tr key={visit.id} data-summary={visit.id}>
                  <th scope="row">{visit.place.name}</th>
                  <td class="number">{number(allPeople(one))}</td>
                  <td class="number">{number(one.classes.length)}</td>
                  <td class="number">{number(one.lent)}</td>
                  <td class="number">{number(one.returned)}</td>
                  <td class="number">{number(one.onSite)}</td>
                </tr>
              );
            })}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row">{t("The day")}</th>
              <td class="number" data-figure="day-people" data-value={sums.people}>{number(sums.people)}</td>
              <td class="number">{number([...told.visits.values()].reduce((sum, one) => sum + one.classes.length, 0))}</td>
              <td class="number" data-figure="day-loans" data-value={sums.loans}>{number(sums.loans)}</td>
              <td class="number" data-figure="day-returns" data-value={sums.returns}>{number(sums.returns)}</td>
              <td class="number">{number([...told.visits.values()].reduce((sum, one) => sum + one.onSite, 0))}</td>
            </tr>
          </tfoot>
        </table>
      </div>
      {others.size > 0 && (
        <p class="quiet">{t("With what others recorded: %(names)s.", { names: [...others].join(", ") })}</p>
      )}
    </Panel>
  );
}

function Closing({ counted }: { counted: Counted }) {
  const [paper, setPaper] = useState<Record<Figure, string>>({ people: "", loans: "", returns: "" });
  const [reason, setReason] = useState("");
  const waiting = unsent.value;
  const held = waiting > 0 && !reason.trim();
  const close = async () => {
    const read = readPaper(paper);
    const why = reason.trim() ? { reason: reason.trim() } : {};
    await write("day_closed", { counted, paper: read, unsent: waiting, ...why });
    void lookNow();
  };
  return (
    <div class="stack">
      <Panel title={t("Beside the paper count")} id="paper">
        <PaperRow figure="people" label={t("People")} counted={counted} paper={paper} onPaper={setPaper} />
        <PaperRow figure="loans" label={t("Loans")} counted={counted} paper={paper} onPaper={setPaper} />
        <PaperRow figure="returns" label={t("Returns")} counted={counted} paper={paper} onPaper={setPaper} />
        <p class="hint">{t("Leave empty what was not counted on paper.")}</p>
      </Panel>
      <Panel title={t("Before the tablet goes home")} id="before-home">
        <SentLine waiting={waiting} />
        {waiting > 0 && (
          <TextField label={t("Why it cannot be sent now")} name="reason" value={reason} onValue={setReason} rows={2} longest={500} />
        )}
        <Button big look="main" icon="flag" action="close-day" disabled={held} onPress={close}>
          {t("End the day")}
        </Button>
        {held && <p class="hint">{t("The day can be ended when everything is sent, or when you say why it is not.")}</p>}
      </Panel>
    </div>
  );
}

function SentLine({ waiting }: { waiting: number }) {
  if (!waiting) {
    return (
      <Notice tone="calm">
        {t("Everything is sent.")}
        {setAside.value > 0 &&
          ` ${tn("%(num)s entry could not be read by the server: tell the coordinator.", "%(num)s entries could not be read by the server: tell the coordinator.", setAside.value)}`}
      </Notice>
    );
  }
  return (
    <>
      <Notice tone="warm">{tn("%(num)s item not sent", "%(num)s items not sent", waiting)}</Notice>
      <div class="actions">
        <Button icon="cloud-upload" action="send-now" disabled={sending.value} onPress={lookNow}>
          {t("Send now")}
        </Button>
        <a class="button button--soft" href={to("facts-file")} data-action="go-file">
          <Icon name="download" />
          {t("Signed file")}
        </a>
      </div>
    </>
  );
}

interface PaperRowProps {
  figure: Figure;
  label: string;
  counted: Counted;
  paper: Record<Figure, string>;
  onPaper: (paper: Record<Figure, string>) => void;
}

function PaperRow({ figure, label, counted, paper, onPaper }: PaperRowProps) {
  const typed = paper[figure];
  const difference = typed === "" ? 0 : counted[figure] - Number(typed);
  return (
    <div class="paper-row" data-paper={figure} data-differs={difference !== 0 ? "yes" : "no"}>
      <TextField
        label={label}
        name={`paper-${figure}`}
        value={typed}
        numeric
        longest={6}
        onValue={(value) => onPaper({ ...paper, [figure]: value.replace(/\D/g, "") })}
      />
      <p>
        <span class="quiet">{t("counted here")}</span> <strong class="figure">{number(counted[figure])}</strong>
      </p>
      {typed !== "" && (
        <p class={difference ? "differs" : "agrees"} role="status">
          <Icon name={difference ? "exclamation-triangle" : "check-circle"} />
          {difference
            ? t("%(num)s apart", { num: number(Math.abs(difference)) })
            : t("agrees")}
        </p>
      )}
    </div>
  );
}

function readPaper(paper: Record<Figure, string>): Partial<Counted> {
  const filled = Object.entries(paper).filter(([, typed]) => typed !== "");
  return Object.fromEntries(filled.map(([figure, typed]) => [figure, Number(typed)]));
}

function Closed() {
  const closed = fold.value.closed;
  if (!closed) return null;
  return (
    <Panel id="closed">
      <Notice tone="calm">
        {t("The day was ended at %(time)s.", { time: clock(Date.parse(closed.recorded_at) + closed.clock_offset) })}
      </Notice>
      {closed.payload.reason && <p class="remark">{closed.payload.reason}</p>}
      <SentLine waiting={unsent.value} />
      <p class="quiet">{t("What is counted from now on is still kept and sent.")}</p>
    </Panel>
  );
}
