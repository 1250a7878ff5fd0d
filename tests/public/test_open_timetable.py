"""What anybody may see of the timetable, and what nobody may."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import geojson
import pygtfs
import pytest
import recurring_ical_events
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from icalendar import Calendar
from openapi_spec_validator import validate

from bus_ops.accounts.models import Organisation
from bus_ops.database import db
from bus_ops.i18n import format_day, minutes_of_day, today
from bus_ops.public.open_timetable import open_stops
from bus_ops.timetable import changes
from bus_ops.timetable.importing import apply_import, plan_import
from bus_ops.timetable.models import StopKind, TermStatus
from schedules.exchange.mobile_library_csv import StopRow, parse_mobile_library_csv
from tests.conftest import add_organisation
from tests.nine_services import NINE_SERVICES
from tests.small_service import SmallService, small_service

DAY = timedelta(days=1)
PATHS = (
    "/public/vi/",
    "/public/en/",
    "/public/vi/map.js",
    "/public/vi/stops.geojson",
    "/public/vi/timetable.csv",
    "/public/vi/api/stops",
    "/public/vi/api/visits",
)


@pytest.fixture
def service(app_on_each: Flask, organisation: Organisation) -> SmallService:
    """Two stops from today on; the first is open to anyone, the second is a school's own."""
    made = small_service(organisation, today())
    made.stops[0].kind = StopKind.PUBLIC
    db.session.commit()
    return made


@pytest.fixture
def visitor(app_on_each: Flask, service: SmallService) -> FlaskClient:
    """Somebody who is not signed in."""
    return app_on_each.test_client()


def listed(service: SmallService, day: date) -> list[int]:
    return [stop.id for stop in open_stops(service.organisation.id, day)]


@pytest.mark.parametrize("kind", list(StopKind))
def test_only_stops_open_to_anyone_are_shown(
    service: SmallService, visitor: FlaskClient, kind: StopKind
) -> None:
    stop = service.stops[0]
    stop.kind = kind
    db.session.commit()
    shown = kind in {StopKind.PUBLIC, StopKind.FLEXIBLE}
    assert listed(service, today()) == ([stop.id] if shown else [])
    assert visitor.get(f"/public/vi/stops/{stop.id}").status_code == (200 if shown else 404)


@pytest.mark.parametrize(
    ("owner", "changed"),
    [
        ("stop", {"enabled": False}),
        ("stop", {"ends_on": today() - DAY}),
        ("place", {"enabled": False}),
        ("term", {"status": TermStatus.DRAFT}),
        ("term", {"ends_on": today() - DAY}),
    ],
)
def test_what_is_over_or_not_published_is_not_listed(
    service: SmallService, owner: str, changed: dict[str, Any]
) -> None:
    stop = service.stops[0]
    assert listed(service, today()) == [stop.id]
    row = stop if owner == "stop" else getattr(stop, owner)
    for name, value in changed.items():
        setattr(row, name, value)
    assert listed(service, today()) == []


def test_another_librarys_stops_are_not_listed(service: SmallService) -> None:
    assert open_stops(add_organisation("Thư viện khác").id, today()) == []


def test_a_schools_own_visits_and_the_people_stand_nowhere(
    service: SmallService, visitor: FlaskClient
) -> None:
    own, open_place = service.stops[1].place.name, service.stops[0].place.name
    stop_id = service.stops[0].id
    seen = ""
    for path in (*PATHS, f"/public/vi/stops/{stop_id}", f"/public/vi/stops/{stop_id}/calendar.ics"):
        answer = visitor.get(path)
        assert answer.status_code == 200, path
        seen += answer.get_data(as_text=True)
    assert open_place in seen
    assert own not in seen
    for private in ("Cô Hạnh", "0292 3000 000", "Cổng sau", "Lê Thị Thủ Thư"):
        assert private not in seen


def test_pages_tell_next_dates_in_the_language_of_their_address(
    service: SmallService, visitor: FlaskClient
) -> None:
    first = service.visits()[0]
    page = visitor.get("/public/vi/").text
    assert "Hôm nay</h2>" in page or "Hôm nay, " in page
    assert first.place.name in page
    english = visitor.get(f"/public/en/stops/{first.stop_id}").text
    assert "The van comes" in english
    assert format_day(first.day) in english
    assert visitor.get("/public/").headers["Location"] == "/public/vi/"
    assert visitor.get("/public/de/").status_code == 404


def test_stops_are_found_by_name_without_diacritics_and_by_commune(
    service: SmallService, visitor: FlaskClient
) -> None:
    name = service.stops[0].place.name
    assert name in visitor.get("/public/vi/?q=thoi+binh").text
    assert name not in visitor.get("/public/vi/?q=hai+phong").text
    assert name not in visitor.get("/public/vi/?commune=999").text


def test_answers_are_kept_for_all_and_known_ones_are_not_sent_again(
    app_on_each: Flask, service: SmallService, visitor: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app_on_each.config, "PUBLIC_CACHE_SECONDS", 60)
    first = visitor.get("/public/vi/?q=kept")
    assert first.headers["Cache-Control"] == "public, max-age=60"
    assert "Set-Cookie" not in first.headers
    known = visitor.get("/public/vi/?q=kept", headers={"If-None-Match": first.headers["ETag"]})
    assert (known.status_code, known.data) == (304, b"")
    service.stops[0].kind = StopKind.CLOSED
    db.session.commit()
    assert visitor.get("/public/vi/?q=kept").data == first.data
    monkeypatch.setitem(app_on_each.config, "PUBLIC_CACHE_SECONDS", 0)
    assert visitor.get("/public/vi/?q=kept").data == visitor.get("/public/vi/?q=kept").data


def calendar_at(visitor: FlaskClient, path: str) -> Calendar:
    answer = visitor.get(path)
    assert answer.mimetype == "text/calendar"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    return Calendar.from_ical(answer.data)


def test_a_calendar_holds_every_visit_at_its_time(
    service: SmallService, visitor: FlaskClient
) -> None:
    path = f"/public/vi/stops/{service.stops[0].id}/calendar.ics"
    calendar = calendar_at(visitor, path)
    read = recurring_ical_events.of(calendar).between(today() - DAY, today() + 300 * DAY)
    visits = service.visits()
    assert [event["DTSTART"].dt for event in read] == [visit.arrival_at for visit in visits]
    assert [event["DTEND"].dt for event in read] == [visit.departure_at for visit in visits]
    assert {event["STATUS"] for event in read} == {"CONFIRMED"}
    of_van = calendar_at(visitor, f"/public/vi/vans/{service.van.id}/calendar.ics")
    assert len(of_van.events) == len(calendar.events) == len(visits)


def test_subscribers_see_moves_and_cancellations_of_the_same_event(
    service: SmallService, visitor: FlaskClient
) -> None:
    path = f"/public/vi/stops/{service.stops[0].id}/calendar.ics"
    before = {event["UID"]: event for event in calendar_at(visitor, path).events}
    service.van.weekdays = []
    moved, cancelled = service.visits()[1:3]
    changes.move_visit(moved, moved.day + DAY, service.van, "Thi", service.user)
    changes.cancel_visit(cancelled, "Bão", service.user)
    db.session.commit()
    after = {event["UID"]: event for event in calendar_at(visitor, path).events}
    assert before.keys() == after.keys()
    grown = {uid for uid in after if after[uid]["SEQUENCE"] > before[uid]["SEQUENCE"]}
    assert len(grown) == 2
    assert {str(after[uid]["STATUS"]) for uid in grown} == {"CONFIRMED", "CANCELLED"}
    starts = [event["DTSTART"].dt for event in after.values()]
    assert moved.arrival_at in starts


def test_geojson_holds_points_longitude_first(service: SmallService, visitor: FlaskClient) -> None:
    answer = visitor.get("/public/vi/stops.geojson")
    assert answer.mimetype == "application/geo+json"
    collection = json.loads(answer.data)
    assert collection["type"] == "FeatureCollection"
    assert geojson.loads(visitor.get("/public/vi/stops.geojson").text).is_valid
    (feature,) = collection["features"]
    place = service.stops[0].place
    assert feature["geometry"] == {"type": "Point", "coordinates": [place.lon, place.lat]}
    assert feature["properties"]["name"] == place.name
    assert feature["properties"]["next_visit"]["stop"] == feature["id"] == service.stops[0].id


def test_the_csv_is_read_again_as_the_same_stops_times_and_rules(
    service: SmallService, visitor: FlaskClient
) -> None:
    data = visitor.get("/public/vi/timetable.csv").data
    parsed = parse_mobile_library_csv(data, "open.csv")
    assert parsed.problems == ()
    (row,) = parsed.rows
    stop = service.stops[0]
    assert (row.stop, row.recurrence.rule, row.recurrence.start) == (
        stop.place.name,
        stop.rule,
        stop.starts_on,
    )


def test_a_planned_stops_csv_has_its_dates(service: SmallService, visitor: FlaskClient) -> None:
    stop = service.stops[0]
    days = [visit.day for visit in service.visits()]
    stop.planned = {
        "first": days[0].isoformat(),
        "last": days[-1].isoformat(),
        "days": [day.isoformat() for day in days],
    }
    db.session.commit()
    parsed = parse_mobile_library_csv(visitor.get("/public/vi/timetable.csv").data, "open.csv")
    dates = [row.recurrence.dates(days[0], days[-1]) for row in parsed.rows]
    assert sorted(day for of_row in dates for day in of_row) == days


def test_gtfs_is_read_by_a_route_planners_program(
    service: SmallService, visitor: FlaskClient, tmp_path: Path
) -> None:
    # A trip needs two stops that anybody may come to.
    assert visitor.get("/public/vi/gtfs.zip").status_code == 404
    service.stops[1].kind = StopKind.PUBLIC
    changes.cancel_visit(service.visits()[1], "Bão", service.user)
    db.session.commit()
    archive = tmp_path / "feed.zip"
    archive.write_bytes(visitor.get("/public/vi/gtfs.zip").data)
    feed = pygtfs.Schedule(":memory:")
    pygtfs.append_feed(feed, str(archive))
    (library,) = feed.agencies
    assert library.agency_timezone == "Asia/Ho_Chi_Minh"
    assert {stop.stop_name for stop in feed.stops} == {s.place.name for s in service.stops}
    days = [visit.day for number, visit in enumerate(service.visits()) if number != 1]
    assert sorted(exception.date for exception in feed.service_exceptions) == days
    # Weeks that are alike are one trip.
    assert len(feed.trips) == 1
    first, second = sorted(feed.stop_times, key=lambda call: call.stop_sequence)
    early = min(service.visits()[0], service.visits(1)[0], key=lambda visit: visit.arrival_at)
    assert first.arrival_time == timedelta(minutes=minutes_of_day(early.arrival_at))
    assert first.departure_time <= second.arrival_time


@pytest.mark.parametrize("name", NINE_SERVICES)
def test_what_was_imported_is_exported_with_the_same_stops_times_and_rules(
    app: Flask, organisation: Organisation, shared_data: Path, name: str
) -> None:
    data = (shared_data / "mobile-libraries" / f"{name}.csv").read_bytes()
    plan = plan_import([(f"{name}.csv", data)], organisation)
    apply_import(plan, organisation, today(), 35)
    db.session.commit()
    exported = parse_mobile_library_csv(
        app.test_client().get("/public/en/timetable.csv").data, "open.csv"
    )
    assert exported.problems == ()
    before = Counter(promised(row) for row in parse_mobile_library_csv(data, name).rows)
    after = Counter(promised(row) for row in exported.rows)
    assert before - after == Counter()
    assert after - before == Counter()


def promised(row: StopRow) -> tuple[object, ...]:
    """What people count on: where, when, how often, from when."""
    rule = row.recurrence
    return (
        row.mobile,
        row.route,
        row.stop,
        None if row.lat is None else round(row.lat, 5),
        None if row.lon is None else round(row.lon, 5),
        row.arrival,
        row.departure,
        rule.rule,
        rule.start,
        rule.end,
        rule.exceptions,
    )


def test_the_api_keeps_to_its_description_whatever_it_is_asked(
    service: SmallService, visitor: FlaskClient
) -> None:
    app = visitor.application
    described = schemathesis.openapi.from_wsgi("/public/en/api/openapi.json", app)
    asked = 0

    for test in described.get_all_operations():
        operation = test.ok()

        @settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)
        @given(operation.as_strategy())
        def ask(case: schemathesis.Case) -> None:
            nonlocal asked
            case.call_and_validate()
            asked += 1

        ask()
    assert asked > 60


def test_the_api_is_what_its_description_says(service: SmallService, visitor: FlaskClient) -> None:
    document = visitor.get("/public/en/api/openapi.json").get_json()
    validate(document)
    stops = visitor.get("/public/en/api/stops").get_json()
    assert stops["count"] == len(stops["stops"]) == 1
    asked = f"/public/en/api/visits?stop={service.stops[0].id}&last=2035-01-01"
    visits = visitor.get(asked).get_json()
    assert visits["count"] == len(service.visits())
    listed_fields = document["components"]["schemas"]["Visit"]["required"]
    assert all(set(visit) == set(listed_fields) for visit in visits["visits"])
    refused = visitor.get("/public/en/api/visits?first=31/02/2026")
    assert refused.status_code == 400
    assert refused.get_json()["error"].startswith("first: ")
    assert visitor.get("/public/en/api/visits?stop=x").status_code == 400


def test_a_poster_names_the_dates_and_leads_to_the_page(
    service: SmallService, visitor: FlaskClient
) -> None:
    stop = service.stops[0]
    page = visitor.get(f"/public/vi/stops/{stop.id}/poster").text
    assert stop.place.name in page
    assert format_day(service.visits()[0].day) in page
    code = visitor.get(f"/public/vi/stops/{stop.id}/code.svg")
    assert code.mimetype == "image/svg+xml"
    assert re.search(r"<svg[^>]*>", code.text)


def test_a_new_installation_has_no_timetable_yet(app: Flask) -> None:
    assert app.test_client().get("/public/vi/").status_code == 404
