"""Targets, what is reached of them, what is entered by hand, and where the year will end."""

from __future__ import annotations

import io
from datetime import date, timedelta

import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_babel import force_locale
from sqlalchemy import select

from bus_ops.accounts.models import Organisation, Role
from bus_ops.database import db
from bus_ops.demo.plans import EXAMPLE_TARGETS
from bus_ops.events.models import Donation, Donor, DonorKind, GiftKind
from bus_ops.fleet.models import Van
from bus_ops.i18n import today
from bus_ops.indicators.catalogue import BY_HAND, INDICATOR_OF, INDICATORS, Indicator
from bus_ops.indicators.models import IndicatorEntry, Target
from bus_ops.indicators.progress import progress_in, values_in
from bus_ops.tablet.log import record
from bus_ops.tablet.models import EventKind
from schedules.periods import PeriodKind, ReportingPeriod, custom_period, period_of
from tests.conftest import SignIn
from tests.small_service import SmallService, small_service

THIS_YEAR = period_of(PeriodKind.YEAR, today())


@pytest.fixture
def service(app: Flask, organisation: Organisation) -> SmallService:
    made = small_service(organisation, today() - timedelta(weeks=3), weeks=5)
    for number, visit in enumerate(made.visits()[:3]):
        people = {"audience": "primary", "people": 100 + number}
        record(EventKind.ATTENDANCE, made.user, visit=visit, payload=people)
    return made


@pytest.fixture
def reporter(service: SmallService, sign_in: SignIn) -> FlaskClient:
    return sign_in(Role.REPORTER)


def value_in(organisation_id: int, indicator: Indicator, period: ReportingPeriod) -> int:
    return values_in(organisation_id, period, [indicator])[indicator.key]


def enter(service: SmallService, indicator: str, on: date, value: int) -> None:
    owner = {"organisation_id": service.organisation.id}
    db.session.add(IndicatorEntry(**owner, indicator=indicator, on=on, value=value))
    db.session.commit()


def aim(service: SmallService, indicator: str, first: int, last: int, value: int) -> None:
    owner = {"organisation_id": service.organisation.id}
    db.session.add(
        Target(**owner, indicator=indicator, first_year=first, last_year=last, value=value)
    )
    db.session.commit()


def test_a_figure_of_the_log_is_measured_against_its_target(service: SmallService) -> None:
    year = service.visits()[0].day.year
    aim(service, "attendance", year, year, 606)
    (line,) = [
        one
        for one in progress_in(service.organisation.id, year, today())
        if one.indicator.key == "attendance"
    ]
    reached = value_in(service.organisation.id, line.indicator, line.period)
    assert line.value == reached > 0
    assert line.share == pytest.approx(reached / 606)


def test_a_target_of_two_years_takes_the_figures_of_both(service: SmallService) -> None:
    aim(service, "pages_digitised", 2019, 2020, 100_000)
    enter(service, "pages_digitised", date(2019, 12, 31), 46_500)
    enter(service, "pages_digitised", date(2020, 12, 31), 48_200)
    enter(service, "pages_digitised", date(2021, 1, 31), 9_999)
    for year in (2019, 2020):
        lines = progress_in(service.organisation.id, year, date(2021, 6, 1))
        (line,) = [one for one in lines if one.indicator.key == "pages_digitised"]
        assert line.value == 94_700
        assert line.passed == 1


def test_a_state_is_what_was_entered_last_and_not_a_sum(service: SmallService) -> None:
    indicator = INDICATOR_OF["districts_with_internet"]
    enter(service, indicator.key, date(2019, 9, 1), 2)
    enter(service, indicator.key, date(2020, 3, 1), 4)
    for year, value in ((2018, 0), (2019, 2), (2020, 4), (2026, 4)):
        period = period_of(PeriodKind.YEAR, date(year, 1, 1))
        assert value_in(service.organisation.id, indicator, period) == value


def test_vehicles_are_counted_and_not_stops(service: SmallService) -> None:
    whole = custom_period(today() - timedelta(weeks=4), today())
    library = service.organisation.id
    assert value_in(library, INDICATOR_OF["vehicles"], whole) == 1
    assert value_in(library, INDICATOR_OF["places"], whole) == 1
    db.session.add(Van(organisation_id=library, name="Xe không chạy"))
    db.session.commit()
    assert value_in(library, INDICATOR_OF["vehicles"], whole) == 1


def test_only_books_are_books_donated(service: SmallService) -> None:
    owner = {"organisation_id": service.organisation.id}
    donor = Donor(**owner, name="Quỹ", kind=DonorKind.FUND)
    for kind, quantity in ((GiftKind.BOOKS, 300), (GiftKind.EQUIPMENT, 5), (GiftKind.MONEY, 1)):
        db.session.add(
            Donation(
                **owner,
                donor=donor,
                kind=kind,
                quantity=quantity,
                received_on=today(),
                description="x",
            )
        )
    db.session.commit()
    assert value_in(service.organisation.id, INDICATOR_OF["books_donated"], THIS_YEAR) == 300


def test_a_forecast_needs_months_and_gives_a_range(service: SmallService) -> None:
    day = date(2026, 9, 10)
    for month in range(1, 9):
        enter(service, "books_added", date(2026, month, 28), 2000 + 10 * month)
    lines = progress_in(service.organisation.id, 2026, day)
    by_key = {line.indicator.key: line for line in lines}
    forecast = by_key["books_added"].forecast
    assert forecast is not None
    done = by_key["books_added"].value
    assert done < forecast.low < forecast.expected < forecast.high
    assert forecast.expected == pytest.approx(done + 2045 * 112 / (365 / 12), rel=0.01)
    assert by_key["pages_digitised"].forecast is None
    assert by_key["districts_with_internet"].forecast is None
    assert all(line.forecast is None for line in progress_in(service.organisation.id, 2025, day))


def test_what_cannot_reach_its_target_any_more_is_told(
    service: SmallService, reporter: FlaskClient
) -> None:
    aim(service, "books_added", today().year, today().year, 10**9)
    first = today().replace(day=1)
    for back in range(1, 7):
        first = (first - timedelta(days=1)).replace(day=1)
        enter(service, "books_added", first, 2000 + back)
    (line,) = [
        one
        for one in progress_in(service.organisation.id, today().year, today())
        if one.indicator.key == "books_added"
    ]
    if line.passed < 1:
        assert line.will_miss
        assert "below the target" in reporter.get("/indicators/").text


def test_figures_are_entered_and_targets_set_on_the_indicators_page(
    service: SmallService, reporter: FlaskClient
) -> None:
    address = "/indicators/books_added"
    day = today().strftime("%d/%m/%Y")
    entry = {"on": day, "value": "1250", "unit_id": "0", "note": "=1+1"}
    assert reporter.post(f"{address}/entries", data=entry).status_code == 302
    year = str(today().year)
    aimed = {"value": "29000", "unit_id": "0", "first_year": year, "last_year": year}
    assert reporter.post(f"{address}/targets", data=aimed).status_code == 302
    assert reporter.post(f"{address}/targets", data={**aimed, "value": "30000"}).status_code == 302
    assert [target.value for target in db.session.scalars(select(Target))] == [30_000]
    page = reporter.get(address).text
    assert "1,250" in page
    assert "30,000" in page
    (row,) = db.session.scalars(select(IndicatorEntry))
    reporter.post(f"/indicators/entries/{row.id}/remove")
    (target,) = db.session.scalars(select(Target))
    reporter.post(f"/indicators/targets/{target.id}/remove")
    db.session.expire_all()
    assert db.session.scalars(select(Target)).all() == []
    assert db.session.scalars(select(IndicatorEntry)).all() == []


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"on": (today() + timedelta(days=3)).strftime("%d/%m/%Y")}, "still to come"),
        ({"value": "many"}, "Not a valid integer value"),
        ({"on": ""}, "Choose a day"),
    ],
)
def test_a_wrong_entry_is_told_and_nothing_is_kept(
    service: SmallService, reporter: FlaskClient, fields: dict[str, str], sentence: str
) -> None:
    entry = {"on": today().strftime("%d/%m/%Y"), "value": "3", "unit_id": "0", **fields}
    answer = reporter.post("/indicators/books_added/entries", data=entry)
    assert answer.status_code == 400
    assert sentence in answer.text
    assert db.session.scalars(select(IndicatorEntry)).all() == []


def test_nothing_is_entered_by_hand_for_what_the_log_counts(reporter: FlaskClient) -> None:
    entry = {"on": today().strftime("%d/%m/%Y"), "value": "3", "unit_id": "0"}
    assert reporter.post("/indicators/attendance/entries", data=entry).status_code == 404
    assert reporter.get("/indicators/unheard_of").status_code == 404


def test_the_spreadsheet_holds_every_indicator_and_its_definition(reporter: FlaskClient) -> None:
    answer = reporter.get("/indicators/export.xlsx")
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    names = [row[0] for row in book["Definitions"].iter_rows(min_row=4, values_only=True)]
    with force_locale("en"):
        assert names == [str(indicator.name) for indicator in INDICATORS]
    definitions = reporter.get("/indicators/definitions").text
    assert all(f'id="{indicator.key}"' in definitions for indicator in INDICATORS)


def test_the_example_year_is_the_plans_own() -> None:
    wanted = {
        ("books_added", 2019): 29_000,
        ("books_added", 2020): 29_000,
        ("city_visits", 2019): 2_970_000,
        ("city_visits", 2020): 2_973_000,
        ("pages_digitised", 2019): 100_000,
        ("districts_with_internet", 2019): 4,
        ("city_ebook_accounts", 2019): 15_000,
    }
    assert {(key, first): value for key, first, _last, value in EXAMPLE_TARGETS} == wanted
    assert {key for key, *_more in EXAMPLE_TARGETS} <= {indicator.key for indicator in BY_HAND}
