// Which view is open: kept in the address after #, so that Back and a reload do what is expected.
import { computed, signal } from "@preact/signals";

export type View =
  | "today"
  | "visit"
  | "map"
  | "aboard"
  | "close"
  | "ready"
  | "about"
  | "facts-file";

export type VisitTab = "people" | "counter" | "activities" | "boxes" | "notes";

const address = signal(location.hash);
addEventListener("hashchange", () => {
  address.value = location.hash;
});

const VIEWS: readonly string[] = ["visit", "map", "aboard", "close", "ready", "about", "facts-file"];
const TABS: readonly string[] = ["people", "counter", "activities", "boxes", "notes"];

export const route = computed(() => {
  const [, view = "", id = "", tab = ""] = address.value.split("/");
  return {
    view: (VIEWS.includes(view) ? view : "today") as View,
    visit: Number(id) || null,
    tab: (TABS.includes(tab) ? tab : "people") as VisitTab,
  };
});

export function to(view: View): string {
  return view === "today" ? "#/" : `#/${view}`;
}

export function toVisit(id: number, tab: VisitTab = "people"): string {
  return `#/visit/${id}/${tab}`;
}

export function go(href: string): void {
  location.hash = href;
}
