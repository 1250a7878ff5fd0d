// What became of the last scan: colour, sign, words, and a place where a reader aloud finds it.
import { signal } from "@preact/signals";
import type { Visit } from "../contract";
import { choose, outcome } from "../desk";
import type { Tone } from "../sound";
import { Button, Icon } from "./parts";

const SIGNS: Record<Tone, string> = {
  good: "check-circle-fill",
  told: "exclamation-triangle-fill",
  bad: "x-circle-fill",
};

export const outcomeVisit = signal<Visit | null>(null);

export function OutcomeBand() {
  const shown = outcome.value;
  const visit = outcomeVisit.value;
  return (
    <div
      id="outcome"
      class={`outcome outcome--${shown?.tone ?? "none"}`}
      role="status"
      aria-live="assertive"
      data-tone={shown?.tone}
      data-turn={shown?.turn ?? 0}
    >
      {shown && (
        <div class="outcome-told" key={shown.turn}>
          <Icon name={SIGNS[shown.tone]} />
          <div>
            <strong>{shown.title}</strong>
            <span>{shown.detail}</span>
          </div>
        </div>
      )}
      {shown?.choices && visit && (
        <div class="actions">
          {shown.choices.map((choice) => (
            <Button
              key={choice.name}
              look="main"
              icon={choice.icon}
              action={`choose-${choice.name}`}
              onPress={() => choose(choice, visit)}
            >
              {choice.label}
            </Button>
          ))}
        </div>
      )}
    </div>
  );
}
