// Words, clocks, days and numbers as the crew writes them: Vietnamese first, English second.
//
// Sentences stand in code as t("English sentence"); their Vietnamese comes from the app's own
// catalogue as /tablet/app/messages/vi.json. Days and clocks are those of the service's zone,
// whatever zone the tablet is set to.
import { signal } from "@preact/signals";

export type Language = "vi" | "en";
export type Blanks = Record<string, string | number>;

// Asia/Ho_Chi_Minh has had no summer time since 1975; the browser's own calendar of zones takes
// a tenth of a slow tablet's start to load.
const ZONE_AHEAD_MS = 7 * 3_600_000;
const CHOSEN = "language";

export const language = signal<Language>(chosenLanguage());

let messages: Record<string, string | string[]> = {};

function chosenLanguage(): Language {
  return localStorage.getItem(CHOSEN) === "en" ? "en" : "vi";
}

/** Fetch the sentences of the language in use; without them the page speaks English. */
export async function learnWords(wanted: Language = language.peek()): Promise<void> {
  try {
    const answer = await fetch(`/tablet/app/messages/${wanted}.json`);
    messages = answer.ok ? await answer.json() : {};
  } catch {
    messages = {};
  }
  language.value = wanted;
  document.title = `${t("Today")} · bus-ops`;
}

export async function speak(wanted: Language): Promise<void> {
  localStorage.setItem(CHOSEN, wanted);
  await learnWords(wanted);
  document.documentElement.lang = wanted;
}

/** A sentence in the language in use, its %(blanks)s filled in. */
export function t(sentence: string, blanks?: Blanks): string {
  const found = language.value === "en" ? sentence : messages[sentence];
  return filled(typeof found === "string" ? found : sentence, blanks);
}

/** A sentence about a number: tn("%(num)s copy", "%(num)s copies", 3). */
export function tn(one: string, many: string, count: number, blanks?: Blanks): string {
  const known = language.value === "en" ? undefined : messages[one];
  const found = Array.isArray(known) ? known[known.length - 1] : known;
  return filled(found ?? (count === 1 ? one : many), { num: number(count), ...blanks });
}

function filled(sentence: string, blanks: Blanks = {}): string {
  return sentence.replace(/%\((\w+)\)[sd]/g, (blank, name: string) => `${blanks[name] ?? blank}`);
}

/** A moment as ISO text in the zone of the service; "" for what is no moment. */
function localIso(moment: number | string): string {
  const at = new Date(moment).getTime() + ZONE_AHEAD_MS;
  return Number.isNaN(at) ? "" : new Date(at).toISOString();
}

/** 14:05 in the zone of the service. */
export function clock(moment: number | string): string {
  return localIso(moment).slice(11, 16);
}

/** Minutes after midnight as 14:05. */
export function clockOfMinutes(minutes: number): string {
  const two = (value: number) => String(value).padStart(2, "0");
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

/** The day of service a moment falls on, as YYYY-MM-DD. */
export function dayOf(moment: number | string): string {
  return localIso(moment).slice(0, 10);
}

/** 24/11/2026. */
export function writtenDay(day: string): string {
  const [year, month, date] = day.split("-");
  return `${date}/${month}/${year}`;
}

/** Tuesday, 24/11/2026. */
export function longDay(day: string): string {
  const weekdays = [
    t("Sunday"),
    t("Monday"),
    t("Tuesday"),
    t("Wednesday"),
    t("Thursday"),
    t("Friday"),
    t("Saturday"),
  ];
  return `${weekdays[new Date(`${day}T12:00:00Z`).getUTCDay()]}, ${writtenDay(day)}`;
}

export function nextDay(day: string, days = 1): string {
  const moment = new Date(`${day}T12:00:00Z`);
  moment.setUTCDate(moment.getUTCDate() + days);
  return moment.toISOString().slice(0, 10);
}

/** 14:05 of today, 24/11 14:05 of another day. */
export function moment(at: number, today: string): string {
  const day = dayOf(at);
  return day === today ? clock(at) : `${writtenDay(day).slice(0, 5)} ${clock(at)}`;
}

/** 1.234 in Vietnamese, 1,234 in English. */
export function number(value: number): string {
  const sign = language.value === "vi" ? "." : ",";
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, sign);
}

export function kilometres(metres: number): string {
  const written = (metres / 1000).toFixed(1);
  return `${language.value === "vi" ? written.replace(".", ",") : written} km`;
}

/** 95 minutes as "1 h 35 min". */
export function duration(minutes: number): string {
  const whole = Math.round(minutes);
  const hours = Math.floor(whole / 60);
  const rest = whole % 60;
  if (!hours) return t("%(minutes)d min", { minutes: rest });
  if (!rest) return t("%(hours)d h", { hours });
  return t("%(hours)d h %(minutes)d min", { hours, minutes: rest });
}

/** Letters without their Vietnamese signs, small: what names are searched by. */
export function plainLetters(text: string): string {
  return text
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .replace(/[đĐ]/g, "d")
    .toLowerCase()
    .trim();
}
