"""Figures equal a count by hand, on every screen and in every export."""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from html import unescape
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_babel import force_locale

from bus_ops.accounts.models import Organisation, Role, User
from bus_ops.counting.definitions import DISTINCT, HEADLINES, MEASURES
from bus_ops.counting.figures import Filters, total, visit_rows
from bus_ops.database import db
from bus_ops.fleet.models import Van
from bus_ops.i18n import today
from bus_ops.places.models import AdministrativeUnit, Place, PlaceUnit
from bus_ops.places.units import CommuneRow, FormerRow, add_units, assign_units
from bus_ops.statistics.groups import GROUPINGS
from bus_ops.tablet.log import record
from bus_ops.tablet.models import EventKind
from bus_ops.timetable.changes import cancel_visit
from bus_ops.timetable.models import Audience, Run, Stop, StopKind, Term
from bus_ops.timetable.statuses import roll_statuses
from schedules.periods import PeriodKind, ReportingPeriod, custom_period, period_of
from tests.conftest import SignIn, add_organisation, running_app
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


@pytest.fixture(scope="module")
def ten_weeks_sqlite(empty_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with the ten weeks, made once and copied for each test."""
    folder = tmp_path_factory.mktemp("ten-weeks")
    path = folder / "ten-weeks.sqlite3"
    shutil.copy(empty_sqlite, path)
    for _app in running_app(f"sqlite:///{path}", folder):
        lived_in(add_organisation())
        db.session.execute(db.text("PRAGMA wal_checkpoint(TRUNCATE)"))
    return path


@pytest.fixture
def app(ten_weeks_sqlite: Path, tmp_path: Path) -> Iterator[Flask]:
    """The application after the ten weeks."""
    copy = tmp_path / "test.sqlite3"
    shutil.copy(ten_weeks_sqlite, copy)
    yield from running_app(f"sqlite:///{copy}", tmp_path)


@pytest.fixture
def organisation(app: Flask) -> Organisation:
    """The library of the ten weeks."""
    return db.session.scalars(db.select(Organisation)).one()


@pytest.fixture
def service(organisation: Organisation) -> SmallService:
    user = db.session.scalars(db.select(User)).one()
    van = db.session.scalars(db.select(Van)).one()
    term = db.session.scalars(db.select(Term)).one()
    stops = list(db.session.scalars(db.select(Stop).order_by(Stop.id)))
    return SmallService(organisation, user, van, term, stops)


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
        "attendance_lower_secondary": sum(30 + n for n in numbers),
        "attendance_teachers": 2 * served,
        "attendance_adults": 0,
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


def test_both_databases_count_alike(app_on_each: Flask) -> None:
    service = lived_in(add_organisation())
    period = custom_period(FIRST, today())
    figures = total(visit_rows(service.organisation.id, period, Filters()))
    wanted = expected(FIRST, today())
    assert {key: figures[key] for key in wanted} == wanted
    assert (figures["cancelled"], figures["missed"]) == (1, 1 + WEEKS)


def test_kilometres_are_those_of_runs_that_served_somebody(service: SmallService) -> None:
    period = custom_period(FIRST, today())
    figures = total(visit_rows(service.organisation.id, period, Filters()))
    runs = [service.run_on(FIRST + timedelta(weeks=n)) for n in served_numbers(FIRST, today())]
    assert figures["km"] == sum(tenths_of_km(run) for run in runs)
    assert figures["km"] > 0
    assert figures["km_driven"] == figures["km"], "without an odometer the plan stands in"


def tenths_of_km(run: Run) -> Decimal:
    return Decimal(round(run.distance_m / 100)) / 10


def drive(service: SmallService, run: Run, out: int | None, back: int | None) -> None:
    for fact, km in ((EventKind.RUN_LEFT, out), (EventKind.RUN_RETURNED, back)):
        record(fact, service.user, run=run, payload={} if km is None else {"odometer_km": km})


def test_the_odometer_tells_the_kilometres_driven_where_both_readings_make_sense(
    service: SmallService,
) -> None:
    runs = [service.run_on(FIRST + timedelta(weeks=n)) for n in served_numbers(FIRST, today())]
    readings = [(18_400, 18_417), (18_417, None), (18_440, 18_430), (184_300, 18_430)]
    for run, (out, back) in zip(runs, readings, strict=False):
        drive(service, run, out, back)
    db.session.commit()
    period = custom_period(FIRST, today())
    figures = total(visit_rows(service.organisation.id, period, Filters()))
    assert figures["km_driven"] == 17 + sum(tenths_of_km(run) for run in runs[1:])
    assert figures["km"] == sum(tenths_of_km(run) for run in runs)
    assert figures["odometer_runs"] == 1


def test_places_share_the_kilometres_of_their_run(service: SmallService) -> None:
    serve_both(service)
    run = service.run_on(FIRST)
    drive(service, run, 18_400, 18_417)
    db.session.commit()
    day = period_of(PeriodKind.DAY, FIRST)
    whole = total(visit_rows(service.organisation.id, day, Filters()))
    parts = [
        total(visit_rows(service.organisation.id, day, Filters(place_id=stop.place_id)))
        for stop in service.stops
    ]
    assert whole["km_driven"] == 17
    assert [part["km_driven"] for part in parts] == [Decimal("8.5"), Decimal("8.5")]
    assert sum(part["km"] for part in parts) == whole["km"] == tenths_of_km(run)
    assert (whole["runs"], [part["runs"] for part in parts]) == (1, [1, 1])


def serve_both(service: SmallService) -> None:
    """The second school was served too in the first weeks; the third visit has grown-ups."""
    for visit in service.visits(1)[:3]:
        record(EventKind.ARRIVED, service.user, visit=visit, recorded_at=visit.arrival_at)
        tell(service, visit, EventKind.ATTENDANCE, audience="primary", people=20)
        tell(service, visit, EventKind.ATTENDANCE, audience="teachers", people=3)
    tell(service, service.visits(1)[2], EventKind.ATTENDANCE, audience="adults", people=5)
    roll_statuses(service.organisation.id, today())
    db.session.commit()


def test_stops_for_fuel_or_lunch_are_no_visits(service: SmallService) -> None:
    serve_both(service)
    service.stops[1].kind = StopKind.OTHER
    db.session.commit()
    period = custom_period(FIRST, today())
    rows = list(visit_rows(service.organisation.id, period, Filters()))
    assert {row.place_id for row in rows} == {service.stops[0].place_id}
    assert total(rows)["served"] == expected(FIRST, today())["served"]
    assert total(rows)["km"] == sum(
        tenths_of_km(service.run_on(FIRST + timedelta(weeks=n)))
        for n in served_numbers(FIRST, today())
    ), "the way to the petrol station is the visits' way"


def test_an_audience_has_its_attendance_and_the_visits_it_came_to(service: SmallService) -> None:
    serve_both(service)
    period = custom_period(FIRST, today())

    def of(audience: Audience) -> tuple[Any, Any]:
        rows = visit_rows(service.organisation.id, period, Filters(audience=audience))
        figures = total(rows)
        return figures["served"], figures["attendance"]

    served = expected(FIRST, today())["served"]
    assert of(Audience.PRIMARY) == (3, 60)
    assert of(Audience.ADULTS) == (1, 5)
    assert of(Audience.TEACHERS) == (served + 3, 2 * served + 9)
    assert of(Audience.SENIORS) == (0, 0)


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


PARTS = [key for key, _label in GROUPINGS if key != "audience"]


@pytest.mark.parametrize("grouping", PARTS)
def test_groups_add_up_to_the_total_in_the_workbook(
    reporter: FlaskClient, service: SmallService, grouping: str
) -> None:
    serve_both(service)
    book = workbook(reporter, f"by={grouping}")
    totals = {row[0]: row[2] for row in book.worksheets[0].iter_rows(values_only=True)}
    sheet = book.worksheets[1]
    header = [cell.value for cell in sheet[1]]
    rows = list(sheet.iter_rows(min_row=2, values_only=True))
    with force_locale("en"):
        names = [str(measure.name) for measure in MEASURES if measure.key not in DISTINCT]
    for name in names:
        added = sum(Decimal(str(row[header.index(name)])) for row in rows)
        assert added == Decimal(str(totals[name])), name
    assert totals["Kilometres driven"] > 0


def test_the_audience_sheet_adds_up_to_the_attendance(
    reporter: FlaskClient, service: SmallService
) -> None:
    serve_both(service)
    sheet = workbook(reporter, "by=audience").worksheets[1]
    rows = {row[0]: row[1:] for row in sheet.iter_rows(values_only=True)}
    assert rows.pop("Audience") == ("Visits served", "Attendance")
    assert rows["Primary pupils"] == (3, 60)
    attendance = expected(FIRST, today())["attendance"] + 3 * 23 + 5
    assert sum(people for _visits, people in rows.values()) == attendance


def test_the_workbook_tells_each_audience_and_each_kind_of_activity_with_the_period_before(
    reporter: FlaskClient,
) -> None:
    first = FIRST + timedelta(weeks=5)
    last = first + timedelta(weeks=5) - timedelta(days=1)
    answer = reporter.get(f"/statistics/export.xlsx?period=custom&first={first}&last={last}")
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    figures = {row[0]: row[2:4] for row in book["Figures"].iter_rows(values_only=True)}
    this, before = expected(first, last), expected(FIRST, first - timedelta(days=1))
    key = "attendance_lower_secondary"
    assert figures["Attendance: Lower secondary pupils"] == (this[key], before[key])
    sheet = book["Activities by kind"]
    kinds = {row[0]: row[1:] for row in sheet.iter_rows(values_only=True)}
    times = (this["activities"], before["activities"])
    assert (kinds["Film"][:2], kinds["Film"][3:5]) == (times, (25 * times[0], 25 * times[1]))
    assert kinds["Storytelling"] == (0, 0, None, 0, 0, None)


def test_csv_has_a_column_for_each_audience_and_for_kilometres(reporter: FlaskClient) -> None:
    rows = lines(reporter)
    wanted = expected(FIRST, today())
    pupils = sum(int(row["Attendance: Lower secondary pupils"]) for row in rows)
    assert pupils == wanted["attendance_lower_secondary"]
    assert sum(Decimal(row["Kilometres planned"]) for row in rows) > 0


def question(extra: str = "") -> str:
    return f"period=custom&first={FIRST}&last={today()}&{extra}"


def workbook(client: FlaskClient, extra: str = "") -> openpyxl.Workbook:
    answer = client.get(f"/statistics/export.xlsx?{question(extra)}")
    assert answer.status_code == 200
    assert ".xlsx" in answer.headers["Content-Disposition"]
    return openpyxl.load_workbook(io.BytesIO(answer.data))


def lines(client: FlaskClient, extra: str = "") -> list[dict[str, str]]:
    answer = client.get(f"/statistics/export.csv?{question(extra)}")
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


OUTLINE = {"type": "Polygon", "coordinates": [[[105.7, 10.0], [105.8, 10.0], [105.8, 10.1]]]}


def on_two_maps(service: SmallService) -> None:
    """Two schools of today's one commune, which lay in two communes of one district before."""
    old = [
        ("31120", "An Hòa", 10.0502, 105.7702),
        ("31121", "Thới Bình", 10.0412, 105.7801),
    ]
    communes = add_units(
        service.organisation.id,
        [CommuneRow("31135", "Ninh Kiều", "Phường Ninh Kiều", 10.04, 105.78)],
        {"31135": OUTLINE},
        [
            FormerRow(code, name, f"Phường {name}", "916", "Quận Ninh Kiều", *at, "31135")
            for code, name, *at in old
        ],
        date(2025, 7, 1),
    ).communes
    for stop in service.stops:
        stop.place.commune = communes["31135"]
        assign_units(stop.place)
    db.session.commit()


def page_of(client: FlaskClient, path: str, extra: str = "") -> str:
    return client.get(f"/statistics/{path}?{question(extra)}").get_data(as_text=True)


def group_rows(page: str) -> dict[str, tuple[str, int]]:
    """Names in the table of groups, with the link and the visits served beside each."""
    table = page[page.index("groups-heading") :].partition("</table>")[0]
    found = re.findall(
        r'<th scope="row"><a href="([^"]+)">([^<]+)</a></th><td class="number">(\d+)</td>', table
    )
    return {unescape(name): (unescape(href), int(n)) for href, name, n in found}


def found_in(client: FlaskClient, href: str) -> int:
    page = client.get(href).get_data(as_text=True)
    count = re.search(r"(\d+) found", page)
    assert count is not None
    return int(count[1])


def test_the_old_map_groups_and_filters(reporter: FlaskClient, service: SmallService) -> None:
    on_two_maps(service)
    serve_both(service)
    served = expected(FIRST, today())["served"]
    communes = group_rows(page_of(reporter, "", "by=old_commune"))
    assert {name: n for name, (_href, n) in communes.items()} == {
        "Phường Thới Bình": served,
        "Phường An Hòa": 3,
    }
    districts = group_rows(page_of(reporter, "", "by=district"))
    assert districts["Quận Ninh Kiều"][1] == served + 3
    page = page_of(reporter, "")
    assert '<optgroup label="Commune or ward until 30/06/2025">' in page
    assert '<optgroup label="District until 30/06/2025">' in page
    for unit in db.session.scalars(db.select(AdministrativeUnit)):
        shown = {"Phường An Hòa": WEEKS + 1, "Phường Thới Bình": WEEKS + 1}
        wanted = shown.get(unit.full_name, 2 * WEEKS + 2)
        assert len(lines(reporter, f"unit={unit.id}")) == wanted, unit.full_name


def test_a_place_of_which_no_old_commune_is_known_is_grouped_as_unknown(
    reporter: FlaskClient, service: SmallService
) -> None:
    on_two_maps(service)
    db.session.execute(db.delete(PlaceUnit))
    db.session.commit()
    assert set(group_rows(page_of(reporter, "", "by=old_commune"))) == {"Unknown"}


@pytest.mark.parametrize("grouping", [key for key, _label in GROUPINGS])
def test_each_row_of_a_table_leads_to_its_visits(
    reporter: FlaskClient, service: SmallService, grouping: str
) -> None:
    on_two_maps(service)
    serve_both(service)
    rows = group_rows(page_of(reporter, "", f"by={grouping}"))
    assert rows
    for name, (href, served) in rows.items():
        assert found_in(reporter, f"{href}&behind=served") == served, name


def test_each_leading_figure_links_to_what_it_counts(
    reporter: FlaskClient, service: SmallService
) -> None:
    serve_both(service)
    page = page_of(reporter, "")
    wanted = {"planned": 2 * WEEKS + 2, "cancelled": 1, "served": 11, "cards": 8}
    for measure in HEADLINES:
        link = re.search(rf'<a href="([^"]+behind={measure.key})">', page)
        assert link is not None, measure.key
        if measure.key in wanted:
            assert found_in(reporter, unescape(link[1])) == wanted[measure.key], measure.key


def test_the_list_of_visits_adds_up_to_the_figure_it_is_behind(reporter: FlaskClient) -> None:
    page = page_of(reporter, "visits", "behind=attendance")
    total_line = page[page.index("<tfoot>") :]
    assert f"<strong>{expected(FIRST, today())['attendance']}</strong>" in total_line


def test_a_place_filter_is_named_shown_kept_and_in_every_file(
    reporter: FlaskClient, service: SmallService
) -> None:
    place = service.stops[0].place
    page = page_of(reporter, "", f"place={place.id}")
    assert f"Place: {place.name}" in page
    assert f'<option value="{place.id}" selected>{place.name}</option>' in page
    assert f"Place: {place.name}" in page_of(reporter, "visits", f"place={place.id}")
    for ending in ("csv", "xlsx"):
        where = f"/statistics/export.{ending}?{question(f'place={place.id}')}"
        name = reporter.get(where).headers["Content-Disposition"]
        assert f"truong-thcs-thoi-binh.{ending}" in name
    first_sheet = workbook(reporter, f"place={place.id}")["Figures"]
    assert ("Place", place.name) in [row[:2] for row in first_sheet.iter_rows(values_only=True)]


def test_a_filter_by_what_is_not_the_librarys_names_nothing(
    reporter: FlaskClient, service: SmallService
) -> None:
    service.user.username = "nguoi-khac"
    db.session.flush()
    other = small_service(add_organisation("Thư viện khác"), FIRST, weeks=2)
    place = other.stops[0].place
    place.name = "Nơi khác"
    page = page_of(reporter, "", f"place={place.id}")
    assert "Place: Unknown" in page
    assert "Nơi khác" not in page


def test_groups_are_sorted_as_vietnamese_sorts_counted_and_searched(
    reporter: FlaskClient, service: SmallService
) -> None:
    service.stops[0].place.name, service.stops[1].place.name = "Đông Hiệp", "Ea"
    db.session.commit()
    page = page_of(reporter, "", "sort=name")
    assert "2 found" in page
    assert list(group_rows(page)) == ["Đông Hiệp", "Ea"]
    turned = group_rows(page_of(reporter, "", "sort=-name"))
    assert list(turned) == ["Ea", "Đông Hiệp"]
    assert set(group_rows(page_of(reporter, "", "q=dong+hiep"))) == {"Đông Hiệp"}


def test_a_running_period_is_compared_with_as_many_days_of_the_one_before(
    reporter: FlaskClient,
) -> None:
    year = period_of(PeriodKind.YEAR, today())
    days = (today() - year.first).days + 1
    page = reporter.get("/statistics/?period=year").get_data(as_text=True)
    assert f"its first {days} days are compared" in page or days == 1
    book = openpyxl.load_workbook(
        io.BytesIO(reporter.get("/statistics/export.xlsx?period=year").data)
    )
    header = next(row for row in book["Figures"].iter_rows(values_only=True) if row[0] == "Figure")
    assert f"Period before, first {days} days" in header


def test_the_first_sheet_tells_its_days_as_dates(reporter: FlaskClient) -> None:
    sheet = workbook(reporter)["Figures"]
    values = {row[0].value: row[1] for row in sheet.iter_rows(max_row=6, max_col=2)}
    assert values["From"].is_date
    assert values["From"].value.date() == FIRST
    assert values["Made at"].is_date
    by_time = workbook(reporter, "by=time").worksheets[1]
    assert by_time["A2"].is_date


def test_the_map_draws_the_communes_of_its_places(
    reporter: FlaskClient, service: SmallService
) -> None:
    on_two_maps(service)
    script = page_of(reporter, "map.js", "measure=km_driven")
    assert "Ph\\u01b0\\u1eddng Ninh Ki\\u1ec1u" in script or "Phường Ninh Kiều" in script
