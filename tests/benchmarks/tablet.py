"""How big the tablet's app is, how fast it starts, answers a scan, and sends.

    .venv/bin/python -m tests.benchmarks.tablet [rounds]

A start has its processor throttled to a quarter, as DevTools does it; the service worker is not
throttled. Scans are timed with and without. The tablet holds 50,000 copies and 20,000 cards. A
start is that of a browser just opened on its profile, with the server stopped. Figures are medians,
beside what is aimed at.
"""

from __future__ import annotations

import argparse
import gzip
import os
import re
import shutil
import statistics
import tempfile
import time
from datetime import date
from pathlib import Path
from random import Random

from playwright.sync_api import Page, sync_playwright
from sqlalchemy import insert, select

from bus_ops import create_app
from bus_ops.accounts.models import Organisation
from bus_ops.circulation.models import Card, CardKind, Copy, Reader, Title
from bus_ops.database import db
from tests.browser.conftest import ARGUMENTS
from tests.browser.tablet_app import TabletApp, TabletBrowser, enrolment_link
from tests.conftest import REPOSITORY, app_settings
from tests.faults.conftest import KillableServer, running_server
from tests.small_service import SmallService
from tests.tablet_service import barcode_of, card_of, tablet_service

ROUNDS = 7
COPIES = 50_000
CARDS = 20_000
SCANS = 60
FACTS = 1_000
THROTTLING = 4
STATIC = REPOSITORY / "bus_ops/static"

# Notes when the page takes taps, from the moment the browser was told to open it.
WATCH_START = """new MutationObserver((_, observer) => {
  if (document.body?.dataset.ready !== "yes") return;
  observer.disconnect();
  requestAnimationFrame(() => { window.usableAt = performance.now(); });
}).observe(document, {subtree: true, childList: true, attributes: true});"""

# From the scanner's Enter to the outcome in the page, one scan after another.
TIME_SCANS = """async codes => {
  const band = () => document.querySelector("#outcome");
  const times = [];
  for (const code of codes) {
    for (const key of code) document.body.dispatchEvent(
      new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
    const turn = band().dataset.turn;
    const from = performance.now();
    await new Promise(done => {
      const observer = new MutationObserver(() => {
        if (band().dataset.turn === turn) return;
        observer.disconnect();
        done();
      });
      observer.observe(document.body, {subtree: true, childList: true, attributes: true});
      document.body.dispatchEvent(
        new KeyboardEvent("keydown", {key: "Enter", bubbles: true, cancelable: true}));
    });
    times.push(performance.now() - from);
    await new Promise(done => setTimeout(done, 30));
  }
  return times;
}"""


def main() -> None:
    """Print one line a figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rounds", nargs="?", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    print(f"tablet: load average of the machine before: {os.getloadavg()[0]:.1f}")
    tell("first load, script and style compressed", first_load_kilobytes(), 150, "KB")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = f"sqlite:///{folder / 'benchmark.sqlite3'}"
        app = create_app(app_settings(folder, url))
        with app.app_context():
            db.create_all()
            db.session.remove()
            db.engine.dispose()
        for server in running_server(url, folder, busy_service):
            server.start()
            tell(f"{FACTS:,} facts to durable commit on SQLite", sending(server, rounds), 1, "s")
            in_browser(server, folder / "profile", rounds)


def tell(what: str, figure: float, aim: float, unit: str) -> None:
    """A figure and its ratio to what is aimed at."""
    print(f"tablet: {what}: {figure:.3g} {unit} = {figure / aim:.2f} × the {aim:g} {unit} aimed at")


def first_load_kilobytes() -> float:
    """What the page asks for before it shows anything; what reads barcodes comes later."""
    script = STATIC / "tablet/tablet.js"
    files = {script, STATIC / "tablet/tablet.css", STATIC / "js/theme.js"}
    # Parts that the script imports at once; import("…") comes when it is needed.
    for part in re.findall(r'(?:from|import)\s*"\./([\w.-]+\.js)"', script.read_text("utf-8")):
        files.add(STATIC / "tablet" / part)
    return sum(len(gzip.compress(file.read_bytes(), 6)) for file in files) / 1024


def busy_service(organisation: Organisation, day: date) -> SmallService:
    """Four schools, and all the copies and cards of a library."""
    service = tablet_service(organisation, day)
    owner = {"organisation_id": organisation.id}
    title = db.session.scalars(select(Title)).one()
    copies = [
        {**owner, "title_id": title.id, "barcode": f"K{number:05d}"} for number in range(COPIES)
    ]
    db.session.execute(insert(Copy), copies)
    readers = [{**owner, "full_name": f"Bạn đọc {number}"} for number in range(CARDS)]
    ids = db.session.scalars(insert(Reader).returning(Reader.id), readers)
    cards = [
        {**owner, "number": f"S{number:05d}", "kind": CardKind.VAN, "reader_id": reader_id}
        for number, reader_id in enumerate(ids)
    ]
    db.session.execute(insert(Card), cards)
    db.session.commit()
    return service


def sending(server: KillableServer, rounds: int) -> float:
    """A tablet's facts of a day, in batches as the app sends them; each answer comes after its
    commit."""
    times = []
    for number in range(rounds):
        tablet = server.tablet(Random(number))
        for at in range(FACTS):
            kind = ("attendance", "lent", "returned")[at % 3]
            copy = f"K{number * FACTS + at // 3:05d}"
            payload = {"barcode": copy} if kind != "attendance" else {}
            card = {"card_number": f"S{at:05d}"} if kind == "lent" else {}
            tablet.tap(kind, **payload, **card)
        from_ = time.perf_counter()
        assert tablet.send_everything()
        times.append(time.perf_counter() - from_)
    return statistics.median(times)


def in_browser(server: KillableServer, profile: Path, rounds: int) -> None:
    """Start and scan without a network, in a browser with a quarter of its speed."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        browser = TabletBrowser(chromium, profile, f"http://127.0.0.1:{server.port}")
        browser.app.page.set_default_timeout(120_000)
        browser.app.enrol(enrolment_link(server))
        server.kill()
        starts = []
        for _ in range(rounds):
            browser.close()
            app = browser.start()
            throttle(app.page)
            starts.append(seconds_to_start(app))
        tell("cold start offline to a usable page", statistics.median(starts), 1, "s")
        slow = scan_times(browser.app, server.visit_ids[0])
        throttle(browser.app.page, 1)
        times = scan_times(browser.app, server.visit_ids[1])
        tell(f"a scan's outcome among {COPIES:,} copies", statistics.median(times), 50, "ms")
        tell("the slowest scan in twenty", statistics.quantiles(times, n=20)[-1], 50, "ms")
        tell("a scan's outcome, throttled", statistics.median(slow), 50, "ms")
        browser.close()
        chromium.close()


def throttle(page: Page, rate: int = THROTTLING) -> None:
    """Give the page a quarter of the processor, or all of it back."""
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": rate})


def seconds_to_start(app: TabletApp) -> float:
    """From opening the address to the first view that takes taps."""
    app.page.add_init_script(WATCH_START)
    app.open()
    app.page.wait_for_timeout(200)
    return float(app.page.evaluate("window.usableAt")) / 1000


def scan_times(app: TabletApp, visit: int) -> list[float]:
    """Milliseconds from the scanner's Enter to the outcome: loans, cards and returns."""
    app.visit(visit, "counter")
    app.mode("lend")
    app.scan_all([card_of(1)])
    copies = [f"K{number:05d}" for number in range(visit, COPIES, COPIES // SCANS)]
    times: list[float] = app.page.evaluate(TIME_SCANS, copies)
    app.mode("return")
    back = [barcode_of(visit % 5 * 20 + number) for number in range(20)]
    times += app.page.evaluate(TIME_SCANS, back)
    app.outcomes += len(times)
    return times


if __name__ == "__main__":
    main()
