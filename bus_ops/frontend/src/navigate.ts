// Android's own navigation understands geo: addresses; other devices take the https address.
export function chooseNavigation(): void {
  if (!/Android/i.test(navigator.userAgent)) return;
  for (const link of document.querySelectorAll<HTMLAnchorElement>("a[data-geo]")) {
    link.href = link.dataset["geo"] ?? link.href;
    link.removeAttribute("target");
  }
}
