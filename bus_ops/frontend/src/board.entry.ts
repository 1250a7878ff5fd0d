// Drags visits between days and vans, by pointer or by keys. The server decides and answers the
// days as they are then; nothing here is taken for true until it has.
import Sortable from "sortablejs";
import { csrfToken } from "./send-facts";

interface Answer {
  cells?: Record<string, string>;
  told?: string[];
  broken?: string[];
  undo?: string | null;
  meanwhile?: string;
  error?: string;
}

interface Move {
  visit: number;
  cell: string;
  before: number | null;
}

const board = document.querySelector<HTMLElement>("#board");
const said = document.querySelector<HTMLElement>("[data-said]");
const undoButton = document.querySelector<HTMLButtonElement>("[data-undo]");
const words: Record<string, string> = JSON.parse(board?.dataset["words"] ?? "{}");
const undoable: string[] = [];
let busy = false;

function lists(): HTMLElement[] {
  return [...(board?.querySelectorAll<HTMLElement>("[data-cell]") ?? [])];
}

function openLists(): HTMLElement[] {
  return lists().filter((list) => !("closed" in list.dataset));
}

function seen(cells: string[]): Record<string, string> {
  const versions = new Map(lists().map((l) => [l.dataset["cell"], l.dataset["version"] ?? ""]));
  return Object.fromEntries(cells.map((cell) => [cell, versions.get(cell) ?? ""]));
}

function show(cells: Record<string, string> = {}): void {
  for (const [key, html] of Object.entries(cells)) {
    const holder = board?.querySelector<HTMLElement>(`[data-holder="${CSS.escape(key)}"]`);
    if (!holder) continue;
    holder.innerHTML = html;
    makeSortable(holder.querySelector<HTMLElement>("[data-cell]"));
  }
}

function say(lines: string[], kind: string, again?: () => void): void {
  if (!said) return;
  said.replaceChildren();
  if (!lines.length) return;
  const box = document.createElement("div");
  box.className = `alert alert-${kind} mb-2`;
  for (const line of lines) {
    const paragraph = document.createElement("p");
    paragraph.className = "mb-1";
    paragraph.textContent = line;
    box.append(paragraph);
  }
  if (again) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-sm btn-outline-primary";
    button.textContent = words["again"] ?? "";
    button.addEventListener("click", again);
    box.append(button);
  }
  said.append(box);
}

async function post(address: string, body: unknown): Promise<Answer> {
  busy = true;
  board?.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": csrfToken() },
      body: JSON.stringify(body),
    });
    if (![200, 409, 422].includes(response.status)) throw new Error(String(response.status));
    return (await response.json()) as Answer;
  } finally {
    busy = false;
    board?.removeAttribute("aria-busy");
  }
}

function tell(answer: Answer): void {
  const broken = answer.broken ?? [];
  const lines = [...(answer.told ?? [])];
  if (broken.length) lines.push(`⚠ ${words["broken"] ?? ""} ${broken.join(" ")}`);
  say(lines, broken.length ? "warning" : "success");
}

async function move(asked: Move, from: string, restore: () => void): Promise<void> {
  const address = board?.dataset["drop"] ?? "";
  let answer: Answer;
  try {
    answer = await post(address, { ...asked, seen: seen([from, asked.cell]) });
  } catch {
    restore();
    say([words["failed"] ?? ""], "danger");
    return;
  }
  if (answer.cells) show(answer.cells);
  else restore();
  if (answer.error) {
    say([answer.error], "danger");
  } else if (answer.meanwhile) {
    const card = board?.querySelector<HTMLElement>(`[data-visit="${asked.visit}"]`);
    const here = card?.closest<HTMLElement>("[data-cell]")?.dataset["cell"];
    const again = here ? () => void move(asked, here, () => undefined) : undefined;
    say([answer.meanwhile], "warning", again);
  } else {
    if (answer.undo) undoable.push(answer.undo);
    if (undoButton) undoButton.disabled = !undoable.length;
    tell(answer);
    board?.querySelector<HTMLElement>(`[data-visit="${asked.visit}"] [data-handle]`)?.focus();
  }
}

async function takeBack(): Promise<void> {
  const token = undoable.pop();
  if (!token || busy) return;
  if (undoButton) undoButton.disabled = !undoable.length;
  try {
    const answer = await post(board?.dataset["undoAddress"] ?? "", { undo: token });
    show(answer.cells);
    const refused = answer.meanwhile ?? answer.error;
    if (refused) say([refused], "warning");
    else tell(answer);
  } catch {
    undoable.push(token);
    if (undoButton) undoButton.disabled = false;
    say([words["failed"] ?? ""], "danger");
  }
}

function keyOf(card: Element | null): number | null {
  if (!(card instanceof HTMLElement)) return null;
  const key = card.dataset["visit"] ?? card.dataset["fixed"];
  return key ? Number(key) : null;
}

function dropped(card: HTMLElement, from: HTMLElement, restore: () => void): void {
  const to = card.closest<HTMLElement>("[data-cell]");
  const visit = keyOf(card);
  const [source, cell] = [from.dataset["cell"], to?.dataset["cell"]];
  if (visit === null || !source || !cell) return restore();
  void move({ visit, cell, before: keyOf(card.nextElementSibling) }, source, restore);
}

function makeSortable(list: HTMLElement | null): void {
  if (!list) return;
  const closed = "closed" in list.dataset;
  let next: Element | null = null;
  Sortable.create(list, {
    group: { name: "board", pull: !closed, put: !closed },
    sort: !closed,
    draggable: "[data-visit]",
    animation: 120,
    delay: 180,
    delayOnTouchOnly: true,
    ghostClass: "board-ghost",
    onStart: ({ item }) => (next = item.nextElementSibling),
    onEnd: ({ item, from, to, oldIndex, newIndex }) => {
      if (from === to && oldIndex === newIndex) return;
      const back = next;
      dropped(item, from, () => from.insertBefore(item, back));
    },
  });
}

// By keys: a handle picks its visit up; arrows carry it, Enter drops it, Escape puts it back.
let carried: { card: HTMLElement; from: HTMLElement; next: Element | null } | null = null;

function pickUp(card: HTMLElement): void {
  const from = card.closest<HTMLElement>("[data-cell]");
  if (!from || busy) return;
  carried = { card, from, next: card.nextElementSibling };
  card.classList.add("board-carried");
  card.querySelector("[data-handle]")?.setAttribute("aria-pressed", "true");
  say([words["picked"] ?? ""], "info");
}

function putDown(): typeof carried {
  const held = carried;
  held?.card.classList.remove("board-carried");
  held?.card.querySelector("[data-handle]")?.setAttribute("aria-pressed", "false");
  carried = null;
  return held;
}

function carry(card: HTMLElement, key: string): void {
  const list = card.closest<HTMLElement>("[data-cell]");
  const every = openLists();
  const at = list ? every.indexOf(list) : -1;
  if (!list || at < 0) return;
  const sibling = key === "ArrowUp" ? card.previousElementSibling : card.nextElementSibling;
  if (key === "ArrowUp" && sibling) sibling.before(card);
  else if (key === "ArrowDown" && sibling) sibling.after(card);
  else every[at + (key === "ArrowUp" || key === "ArrowLeft" ? -1 : 1)]?.append(card);
  card.querySelector<HTMLElement>("[data-handle]")?.focus();
  card.scrollIntoView({ block: "nearest", inline: "nearest" });
}

board?.addEventListener("keydown", (event) => {
  const handle = (event.target as Element).closest<HTMLElement>("[data-handle]");
  const card = handle?.closest<HTMLElement>("[data-visit]");
  if (!card) return;
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    if (!carried) return pickUp(card);
    const held = putDown();
    if (!held) return;
    const stayed =
      held.card.closest("[data-cell]") === held.from && held.card.nextElementSibling === held.next;
    if (stayed) say([words["left"] ?? ""], "info");
    else dropped(held.card, held.from, () => held.from.insertBefore(held.card, held.next));
  } else if (carried && event.key.startsWith("Arrow")) {
    event.preventDefault();
    carry(carried.card, event.key);
  } else if (carried && event.key === "Escape") {
    event.preventDefault();
    const held = putDown();
    held?.from.insertBefore(held.card, held.next);
    held?.card.querySelector<HTMLElement>("[data-handle]")?.focus();
    say([words["left"] ?? ""], "info");
  }
});

document.addEventListener("keydown", (event) => {
  const typing = (event.target as Element).closest("input, textarea, select");
  if ((event.ctrlKey || event.metaKey) && event.key === "z" && !typing) {
    event.preventDefault();
    void takeBack();
  }
});

undoButton?.addEventListener("click", () => void takeBack());
for (const list of lists()) makeSortable(list);
