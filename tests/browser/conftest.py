"""A real server with the demonstration's data, and Chromium as a person uses it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from bus_ops import create_app
from bus_ops.database import db
from bus_ops.demo import PASSWORD, SIGN_INS
from tests.browser.long_day import add_long_run
from tests.conftest import REPOSITORY, made_once
from tests.planning.plans import add_plannings

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE = REPOSITORY / "bus_ops/frontend/node_modules/axe-core/axe.min.js"
BUS_OPS = str(Path(sys.executable).with_name("bus-ops"))
USERNAMES = {role.value: username for role, username, _name in SIGN_INS}
PHONE = {"width": 390, "height": 844}
TABLET_UPRIGHT = {"width": 800, "height": 1280}
TABLET_ACROSS = {"width": 1024, "height": 768}
DESKTOP = {"width": 1440, "height": 900}


# What hides, shrinks or scrolls at another width.
LAYOUT_RULES = [
    "target-size",
    "scrollable-region-focusable",
    "aria-hidden-focus",
    "button-name",
    "link-name",
    "label",
    "region",
]


@dataclass
class Watched:
    """A page with everything that went wrong on it."""

    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str, status: int = 200) -> None:
        """Go to a page of the app; an answer other than the one expected is a complaint."""
        answer = self.page.goto(self.base + path)
        if answer is None or answer.status != status:
            self.complaints.append(f"{path}: {answer.status if answer else 'no answer'}")

    @contextmanager
    def trouble_expected(self) -> Iterator[None]:
        """What the console says of failing requests while they are meant to fail."""
        before = len(self.complaints)
        yield
        meant = ("Failed to load resource", "net::ERR", "Response Status Error")
        self.complaints[before:] = [
            line for line in self.complaints[before:] if not any(part in line for part in meant)
        ]

    def too_wide(self) -> int:
        """By how many pixels the page is wider than its window."""
        return int(
            self.page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
        )

    def axe_violations(self, colours: bool = True, layout_only: bool = False) -> list[str]:
        """What axe-core finds wrong on the present page; colours take it the longest.

        ``layout_only`` asks what may differ at another width of a page looked at already. Markers
        of neighbours may overlap on a map: the list beside it leads to the same stops.
        """
        # A click answers as soon as the next page begins: half of it would be looked at.
        self.page.wait_for_load_state("load")
        # What depends on the page's size is set with its next picture.
        self.page.evaluate("new Promise(seen => requestAnimationFrame(() => setTimeout(seen)))")
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE.read_text("utf-8"))
        options: dict[str, Any] = {
            "resultTypes": ["violations"],
            "rules": {"color-contrast": {"enabled": colours}},
        }
        if layout_only:
            options = {"resultTypes": ["violations"], "runOnly": LAYOUT_RULES}
        found = self.page.evaluate("options => axe.run(document, options)", options)
        return [
            f"{self.page.url} {violation['id']}: {node['html'][:160]} {node['failureSummary']}"
            for violation in found["violations"]
            for node in violation["nodes"]
            if not (violation["id"] == "target-size" and "leaflet-marker-icon" in node["html"])
        ]


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the demonstration of these tests lives."""

    def build(folder: Path) -> None:
        subprocess.run(
            [BUS_OPS, "demo", "--folder", str(folder), "--no-serve"],
            check=True,
            stdout=subprocess.DEVNULL,
        )

    built = made_once(tmp_path_factory, "built-demo", build)
    return shutil.copytree(built, tmp_path_factory.mktemp("demo") / "data")


@pytest.fixture(scope="session")
def live_server(demo_folder: Path) -> Iterator[str]:
    """The app as ``bus-ops demo`` serves it, without map tiles."""
    folder = demo_folder
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        BUS_OPS,
        "demo",
        "--folder",
        str(folder),
        "--port",
        str(port),
    ]
    environment = {**os.environ, "BUS_OPS_TILE_URL": "", "BUS_OPS_SIGN_IN_LIMIT": "1000 per minute"}
    log = folder / "server.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            command, stdout=output, stderr=output, env=environment, start_new_session=True
        )
    base = f"http://127.0.0.1:{port}"
    try:
        _wait_for(base, server, log)
        yield base
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(20)


@pytest.fixture(scope="session")
def long_run(live_server: str, demo_folder: Path) -> int:
    """The id of a run today with 21 stops, long notes and a pause, added to the demonstration."""
    url = f"sqlite:///{demo_folder / 'demo.sqlite3'}"
    app = create_app({"DATA_FOLDER": demo_folder, "DATABASE_URL": url, "DEMO_MODE": True})
    with app.app_context():
        run_id = add_long_run(21)
        db.session.remove()
        db.engine.dispose()
    return run_id


@pytest.fixture(scope="session")
def plannings(live_server: str, demo_folder: Path) -> tuple[int, int]:
    """The ids of a finished plan and of a search that goes on, added to the demonstration.

    Nobody searches: a page shows what stands in the database.
    """
    url = f"sqlite:///{demo_folder / 'demo.sqlite3'}"
    app = create_app({"DATA_FOLDER": demo_folder, "DATABASE_URL": url, "DEMO_MODE": True})
    with app.app_context():
        ids = add_plannings()
        db.session.remove()
        db.engine.dispose()
    return ids


def _wait_for(base: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        if server.poll() is not None:
            raise AssertionError(f"the server ended: {log.read_text('utf-8')}")
        try:
            with urllib.request.urlopen(f"{base}/accounts/sign-in", timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"the server did not answer: {log.read_text('utf-8')}")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium; its absence is a failure with a remedy."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        raise AssertionError("Chromium is missing. Remedy: sudo apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


def pages_of_paper(page: Page) -> int:
    """How many A4 pages it prints on."""
    printed = page.pdf(format="A4", prefer_css_page_size=True)
    return len(re.findall(rb"/Type\s*/Page\b", printed))


def watch(page: Page, base: str) -> Watched:
    """Note every error of a page, and every request to another host."""
    watched = Watched(page, base)
    page.on(
        "console",
        lambda message: (
            message.type == "error" and watched.complaints.append(f"{page.url}: {message.text}")
        ),
    )
    page.on("pageerror", lambda error: watched.complaints.append(f"{page.url}: {error}"))
    page.on(
        "request",
        lambda request: (
            not request.url.startswith((base, "data:", "blob:"))
            and watched.complaints.append(f"asked another host: {request.url}")
        ),
    )
    return watched


SignedIn = Callable[..., Any]


@pytest.fixture
def signed_in(chromium: Browser, live_server: str) -> SignedIn:
    """Open a browser for a role; leaving it fails on errors and on requests to other hosts."""

    @contextmanager
    def opened(
        role: str,
        viewport: dict[str, int] | None = None,
        language: str = "vi",
        user_agent: str | None = None,
    ) -> Iterator[Watched]:
        context = chromium.new_context(
            viewport=viewport or TABLET_ACROSS,
            locale="vi-VN",
            user_agent=user_agent,
            timezone_id="Asia/Ho_Chi_Minh",
        )
        page = context.new_page()
        watched = watch(page, live_server)
        page.goto(f"{live_server}/accounts/sign-in")
        if language == "en":
            page.locator("button[name=language]").click()
        page.locator("[name=username]").fill(USERNAMES[role])
        page.locator("[name=password]").fill(PASSWORD)
        page.locator("[name=password]").press("Enter")
        page.wait_for_url(lambda url: "sign-in" not in url)
        yield watched
        context.close()
        assert watched.complaints == []

    return opened
