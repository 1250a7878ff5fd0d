"""The yearly review of stops agrees with the figures and says why it suggests what."""

from __future__ import annotations

import io
from datetime import timedelta

import openpyxl
import pytest
from flask import Flask

from bus_ops.accounts.models import Organisation, Role
from bus_ops.database import db
from bus_ops.i18n import today
from bus_ops.statistics.stop_reviews import reviewed_stops
from bus_ops.timetable.models import Attendance, Audience, VisitRecord, VisitStatus
from schedules.stop_worth import Advice
from tests.conftest import SignIn
from tests.small_service import SmallService, small_service

FIRST = today().replace(month=1, day=5)


@pytest.fixture
def service(app_on_each: Flask, organisation: Organisation) -> SmallService:
    """Two schools near each other; many come to the first, nobody to the second."""
    made = small_service(organisation, FIRST)
    for stop, people in ((0, 60), (1, 1)):
        for visit in made.visits(stop):
            visit.status = VisitStatus.SERVED
            owner = {"organisation_id": organisation.id, "visit_id": visit.id}
            times = {"arrived_at": visit.arrival_at, "departed_at": visit.departure_at}
            db.session.add(VisitRecord(**owner, **times, served=True))
            db.session.add(Attendance(**owner, audience=Audience.PRIMARY, people=people))
    db.session.commit()
    return made


def test_each_places_year_is_measured_per_open_hour(service: SmallService) -> None:
    reviewed = {one.place_id: one for one in reviewed_stops(service.organisation.id, FIRST.year)}
    good, poor = (reviewed[stop.place_id] for stop in service.stops)
    visits = len(service.visits())
    assert good.year.served == visits
    assert good.year.open_minutes == 90 * visits
    assert good.year.people_per_hour == pytest.approx(40)
    assert good.advice == Advice.KEEP
    # It is its first year: doubted, and given time.
    assert poor.advice == Advice.TRIAL
    assert poor.year.people_per_visit == 1
    assert poor.why
    assert reviewed_stops(service.organisation.id, FIRST.year - 1) == []


def test_after_the_trial_year_it_is_merged_with_what_is_near(
    service: SmallService, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = today() + timedelta(days=500)
    monkeypatch.setattr("bus_ops.statistics.stop_reviews.today", lambda: later)
    reviewed = {one.place_id: one for one in reviewed_stops(service.organisation.id, FIRST.year)}
    poor = reviewed[service.stops[1].place_id]
    assert poor.year.nearest_m is not None
    assert 1_300 < poor.year.nearest_m < 1_700
    assert poor.advice in {Advice.MERGE, Advice.STOP}


def test_the_page_and_the_spreadsheet_tell_the_same(service: SmallService, sign_in: SignIn) -> None:
    client = sign_in(Role.REPORTER)
    page = client.get(f"/statistics/stops/?year={FIRST.year}").text
    assert all(stop.place.name in page for stop in service.stops)
    assert "In its trial year" in page
    file = client.get(f"/statistics/stops/export.xlsx?year={FIRST.year}").data
    sheet = openpyxl.load_workbook(io.BytesIO(file)).worksheets[0]
    rows = {row[0]: row for row in sheet.iter_rows(min_row=4, values_only=True)}
    good = rows[service.stops[0].place.name]
    assert (good[2], good[6]) == (len(service.visits()), 40)
    assert sign_in(Role.CREW).get("/statistics/stops/").status_code == 403
