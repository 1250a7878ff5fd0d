"""A whole day without a network: whatever is killed on the way, every tap arrives, and once."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from sqlalchemy import func, select

from bus_ops.circulation.models import BoxDeposit, BoxItem, Loan
from bus_ops.database import db
from bus_ops.tablet.models import Contradiction, Event, Photo, SetAside
from bus_ops.timetable.models import ActivityRecord, Attendance, ClassVisit, Incident, Visit
from tests.browser.tablet_app import TabletApp, TabletBrowser, enrolment_link
from tests.faults.conftest import KillableServer, running_server
from tests.tablet_service import CARDS, COPIES, LENT_BEFORE, barcode_of, card_of, tablet_service

pytestmark = pytest.mark.browser

NEW_LOANS = [barcode_of(number) for number in range(LENT_BEFORE, LENT_BEFORE + 300)]
COMING_BACK = [barcode_of(number) for number in range(LENT_BEFORE)]
BOX_COPIES = [barcode_of(number) for number in range(COPIES - 3, COPIES)]


@pytest.fixture
def server(sqlite_url: str, tmp_path: Path) -> Iterator[KillableServer]:
    """The library's server, with four schools today."""
    yield from running_server(sqlite_url, tmp_path, tablet_service)


class Day:
    """The day as it is tapped; counts beside what the tablet counts."""

    def __init__(self, browser: TabletBrowser, server: KillableServer) -> None:
        self.browser = browser
        self.visit_ids = server.visit_ids
        with server.app.app_context():
            visits = [db.session.get_one(Visit, visit_id) for visit_id in server.visit_ids]
            self.audience_of = {v.id: v.stop.audience.value for v in visits if v.stop.audience}
            db.session.remove()
        self.lent: Counter[int] = Counter()
        self.back: Counter[int] = Counter()
        self.people: Counter[tuple[int, str]] = Counter()

    @property
    def app(self) -> TabletApp:
        """The window that is open now."""
        return self.browser.app

    def arrive(self, stop: int) -> int:
        """Drive to a stop and open it."""
        self.app.go("today")
        self.app.tap("arrive", "#next")
        self.app.tap("open-visit")
        return self.visit_ids[stop]

    def depart(self) -> None:
        """Leave the stop from the first view."""
        self.app.go("today")
        self.app.tap("depart", "#next")
        self.app.page.wait_for_selector("#next[data-step=arrive], #next[data-step=return]")

    def killed(self) -> None:
        """The browser dies and is opened again without a network, at the stop the van is at."""
        self.browser.kill()
        self.browser.start().open()
        self.app.tap("open-visit")

    def count(self, visit: int, *steps: int) -> None:
        """Count people of the stop's own group, one tap after another."""
        audience = self.audience_of[visit]
        self.app.tab("people")
        self.app.count(audience, *steps)
        self.people[visit, audience] += sum(steps)

    def undo(self, visit: int, step: int) -> None:
        """Take the last tap back."""
        audience = self.audience_of[visit]
        shown = self.people[visit, audience] - step
        self.app.tap("undo-last")
        self.app.page.wait_for_selector(f"[data-count={audience}] [data-people='{shown}']")
        self.people[visit, audience] = shown

    def planned_class(self, visit: int, pupils: int) -> None:
        """A class of the plan comes as announced: two taps."""
        self.app.tab("people")
        self.app.page.locator("[data-slot]").click()
        self.app.tap("save-class")
        self.app.page.wait_for_selector("[data-slot][data-done=yes]")
        self.people[visit, self.audience_of[visit]] += pupils
        self.people[visit, "teachers"] += 1

    def lend(self, visit: int, codes: list[str], by_key: int = 5) -> None:
        """A card, then its five copies; the first ones by a real keyboard."""
        self.app.tab("counter")
        self.app.mode("lend")
        for code in self._with_cards(codes[:by_key]):
            assert self.app.scan(code) == "good"
        self.app.scan_all(self._with_cards(codes[by_key:]))
        self.lent[visit] += len(codes)
        assert self.app.figure("lent") == self.lent[visit]

    def take_back(self, visit: int, codes: list[str], by_key: int = 3) -> None:
        """Returns need no card."""
        self.app.tab("counter")
        self.app.mode("return")
        for code in codes[:by_key]:
            assert self.app.scan(code) == "good"
        self.app.scan_all(codes[by_key:])
        self.back[visit] += len(codes)
        assert self.app.figure("returned") == self.back[visit]

    def photo(self, caption: str) -> None:
        """A picture, made of what is on screen."""
        shown = self.app.page.locator("[data-photo]").count()
        picture = self.app.page.screenshot()
        self.app.fill("caption", caption)
        self.app.page.locator("[data-action=take-photo] input").set_input_files(
            {"name": "anh.png", "mimeType": "image/png", "buffer": picture}
        )
        self.app.page.locator("[data-photo]").nth(shown).wait_for()

    @staticmethod
    def _with_cards(codes: list[str]) -> list[str]:
        scans = []
        for at in range(0, len(codes), 5):
            number = int(codes[at].removeprefix("B")) // 5 % CARDS
            scans += [card_of(number), *codes[at : at + 5]]
        return scans


@pytest.mark.long
def test_a_day_without_a_network_arrives_whole_and_once(
    server: KillableServer, chromium: Browser, tmp_path: Path
) -> None:
    """Four stops, 300 loans, 150 returns, classes, photos, a box; the browser dies three times."""
    server.start()
    base = f"http://127.0.0.1:{server.port}"
    browser = TabletBrowser(chromium, tmp_path / "profile", base)
    try:
        browser.app.enrol(enrolment_link(server))
        server.kill()
        with browser.app.watched.trouble_expected():
            day = Day(browser, server)
            the_day(day)
            assert browser.app.figure("day-people") == sum(day.people.values())
            assert browser.app.figure("day-loans") == 300
            assert browser.app.figure("day-returns") == 150
            told = browser.app.own_facts()
            pictures = {row["id"]: row["sha256"] for row in browser.app.stored("photos")}
            assert browser.app.unsent() == len(told) + len(pictures)
            server.start()
            browser.app.tap("send-now")
            browser.app.wait_until_sent()
        assert_everything_arrived(server, day, told, pictures)
        assert browser.complaints == []
    finally:
        browser.close()


def the_day(day: Day) -> None:
    """Everything the crew taps from leaving to the day's end."""
    day.app.open()
    day.app.fill("odometer", "41200")
    day.app.tap("leave")
    first_stop(day)
    second_stop(day)
    third_stop(day)
    fourth_stop(day)
    day.app.fill("odometer", "41238")
    day.app.tap("return", "#next")
    day.app.tap("go-close")
    day.app.fill("paper-loans", "300")
    day.app.page.wait_for_selector("[data-paper=loans][data-differs=no]")
    day.app.fill("reason", "Không có sóng cả ngày")
    day.app.tap("close-day")
    day.app.page.wait_for_selector("#closed")


def first_stop(day: Day) -> None:
    """A class of the plan; the browser dies while a pile of scans waits for its outcomes."""
    visit = day.arrive(0)
    day.count(visit, 1, 1, 5, 5, 30, -1)
    day.undo(visit, -1)
    day.planned_class(visit, 32)
    day.lend(visit, NEW_LOANS[:30])
    day.app.scan_all([card_of(1), *NEW_LOANS[30:75]], wait=False)
    day.killed()
    assert day.app.figure("people") == sum(day.people.values())
    day.app.tab("counter")
    assert 30 <= day.app.figure("lent") <= 75
    # As a crew does that is not sure: scan the whole pile again.
    day.app.scan_all([card_of(1), *NEW_LOANS[30:75]])
    day.lent[visit] += 45
    assert day.app.figure("lent") == 75
    day.take_back(visit, COMING_BACK[:40])
    day.depart()


def second_stop(day: Day) -> None:
    """Photos, activities, an incident, a note; the browser dies right after a picture was kept."""
    visit = day.arrive(1)
    day.planned_class(visit, 35)
    day.app.tab("notes")
    day.photo("Xe ở cổng sau")
    day.killed()
    day.app.tab("notes")
    assert day.app.page.locator("[data-photo]").count() == 1
    day.photo("Các em đọc sách")
    day.app.fill("note", "Lần sau đỗ ở sân trong")
    day.app.tap("save-note")
    day.app.choose("incident", "power")
    day.app.fill("incident_text", "Mất điện mười phút")
    day.app.tap("save-incident")
    day.app.page.wait_for_selector("#last-fact[data-kind=incident]")
    day.app.tab("activities")
    day.app.choose("activity", "storytelling")
    day.app.fill("count", "24")
    day.app.tap("add-activity")
    day.app.page.wait_for_selector("#last-fact[data-kind=activity]")
    day.lend(visit, NEW_LOANS[75:150])
    day.take_back(visit, COMING_BACK[40:80])
    day.depart()


def third_stop(day: Day) -> None:
    """A class nobody announced, a pile on one card, a box; the browser dies among the returns."""
    visit = day.arrive(2)
    day.planned_class(visit, 28)
    day.app.tap("class-visit")
    day.app.choose("size", "25")
    day.app.fill("teacher", "Cô Thu")
    day.app.tap("save-class")
    day.people[visit, day.audience_of[visit]] += 25
    day.people[visit, "teachers"] += 1
    day.app.page.wait_for_selector("#last-fact[data-kind=class_visit]")
    day.app.tab("counter")
    assert day.app.scan(card_of(2)) == "good"
    day.app.tap("pile")
    day.app.scan_all(NEW_LOANS[150:180])
    day.app.tap("pile")
    day.app.tap("dismiss-card")
    day.lent[visit] += 30
    day.lend(visit, NEW_LOANS[180:225])
    box_out(day)
    day.take_back(visit, COMING_BACK[80:110])
    day.killed()
    day.app.tab("counter")
    assert day.app.figure("returned") == 30
    day.take_back(visit, COMING_BACK[110:120])
    day.depart()


def box_out(day: Day) -> None:
    """A box of three copies stays, two names on the record."""
    day.app.tab("boxes")
    for code in ("HOP-01", *BOX_COPIES):
        day.app.page.keyboard.type(code)
        day.app.page.keyboard.press("Enter")
    day.app.page.wait_for_selector("#box-copies[data-value='3']")
    day.app.fill("handed_by", "Lê Thị Thủ Thư")
    day.app.fill("received_by", "Cô Hạnh")
    day.app.fill("condition", "Còn mới")
    day.app.tap("save-box-out")
    day.app.page.wait_for_selector("#last-fact[data-kind=box_out]")


def fourth_stop(day: Day) -> None:
    """The rest of the loans and returns."""
    visit = day.arrive(3)
    day.count(visit, 30, 30, 5, 1)
    day.lend(visit, NEW_LOANS[225:])
    day.take_back(visit, COMING_BACK[120:])
    day.depart()


def assert_everything_arrived(
    server: KillableServer, day: Day, told: list[dict[str, object]], pictures: dict[str, str]
) -> None:
    """The server's figures are what was tapped: nothing lost, nothing twice."""
    assert len({fact["sequence"] for fact in told}) == len(told)
    with server.app.app_context():
        in_day = Event.visit_id.in_(server.visit_ids) | (Event.run_id == server.run_id)
        events = {str(event.id): event for event in db.session.scalars(select(Event).where(in_day))}
        assert events.keys() == {fact["id"] for fact in told}
        assert all(events[str(fact["id"])].payload == fact["payload"] for fact in told)
        assert counted(Loan.visit_id) == dict.fromkeys(server.visit_ids, 75)
        assert counted(Loan.return_visit_id) == dict(day.back)
        assert sum(day.back.values()) == 150
        assert day.lent == dict.fromkeys(server.visit_ids, 75)
        rows = select(Attendance.visit_id, Attendance.audience, Attendance.people)
        people = {(v, a.value): n for v, a, n in db.session.execute(rows) if n}
        assert people == dict(day.people)
        classes = sorted(row.people for row in db.session.scalars(select(ClassVisit)))
        assert classes == [25, 28, 32, 35]
        assert [row.count for row in db.session.scalars(select(ActivityRecord))] == [24]
        assert [row.kind.value for row in db.session.scalars(select(Incident))] == ["power"]
        assert_box_and_pictures(pictures)
        assert list(db.session.scalars(select(Contradiction))) == []
        assert list(db.session.scalars(select(SetAside))) == []
        db.session.remove()


def counted(column: object) -> dict[int, int]:
    """How many loans name a visit of the day in this column."""
    query = select(column, func.count()).select_from(Loan).group_by(column)  # type: ignore[call-overload]
    found = {visit: number for visit, number in db.session.execute(query) if visit is not None}
    before = select(Loan.visit_id).where(Loan.barcode.in_(COMING_BACK)).distinct()
    return {v: n for v, n in found.items() if v not in set(db.session.scalars(before))}


def assert_box_and_pictures(pictures: dict[str, str]) -> None:
    """The handover record as signed, the pictures bit by bit."""
    deposit = db.session.scalars(select(BoxDeposit)).one()
    assert (deposit.box_code, deposit.handed_by) == ("HOP-01", "Lê Thị Thủ Thư")
    assert deposit.received_by == "Cô Hạnh"
    assert sorted(db.session.scalars(select(BoxItem.barcode))) == BOX_COPIES
    photos = {str(photo.event_id): photo for photo in db.session.scalars(select(Photo))}
    assert len(photos) == 2
    assert {key: photo.sha256 for key, photo in photos.items()} == pictures
    for key, photo in photos.items():
        assert hashlib.sha256(photo.data).hexdigest() == pictures[key]
