// The browser's own file field speaks the browser's language: ours lies under it, in the page's.
function show(field: HTMLInputElement, chosen: HTMLElement, none: string): void {
  const names = [...(field.files ?? [])].map((file) => file.name);
  chosen.textContent = names.length ? names.join(", ") : none;
}

function frameFile(field: HTMLInputElement, pattern: HTMLTemplateElement): void {
  const frame = document.createElement("span");
  frame.className = "file-field form-control";
  field.replaceWith(frame);
  const button = document.createElement("span");
  button.className = "btn btn-outline-secondary";
  button.ariaHidden = "true";
  button.innerHTML = pattern.innerHTML;
  const chosen = document.createElement("span");
  chosen.className = "file-field-chosen";
  chosen.ariaHidden = "true";
  const none = pattern.dataset["none"] ?? "";
  show(field, chosen, none);
  // The real field lies over both, unseen: clicks, drops, the keyboard and screen readers meet it.
  field.classList.remove("form-control");
  field.addEventListener("change", () => show(field, chosen, none));
  frame.append(button, chosen, field);
}

export function frameFiles(): void {
  const pattern = document.querySelector<HTMLTemplateElement>("#file-button");
  if (!pattern) return;
  for (const field of document.querySelectorAll<HTMLInputElement>("input[type=file]")) {
    frameFile(field, pattern);
  }
}
