"""Planning on screen: started once at a time, told how far it is, adjusted, published."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from bus_ops.accounts.models import Organisation, Role
from bus_ops.database import db, now
from bus_ops.i18n import format_day, today
from bus_ops.planning import starting, working
from bus_ops.planning.ground import Ground
from bus_ops.planning.models import Planning, PlanningState
from bus_ops.planning.proposal import Proposal
from bus_ops.timetable.models import Visit
from tests.conftest import SignIn
from tests.planning.plans import finished_planning, proposal_with
from tests.small_service import SmallService, small_service

DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)


@pytest.fixture
def service(organisation: Organisation) -> SmallService:
    return small_service(organisation, today() - WEEK)


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Plannings whose process would begin; none does."""
    ids: list[int] = []
    monkeypatch.setattr(starting, "launch", lambda work_of: ids.append(work_of.id))
    yield ids


@pytest.fixture
def client(sign_in: SignIn) -> FlaskClient:
    return sign_in(Role.COORDINATOR)


def start(client: FlaskClient, service: SmallService, **more: object) -> str:
    """Ask for a plan of the term; answers where that leads."""
    last = service.term.ends_on or today()
    fields = {
        "seconds": 30,
        "first_on": format_day(today() + DAY),
        "last_on": format_day(last),
        "moved_visit_m": 0,
        **more,
    }
    answer = client.post(f"/planning/terms/{service.term.id}", data=fields)
    return answer.headers.get("Location", "") if answer.status_code == 302 else answer.text


def plannings() -> list[Planning]:
    return list(db.session.scalars(select(Planning).order_by(Planning.id)))


def ready_plan(service: SmallService) -> Planning:
    """The second school's visits a day later than in the present timetable."""
    coming = [visit.day for visit in service.visits() if visit.day > today()]
    ids = [stop.id for stop in service.stops]
    days: dict[date, list[int]] = {}
    for day in coming:
        days[day] = [ids[0]]
        days[day + DAY] = [ids[1]]
    last = max(days)
    service.term.ends_on = last
    db.session.commit()
    proposal = proposal_with(Ground(service.term), service.van.id, days)
    return finished_planning(service.term, today() + DAY, last, proposal)


def test_planning_is_two_taps_from_the_terms(client: FlaskClient, service: SmallService) -> None:
    text = client.get(f"/timetable/terms/{service.term.id}").text
    assert f'href="/planning/terms/{service.term.id}"' in text
    page = client.get(f"/planning/terms/{service.term.id}").text
    assert "2 stops to be planned" in page
    assert "every week" in page


def test_one_search_a_term_at_a_time(
    client: FlaskClient, service: SmallService, launched: list[int]
) -> None:
    where = start(client, service)
    (planning,) = plannings()
    assert where == f"/planning/{planning.id}"
    assert launched == [planning.id]
    assert start(client, service) == where
    assert launched == [planning.id]
    page = client.get(where, follow_redirects=True).text
    assert "This term is being planned already" in page
    assert len(plannings()) == 1


def test_two_who_start_at_the_same_moment_get_one_search(
    service: SmallService, launched: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database itself lets no second one in, whoever looked first."""
    last = today() + WEEK
    starting.start(service.term, today() + DAY, last, 30, None)
    monkeypatch.setattr(starting, "running_planning", lambda _term: None)
    with pytest.raises(starting.AlreadyPlanningError):
        starting.start(service.term, today() + DAY, last, 30, None)
    assert len(launched) == len(plannings()) == 1


def test_the_page_tells_how_far_the_search_is_and_survives_being_loaded_again(
    client: FlaskClient, service: SmallService, launched: list[int]
) -> None:
    where = start(client, service)
    assert 'hx-trigger="every 1s"' in client.get(where).text
    (planning,) = plannings()
    planning.progress = {
        "share": 0.4,
        "seconds": 12.2,
        "iterations": 1234,
        "metres": 87_600,
        "unplaced": 1,
    }
    db.session.commit()
    for path in (where, f"{where}/progress", where):
        text = client.get(path).text
        assert 'value="40"' in text
        assert "12 of 30 seconds" in text
        assert "87.6 km" in text


def test_a_search_is_stopped_with_its_best_or_cancelled_whole(
    client: FlaskClient, service: SmallService, launched: list[int]
) -> None:
    where = start(client, service)
    client.post(f"{where}/stop")
    (planning,) = plannings()
    assert planning.stop_asked
    assert planning.is_running
    client.post(f"{where}/cancel")
    (planning,) = plannings()
    assert planning.state == PlanningState.CANCELLED
    assert "Cancelled" in client.get(where).text
    assert client.get(f"{where}/progress").headers["HX-Refresh"] == "true"
    assert start(client, service) == f"/planning/{plannings()[1].id}"


def test_a_search_whose_process_is_gone_has_failed_and_says_so(
    client: FlaskClient, service: SmallService, launched: list[int]
) -> None:
    where = start(client, service)
    (planning,) = plannings()
    planning.seen_at = now() - working.SILENCE - timedelta(seconds=1)
    db.session.commit()
    text = client.get(where).text
    assert "The plan failed" in text
    assert "Start planning again" in text
    assert start(client, service) != where


def test_days_that_cannot_be_planned_are_refused_in_words(
    client: FlaskClient, service: SmallService, launched: list[int]
) -> None:
    assert "Choose a later day" in start(client, service, first_on=format_day(today()))
    after = (service.term.ends_on or today()) + DAY
    assert "The term ends before that day" in start(client, service, last_on=format_day(after))
    assert "The end lies before the start" in start(
        client, service, last_on=format_day(today() - DAY)
    )
    assert "Not a valid choice" in start(client, service, seconds=7)
    assert launched == []


def test_the_plan_stands_beside_the_present_timetable(
    client: FlaskClient, service: SmallService
) -> None:
    planning = ready_plan(service)
    page = client.get(f"/planning/{planning.id}").text
    planned = Proposal.from_json(planning.plan or {})
    present = Proposal.from_json(planning.present or {})
    more = (planned.distance_m - present.distance_m) / 1000
    assert f"+{more:.1f} km" in page
    assert "Visits moved" in page
    assert ">4<" in page
    assert "at present: 2" in page
    script = client.get(f"/planning/{planning.id}/map.js?day={planned.runs[0].day}")
    assert script.mimetype == "text/javascript"
    # The depot and the one stop of that day.
    assert script.text.count("L.marker(") == 2


def test_a_visit_is_locked_let_go_and_moved_with_what_it_breaks_said(
    client: FlaskClient, service: SmallService
) -> None:
    planning = ready_plan(service)
    stop = service.stops[1]
    day = Proposal.from_json(planning.plan or {}).days_by_stop()[stop.id][0]
    where = f"/planning/{planning.id}"
    visit = {"stop_id": stop.id, "day": format_day(day)}
    client.post(f"{where}/lock", data=visit)
    assert plannings()[0].locks == [{"stop": stop.id, "day": day.isoformat()}]
    assert "locked" in client.get(f"{where}/stops/{stop.id}").text
    client.post(f"{where}/lock", data=visit)
    assert plannings()[0].locks == []
    stop.plan_weekdays = [day.weekday()]
    to_day = day + DAY
    answer = client.post(
        f"{where}/move",
        data={**visit, "to_day": format_day(to_day), "van_id": service.van.id},
        follow_redirects=True,
    ).text
    assert f"Moved to {format_day(to_day)}" in answer
    assert "Not one of the stop&#39;s weekdays" in answer
    moved = Proposal.from_json(plannings()[0].plan or {})
    assert moved.days_by_stop()[stop.id][0] == to_day
    assert plannings()[0].locks == [{"stop": stop.id, "day": to_day.isoformat()}]


@pytest.mark.parametrize(
    ("offset", "sentence"),
    [(0, "on that day with that van already"), (7, "is visited on"), (400, "Choose a day from")],
)
def test_a_move_that_makes_no_sense_is_refused(
    client: FlaskClient, service: SmallService, offset: int, sentence: str
) -> None:
    planning = ready_plan(service)
    stop = service.stops[1]
    day = Proposal.from_json(planning.plan or {}).days_by_stop()[stop.id][0]
    fields = {
        "stop_id": stop.id,
        "day": format_day(day),
        "to_day": format_day(day + timedelta(days=offset)),
        "van_id": service.van.id,
    }
    answer = client.post(f"/planning/{planning.id}/move", data=fields, follow_redirects=True)
    assert sentence in answer.text


def test_planning_again_keeps_what_is_locked(
    client: FlaskClient, service: SmallService, launched: list[int]
) -> None:
    planning = ready_plan(service)
    planning.locks = [{"stop": service.stops[1].id, "day": planning.last_on.isoformat()}]
    db.session.commit()
    client.post(f"/planning/{planning.id}/again")
    again = plannings()[-1]
    assert launched == [again.id]
    assert again.locks == planning.locks
    assert again.base_id == planning.id


def test_a_plan_is_published_once(client: FlaskClient, service: SmallService) -> None:
    planning = ready_plan(service)
    where = f"/planning/{planning.id}"
    answer = client.post(f"{where}/publish")
    assert answer.headers["Location"].startswith("/timetable/month")
    page = client.get(answer.headers["Location"]).text
    assert "4 moved, 0 added, 0 taken out" in page
    days = {visit.day for visit in service.visits(1) if visit.day > today()}
    assert days == set(Proposal.from_json(planning.plan or {}).days_by_stop()[service.stops[1].id])
    again = client.post(f"{where}/publish", follow_redirects=True).text
    assert "This plan is published or over" in again
    assert db.session.scalar(select(db.func.count()).select_from(Visit)) == 12


def test_a_published_plan_can_be_thrown_away_and_the_timetable_stays(
    client: FlaskClient, service: SmallService
) -> None:
    planning = ready_plan(service)
    client.post(f"/planning/{planning.id}/publish")
    before = [(visit.id, visit.day) for visit in service.visits(1)]
    client.post(f"/planning/{planning.id}/delete")
    assert plannings() == []
    assert [(visit.id, visit.day) for visit in service.visits(1)] == before


@pytest.mark.parametrize("role", [Role.CREW, Role.REPORTER])
def test_only_those_who_plan_may_plan(
    sign_in: SignIn, service: SmallService, role: Role, launched: list[int]
) -> None:
    client = sign_in(role)
    assert client.get(f"/planning/terms/{service.term.id}").status_code == 403
    assert client.post(f"/planning/terms/{service.term.id}").status_code == 403
    assert launched == []


def test_what_planning_may_choose_stands_on_the_stops_page(
    client: FlaskClient, service: SmallService
) -> None:
    stop = service.stops[0]
    fields = {
        "place_id": stop.place_id,
        "van_id": stop.van_id,
        "route_id": 0,
        "kind": stop.kind.value,
        "service_minutes": 90,
        "frequency": "1",
        "weekdays": [stop.starts_on.weekday()],
        "starts_on": format_day(stop.starts_on),
        "calendar_id": 0,
        "enabled": "y",
        "plan_weekdays": [1, 3],
        "plan_times": 5,
        "priority": 2,
        "skip_price_km": 40,
        "load_books": 120,
        "together": "A",
    }
    assert client.post(f"/timetable/stops/{stop.id}", data=fields).status_code == 302
    db.session.refresh(stop)
    assert (stop.plan_weekdays, stop.plan_times, stop.priority) == ([1, 3], 5, 2)
    assert (stop.load_books, stop.together, stop.plan_fixed) == (120, "A", False)
    assert stop.skip_price_m == 40_000
    assert 'value="40"' in client.get(f"/timetable/stops/{stop.id}").text
    page = client.get(f"/planning/terms/{service.term.id}").text
    assert "5 times in the term · Tue, Thu" in page


def test_another_librarys_plan_is_not_there(
    app: Flask, client: FlaskClient, service: SmallService
) -> None:
    planning = ready_plan(service)
    other = Organisation(name="Thư viện khác")
    db.session.add(other)
    db.session.flush()
    planning.organisation_id = other.id
    db.session.commit()
    for path in ("", "/progress", "/map.js"):
        assert client.get(f"/planning/{planning.id}{path}").status_code == 404
