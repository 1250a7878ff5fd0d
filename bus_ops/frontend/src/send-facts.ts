// Sends what waits, in order, one request after another, and says plainly what is not sent yet.
// The server stores each id at most once, so sending again is always safe.
import { forget, waitingFacts, type Fact } from "./keep-facts";

export interface Told {
  category: string;
  message: string;
}
type Outcome = "sent" | "offline" | "signed-out" | "not-allowed";

const MOST_AT_ONCE = 200;
const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 30_000;
const PATIENCE_MS = 20_000;

let busy = false;
let pauseMs = FIRST_PAUSE_MS;
let timer: number | undefined;
let onSent: (facts: Fact[], told: Told[]) => void = () => undefined;

function notice(): HTMLElement | null {
  return document.querySelector<HTMLElement>("#sending");
}

// Calls back after each batch that the server holds.
export function whenSent(call: (facts: Fact[], told: Told[]) => void): void {
  onSent = call;
}

export async function sendWaiting(): Promise<void> {
  if (busy || !notice()) return;
  busy = true;
  clearTimeout(timer);
  let outcome: Outcome = "sent";
  try {
    for (let facts = nextBatch(); facts.length && outcome === "sent"; facts = nextBatch()) {
      outcome = await send(facts, true);
    }
  } finally {
    busy = false;
  }
  say(outcome);
  if (outcome === "sent") {
    pauseMs = FIRST_PAUSE_MS;
    return;
  }
  timer = window.setTimeout(sendWaiting, pauseMs);
  pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
}

export function startSending(): void {
  if (!notice()) return;
  window.addEventListener("online", sendWaiting);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") void sendWaiting();
  });
  void sendWaiting();
}

export function tell(lines: Told[]): void {
  const messages = document.querySelector("#messages");
  if (!messages || !lines.length) return;
  for (const old of messages.querySelectorAll(":scope > .alert:not(#sending)")) old.remove();
  for (const line of lines) {
    const alert = document.createElement("div");
    alert.className = `alert alert-${line.category}`;
    alert.textContent = line.message;
    messages.append(alert);
  }
}

function nextBatch(): Fact[] {
  return waitingFacts().slice(0, MOST_AT_ONCE);
}

async function send(facts: Fact[], mayRenew: boolean): Promise<Outcome> {
  const answer = await post(facts);
  if (!answer) return "offline";
  if (answer.status === 401) return "signed-out";
  if (answer.status === 400) {
    // The session is another one than this page was made in, as after signing in elsewhere.
    if (!mayRenew) return "signed-out";
    return (await renewToken()) ? send(facts, false) : "signed-out";
  }
  if (answer.status === 403) return "not-allowed";
  const body = await read(answer);
  // Any other answer (a gateway's error, a hotspot's page) says nothing of our facts.
  if (!body) return "offline";
  // What the server could not read it keeps as evidence: nothing of this batch need come again.
  forget(facts);
  onSent(facts, body.told);
  return "sent";
}

async function post(facts: Fact[]): Promise<Response | undefined> {
  try {
    return await fetch(notice()?.dataset["address"] ?? "", {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        Accept: "application/json",
        "X-CSRFToken": csrfToken(),
      },
      body: JSON.stringify({ events: facts, tell: true }),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch {
    return undefined;
  }
}

async function read(answer: Response): Promise<{ told: Told[] } | undefined> {
  if (!answer.ok) return undefined;
  try {
    const body = (await answer.json()) as { held?: unknown; told?: Told[] };
    return Array.isArray(body.held) ? { told: body.told ?? [] } : undefined;
  } catch {
    return undefined;
  }
}

export function csrfToken(): string {
  return document.querySelector<HTMLMetaElement>("meta[name=csrf-token]")?.content ?? "";
}

// Takes the present session's token, for the queue and for every form of the page.
async function renewToken(): Promise<boolean> {
  try {
    const answer = await fetch(location.href, { signal: AbortSignal.timeout(PATIENCE_MS) });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const token = page.querySelector<HTMLMetaElement>("meta[name=csrf-token]")?.content;
    const meta = document.querySelector<HTMLMetaElement>("meta[name=csrf-token]");
    if (!token || !meta || !page.querySelector("#sending")) return false;
    meta.content = token;
    for (const field of document.querySelectorAll<HTMLInputElement>("input[name=csrf_token]")) {
      field.value = token;
    }
    return true;
  } catch {
    return false;
  }
}

function say(outcome: Outcome): void {
  const box = notice();
  if (!box) return;
  box.hidden = outcome === "sent";
  for (const line of box.querySelectorAll<HTMLElement>("[data-outcome]")) {
    line.hidden = line.dataset["outcome"] !== outcome;
  }
  const count = box.querySelector("[data-waiting]");
  if (count) count.textContent = String(waitingFacts().length);
}
