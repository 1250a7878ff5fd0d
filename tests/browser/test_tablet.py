"""The tablet's app in Chromium: enrolled once, locked, revoked, updated, and fit for a thumb."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import segno
from playwright.sync_api import Browser, Page
from sqlalchemy import select

from bus_ops.accounts.models import User
from bus_ops.accounts.pins import hash_pin
from bus_ops.database import db, now
from bus_ops.tablet.models import Event, Tablet
from tests.browser.conftest import ARGUMENTS, TABLET_ACROSS, TABLET_UPRIGHT
from tests.browser.tablet_app import SHELL, TabletApp, enrolment_link
from tests.conftest import PASSWORD
from tests.faults.conftest import KillableServer, running_server
from tests.tablet_service import COORDINATOR, barcode_of, card_of, tablet_service

pytestmark = pytest.mark.browser

Opened = Callable[..., AbstractContextManager[TabletApp]]

# What a finger can hit, by CSS pixels; the label stands for a hidden file field.
SMALL_TARGETS = """() => {
  const shown = element => element.checkVisibility({visibilityProperty: true})
    && !element.closest(".visually-hidden, .skip-link");
  const open = [...document.querySelectorAll("dialog[open]")].at(-1) ?? document;
  const targets = "a, button, input, textarea, select, summary, label[data-action]";
  return [...open.querySelectorAll(targets)]
    .filter(shown)
    .map(element => [element, element.getBoundingClientRect()])
    .filter(([, box]) => box.width < 47.5 || box.height < 47.5)
    .map(([element, box]) =>
      `${Math.round(box.width)} x ${Math.round(box.height)}: ${element.outerHTML.slice(0, 120)}`);
}"""


@pytest.fixture(scope="module")
def server(
    empty_sqlite: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[KillableServer]:
    """One server for these tests; each test has tablets of its own."""
    yield from started_server(empty_sqlite, tmp_path_factory.mktemp("tablets"))


@pytest.fixture
def fresh_server(empty_sqlite: Path, tmp_path: Path) -> Iterator[KillableServer]:
    """A server for a test that changes what all tablets of a day see."""
    yield from started_server(empty_sqlite, tmp_path)


def started_server(empty: Path, folder: Path) -> Iterator[KillableServer]:
    """A server that answers, with four schools today."""
    path = folder / "tablets.sqlite3"
    shutil.copy(empty, path)
    for server in running_server(f"sqlite:///{path}", folder, tablet_service):
        server.start()
        yield server


def opened_with(chromium: Browser, server: KillableServer) -> Opened:
    """Open an enrolled tablet; leaving it fails on errors and on requests to other hosts."""

    @contextmanager
    def opened(
        name: str = "Máy tính bảng", enrolled: bool = True, **options: Any
    ) -> Iterator[TabletApp]:
        context = chromium.new_context(
            viewport=TABLET_UPRIGHT,  # type: ignore[arg-type]
            locale="vi-VN",
            timezone_id="Asia/Ho_Chi_Minh",
            **options,
        )
        app = TabletApp(context.new_page(), f"http://127.0.0.1:{server.port}")
        if enrolled:
            app.enrol(enrolment_link(server, name))
        yield app
        context.close()
        assert app.watched.complaints == []

    return opened


@pytest.fixture
def tablet(chromium: Browser, server: KillableServer) -> Opened:
    """Opens tablets of the shared server."""
    return opened_with(chromium, server)


@pytest.fixture
def coordinator(chromium: Browser, server: KillableServer) -> Iterator[Page]:
    """The coordinator at the list of tablets."""
    context = chromium.new_context(viewport=TABLET_ACROSS, locale="vi-VN")  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{server.port}/accounts/sign-in")
    page.locator("[name=username]").fill(COORDINATOR)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("[name=password]").press("Enter")
    page.wait_for_url(lambda url: "sign-in" not in url)
    page.goto(f"http://127.0.0.1:{server.port}/tablet/devices/")
    yield page
    context.close()


def until(holds: Callable[[], bool], page: Page, seconds: float = 20) -> None:
    """Wait, while the browser goes on."""
    for _ in range(round(seconds * 10)):
        if holds():
            return
        page.wait_for_timeout(100)
    assert holds()


def facts_held(server: KillableServer, app: TabletApp) -> list[str]:
    """The ids of a tablet's facts in the database."""
    return events_of(server, app.own_facts()[0]["tablet"])


def events_of(server: KillableServer, tablet_id: str) -> list[str]:
    """The ids of the facts that a tablet has in the database."""
    with server.app.app_context():
        tablet = next(one for one in db.session.scalars(select(Tablet)) if str(one.id) == tablet_id)
        query = select(Event.id).where(Event.tablet_id == tablet.id).order_by(Event.sequence)
        held = [str(event_id) for event_id in db.session.scalars(query)]
        db.session.remove()
    return held


def facts_tapped(app: TabletApp) -> list[str]:
    """The ids of the facts recorded on a tablet."""
    return [fact["id"] for fact in app.own_facts()]


def test_a_link_enrols_once_and_says_so_to_the_next(
    tablet: Opened, coordinator: Page, server: KillableServer
) -> None:
    coordinator.locator("[name=name]").fill("Máy của xe")
    coordinator.locator("form[action='/tablet/devices/'] [type=submit]").click()
    link = coordinator.locator(".enrol-link a").get_attribute("href") or ""
    assert coordinator.locator("svg.qr").is_visible()
    with tablet(enrolled=False) as first, tablet(enrolled=False) as second:
        first.enrol(link)
        assert "enrol" not in first.page.url
        with second.watched.trouble_expected():
            second.open(link)
            second.page.wait_for_selector("#enrol-trouble[data-problem=unknown_code]")


@pytest.fixture
def with_pins(server: KillableServer) -> Iterator[dict[int, str]]:
    """The PINs of the crew, by user, for one test."""
    pins = ("2468", "135790")
    with server.app.app_context():
        users = list(db.session.scalars(select(User).where(User.username.like("thu-thu%"))))
        for user, pin in zip(users, pins, strict=True):
            user.pin_hash = hash_pin(pin)
        db.session.commit()
        ids = [user.id for user in users]
        db.session.remove()
    yield dict(zip(ids, pins, strict=True))
    with server.app.app_context():
        for user in db.session.scalars(select(User)):
            user.pin_hash = ""
        db.session.commit()
        db.session.remove()


def type_pin(app: TabletApp, pin: str) -> None:
    """Tap a PIN and the tick."""
    for digit in pin:
        app.page.locator(f"[data-digit='{digit}']").click()
    app.tap("unlock")


def test_an_idle_tablet_locks_and_the_crew_changes_by_pin(
    tablet: Opened, server: KillableServer, with_pins: dict[int, str]
) -> None:
    (first, first_pin), (second, second_pin) = with_pins.items()
    with tablet(enrolled=False) as app:
        app.page.clock.install()
        app.open(enrolment_link(server))
        app.page.wait_for_selector("[data-view=lock]")
        app.page.locator(f"[data-staff='{first}']").click()
        type_pin(app, first_pin)
        app.page.wait_for_selector("[data-view=today]")
        app.page.clock.fast_forward("06:00")
        app.page.wait_for_selector("[data-view=lock]")
        for _ in range(5):
            type_pin(app, "0000")
        app.page.wait_for_selector("[data-digit='1'][disabled]")
        app.open()
        app.page.wait_for_selector("[data-digit='1'][disabled]")
        app.page.clock.fast_forward("00:31")
        app.page.wait_for_selector("[data-digit='1']:not([disabled])")
        app.tap("other-person")
        app.page.locator(f"[data-staff='{second}']").click()
        type_pin(app, second_pin)
        app.page.wait_for_selector("[data-view=today]")
        staff = app.page.evaluate(READ_SETTING, "staff")
        assert staff == second


READ_SETTING = """async name => {
  const opened = await new Promise(done => {
    const request = indexedDB.open("bus-ops-tablet");
    request.onsuccess = () => done(request.result);
  });
  const value = await new Promise(done => {
    const request = opened.transaction("settings").objectStore("settings").get(name);
    request.onsuccess = () => done(request.result);
  });
  opened.close();
  return value;
}"""


def test_a_revoked_tablet_says_so_and_its_facts_still_arrive(
    tablet: Opened, coordinator: Page, server: KillableServer
) -> None:
    with tablet("Máy bị mất") as app:
        with app.watched.trouble_expected():
            app.network(False)
            app.visit(server.visit_ids[1])
            app.count("teachers", 1, 1, 1)
            coordinator.reload()
            row = coordinator.locator("tr", has_text="Máy bị mất")
            row.locator("form[action$='/revoke'] button").click()
            row.locator("form[action$='/restore']").wait_for()
            app.network(True)
            app.tap("send-now")
            app.wait_until_sent()
            app.page.wait_for_selector("#truth[data-contact=revoked]")
            app.page.wait_for_selector("#credential-notice .notice")
        assert facts_held(server, app) == facts_tapped(app)
        token = app.page.evaluate(READ_SETTING, "credential")
        headers = {"Authorization": f"Bearer {token['tablet']}.{token['secret']}"}
        for path in ("day-plan", "catalogue", "facts", "ping"):
            answer = app.page.context.request.get(f"{app.base}/tablet/api/{path}", headers=headers)
            assert (answer.status, answer.json()) == (401, {"error": "revoked"})


def test_what_a_closed_app_had_not_sent_is_sent_in_the_background(
    tablet: Opened, server: KillableServer
) -> None:
    with tablet("Máy đã đóng") as app:
        with app.watched.trouble_expected():
            app.network(False)
            app.visit(server.visit_ids[2])
            app.count("teachers", 1, 1)
            tapped, tablet_id = facts_tapped(app), app.own_facts()[0]["tablet"]
            elsewhere = app.page.context.new_page()
            app.page.close()
            elsewhere.context.unroute("**/tablet/api/**")
        # Another page of the same address: no window of the app is open any more.
        elsewhere.goto(f"{app.base}/accounts/sign-in")
        browser = elsewhere.context.new_cdp_session(elsewhere)
        registrations: list[dict[str, Any]] = []
        browser.on(
            "ServiceWorker.workerRegistrationUpdated",
            lambda event: registrations.extend(event["registrations"]),
        )
        browser.send("ServiceWorker.enable")
        until(lambda: any(SHELL in one["scopeURL"] for one in registrations), elsewhere)
        known = next(one for one in registrations if SHELL in one["scopeURL"])
        browser.send(
            "ServiceWorker.dispatchSyncEvent",
            {
                "origin": app.base,
                "registrationId": known["registrationId"],
                "tag": "send",
                "lastChance": False,
            },
        )
        until(lambda: events_of(server, tablet_id) == tapped, elsewhere)


def test_the_preparation_says_what_is_ready_and_what_is_not(
    tablet: Opened, server: KillableServer
) -> None:
    with tablet(enrolled=False) as app:
        with app.watched.trouble_expected():
            app.page.context.route("**/tablet/api/catalogue", lambda route: route.abort())
            app.open(enrolment_link(server))
            app.page.wait_for_selector("#next")
            app.page.wait_for_selector("#ready-line[data-ready-to-go=no]")
            app.page.locator("#ready-line").click()
            app.page.wait_for_selector("[data-ready-item=plan][data-ok=yes]")
            app.page.wait_for_selector("[data-ready-item=catalogue][data-ok=no]")
            app.page.context.unroute("**/tablet/api/catalogue")
            app.tap("prepare")
        app.page.wait_for_selector("[data-ready-item=catalogue][data-ok=yes]")
        app.page.wait_for_selector("[data-ready-item=names][data-ok=yes]")
        app.page.wait_for_selector("[data-ready-item=app][data-ok=yes]")
        app.go("today")
        app.wait_until_ready()


def test_a_new_version_keeps_what_was_not_sent(
    chromium: Browser, fresh_server: KillableServer, tmp_path: Path
) -> None:
    server = fresh_server
    newer = tmp_path / "static"
    shutil.copytree(server.app.static_folder or "", newer)
    style = newer / "tablet/tablet.css"
    style.write_text(style.read_text("utf-8") + "\n/* newer */\n", "utf-8")
    with opened_with(chromium, server)() as app:
        with app.watched.trouble_expected():
            app.network(False)
            app.visit(server.visit_ids[0], "counter")
            app.scan(card_of(3))
            app.scan(barcode_of(200))
            before = facts_tapped(app)
            app.go("about")
            version = app.page.locator("#version").inner_text()
            server.obey(f"static {newer}")
            server.start()
            app.tap("look-for-update")
            app.tap("update")
            app.page.wait_for_selector(f"html:not([data-version='{version}']) body[data-ready]")
            app.page.wait_for_selector(f"#truth[data-unsent='{len(before)}']")
            assert facts_tapped(app) == before
            app.network(True)
            app.tap("send-now")
            app.wait_until_sent()
        assert facts_held(server, app) == before


def test_a_facts_file_counts_once_though_its_facts_are_sent_later(
    tablet: Opened, coordinator: Page, server: KillableServer, tmp_path: Path
) -> None:
    with tablet() as app:
        with app.watched.trouble_expected():
            app.network(False)
            app.visit(server.visit_ids[1])
            app.count("teachers", 5, 1)
            app.go("about")
            app.tap("go-file")
            with app.page.expect_download() as download:
                app.tap("make-file")
            file = tmp_path / "facts.json"
            assert download.value.suggested_filename.endswith(".facts.json")
            download.value.save_as(file)
            coordinator.locator("#facts-file").set_input_files(file)
            coordinator.locator("form[action$='/facts-file'] [type=submit]").click()
            coordinator.wait_for_selector(".alert-success")
            assert facts_held(server, app) == facts_tapped(app)
            app.network(True)
            app.tap("send-now")
            app.wait_until_sent()
        assert facts_held(server, app) == facts_tapped(app)


def test_two_tablets_on_one_run_count_together(tablet: Opened, server: KillableServer) -> None:
    visit = server.visit_ids[3]
    with tablet("Máy một") as one, tablet("Máy hai") as two:
        one.visit(visit)
        one.count("teachers", 1, 5)
        one.wait_until_sent()
        two.tap("send-now")
        two.visit(visit)
        two.page.wait_for_selector("[data-count=teachers] [data-people='6']")
        with two.watched.trouble_expected():
            two.network(False)
            two.count("teachers", 1)
            one.count("teachers", 1)
            one.wait_until_sent()
            two.network(True)
            two.tap("send-now")
            two.wait_until_sent()
        two.page.wait_for_selector("[data-count=teachers] [data-people='8']")
        one.tap("send-now")
        one.page.wait_for_selector("[data-count=teachers] [data-people='8']")


def names_kept(app: TabletApp) -> int:
    """How many readers' names lie in the tablet's store."""
    return sum(len(page["rows"]) for page in app.stored("catalogue") if page["kind"] == "names")


def test_names_are_forgotten_when_the_day_is_over_and_closed(
    chromium: Browser, fresh_server: KillableServer
) -> None:
    server = fresh_server
    with opened_with(chromium, server)() as app, app.watched.trouble_expected():
        app.visit(server.visit_ids[0])
        app.count("teachers", 1)
        app.wait_until_sent()
        assert names_kept(app) > 0
        app.network(False)
        app.page.clock.install(time=now() + timedelta(days=1))
        app.open()
        app.page.clock.fast_forward(2_000)
        app.page.wait_for_timeout(500)
        assert names_kept(app) > 0
        app.go("close")
        app.tap("close-day")
        app.page.wait_for_selector("#closed")
        app.open()
        app.page.clock.fast_forward(2_000)
        until_no_names(app)


def until_no_names(app: TabletApp) -> None:
    """Tidying happens behind the first view."""
    for _ in range(50):
        if not names_kept(app):
            return
        app.page.wait_for_timeout(100)
    raise AssertionError("names are still kept")


def film_of(code: str, path: Path) -> None:
    """A picture of a code as a camera shows it, in the only form the browser takes for one."""
    width, height = 640, 480
    picture = np.full((height, width), 210, np.uint8)
    drawn = np.array([list(row) for row in segno.make_qr(code, error="m").matrix], np.uint8)
    large = np.kron(np.pad(1 - drawn, 4, constant_values=1), np.ones((8, 8), np.uint8))
    top, left = (height - len(large)) // 2, (width - len(large)) // 2
    picture[top : top + len(large), left : left + len(large)] = large * 200 + 20
    grey = np.full(width * height // 2, 128, np.uint8).tobytes()
    frame = b"FRAME\n" + picture.tobytes() + grey
    path.write_bytes(b"YUV4MPEG2 W640 H480 F10:1 Ip A1:1 C420mpeg2\n" + frame * 5)


def test_the_camera_reads_a_card(chromium: Browser, server: KillableServer, tmp_path: Path) -> None:
    """The code's reader that comes with the app: this browser has none of its own."""
    film_of(card_of(7), tmp_path / "card.y4m")
    with_camera = chromium.browser_type.launch(
        executable_path=shutil.which("chromium"),
        args=[
            *ARGUMENTS,
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={tmp_path / 'card.y4m'}",
        ],
    )
    with opened_with(with_camera, server)("Máy có camera") as app:
        app.visit(server.visit_ids[2], "counter")
        app.tap("open-camera")
        app.page.wait_for_selector("#outcome[data-turn='1']")
        assert card_of(7) in app.page.locator("[data-view]").inner_text()
    with_camera.close()


def test_the_language_is_changed_and_kept(tablet: Opened) -> None:
    with tablet() as app:
        vietnamese = app.page.locator("[data-nav=today]").inner_text()
        app.go("about")
        app.page.locator("[data-language=en]").click()
        app.page.wait_for_selector("html[lang=en]")
        assert app.page.locator("[data-nav=today]").inner_text() == "Today" != vietnamese
        app.open()
        app.page.wait_for_selector("html[lang=en]")
        app.go("about")
        app.page.locator("[data-language=vi]").click()
        app.page.wait_for_selector("html[lang=vi]")
        assert app.page.locator("[data-nav=today]").inner_text() == vietnamese


def test_a_scan_after_a_reload_goes_to_the_counter(tablet: Opened, server: KillableServer) -> None:
    with tablet() as app:
        app.visit(server.visit_ids[2], "counter")
        app.page.reload()
        app.page.wait_for_selector("body[data-ready]")
        assert app.scan(card_of(5)) == "good"
        assert app.scan(barcode_of(300)) == "good"
        assert app.figure("lent") == 1


def each_view(app: TabletApp, visit: int) -> Iterator[str]:
    """Every view and dialog of an enrolled tablet, one after another."""
    for view in ("today", "map", "aboard", "close", "about"):
        app.go(view)
        yield view
    app.go("aboard")
    for part in ("aboard", "check"):
        app.page.locator(f"[data-part={part}]").click()
        yield f"aboard, {part}"
    for view in ("ready", "facts-file"):
        app.page.evaluate("view => { location.hash = `#/${view}`; }", view)
        app.page.wait_for_selector(f"[data-view={view}]")
        yield view
    for tab in ("people", "counter", "activities", "boxes", "notes"):
        app.visit(visit, tab)
        app.page.wait_for_selector(f"[data-tab={tab}][aria-current=page]")
        yield tab
    for tab, action in (
        ("people", "class-visit"),
        ("counter", "find-reader"),
        ("counter", "new-card"),
        ("people", "open-log"),
    ):
        app.visit(visit, tab)
        app.tap(action)
        app.page.wait_for_selector("dialog[open]")
        yield action
        app.tap("close-sheet", "dialog[open]")
    app.visit(visit, "counter")
    app.scan(card_of(2))
    yield "a card at the counter"
    app.tap("lock")
    app.page.wait_for_selector("[data-view=lock]")
    yield "lock"
    app.page.locator("[data-staff]").first.click()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_view_is_open_to_all_and_fit_for_a_thumb(
    theme: str, tablet: Opened, server: KillableServer
) -> None:
    """Axe finds nothing, and no target is below 48 pixels on a tablet held either way."""
    found: list[str] = []
    with tablet() as app:
        app.page.evaluate("theme => localStorage.setItem('theme', theme)", theme)
        app.open()
        app.visit(server.visit_ids[2])
        app.count("teachers", 1)
        for view in each_view(app, server.visit_ids[2]):
            app.page.wait_for_timeout(200)
            found += app.watched.axe_violations()
            for size in (TABLET_ACROSS, TABLET_UPRIGHT) if theme == "light" else ():
                app.page.set_viewport_size(size)  # type: ignore[arg-type]
                small = app.page.evaluate(SMALL_TARGETS)
                found += [f"{view} {size['width']}: {one}" for one in small]
                if app.watched.too_wide():
                    found.append(f"{view} {size['width']}: too wide")
    assert found == []


def test_the_first_page_is_open_to_all_and_fit_for_a_thumb(tablet: Opened) -> None:
    with tablet(enrolled=False) as app:
        for theme in ("light", "dark"):
            app.page.goto(app.base + SHELL)
            app.page.evaluate("theme => localStorage.setItem('theme', theme)", theme)
            app.open()
            assert app.watched.axe_violations() == []
            assert app.page.evaluate(SMALL_TARGETS) == []
