// Hears a keyboard-wedge scanner wherever the focus is: fast letters that end with Enter.
//
// While a text field has the focus the letters are the field's, as people expect.
// Far slower than any scanner, so that a busy tablet loses no letter of a code.
const SLOWEST_LETTER_MS = 400;
const SHORTEST_CODE = 3;

export function hearScanner(listens: () => boolean, onCode: (code: string) => void): void {
  let heard = "";
  let lastAt = 0;
  window.addEventListener(
    "keydown",
    (event) => {
      if (!listens()) return;
      if (event.ctrlKey || event.altKey || event.metaKey || isText(event.target)) return;
      const inTime = event.timeStamp - lastAt < SLOWEST_LETTER_MS;
      if (event.key === "Enter" || event.key === "Tab") {
        if (!inTime || heard.length < SHORTEST_CODE) return;
        // Or the button that has the focus would be pressed.
        event.preventDefault();
        event.stopPropagation();
        const code = heard;
        heard = "";
        onCode(code.trim());
        return;
      }
      if (event.key.length !== 1) return;
      heard = inTime ? heard + event.key : event.key;
      lastAt = event.timeStamp;
      if (heard.length > 1) event.preventDefault();
    },
    { capture: true },
  );
}

function isText(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return true;
  if (!(target instanceof HTMLInputElement)) return target.isContentEditable;
  return !["checkbox", "radio", "button", "submit", "file"].includes(target.type);
}
