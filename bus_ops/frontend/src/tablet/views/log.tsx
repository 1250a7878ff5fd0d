// What was written down at a stop, newest first, each with its undo; the last one always in sight.
import { useState } from "preact/hooks";
import type { Visit } from "../contract";
import { type Fact, type VisitFold, happenedAt } from "../fold";
import { head, undo } from "../state";
import { codeOf } from "../store";
import { telling } from "../telling";
import { clock, t, tn } from "../words";
import { Button, Icon, Sheet } from "./parts";

const MOST_LINES = 200;

interface LogProps {
  visit: Visit;
  told: VisitFold;
}

export function LastWritten({ told }: LogProps) {
  const [open, setOpen] = useState(false);
  const own = told.facts.filter((fact) => fact.other === undefined);
  const last = own.at(-1);
  if (!last) return null;
  return (
    <div class="last-written">
      <button type="button" class="last-what" data-action="open-log" onClick={() => setOpen(true)}>
        <span class="quiet">{tn("%(num)s entry", "%(num)s entries", told.facts.length)}</span>
        <span id="last-fact" data-kind={last.kind}>
          {telling(last, head.value)}
        </span>
      </button>
      <Button icon="arrow-counterclockwise" action="undo-last" onPress={() => undoFact(last)}>
        {t("Undo")}
      </Button>
      {open && <Log told={told} onClose={() => setOpen(false)} />}
    </div>
  );
}

function undoFact(fact: Fact): Promise<void> {
  return undo(fact, codeOf(fact));
}

function Log({ told, onClose }: { told: VisitFold; onClose: () => void }) {
  const newest = [...told.facts].reverse();
  return (
    <Sheet title={t("Written down at this stop")} name="log" onClose={onClose}>
      <ul class="log">
        {newest.slice(0, MOST_LINES).map((fact) => (
          <li key={fact.id} data-fact={fact.id} data-kind={fact.kind}>
            <time>{clock(happenedAt(fact))}</time>
            <span class="log-what">
              {telling(fact, head.value)}
              {fact.other !== undefined && <OtherTag name={fact.other} />}
            </span>
            {fact.other === undefined && (
              <Button look="plain" icon="arrow-counterclockwise" action="undo" aria-label={`${t("Undo")}: ${telling(fact, head.value)}`} onPress={() => undoFact(fact)} />
            )}
          </li>
        ))}
      </ul>
      {newest.length > MOST_LINES && (
        <p class="quiet">{t("and %(num)s earlier ones", { num: newest.length - MOST_LINES })}</p>
      )}
    </Sheet>
  );
}

/** Recorded by another tablet. */
export function OtherTag({ name }: { name: string }) {
  return (
    <span class="tag tag--other">
      <Icon name="hdd" />
      {name}
    </span>
  );
}
