// Who is at the tablet: a person, then the PIN.
import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import type { StaffMember } from "../contract";
import { unlock } from "../idleness";
import { lockState, tryPin } from "../lock";
import { credential, head, now, staffId } from "../state";
import { t, tn } from "../words";
import { Button, Icon } from "./parts";

const LONGEST_PIN = 6;
const SHORTEST_PIN = 4;

// Where the pause after wrong tries ends, on this tablet's own clock.
const pausedUntil = signal(0);

export function LockScreen() {
  const people = head.value?.staff ?? [];
  const last = people.find(({ id }) => id === staffId.value) ?? null;
  const [member, setMember] = useState<StaffMember | null>(last);
  useEffect(() => {
    void lockState().then((state) => {
      pausedUntil.value = state.pausedUntil;
    });
  }, []);
  return (
    <main class="lock" data-view="lock" id="content">
      <div class="lock-box">
        <Icon name="lock" />
        <h1>{member ? member.name : t("Who is at the tablet?")}</h1>
        <p class="quiet">{credential.value?.library}</p>
        {member ? (
          <PinPad key={member.id} member={member} onBack={() => setMember(null)} />
        ) : (
          <People people={people} onChoose={setMember} />
        )}
      </div>
    </main>
  );
}

interface PeopleProps {
  people: StaffMember[];
  onChoose: (member: StaffMember) => void;
}

function People({ people, onChoose }: PeopleProps) {
  return (
    <ul class="people-list">
      {people.map((member) => (
        <li key={member.id}>
          <button
            type="button"
            class="button button--soft button--big"
            data-staff={member.id}
            onClick={() => (member.pin ? onChoose(member) : void unlock(member.id))}
          >
            <Icon name={member.pin ? "lock" : "person"} />
            {member.name}
          </button>
        </li>
      ))}
    </ul>
  );
}

function PinPad({ member, onBack }: { member: StaffMember; onBack: () => void }) {
  const pin = useDigits();
  const [told, setTold] = useState("");
  const paused = usePauseWords();
  const open = async () => {
    const attempt = await tryPin(member, pin.take());
    if (attempt.how === "right") return unlock(member.id);
    if (attempt.how === "paused") pausedUntil.value = attempt.until;
    setTold(
      attempt.how === "wrong"
        ? tn("Wrong PIN. %(num)s try left.", "Wrong PIN. %(num)s tries left.", attempt.triesLeft)
        : t("Wrong PIN."),
    );
  };
  useKeys(pin.add, pin.drop, () => {
    if (pin.enough() && !paused) void open();
  });
  const { add, drop, digits } = pin;
  return (
    <>
      <p class="pin-dots" role="img" aria-label={tn("%(num)s digit typed", "%(num)s digits typed", digits.length)}>
        {Array.from({ length: LONGEST_PIN }, (_, at) => (
          <span key={at} class={at < digits.length ? "pin-dot pin-dot--typed" : "pin-dot"} />
        ))}
      </p>
      <p class="pin-told" role="alert">
        {paused ?? told}
      </p>
      <div class="pin-pad">
        {["1", "2", "3", "4", "5", "6", "7", "8", "9"].map((digit) => (
          <Button key={digit} data-digit={digit} disabled={Boolean(paused)} onPress={() => add(digit)}>
            {digit}
          </Button>
        ))}
        <Button look="plain" icon="backspace" aria-label={t("Delete a digit")} onPress={drop} />
        <Button data-digit="0" disabled={Boolean(paused)} onPress={() => add("0")}>
          0
        </Button>
        <Button
          look="main"
          icon="check-lg"
          action="unlock"
          aria-label={t("Unlock")}
          disabled={digits.length < SHORTEST_PIN || Boolean(paused)}
          onPress={open}
        />
      </div>
      <Button look="plain" icon="people" action="other-person" onPress={onBack}>
        {t("Somebody else")}
      </Button>
    </>
  );
}

/** The digits typed so far; a fast hand may type the next before the last one is drawn. */
function useDigits() {
  const typed = useRef("");
  const [digits, setDigits] = useState("");
  const set = (next: string) => {
    typed.current = next;
    setDigits(next);
  };
  return {
    digits,
    add: (digit: string) => set((typed.current + digit).slice(0, LONGEST_PIN)),
    drop: () => set(typed.current.slice(0, -1)),
    enough: () => typed.current.length >= SHORTEST_PIN,
    take: () => {
      const taken = typed.current;
      set("");
      return taken;
    },
  };
}

function useKeys(add: (digit: string) => void, drop: () => void, enter: () => void): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (/^\d$/.test(event.key)) add(event.key);
      else if (event.key === "Backspace") drop();
      else if (event.key === "Enter" && !(event.target instanceof HTMLButtonElement)) enter();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  });
}

/** "Wait 28 s" while a pause lasts. */
function usePauseWords(): string | null {
  void now.value;
  const [, again] = useState(0);
  const seconds = Math.ceil((pausedUntil.value - Date.now()) / 1000);
  useEffect(() => {
    if (seconds <= 0) return undefined;
    const timer = setTimeout(() => again((turn) => turn + 1), 1000);
    return () => clearTimeout(timer);
  });
  if (seconds <= 0) return null;
  return tn(
    "Too many wrong PINs: wait %(num)s second.",
    "Too many wrong PINs: wait %(num)s seconds.",
    seconds,
  );
}
