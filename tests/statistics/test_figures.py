"""Figures equal a count by hand, on every screen and in every export."""

from __future__ import annotations

import csv
import io
import re
from datetime import date, timedelta
from typing import Any

import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient

from bus_ops.accounts.models import Organisation, Role
from bus_ops.database import db
from bus_ops.i18n import today
from bus_ops.places.models import Place
from bus_ops.statistics.figures import Filters, total, visit_rows
from bus_ops.tablet.log import record
from bus_ops.tablet.models import EventKind
from bus_ops.timetable.changes import cancel_visit
from bus_ops.timetable.statuses import roll_statuses
from schedules.periods import PeriodKind, ReportingPeriod, custom_period, period_of
from tests.conftest import SignIn, add_organisation
from tests.small_service import SmallService, small_service

WEEKS = 10
FIRST = today() - timedelta(weeks=WEEKS)


def tell(service: SmallService, visit: Any, fact: EventKind, /, **payload: Any) -> None:
    record(fact, service.user, visit=visit, payload=payload)


def lived_in(organisation: Organisation) -> SmallService:
    """Ten weeks of two schools: served, one cancelled, one forgotten."""
    service = small_service(organisation, FIRST, weeks=WEEKS + 2)
    for number, visit in enumerate(service.visits(0)[:WEEKS]):
        if number == 3:
            cancel_visit(visit, "Bão", service.user)
            continue
        if number == 5:
            continue
        at = visit.arrival_at
        record(EventKind.ARRIVED, service.user, visit=visit, recorded_at=at)
        tell(service, visit, EventKind.ATTENDANCE, audience="lower_secondary", people=30 + number)
        tell(service, visit, EventKind.ATTENDANCE, audience="teachers", people=2)
        tell(service, visit, EventKind.LENT, barcode="B1", card_number="T1")
        tell(service, visit, EventKind.LENT, barcode="B2", card_number="T2")
        tell(service, visit, EventKind.RENEWED, barcode="B2")
        tell(service, visit, EventKind.RETURNED, barcode="B1")
        tell(service, visit, EventKind.RETURNED, barcode="B2")
        tell(service, visit, EventKind.USED_ON_SITE, items=40)
        tell(service, visit, EventKind.ACTIVITY, kind="film", count=25, title="Dế Mèn")
        tell(service, visit, EventKind.ACTIVITY, kind="internet", count=6)
        tell(service, visit, EventKind.ACTIVITY, kind="ebook_accounts", count=3)
        tell(service, visit, EventKind.CARD_ISSUED, kind="child", cards=4)
        tell(service, visit, EventKind.CARD_ISSUED, kind="van", cards=1)
        after = at + timedelta(minutes=85)
        record(EventKind.DEPARTED, service.user, visit=visit, recorded_at=after)
    roll_statuses(organisation.id, today())
    db.session.commit()
    return service


@pytest.fixture
def service(app: Flask, organisation: Organisation) -> SmallService:
    return lived_in(organisation)


@pytest.fixture
def reporter(service: SmallService, sign_in: SignIn) -> FlaskClient:
    """The browser of whoever reports."""
    return sign_in(Role.REPORTER)


def served_numbers(first: date, last: date) -> list[int]:
    days = {n: FIRST + timedelta(weeks=n) for n in range(WEEKS) if n not in {3, 5}}
    return [n for n, day in days.items() if first <= day <= last]


def expected(first: date, last: date) -> dict[str, int]:
    """The same figures counted by hand."""
    numbers = served_numbers(first, last)
    served = len(numbers)
    return {
        "served": served,
        "attendance": sum(32 + n for n in numbers),
        "teachers": 2 * served,
        "loans": 2 * served,
        "returns": 2 * served,
        "renewals": served,
        "on_site": 40 * served,
        "items_served": 42 * served,
        "activities": served,
        "activity_people": 25 * served,
        "internet": 6 * served,
        "ebook_accounts": 3 * served,
        "cards": 5 * served,
        "child_cards": 4 * served,
        "van_cards": served,
        "service_minutes": 85 * served,
        "places": min(1, served),
        "runs": served,
    }


PERIODS = [
    period_of(kind, FIRST + timedelta(weeks=4)) for kind in PeriodKind if kind != PeriodKind.CUSTOM
] + [custom_period(FIRST + timedelta(days=6), FIRST + timedelta(weeks=7))]


@pytest.mark.parametrize("period", PERIODS, ids=[period.kind.value for period in PERIODS])
def test_figures_of_each_period_equal_a_count_by_hand(
    service: SmallService, period: ReportingPeriod
) -> None:
    figures = total(visit_rows(service.organisation.id, period, Filters()))
    wanted = expected(period.first, period.last)
    assert {key: figures[key] for key in wanted} == wanted


def test_both_databases_count_alike(app_on_each: Flask, organisation: Organisation) -> None:
    service = lived_in(organisation)
    period = custom_period(FIRST, today())
    figures = total(visit_rows(service.organisation.id, period, Filters()))
    wanted = expected(FIRST, today())
    assert {key: figures[key] for key in wanted} == wanted
    assert (figures["cancelled"], figures["missed"]) == (1, 1 + WEEKS)


def test_kilometres_are_those_of_runs_that_served_somebody(service: SmallService) -> None:
    period = custom_period(FIRST, today())
    figures = total(visit_rows(service.organisation.id, period, Filters()))
    runs = [service.run_on(FIRST + timedelta(weeks=n)) for n in served_numbers(FIRST, today())]
    assert figures["km"] == round(sum(run.distance_m for run in runs) / 1000)
    assert figures["km"] > 0


@pytest.mark.parametrize(
    ("filters", "served"),
    [
        (lambda s: Filters(van_id=s.van.id), WEEKS - 2),
        (lambda s: Filters(van_id=s.van.id + 1), 0),
        (lambda s: Filters(place_id=s.stops[0].place_id), WEEKS - 2),
        (lambda s: Filters(place_id=s.stops[1].place_id), 0),
        (lambda s: Filters(level=s.stops[0].place.level), WEEKS - 2),
        (lambda s: Filters(level=s.stops[1].place.level), 0),
        (lambda s: Filters(kind=s.stops[0].place.kind), WEEKS - 2),
    ],
)
def test_filters_keep_their_part(service: SmallService, filters: Any, served: int) -> None:
    period = custom_period(FIRST, today())
    figures = total(visit_rows(service.organisation.id, period, filters(service)))
    assert figures["served"] == served


@pytest.mark.parametrize("grouping", ["place", "commune", "district", "kind", "van", "time"])
def test_groups_add_up_to_the_total_in_the_workbook(reporter: FlaskClient, grouping: str) -> None:
    book = workbook(reporter, f"by={grouping}")
    sheet = book.worksheets[1]
    header = [cell.value for cell in sheet[1]]
    column = header.index("Attendance")
    groups = [row[column] for row in sheet.iter_rows(min_row=2, values_only=True)]
    assert sum(groups) == expected(FIRST, today())["attendance"]


def question(extra: str = "") -> str:
    return f"period=custom&first={FIRST}&last={today()}&{extra}"


def workbook(client: FlaskClient, extra: str = "") -> openpyxl.Workbook:
    answer = client.get(f"/statistics/export.xlsx?{question(extra)}")
    assert answer.status_code == 200
    assert ".xlsx" in answer.headers["Content-Disposition"]
    return openpyxl.load_workbook(io.BytesIO(answer.data))


def lines(client: FlaskClient) -> list[dict[str, str]]:
    answer = client.get(f"/statistics/export.csv?{question()}")
    assert answer.data.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))


def test_page_workbook_and_csv_agree_to_the_unit(reporter: FlaskClient) -> None:
    wanted = expected(FIRST, today())
    page = reporter.get(f"/statistics/?{question()}").get_data(as_text=True)
    for key in ("served", "attendance", "loans", "on_site", "ebook_accounts", "cards"):
        assert f"{wanted[key]:,}" in page, key
    rows = lines(reporter)
    sheet = workbook(reporter)["Visits"]
    header = [cell.value for cell in sheet[1]]
    names = {
        "attendance": "Attendance",
        "loans": "Loans",
        "on_site": "Read on the spot",
        "cards": "New cards",
        "service_minutes": "Open minutes",
    }
    for key, name in names.items():
        assert sum(int(row[name]) for row in rows) == wanted[key]
        column = header.index(name)
        cells = [row[column] for row in sheet.iter_rows(min_row=2, values_only=True)]
        assert all(isinstance(cell, int) for cell in cells), "numbers stay numbers"
        assert sum(cells) == wanted[key]


def test_the_list_of_visits_holds_what_the_figures_count(reporter: FlaskClient) -> None:
    page = reporter.get(f"/statistics/visits?{question()}").get_data(as_text=True)
    found = re.search(r"(\d+) found", page)
    assert found is not None
    assert int(found[1]) == len(lines(reporter)) == 2 * WEEKS + 2


def test_a_vietnamese_workbook_has_vietnamese_names_typed_cells_and_definitions(
    reporter: FlaskClient,
) -> None:
    reporter.post("/accounts/language", data={"language": "vi"})
    book = workbook(reporter)
    names = book.sheetnames
    assert names[-1] == "Định nghĩa"
    visits = book[names[-2]]
    header = [cell.value for cell in visits[1]]
    assert header[0] == "Ngày"
    assert "Lượt bạn đọc" in header or "Lượt người" in " ".join(header)
    assert visits.freeze_panes == "B2"
    assert visits["A2"].is_date
    assert book[names[-1]].max_row > 20


def test_the_period_before_stands_beside(reporter: FlaskClient) -> None:
    first = FIRST + timedelta(weeks=5)
    last = first + timedelta(weeks=5) - timedelta(days=1)
    where = f"/statistics/?period=custom&first={first}&last={last}"
    page = reporter.get(where).get_data(as_text=True)
    before = expected(FIRST, first - timedelta(days=1))
    assert str(before["attendance"]) in page


def test_a_name_that_looks_like_a_formula_is_text_in_every_export(
    reporter: FlaskClient, service: SmallService
) -> None:
    bad = '=HYPERLINK("http://evil.example","x")'
    db.session.get_one(Place, service.stops[0].place_id).name = bad
    book = workbook(reporter)
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert [cell for cell in cells if cell.data_type == "f"] == []
    assert any(cell.value == bad for cell in cells)
    assert {row["Place"] for row in lines(reporter)} >= {f"'{bad}"}


@pytest.mark.parametrize(
    "asked",
    [
        "period=custom&first=2026-13-01&last=x",
        "period=custom&first=0001-01-01&last=9999-12-31",
        "period=custom&first=2026-11-24&last=2026-01-01",
        "period=fortnight&day=never",
        "van=x&unit=9999999999&kind=rocket&level=9&by=moon&measure=love",
    ],
)
def test_nonsense_in_the_address_is_no_error(reporter: FlaskClient, asked: str) -> None:
    for page in ("", "visits", "map.js", "export.csv", "export.xlsx"):
        assert reporter.get(f"/statistics/{page}?{asked}").status_code == 200, page


def test_every_figure_has_its_definition_a_tap_away(reporter: FlaskClient) -> None:
    page = reporter.get("/statistics/").get_data(as_text=True)
    definitions = reporter.get("/statistics/definitions").get_data(as_text=True)
    anchors = set(re.findall(r"/statistics/definitions#(\w+)", page))
    assert len(anchors) >= 8
    assert all(f'id="{anchor}"' in definitions for anchor in anchors)


def test_a_map_shows_each_place_with_its_figure(
    reporter: FlaskClient, service: SmallService
) -> None:
    script = reporter.get(f"/statistics/map.js?{question('measure=loans')}").get_data(as_text=True)
    assert f"Loans: {expected(FIRST, today())['loans']}" in script


def test_another_librarys_visits_are_not_counted(
    reporter: FlaskClient, service: SmallService
) -> None:
    service.user.username = "nguoi-khac"
    db.session.flush()
    small_service(add_organisation("Thư viện khác"), FIRST, weeks=2)
    assert len(lines(reporter)) == 2 * WEEKS + 2
