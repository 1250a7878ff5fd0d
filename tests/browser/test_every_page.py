"""Every page for every role: axe finds nothing, nothing overflows, no error, no outside request."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from bus_ops import create_app
from bus_ops.i18n import today
from tests.browser.conftest import (
    DESKTOP,
    PHONE,
    TABLET_UPRIGHT,
    Watched,
    pages_of_paper,
    watch,
)
from tests.conftest import app_settings

pytestmark = pytest.mark.browser

# What a walk along the links leaves out: files, scripts of maps, doors out of the session.
NOT_A_PAGE = re.compile(
    r"/static/|(map|reach)\.js|/export\.|sign-out|^tel:|^mailto:|^geo:|/photos/|^/tablet/evidence/"
    # The tablet's own app and interface have tests of their own.
    r"|^/tablet/app/|^/tablet/api/"
    # A part of its page.
    r"|/progress$"
    # Feeds for programs, and documents.
    r"|^/public/.*\.(ics|geojson|csv|svg|zip)$|^/public/.*/api/|/plan\.(docx|xlsx)"
    r"|/(report|template)\.(docx|pdf)|/data\.json|^/reports/tables/"
    # Whoever asks for a visit, and the places' own pages: looked at in their own tests.
    r"|^/ask/|^/host/"
)
# One of each shape is enough: /places/7 looks like /places/8.
NUMBERS = re.compile(r"\d+")
# Looked at in a test of their own.
BEFORE_SIGNING_IN = {"accounts.sign_in", "public.timetable", "public.stop_page", "public.poster"}
PLACES = "Tên;Địa chỉ;Vĩ độ;Kinh độ\nTrường Thử Nghiệm;1 đường Thử;10.03;105.78\n;thiếu tên;;\n"
TIMETABLE = (
    "organisation,mobile,route,community,stop,address,postcode,geox,geoy,"
    "arrival,departure,frequency,start,end,exceptions,timetable,type\n"
    "Thử,Xe thử,Tuyến 1,Ninh Kiều,Chợ thử,,,105.78,10.03,09:00,09:30,"
    "FREQ=WEEKLY;INTERVAL=2,2026-01-05,,,,Public\n"
    "Thử,Xe thử,Tuyến 1,Ninh Kiều,Hàng hỏng,,,x,y,25:00,09:30,FREQ=HOURLY,?,,,,Public\n"
)


class Inspected:
    """What is wrong on the pages looked at, each at several widths."""

    def __init__(self, watched: Watched, *widths: dict[str, int], colours: bool = True) -> None:
        self.watched = watched
        self.colours = colours
        self.widths = widths
        # Colours come from classes: what was looked at in its colours need not be again.
        self._coloured: set[str] = set()
        self.wrong: list[str] = []
        self.seen: list[str] = []

    def look(self, state: str = "") -> None:
        """Look at the present page."""
        self.seen.append(self.watched.page.url.removeprefix(self.watched.base))
        for width in self.widths:
            if len(self.widths) > 1:
                self.watched.page.set_viewport_size(width)  # type: ignore[arg-type]
            again = width is not self.widths[0]
            lines = self.watched.axe_violations(not again and self._has_new_colours(), again)
            self.wrong += [f"{state} {line}" for line in lines]
            over = self.watched.too_wide()
            if over > 0:
                here = self.watched.page.url
                self.wrong.append(f"{state} {here}: {over} px wider than {width['width']}")

    def _has_new_colours(self) -> bool:
        """Whether the page has something in a class that no page before had."""
        if not self.colours:
            return False
        here = set(
            self.watched.page.evaluate(
                "[...document.querySelectorAll('[class]')].flatMap(one => [...one.classList])"
            )
        )
        new = not here <= self._coloured
        self._coloured |= here
        return new

    def walk(self) -> None:
        """Look at the pages one meets from the menu on, one of each shape."""
        start = self.watched.page.url.removeprefix(self.watched.base)
        shapes, waiting = {NUMBERS.sub("N", start.partition("?")[0])}, [start]
        while waiting:
            path = waiting.pop(0)
            self.watched.open(path)
            self.look()
            for target in self._links():
                shape = NUMBERS.sub("N", target.partition("?")[0])
                if shape not in shapes:
                    shapes.add(shape)
                    waiting.append(target)

    def _links(self) -> list[str]:
        hrefs = self.watched.page.eval_on_selector_all("a[href]", "all => all.map(a => a.href)")
        base = self.watched.base
        return [
            href.removeprefix(base).partition("#")[0]
            for href in hrefs
            if href.startswith(base) and not NOT_A_PAGE.search(href.removeprefix(base))
        ]


def pages_of_the_app(folder: Path) -> tuple[set[str], Callable[[str], str]]:
    """Endpoints of all pages there are, and which of them an address leads to."""
    app = create_app(app_settings(folder, "sqlite://"))
    rules = [rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())]
    pages = {rule.endpoint for rule in rules if not NOT_A_PAGE.search(rule.rule)}
    addresses = app.url_map.bind("localhost")
    # These only lead on: front doors, and the way back to a form that stands on another page.
    leading_on = {"home", "accounts.set_own_pin", "public_entrance.enter"}
    return pages - leading_on, lambda path: addresses.match(path.partition("?")[0], "GET")[0]


# Pages of the other roles are the administrator's, who is looked at most closely below.
def test_axe_finds_nothing_on_any_page_of_the_crew(signed_in: Any) -> None:
    with signed_in("crew", TABLET_UPRIGHT) as watched:
        # Their colours are the administrator's.
        inspected = Inspected(watched, TABLET_UPRIGHT, colours=False)
        inspected.walk()
        assert len(inspected.seen) >= 6
        assert not inspected.wrong, "\n".join(inspected.wrong)


@pytest.mark.long
def test_axe_finds_nothing_on_any_page_there_is_on_tablet_and_phone(
    signed_in: Any, tmp_path: Path, plannings: tuple[int, int]
) -> None:
    with signed_in("administrator", TABLET_UPRIGHT) as watched:
        inspected = Inspected(watched, TABLET_UPRIGHT, PHONE)
        inspected.walk()
        for path in seen_only_by_address():
            watched.open(path)
            inspected.look()
        import_steps(watched.page, inspected, watched.base)
        look_at_plans(watched.page, inspected, watched.base, plannings)
        look_at_a_draft(watched.page, inspected, watched.base)
        assert not inspected.wrong, "\n".join(inspected.wrong)
        pages, page_of = pages_of_the_app(tmp_path)
        assert pages - {page_of(path) for path in inspected.seen} == BEFORE_SIGNING_IN


def seen_only_by_address() -> list[str]:
    """States of pages that no link leads to first: a day without a run, a day to come."""
    return [f"/tablet/today?day={today() + timedelta(weeks=150)}", "/tablet/visits/1?card=X00001"]


def look_at_plans(page: Page, inspected: Inspected, base: str, plannings: tuple[int, int]) -> None:
    """A search that goes on, a plan, a stop in it, and ways to mend a day."""
    finished, running = plannings
    page.goto(f"{base}/planning/{running}")
    page.locator("progress").wait_for()
    inspected.look("planning")
    page.goto(f"{base}/planning/{finished}")
    inspected.look("plan")
    page.locator("main table.table tbody a").first.click()
    page.wait_for_load_state()
    inspected.look("stop of a plan")
    page.goto(f"{base}/timetable/month")
    run = base + days_ahead(page)
    page.goto(run)
    page.locator("main a[href*='/timetable/visits/']").first.click()
    page.locator("main a[href*='/planning/repairs/visits/']").click()
    inspected.look("refused visit")
    page.goto(run)
    page.locator("main a[href*='/planning/repairs/?']").click()
    inspected.look("lost day")
    page.locator("[name=reason]").fill("số 9")
    page.locator("main form button.btn-primary").click()
    inspected.look("looking for ways")
    page.locator(".offers").wait_for()
    inspected.look("repair")


def days_ahead(page: Page) -> str:
    """The address of a run still to come."""
    page.goto(page.url + f"?month={today() + timedelta(weeks=4):%Y-%m}")
    return str(page.locator(".month-run").last.get_attribute("href"))


def look_at_a_draft(page: Page, inspected: Inspected, base: str) -> None:
    """A term that is not published yet, and its runs as they would be."""
    page.goto(f"{base}/timetable/terms/new")
    page.locator("#name").fill("Kỳ chưa công bố")
    page.locator("#starts_on").fill("06/01/2038")
    page.locator("#ends_on").fill("30/05/2038")
    page.get_by_role("button", name="Lưu").click()
    inspected.look("draft")
    page.get_by_role("link", name="Xem bản nháp").click()
    page.wait_for_load_state()
    inspected.look("draft's runs")


def import_steps(page: Page, inspected: Inspected, base: str) -> None:
    """The pages between choosing a file and importing it."""
    page.goto(f"{base}/places/import")
    choose(page, "dia-diem.csv", PLACES)
    inspected.look("columns")
    page.locator("main form[method=post] button[type=submit]").last.click()
    inspected.look("preview")
    page.goto(f"{base}/timetable/import")
    choose(page, "xe.csv", TIMETABLE)
    inspected.look("timetable preview")


def choose(page: Page, name: str, text: str) -> None:
    """Send a file by the page's form."""
    file = {"name": name, "mimeType": "text/csv", "buffer": text.encode()}
    page.locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]
    page.locator("main form[method=post] button[type=submit]").first.click()
    page.wait_for_load_state()


def test_axe_finds_nothing_where_a_form_is_wrong_or_a_page_is_missing(signed_in: Any) -> None:
    with signed_in("crew", TABLET_UPRIGHT) as watched, watched.trouble_expected():
        inspected = Inspected(watched, TABLET_UPRIGHT, PHONE)
        for path, status in (("/no/such/page", 404), ("/administration/", 403)):
            watched.open(path, status)
            inspected.look()
        watched.open("/circulation/readers/new")
        watched.page.locator("main form[method=post]").evaluate("form => (form.noValidate = true)")
        watched.page.locator("main button[type=submit]").first.click()
        watched.page.locator(".invalid-feedback").first.wait_for()
        inspected.look("wrong form")
        assert not inspected.wrong, "\n".join(inspected.wrong)


def test_axe_finds_nothing_before_signing_in(chromium: Browser, live_server: str) -> None:
    page = chromium.new_page(viewport=TABLET_UPRIGHT)  # type: ignore[arg-type]
    page.goto(f"{live_server}/accounts/sign-in")
    watched = Watched(page, live_server)
    inspected = Inspected(watched, TABLET_UPRIGHT, PHONE)
    inspected.look()
    page.locator("[name=username]").fill("thuthu")
    page.locator("[name=password]").fill("sai")
    page.locator("[name=password]").press("Enter")
    page.locator("#messages .alert").wait_for()
    inspected.look("wrong password")
    page.locator("main form").evaluate(
        "form => (form.querySelector('[name=csrf_token]').value = 'old')"
    )
    page.locator("[name=username]").fill("thuthu")
    page.locator("[name=password]").fill("sai")
    page.locator("[name=password]").press("Enter")
    page.locator(".empty-state").wait_for()
    inspected.look("open too long")
    page.close()
    assert not inspected.wrong, "\n".join(inspected.wrong)


def test_axe_finds_nothing_on_the_open_timetable(chromium: Browser, live_server: str) -> None:
    context = chromium.new_context(
        viewport=TABLET_UPRIGHT,  # type: ignore[arg-type]
        geolocation={"latitude": 10.03, "longitude": 105.78},
        permissions=["geolocation"],
    )
    page = context.new_page()
    watched = watch(page, live_server)
    inspected = Inspected(watched, TABLET_UPRIGHT, PHONE)
    page.goto(f"{live_server}/public/")
    page.get_by_role("button", name="Gần tôi").click()
    page.locator("[data-distance]:visible").first.wait_for()
    inspected.look("stops near me")
    for language in ("vi", "en"):
        page.goto(f"{live_server}/public/{language}/")
        page.locator("#stops a").first.click()
        inspected.look()
        page.locator("a[href$='/poster']").click()
        inspected.look()
        assert pages_of_paper(page) == 1
    context.close()
    assert watched.complaints == []
    assert not inspected.wrong, "\n".join(inspected.wrong)


def test_axe_finds_nothing_in_the_dark_and_in_english(signed_in: Any) -> None:
    with signed_in("administrator", DESKTOP, language="en") as watched:
        watched.page.locator("[data-theme-switch]").click()
        inspected = Inspected(watched, DESKTOP)
        for path in (
            "/tablet/today",
            "/tablet/visits/1",
            "/timetable/month",
            "/timetable/week",
            "/places/",
            "/statistics/",
            "/fleet/",
            "/circulation/",
            "/tablet/to-settle",
            "/administration/",
            "/requests/1",
            "/messages/",
            "/timetable/board/",
            "/events/",
            "/school-years/",
            "/statistics/stops/",
        ):
            watched.open(path)
            inspected.look()
        assert not inspected.wrong, "\n".join(inspected.wrong)
