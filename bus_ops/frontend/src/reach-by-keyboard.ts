// What scrolls sideways must be reachable by keyboard, under a name.
function nameOf(box: HTMLElement): string {
  const section = box.closest("section, main");
  return (section?.querySelector("h1, h2, h3") ?? document.querySelector("h1"))?.textContent?.trim() ?? "";
}

function mark(box: HTMLElement): void {
  const scrolls = box.scrollWidth > box.clientWidth;
  if (!scrolls) {
    box.removeAttribute("tabindex");
    return;
  }
  box.tabIndex = 0;
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", nameOf(box));
}

export function makeScrollersReachable(): void {
  const seen = new ResizeObserver((boxes) => {
    for (const { target } of boxes) mark(target as HTMLElement);
  });
  const boxes = document.querySelectorAll<HTMLElement>(".table-responsive, .board-week");
  for (const box of boxes) seen.observe(box);
}
