// Starts the crew's app: first what is on the tablet, then the network.
import { render } from "preact";
import symbols from "tablet-icons";
import { heard } from "./desk";
import { takeCodeFromAddress } from "./enrol";
import { watchIdleness } from "./idleness";
import { keepInTouch } from "./in-touch";
import { keepAppHere } from "./install";
import { tidyUp } from "./prepare";
import { hearScanner } from "./scan";
import { speakAs } from "./server";
import { locked, start } from "./state";
import { ownVersion } from "./views/about";
import { App } from "./views/app";
import { enrolWith } from "./views/enrol-page";
import { language, learnWords } from "./words";

async function open(): Promise<void> {
  const code = takeCodeFromAddress();
  speakAs(ownVersion());
  drawIcons();
  document.documentElement.lang = language.peek();
  const [settings] = await Promise.all([start(), learnWords()]);
  watchIdleness(settings.lock);
  const page = document.getElementById("app");
  if (!page) return;
  render(<App />, page);
  document.body.dataset["ready"] = "yes";
  hearScanner(() => !locked.peek(), heard);
  addEventListener("hashchange", () => {
    const later = takeCodeFromAddress();
    if (later) void enrolWith(later);
  });
  // A code works once: no newer version may reload the page while it is used.
  if (code) await enrolWith(code);
  afterFirstSight();
}

/** What can wait until the first view is on screen. */
function afterFirstSight(): void {
  setTimeout(() => {
    keepInTouch();
    void keepAppHere();
    void tidyUp();
  }, 50);
}

function drawIcons(): void {
  const sprite = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  sprite.setAttribute("hidden", "");
  sprite.innerHTML = symbols.replace(/<symbol id="/g, '<symbol id="icon-');
  document.body.prepend(sprite);
}

void open();
