"""The tablet's app in a real browser, as a crew member uses it: taps, scans, and what it holds."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Error, Page

from bus_ops.database import db
from bus_ops.tablet.enrolment import new_code
from bus_ops.tablet.models import Tablet
from tests.browser.conftest import ARGUMENTS, TABLET_UPRIGHT, Watched, watch
from tests.faults.conftest import KillableServer

SHELL = "/tablet/app/"

# Keys as a scanner sends them: faster than a person, ended by Enter.
SCAN_ALL = """codes => {
  for (const code of codes)
    for (const key of [...code, "Enter"])
      document.activeElement.dispatchEvent(
        new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
}"""

UNTIL_KEPT = """async () => {
  const worker = navigator.serviceWorker;
  await worker.ready;
  while (!worker.controller) await new Promise(done => setTimeout(done, 20));
}"""

READ_STORE = """async name => {
  const opened = await new Promise((done, failed) => {
    const request = indexedDB.open("bus-ops-tablet");
    request.onsuccess = () => done(request.result);
    request.onerror = () => failed(request.error);
  });
  const rows = await new Promise(done => {
    const request = opened.transaction(name).objectStore(name).getAll();
    request.onsuccess = () => done(request.result);
  });
  opened.close();
  if (name !== "photos") return rows;
  const hex = bytes => Array.from(bytes, byte => byte.toString(16).padStart(2, "0")).join("");
  return Promise.all(rows.map(async ({id, picture, waiting}) => ({
    id, waiting: waiting ?? 0, bytes: picture.size,
    sha256: hex(new Uint8Array(await crypto.subtle.digest("SHA-256", await picture.arrayBuffer()))),
  })));
}"""


def enrolment_link(server: KillableServer, name: str = "Máy tính bảng 1") -> str:
    """A new tablet's link, as the coordinator's QR picture holds it."""
    with server.app.app_context():
        tablet = Tablet(organisation_id=server.organisation_id, name=name)
        db.session.add(tablet)
        db.session.flush()
        code = new_code(tablet)
        db.session.commit()
        db.session.remove()
    return f"http://127.0.0.1:{server.port}{SHELL}#enrol={code}"


class TabletApp:
    """One window of the app."""

    def __init__(self, page: Page, base: str) -> None:
        self.page = page
        self.base = base
        self.watched: Watched = watch(page, base)
        # How many outcomes of scans this window showed so far.
        self.outcomes = 0

    def open(self, address: str = "") -> None:
        """Open the app, or its enrolment link, and wait until it takes taps."""
        self.page.goto(address or self.base + SHELL)
        self.page.wait_for_selector("body[data-ready]")

    def enrol(self, link: str) -> None:
        """Become a tablet of the library and fetch what the day needs."""
        self.open(link)
        self.page.wait_for_selector("#next, .empty")
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Until the first view says "ready to go" and the worker has the app."""
        self.page.evaluate(UNTIL_KEPT)
        self.page.wait_for_selector("#ready-line[data-ready-to-go=yes]")

    def tap(self, action: str, within: str = "") -> None:
        """Tap a button by the name of what it does."""
        self.page.locator(f"{within} [data-action={action}]:visible").first.click()

    def go(self, view: str) -> None:
        """Tap an entry of the menu."""
        self.page.locator(f"[data-nav={view}]").click()
        self.page.wait_for_selector(f"[data-view={view}]")

    def visit(self, visit_id: int, tab: str = "people") -> None:
        """Open a stop by its address."""
        self.page.evaluate("hash => { location.hash = hash; }", f"#/visit/{visit_id}/{tab}")
        self.page.wait_for_selector(f"#visit[data-visit='{visit_id}'] [data-tab={tab}]")

    def tab(self, name: str) -> None:
        """Tap one of the things done at a stop."""
        self.page.locator(f"[data-tab={name}]").click()
        self.page.wait_for_selector(f"[data-tab={name}][aria-current=page]")

    def mode(self, name: str) -> None:
        """What a scanned copy means from now on."""
        self.page.locator(f"[data-mode={name}]").click()
        self.page.wait_for_selector(f"[data-mode={name}][aria-pressed=true]")

    def fill(self, name: str, text: str) -> None:
        """Type into a field."""
        self.page.locator(f"[name={name}]").fill(text)

    def choose(self, chips: str, value: str) -> None:
        """Tap one of a few choices."""
        self.page.locator(f"[data-chips={chips}] [data-value='{value}']").click()

    def scan(self, code: str) -> str:
        """Scan by a real keyboard; the tone of the outcome."""
        self.page.keyboard.type(code)
        self.page.keyboard.press("Enter")
        self._wait_for_outcomes(1)
        return self.page.locator("#outcome").get_attribute("data-tone") or ""

    def scan_all(self, codes: Iterable[str], wait: bool = True) -> None:
        """Many scans as fast as a scanner can; waits until each had its outcome."""
        listed = list(codes)
        self.page.evaluate(SCAN_ALL, listed)
        if wait:
            self._wait_for_outcomes(len(listed))

    def _wait_for_outcomes(self, more: int) -> None:
        self.outcomes += more
        self.page.wait_for_selector(f"#outcome[data-turn='{self.outcomes}']")

    def count(self, audience: str, *steps: int) -> None:
        """Tap the counting buttons of a group; each tap is safe before the next."""
        row = self.page.locator(f"[data-count={audience}]")
        shown = int(row.locator("[data-people]").get_attribute("data-people") or 0)
        for step in steps:
            shown += step
            row.locator(f"[data-step='{step}']").click()
            row.locator(f"[data-people='{shown}']").wait_for()

    def figure(self, name: str) -> int:
        """A figure on screen."""
        found = self.page.locator(f"[data-figure={name}]").first.get_attribute("data-value")
        return int(found or 0)

    def unsent(self) -> int:
        """What the line of truth says."""
        return int(self.page.locator("#truth").get_attribute("data-unsent") or 0)

    def wait_until_sent(self) -> None:
        """Until the line of truth says that all is sent."""
        self.page.wait_for_selector("#truth[data-unsent='0']", timeout=60_000)

    def network(self, there: bool) -> None:
        """Take the way to the server away, or give it back."""
        if there:
            self.page.context.unroute("**/tablet/api/**")
        else:
            self.page.context.route("**/tablet/api/**", lambda route: route.abort())

    def stored(self, name: str = "events") -> list[dict[str, Any]]:
        """What lies in the tablet's own store; pictures as their digests."""
        rows: list[dict[str, Any]] = self.page.evaluate(READ_STORE, name)
        return rows

    def own_facts(self) -> list[dict[str, Any]]:
        """The facts recorded on this tablet, in their order."""
        own = [row["event"] for row in self.stored() if "other" not in row]
        return sorted(own, key=lambda event: event["sequence"])


class TabletBrowser:
    """A browser with a profile on disk, which may be killed and opened again."""

    def __init__(self, chromium: Browser, profile: Path, base: str) -> None:
        self.chromium = chromium
        self.profile = profile
        self.base = base
        self.context: BrowserContext | None = None
        self.complaints: list[str] = []
        self.app = self.start()

    def start(self) -> TabletApp:
        """Open the browser on its profile."""
        self.context = self.chromium.browser_type.launch_persistent_context(
            str(self.profile),
            executable_path=shutil.which("chromium") or shutil.which("chromium-browser"),
            args=ARGUMENTS,
            viewport=TABLET_UPRIGHT,  # type: ignore[arg-type]
            locale="vi-VN",
            timezone_id="Asia/Ho_Chi_Minh",
        )
        self.app = TabletApp(self.context.pages[0], self.base)
        self.app.watched.complaints = self.complaints
        return self.app

    def kill(self) -> None:
        """SIGKILL to every process of this browser: nothing is finished, nothing is said."""
        main = self._main_process()
        os.killpg(os.getpgid(main), signal.SIGKILL)
        with contextlib.suppress(Error):
            self.app.page.wait_for_event("close", timeout=5_000)
        self.close()

    def close(self) -> None:
        """Close it as a person does."""
        if self.context is None:
            return
        with contextlib.suppress(Error):
            self.context.close()
        self.context = None

    def _main_process(self) -> int:
        mine = f"--user-data-dir={self.profile}"
        for folder in Path("/proc").iterdir():
            if not folder.name.isdecimal():
                continue
            with contextlib.suppress(OSError):
                words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
                if mine in words and not any(word.startswith("--type=") for word in words):
                    return int(folder.name)
        raise AssertionError("the browser is not running")
