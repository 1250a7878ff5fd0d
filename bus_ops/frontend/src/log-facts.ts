// Logging: each tap is kept as a fact first, shown at once, and sent in the background.
// Without this script the same forms are sent as forms.
import { keep, newFactId, PREFIX, waitingFacts, type Fact } from "./keep-facts";
import { sendWaiting, tell, whenSent } from "./send-facts";

const NO_PAYLOAD = new Set(["csrf_token", "event_id", "part", "kind", "at", "total", "looked_up"]);
const WHOLE_NUMBERS = new Set(["people", "count", "items", "cards", "odometer_km", "item_id"]);
// Below this, the difference is the network's and not the clock's.
const CLOCK_IS_RIGHT_MS = 30_000;
const DOUBLE_TAP_MS = 600;
// The second tap of a double tap must not meet what has moved under the finger.
const CALM_MS = 400;

let tapped = 0;
let refreshing: number | undefined;

function log(): HTMLElement | null {
  return document.querySelector<HTMLElement>("[data-log]");
}

function wholeOf(text: string | undefined): number | null {
  return text ? Number(text) : null;
}

// Milliseconds to add to this device's clock.
function measureClock(): number {
  const entry = performance.getEntriesByType("navigation")[0] as
    | PerformanceNavigationTiming
    | undefined;
  const served = Date.parse(log()?.dataset["now"] ?? "");
  if (!entry || Number.isNaN(served)) return 0;
  const offset = Math.round(served - (performance.timeOrigin + entry.responseStart));
  return Math.abs(offset) < CLOCK_IS_RIGHT_MS ? 0 : offset;
}

function countOf(audience: string): HTMLElement | null {
  return document.getElementById(`count-${audience}`);
}

function sumOf(facts: readonly Fact[], audience?: string): number {
  return facts
    .filter((fact) => fact.kind === "attendance")
    .filter((fact) => !audience || fact.payload["audience"] === audience)
    .reduce((sum, fact) => sum + Number(fact.payload["people"]), 0);
}

function waitingHere(): Fact[] {
  const visit = wholeOf(log()?.dataset["visit"]);
  const run = wholeOf(log()?.dataset["run"]);
  return waitingFacts().filter((fact) => (visit ? fact.visit === visit : fact.run === run));
}

function shownPeople(audience: string): number {
  const held = Number(countOf(audience)?.dataset["held"] ?? 0);
  return Math.max(0, held + sumOf(waitingHere(), audience));
}

function payloadOf(data: FormData): Fact["payload"] {
  const payload: Fact["payload"] = {};
  for (const [name, value] of data) {
    const text = String(value).trim();
    if (NO_PAYLOAD.has(name) || !text) continue;
    if (name === "loaded") payload[name] = text === "1";
    else payload[name === "what" ? "kind" : name] = WHOLE_NUMBERS.has(name) ? Number(text) : text;
  }
  const audience = String(data.get("audience") ?? "");
  if (data.has("total")) payload["people"] = Number(data.get("total")) - shownPeople(audience);
  return payload;
}

// When it happened: typed, or given by the page for a day gone by, or now.
function momentOf(page: HTMLElement, typed: string): Pick<Fact, "recorded_at" | "clock_offset"> {
  const clock = /^(\d{1,2})[:hH.](\d{2})$/.exec(typed.trim());
  if (clock) {
    const minutes = 60 * Number(clock[1]) + Number(clock[2]);
    const moment = Date.parse(page.dataset["midnight"] ?? "") + 60_000 * minutes;
    return { recorded_at: new Date(moment).toISOString(), clock_offset: 0 };
  }
  const given = page.dataset["moment"];
  if (given) return { recorded_at: given, clock_offset: 0 };
  return { recorded_at: new Date().toISOString(), clock_offset: measureClock() };
}

function factOf(page: HTMLElement, form: HTMLFormElement, button: HTMLElement | null): Fact {
  const data = new FormData(form);
  if (button instanceof HTMLButtonElement && button.name) data.set(button.name, button.value);
  return {
    ...newFactId(),
    kind: String(data.get("kind")),
    run: wholeOf(page.dataset["run"]),
    visit: wholeOf(page.dataset["visit"]),
    ...momentOf(page, String(data.get("at") ?? "")),
    payload: payloadOf(data),
  };
}

// What was typed is taken; fields marked to stay (the card, the note) keep it.
function clear(form: HTMLFormElement): void {
  for (const field of form.querySelectorAll<HTMLInputElement>("input:not([type=hidden])")) {
    if (!("stay" in field.dataset)) field.value = field.defaultValue;
  }
  const next = form.querySelector<HTMLInputElement>("[data-scan]");
  if (next) {
    next.value = "";
    next.focus();
  }
}

function sleepButtons(form: HTMLFormElement): void {
  for (const button of form.querySelectorAll<HTMLButtonElement>("button[type=submit]")) {
    button.disabled = true;
    setTimeout(() => (button.disabled = form.classList.contains("is-sending")), DOUBLE_TAP_MS);
  }
}

// What a form that counts once would say again.
function subjectOf(kind: unknown, payload: Record<string, unknown>): string {
  return [kind, payload["undoes"] ?? payload["barcode"] ?? payload["item_id"] ?? ""].join(" ");
}

// Counts and buttons as they stand with what is not sent yet.
function show(): void {
  const facts = waitingHere();
  for (const row of document.querySelectorAll<HTMLElement>("[data-audience]")) {
    const audience = row.dataset["audience"] ?? "";
    const people = shownPeople(audience);
    const count = countOf(audience);
    if (count) count.textContent = people.toLocaleString(document.documentElement.lang);
    const taps = facts.filter((fact) => fact.kind === "attendance");
    row.classList.toggle("is-sending", taps.some((fact) => fact.payload["audience"] === audience));
    const less = row.querySelector<HTMLButtonElement>("[value='-1']");
    if (less) less.disabled = people <= 0;
  }
  const total = document.getElementById("count-all");
  if (total) {
    const rows = [...document.querySelectorAll<HTMLElement>("[data-audience]")];
    const people = rows.reduce((sum, row) => sum + shownPeople(row.dataset["audience"] ?? ""), 0);
    total.textContent = people.toLocaleString(document.documentElement.lang);
  }
  const sending = new Set(facts.map((fact) => subjectOf(fact.kind, fact.payload)));
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-fact=once]")) {
    const fields = Object.fromEntries(new FormData(form));
    const waits = sending.has(subjectOf(fields["kind"], fields));
    if (waits === form.classList.contains("is-sending")) continue;
    form.classList.toggle("is-sending", waits);
    sleepButtons(form);
  }
}

function isBeingTyped(part: Element): boolean {
  const fields = part.querySelectorAll<HTMLInputElement>("input:not([type=hidden]), textarea");
  return [...fields].some((field) => {
    return field === document.activeElement || field.value !== field.defaultValue;
  });
}

function replacePart(old: HTMLElement, fresh: HTMLElement): void {
  const focused = old.contains(document.activeElement);
  // An opened list stays open.
  for (const details of fresh.querySelectorAll<HTMLDetailsElement>("details[id]")) {
    const before = old.querySelector<HTMLDetailsElement>(`#${details.id}`);
    if (before) details.open = before.open;
  }
  old.replaceWith(fresh);
  if (!focused) return;
  fresh.tabIndex = -1;
  fresh.focus({ preventScroll: true });
}

// Takes the parts that facts change from the server's page; never one that is being typed in.
async function refresh(): Promise<void> {
  const asked = tapped;
  const address = location.href;
  try {
    const answer = await fetch(address);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    // A tap made meanwhile is not in this page: its own answer brings a newer one.
    if (!page.querySelector("[data-log]") || asked !== tapped) return;
    // Nor is a card in it that was looked up meanwhile: its address is another.
    if (address !== location.href) return await refresh();
    for (const fresh of page.querySelectorAll<HTMLElement>("[data-refresh]")) {
      const old = document.getElementById(fresh.id);
      if (old && !isBeingTyped(old)) replacePart(old, fresh);
    }
    show();
  } catch {
    // The page stays as it is; the next tap asks again.
  }
}

function takeAsHeld(facts: readonly Fact[]): void {
  const visit = wholeOf(log()?.dataset["visit"]);
  for (const fact of facts) {
    const count = countOf(String(fact.payload["audience"]));
    if (!count || fact.kind !== "attendance" || fact.visit !== visit) continue;
    const held = Number(count.dataset["held"]) + Number(fact.payload["people"]);
    count.dataset["held"] = String(held);
  }
}

function onSubmit(event: SubmitEvent): void {
  const form = event.target as HTMLFormElement;
  const page = form.closest<HTMLElement>("[data-log]");
  if (!page || !form.matches("form[data-fact]")) return;
  const fact = factOf(page, form, event.submitter);
  const nothing = fact.kind === "attendance" && fact.payload["people"] === 0;
  try {
    if (!nothing) keep(fact);
  } catch {
    // Nothing can be kept here: the form is sent as it is, as without this script.
    return;
  }
  event.preventDefault();
  tapped += 1;
  clear(form);
  show();
  void sendWaiting();
}

export function startLogging(): void {
  if (!log()) return;
  document.addEventListener("submit", onSubmit);
  // Another tab of this browser sent what this one shows.
  window.addEventListener("storage", (event) => {
    if (event.key?.startsWith(PREFIX) && !event.newValue) void refresh();
  });
  whenSent((facts, told) => {
    takeAsHeld(facts);
    tell(told);
    show();
    clearTimeout(refreshing);
    if (!waitingFacts().length) refreshing = window.setTimeout(refresh, CALM_MS);
  });
  show();
}
