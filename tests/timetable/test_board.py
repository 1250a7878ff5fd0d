"""The board: a drop is checked and told at once, taken back whole, and overwrites nobody."""

from __future__ import annotations

import re
import threading
from calendar import Calendar
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from bus_ops.accounts.models import Organisation, Role
from bus_ops.database import db
from bus_ops.i18n import today
from bus_ops.timetable import changes
from bus_ops.timetable.dropping import Cell, ChangedMeanwhileError, drop, runs_in, version_of
from bus_ops.timetable.models import TimetableChange, Visit, VisitRecord, VisitStatus
from tests.conftest import SignIn
from tests.small_service import SmallService, small_service

DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)


@pytest.fixture
def service(app_on_each: Flask, organisation: Organisation) -> SmallService:
    """Two schools served tomorrow and every week after."""
    return small_service(organisation, today() + DAY)


@pytest.fixture
def client(service: SmallService, sign_in: SignIn) -> FlaskClient:
    return sign_in(Role.COORDINATOR)


def cell_at(service: SmallService, day: Any) -> Cell:
    return Cell(day, service.van.id)


def seen(service: SmallService, *days: Any) -> dict[str, str]:
    cells = [cell_at(service, day) for day in days]
    runs = runs_in(cells, service.organisation.id)
    return {cell.key: version_of(runs.get(cell, [])) for cell in cells}


def asked(service: SmallService, visit: Visit, day: Any, **more: Any) -> dict[str, Any]:
    return {
        "visit": visit.id,
        "cell": cell_at(service, day).key,
        "before": None,
        "seen": seen(service, visit.day, day),
        **more,
    }


def posted(client: FlaskClient, where: str, body: dict[str, Any]) -> TestResponse:
    answer = client.post(f"/timetable/board/{where}", json=body)
    db.session.expire_all()
    return answer


def as_it_is(service: SmallService) -> list[Any]:
    query = db.select(Visit).order_by(Visit.id)
    return [
        (v.id, v.day, v.run.van_id, v.position, v.arrival_at, v.departure_at, v.plan_status)
        for v in db.session.scalars(query)
    ]


def days_of_weeks_touched(day: date) -> int:
    """How many days the weeks have that the day's month touches."""
    return 7 * len(Calendar().monthdayscalendar(day.year, day.month))


def test_the_board_shows_each_vans_days_with_their_visits(
    service: SmallService, client: FlaskClient
) -> None:
    for visit in service.visits():
        for weeks, days in ((1, 7), (5, days_of_weeks_touched(visit.day))):
            page = client.get(f"/timetable/board/?day={visit.day}&weeks={weeks}").text
            assert f'data-visit="{visit.id}"' in page
            assert len(re.findall(r'data-cell="', page)) == days
    past = client.get(f"/timetable/board/?day={today() - 2 * WEEK}").text
    assert past.count("data-closed") == 7


def test_a_drop_moves_the_visit_and_answers_times_kilometres_and_what_breaks(
    service: SmallService, client: FlaskClient
) -> None:
    visit, neighbour = service.visits()[1], service.visits(1)[1]
    kept = (neighbour.arrival_at, neighbour.departure_at)
    to = visit.day + DAY
    said = posted(client, "drop", asked(service, visit, to)).json
    assert (visit.day, visit.run.van_id) == (to, service.van.id)
    assert (neighbour.arrival_at, neighbour.departure_at) == kept
    assert set(said["cells"]) == {cell_at(service, d).key for d in (neighbour.day, to)}
    assert any("km" in line for line in said["told"])
    assert f'data-visit="{visit.id}"' in said["cells"][cell_at(service, to).key]
    (change,) = db.session.scalars(db.select(TimetableChange))
    assert change.before["day"] == neighbour.day.isoformat()
    # A crew of three rides with the old run only.
    assert said["broken"]


def test_a_drop_before_another_visit_takes_that_place(
    service: SmallService, client: FlaskClient
) -> None:
    first, second = (service.visits(stop)[1] for stop in (0, 1))
    early, late = sorted((first, second), key=lambda visit: visit.position)
    body = asked(service, late, late.day, before=early.id)
    assert posted(client, "drop", body).status_code == 200
    assert late.position < early.position
    assert late.departure_at <= early.arrival_at


def test_taking_back_gives_every_time_status_and_crew_again(
    service: SmallService, client: FlaskClient
) -> None:
    visit = service.visits()[1]
    # The day's other visit is gone: moving this one empties the run.
    changes.move_visit(service.visits(1)[1], visit.day + 2 * DAY, service.van, "x", service.user)
    changes.confirm_visit(visit, service.user)
    db.session.commit()
    before, crew = as_it_is(service), {member.id for member in visit.run.crew}
    first = posted(client, "drop", asked(service, visit, visit.day + DAY)).json
    second = posted(client, "drop", asked(service, visit, visit.day + 3 * DAY)).json
    assert as_it_is(service) != before
    for said in (second, first):
        assert posted(client, "undo", {"undo": said["undo"]}).status_code == 200
    assert as_it_is(service) == before
    assert {member.id for member in visit.run.crew} == crew
    assert visit.plan_status == VisitStatus.CONFIRMED


def test_who_drops_on_a_day_that_changed_meanwhile_is_told_and_may_go_on(
    service: SmallService, client: FlaskClient
) -> None:
    visit, other = service.visits()[1], service.visits(1)[1]
    stale = asked(service, visit, visit.day + DAY)
    changes.cancel_visit(other, "Bão", service.user)
    db.session.commit()
    was = as_it_is(service)
    answer = posted(client, "drop", stale)
    assert answer.status_code == 409
    assert service.user.full_name in answer.json["meanwhile"]
    assert as_it_is(service) == was
    fresh = asked(service, visit, visit.day + DAY)
    # The answer shows the day as it is: its mark is the one to go on with.
    version = re.search(
        r'data-version="(\w+)"', answer.json["cells"][cell_at(service, visit.day).key]
    )
    assert version is not None
    assert fresh["seen"][cell_at(service, visit.day).key] == version[1]
    assert posted(client, "drop", fresh).status_code == 200


def test_a_drop_is_not_taken_back_over_what_others_did_since(
    service: SmallService, client: FlaskClient
) -> None:
    visit = service.visits()[1]
    said = posted(client, "drop", asked(service, visit, visit.day + DAY)).json
    changes.cancel_visit(visit, "Bão", service.user)
    db.session.commit()
    was = as_it_is(service)
    assert posted(client, "undo", {"undo": said["undo"]}).status_code == 409
    assert as_it_is(service) == was


def test_of_two_coordinators_who_drop_at_once_one_is_told_and_nothing_is_lost(
    app_on_each: Flask, service: SmallService
) -> None:
    visits = [service.visits(stop)[1].id for stop in (0, 1)]
    day = service.visits()[1].day
    target, marks = cell_at(service, day + DAY), seen(service, day, day + DAY)
    user_id, library = service.user.id, service.organisation.id
    db.session.commit()
    outcomes: list[str] = []
    begin = threading.Barrier(2)

    def work(visit_id: int) -> None:
        with app_on_each.app_context():
            visit = db.session.get_one(Visit, visit_id)
            user = db.session.get_one(type(service.user), user_id)
            db.session.commit()
            begin.wait()
            try:
                drop(visit, target, None, marks, "", user)
                db.session.commit()
                outcomes.append("moved")
            except ChangedMeanwhileError:
                db.session.rollback()
                outcomes.append("told")

    threads = [threading.Thread(target=work, args=(visit_id,)) for visit_id in visits]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.expire_all()
    assert sorted(outcomes) == ["moved", "told"]
    query = db.select(Visit.day).where(Visit.id.in_(visits), Visit.organisation_id == library)
    assert sorted(db.session.scalars(query)) == [day, day + DAY]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"visit": "1", "cell": "x", "seen": {}},
        {"visit": 2**40, "cell": "2026-11-30.1", "seen": {}},
        {"visit": True, "cell": "2026-11-30.1", "seen": {}},
        [],
    ],
)
def test_what_no_board_sends_is_turned_away(client: FlaskClient, body: Any) -> None:
    assert client.post("/timetable/board/drop", json=body).status_code == 400


def test_a_forged_way_back_is_refused_in_words(client: FlaskClient) -> None:
    answer = client.post("/timetable/board/undo", json={"undo": "x.y.z"})
    assert (answer.status_code, "drag the visit back" in answer.json["error"]) == (422, True)


def test_a_logged_or_cancelled_visit_stays_and_no_day_that_is_over_is_filled(
    service: SmallService, client: FlaskClient
) -> None:
    visit, other = service.visits()[1], service.visits(1)[1]
    was = as_it_is(service)
    assert posted(client, "drop", asked(service, visit, today() - DAY)).status_code == 422
    assert as_it_is(service) == was
    db.session.add(VisitRecord(organisation_id=service.organisation.id, visit_id=visit.id))
    db.session.commit()
    within = asked(service, visit, visit.day, before=other.id)
    answer = posted(client, "drop", within)
    assert (answer.status_code, "logged this visit" in answer.json["error"]) == (422, True)
    changes.cancel_visit(other, "Bão", service.user)
    db.session.commit()
    assert posted(client, "drop", asked(service, other, other.day + DAY)).status_code == 422
