// A day is written as 24/11/2026 in every browser; a button opens the browser's own calendar.
const WRITTEN = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/;

function isoOf(written: string): string {
  const [, day, month, year] = WRITTEN.exec(written.trim()) ?? [];
  return day && month && year ? `${year}-${month.padStart(2, "0")}-${day.padStart(2, "0")}` : "";
}

function writtenOf(iso: string): string {
  return iso.split("-").reverse().join("/");
}

function calendarOf(field: HTMLInputElement): HTMLInputElement {
  const calendar = document.createElement("input");
  calendar.type = "date";
  calendar.tabIndex = -1;
  calendar.ariaHidden = "true";
  calendar.addEventListener("change", () => {
    field.value = writtenOf(calendar.value);
    field.dispatchEvent(new Event("change", { bubbles: true }));
  });
  return calendar;
}

function offerCalendar(field: HTMLInputElement, label: string, icon: string): void {
  const frame = document.createElement("span");
  frame.className = "day-field";
  field.replaceWith(frame);
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn";
  button.ariaLabel = label;
  button.innerHTML = icon;
  const calendar = calendarOf(field);
  button.addEventListener("click", () => {
    calendar.value = isoOf(field.value);
    calendar.showPicker();
  });
  frame.append(field, button, calendar);
}

export function offerCalendars(): void {
  const pattern = document.querySelector<HTMLTemplateElement>("#calendar-button");
  if (!pattern || !("showPicker" in HTMLInputElement.prototype)) return;
  for (const field of document.querySelectorAll<HTMLInputElement>("input[data-day]")) {
    offerCalendar(field, pattern.dataset["label"] ?? "", pattern.innerHTML);
  }
}
