// What every page does: partial updates, sending what was logged, the theme, asking before what
// cannot be taken back.
import Collapse from "bootstrap/js/dist/collapse";
import Dropdown from "bootstrap/js/dist/dropdown";
import htmx from "htmx.org";
import { frameFiles } from "./choose-file";
import { startLogging } from "./log-facts";
import { chooseNavigation } from "./navigate";
import { offerCalendars } from "./pick-day";
import { makeScrollersReachable } from "./reach-by-keyboard";
import { csrfToken, startSending, tell } from "./send-facts";

htmx.config.allowEval = false;
htmx.config.includeIndicatorStyles = false;

document.addEventListener("htmx:configRequest", (event) => {
  const detail = (event as CustomEvent<{ headers: Record<string, string> }>).detail;
  detail.headers["X-CSRFToken"] = csrfToken();
});

// A partial update that fails must not look as if it had worked.
for (const failure of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(failure, () => {
    const message = document.querySelector<HTMLElement>("#messages")?.dataset["failed"] ?? "";
    tell([{ category: "danger", message }]);
  });
}

function switchTheme(): void {
  const root = document.documentElement;
  const next = root.dataset["bsTheme"] === "dark" ? "light" : "dark";
  root.dataset["bsTheme"] = next;
  localStorage.setItem("theme", next);
}

// Asks with the page's own dialog; the form goes on only after "yes".
function askFirst(form: HTMLFormElement, question: string): void {
  const dialog = document.querySelector<HTMLDialogElement>("#confirm-dialog");
  const text = dialog?.querySelector("[data-question]");
  if (!dialog || !text) return;
  text.textContent = question;
  dialog.returnValue = "";
  dialog.addEventListener(
    "close",
    () => {
      if (dialog.returnValue !== "yes") return;
      delete form.dataset["confirm"];
      form.requestSubmit();
    },
    { once: true },
  );
  dialog.showModal();
}

// A form is sent once: the second tap of a double tap finds its button asleep.
function sleepButtons(form: HTMLFormElement): void {
  for (const button of form.querySelectorAll<HTMLButtonElement>("button[type=submit]")) {
    setTimeout(() => (button.disabled = true));
    setTimeout(() => (button.disabled = false), 8000);
  }
}

// Before the page's own way with forms: what is kept as a fact is not sent as a form.
startLogging();

document.addEventListener("submit", (event) => {
  if (event.defaultPrevented) return;
  const form = event.target as HTMLFormElement;
  const question = form.dataset["confirm"];
  if (question) {
    event.preventDefault();
    askFirst(form, question);
    return;
  }
  if (form.dataset["working"]) {
    const bar = document.querySelector<HTMLProgressElement>(".working");
    bar?.removeAttribute("hidden");
    bar?.setAttribute("aria-label", form.dataset["working"]);
  }
  if (form.method === "post") sleepButtons(form);
});

document.addEventListener("change", (event) => {
  const field = event.target as HTMLElement;
  if (field.matches("[data-autosubmit]")) field.closest("form")?.requestSubmit();
});

document.addEventListener("click", (event) => {
  const target = (event.target as HTMLElement).closest<HTMLElement>("[data-theme-switch], [data-print]");
  if (!target) return;
  if (target.hasAttribute("data-print")) window.print();
  else switchTheme();
});

offerCalendars();
frameFiles();
chooseNavigation();
makeScrollersReachable();
startSending();
for (const toggle of document.querySelectorAll("[data-bs-toggle=dropdown]")) new Dropdown(toggle);
for (const pane of document.querySelectorAll(".collapse")) new Collapse(pane, { toggle: false });
