// Facts wait in this browser, each under a key of its own, until the server holds them.
export interface Fact {
  id: string;
  kind: string;
  run: number | null;
  visit: number | null;
  sequence: number;
  recorded_at: string;
  clock_offset: number;
  payload: Record<string, string | number | boolean>;
}

export const PREFIX = "fact:";
let lastMs = 0;
let counter = 0;

// A UUIDv7 whose order is the order of taps, even within one millisecond or a clock set back.
export function newFactId(): { id: string; sequence: number } {
  const ms = Date.now();
  counter = ms > lastMs ? 0 : counter + 1;
  lastMs = Math.max(ms, lastMs);
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  for (let place = 0; place < 6; place++) bytes[5 - place] = Math.floor(lastMs / 256 ** place) % 256;
  bytes[6] = 0x70 | ((counter >> 8) & 0x0f);
  bytes[7] = counter & 0xff;
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  return { id, sequence: lastMs * 1000 + counter };
}

// Throws where the browser keeps nothing: the caller then sends the form as it is.
export function keep(fact: Fact): void {
  localStorage.setItem(PREFIX + fact.id, JSON.stringify(fact));
}

export function forget(facts: readonly Fact[]): void {
  for (const fact of facts) localStorage.removeItem(PREFIX + fact.id);
}

// In the order of tapping.
export function waitingFacts(): Fact[] {
  const facts: Fact[] = [];
  for (const key of Object.keys(localStorage).filter((name) => name.startsWith(PREFIX)).sort()) {
    try {
      facts.push(JSON.parse(localStorage.getItem(key) ?? "") as Fact);
    } catch {
      // Not written by this page: nothing that could be sent.
    }
  }
  return facts;
}
