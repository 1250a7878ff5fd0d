"""Mending a published timetable: up to three ways with their cost, each change recorded."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from bus_ops.accounts.models import Organisation, Role
from bus_ops.database import db, now
from bus_ops.fleet.models import Van, VanOutOfService
from bus_ops.i18n import format_day, minutes_of_day, today
from bus_ops.planning import starting, working
from bus_ops.planning.models import Failure, Mishap, PlanningState, Repair
from bus_ops.planning.offers import MOST_OFFERS, Act, Offer, OfferKind
from bus_ops.planning.repairing import accept
from bus_ops.timetable import changes
from bus_ops.timetable.generating import fill_runs
from bus_ops.timetable.models import (
    Audience,
    ChangeKind,
    Run,
    Stop,
    TimetableChange,
    Visit,
    VisitStatus,
)
from bus_ops.timetable.promises import warnings_of
from tests.conftest import SignIn
from tests.planning.plans import with_ways
from tests.small_service import School, SmallService, small_service

DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)


@pytest.fixture
def service(app: Flask, organisation: Organisation) -> SmallService:
    """Two schools, every two weeks from tomorrow on."""
    made = small_service(organisation, today() + DAY, weeks=8)
    return every_two_weeks(made)


def every_two_weeks(service: SmallService) -> SmallService:
    """Leaves weeks into which a visit can move; every weekday is worked."""
    service.van.weekdays = []
    for stop in service.stops:
        stop.rule = "FREQ=WEEKLY;INTERVAL=2"
        for visit in list(db.session.scalars(select(Visit).where(Visit.stop_id == stop.id)))[1::2]:
            db.session.delete(visit)
    db.session.flush()
    for run in db.session.scalars(select(Run)):
        if not db.session.scalar(select(Visit.id).where(Visit.run_id == run.id).limit(1)):
            db.session.delete(run)
    db.session.commit()
    return service


def asked(service: SmallService, mishap: Mishap, day: date, **more: object) -> Repair:
    repair = Repair(
        organisation_id=service.organisation.id,
        term_id=service.term.id,
        mishap=mishap,
        day=day,
        reason="Bão số 9",
        **more,
    )
    return with_ways(repair)


def lost(service: SmallService, first: date, last: date | None = None) -> Repair:
    return asked(service, Mishap.DAY_LOST, first, last_day=last or first, van_id=service.van.id)


def refused(service: SmallService, visit: Visit) -> Repair:
    return asked(service, Mishap.VISIT_REFUSED, visit.day, stop_id=visit.stop_id)


def requested(service: SmallService, stop: Stop, near: date) -> Repair:
    return asked(service, Mishap.REQUEST, near, stop_id=stop.id)


def offers_of(repair: Repair) -> list[Offer]:
    return [Offer.from_json(offer) for offer in repair.offers]


def where_all_stand(but: set[int]) -> dict[int, tuple[date, object, VisitStatus]]:
    query = select(Visit).where(Visit.stop_id.not_in(but))
    return {v.id: (v.day, v.arrival_at, v.plan_status) for v in db.session.scalars(query)}


def test_a_lost_day_is_offered_up_to_three_ways_and_giving_up_comes_last(
    service: SmallService,
) -> None:
    run = service.visits()[1].run
    offers = offers_of(lost(service, run.day))
    assert 2 <= len(offers) <= MOST_OFFERS
    assert [offer.cancelled for offer in offers[:-1]] == [0] * (len(offers) - 1)
    assert (offers[-1].kind, offers[-1].cancelled) == (OfferKind.LEFT_OUT, 2)
    for offer in offers:
        hit = [step for step in offer.steps if step.from_day == run.day]
        assert {step.stop_id for step in hit} == {stop.id for stop in service.stops}
        assert all(step.to_day != run.day for step in hit)


def test_after_visits_that_are_given_up_the_next_ones_come_sooner(service: SmallService) -> None:
    """Every two weeks: without the one given up four would pass."""
    lost_day, before = service.visits()[1].day, service.visits()[0].day
    given_up = offers_of(lost(service, lost_day))[-1]
    following = [step for step in given_up.steps if step.from_day != lost_day]
    assert {step.stop_id for step in following} == {stop.id for stop in service.stops}
    assert all(step.to_day and step.to_day - before <= 3 * WEEK for step in following)


@pytest.mark.parametrize("number", [0, -1])
def test_an_accepted_way_does_what_it_said_and_breaks_nothing(
    service: SmallService, number: int
) -> None:
    run = service.visits()[1].run
    lost_day = run.day
    repair = lost(service, lost_day)
    offers = offers_of(repair)
    number %= len(offers)
    accept(repair, number, service.user)
    db.session.commit()
    for step in offers[number].steps:
        query = select(Visit).where(Visit.stop_id == step.stop_id, Visit.rule_day == step.from_day)
        visit = db.session.scalars(query).one()
        kinds = set(
            db.session.scalars(
                select(TimetableChange.kind).where(TimetableChange.visit_id == visit.id)
            )
        )
        if step.act == Act.CANCEL:
            assert visit.status == VisitStatus.CANCELLED
            assert kinds == {ChangeKind.CANCELLED}
        else:
            assert (visit.day, minutes_of_day(visit.arrival_at, visit.day)) == (
                step.to_day,
                step.arrival,
            )
            assert kinds == {ChangeKind.MOVED}
            about_crew = {"crew_too_small", "crew_busy"}
            assert {w.promise.value for w in warnings_of(visit.run)} <= about_crew
        assert visit.reason == "Bão số 9"
    assert (repair.accepted, repair.accepted_at is not None) == (number, True)
    out = db.session.scalars(select(VanOutOfService)).one()
    assert (out.van_id, out.first_on, out.last_on) == (service.van.id, lost_day, lost_day)


def test_runs_drive_after_accepting_what_the_offer_said(service: SmallService) -> None:
    before = sum(db.session.scalars(select(Run.distance_m)))
    repair = lost(service, service.visits()[1].day)
    offer = offers_of(repair)[0]
    accept(repair, 0, service.user)
    db.session.commit()
    assert sum(db.session.scalars(select(Run.distance_m))) == before + offer.distance_m


def test_every_other_visit_keeps_its_day_and_time(service: SmallService) -> None:
    visit = service.visits()[1]
    before = where_all_stand(but={visit.stop_id})
    repair = refused(service, visit)
    assert (offers_of(repair)[0].moved, offers_of(repair)[0].retimed) == (1, 0)
    accept(repair, 0, service.user)
    db.session.commit()
    assert where_all_stand(but={visit.stop_id}) == before


def test_a_refused_visit_moves_to_a_near_day_or_is_given_up(service: SmallService) -> None:
    visit = service.visits()[1]
    offers = offers_of(refused(service, visit))
    assert offers[-1].cancelled == 1
    moved = offers[0].steps[0]
    assert moved.to_day is not None
    assert abs(moved.to_day - visit.day) <= WEEK
    assert moved.to_day != visit.day


def test_a_request_is_offered_days_on_which_everything_holds(service: SmallService) -> None:
    stop = service.stops[0]
    repair = requested(service, stop, today() + WEEK + DAY)
    offers = offers_of(repair)
    assert 1 <= len(offers) <= MOST_OFFERS
    known = {visit.day.isocalendar()[:2] for visit in service.visits()}
    for offer in offers:
        (step,) = [step for step in offer.steps if step.act == Act.ADD]
        assert step.stop_id == stop.id
        assert step.to_day is not None
        assert step.to_day > today()
        assert step.to_day.isocalendar()[:2] not in known
    accept(repair, 0, service.user)
    db.session.commit()
    added = [visit for visit in service.visits() if visit.reason == "Bão số 9"]
    assert [visit.day for visit in added] == [s.to_day for s in offers[0].steps]
    kinds = select(TimetableChange.kind).where(TimetableChange.visit_id == added[0].id)
    assert list(db.session.scalars(kinds)) == [ChangeKind.ADDED]


def test_a_stop_that_was_never_visited_can_ask_for_its_first_visit(service: SmallService) -> None:
    stop = service.stops[0]
    for visit in service.visits():
        db.session.delete(visit)
    db.session.commit()
    steps = offers_of(requested(service, stop, today() + WEEK))[0].steps
    assert [step.act for step in steps] == [Act.ADD]


def test_a_van_in_repair_for_days_has_all_its_visits_mended(service: SmallService) -> None:
    first = service.visits()[1].day
    last = service.visits()[2].day
    offers = offers_of(lost(service, first, last))
    moved = offers[0]
    assert {(step.stop_id, step.from_day) for step in moved.steps} == {
        (stop.id, day) for stop in service.stops for day in (first, last)
    }
    assert all(step.to_day is None or not first <= step.to_day <= last for step in moved.steps)


def test_another_van_may_come_on_the_same_day(service: SmallService) -> None:
    other = Van(
        organisation_id=service.organisation.id,
        name="Xe thứ hai",
        depot=service.van.depot,
        weekdays=[],
    )
    db.session.add(other)
    for stop in service.stops:
        stop.plan_any_van = True
    db.session.commit()
    day = service.visits()[1].day
    repair = lost(service, day)
    steps = offers_of(repair)[0].steps
    assert {(step.act, step.to_day, step.van_id) for step in steps} == {(Act.MOVE, day, other.id)}
    accept(repair, 0, service.user)
    db.session.commit()
    assert {v.run.van_id for v in service.visits() if v.day == day} == {other.id}


def test_a_visit_that_was_given_to_another_van_by_hand_is_mended_too(
    service: SmallService,
) -> None:
    other = Van(
        organisation_id=service.organisation.id,
        name="Xe mượn",
        depot=service.van.depot,
        weekdays=[],
    )
    db.session.add(other)
    db.session.flush()
    visit = service.visits()[1]
    changes.move_visit(visit, visit.day, other, "Xe kia đầy", service.user)
    db.session.commit()
    repair = asked(service, Mishap.DAY_LOST, visit.day, last_day=visit.day, van_id=other.id)
    offers = offers_of(repair)
    assert all(
        {s.stop_id for s in offer.steps if s.from_day == visit.day} == {visit.stop_id}
        for offer in offers
    )
    accept(repair, len(offers) - 1, service.user)
    db.session.commit()
    assert visit.plan_status == VisitStatus.CANCELLED


def test_what_the_crew_logged_before_the_breakdown_stays(service: SmallService) -> None:
    """The van breaks down after the first of two visits of today."""
    for visit in [*service.visits(0)[:1], *service.visits(1)[:1]]:
        visit.run.day = visit.day = visit.rule_day = today()
    service.term.starts_on = today()
    served = service.visits(0)[0]
    served.logged = served.run.logged = True
    db.session.commit()
    repair = lost(service, today())
    offers = offers_of(repair)
    assert all({step.stop_id for step in o.steps} == {service.stops[1].id} for o in offers)
    accept(repair, len(offers) - 1, service.user)
    db.session.commit()
    assert (served.day, served.plan_status) == (today(), VisitStatus.PLANNED)
    assert service.visits(1)[0].plan_status == VisitStatus.CANCELLED
    assert db.session.scalars(select(VanOutOfService)).all() == []


def test_a_way_that_no_longer_fits_is_refused_and_changes_nothing(service: SmallService) -> None:
    run = service.visits()[1].run
    repair = lost(service, run.day)
    changes.cancel_visit(run.visits[1], "Trường báo", service.user)
    db.session.commit()
    with pytest.raises(changes.ChangeError):
        accept(repair, 0, service.user)
    db.session.rollback()
    assert repair.accepted is None
    assert run.visits[0].day == run.day


def test_where_no_day_keeps_every_promise_only_giving_it_up_is_left(
    service: SmallService,
) -> None:
    for stop in service.stops:
        stop.windows = [{"opens": 480, "closes": 500}]
    db.session.commit()
    offers = offers_of(lost(service, service.visits()[1].day))
    assert [offer.cancelled for offer in offers] == [2]
    assert offers_of(requested(service, service.stops[0], today() + WEEK)) == []


def test_a_day_with_two_runs_of_one_van_stays_as_people_made_it(service: SmallService) -> None:
    visit = service.visits()[1]
    second = Run(
        organisation_id=service.organisation.id,
        term_id=service.term.id,
        van_id=service.van.id,
        day=visit.day,
        leaves_at=visit.run.leaves_at,
        returns_at=visit.run.returns_at,
    )
    db.session.add(second)
    service.visits(1)[1].run = second
    db.session.commit()
    (only,) = offers_of(refused(service, visit))
    assert (only.kind, only.cancelled) == (OfferKind.LEFT_OUT, 1)
    other = service.visits()[2]
    for offer in offers_of(refused(service, other)):
        assert visit.day not in {run.day for run in offer.runs}


def test_each_mishap_of_a_full_timetable_is_offered_a_way_for_all_it_hit(
    app: Flask, organisation: Organisation
) -> None:
    """Five schools a day, five days of every second week: mishaps of all kinds."""
    rng = random.Random(7)
    monday = today() + timedelta(days=7 - today().weekday())
    schools: list[School] = [
        (
            f"Trường {number}",
            10.0 + rng.random() / 8,
            105.7 + rng.random() / 8,
            Audience.PRIMARY,
        )
        for number in range(25)
    ]
    service = small_service(organisation, monday, weeks=8, schools=schools)
    for run in db.session.scalars(select(Run)):
        db.session.delete(run)
    for number, stop in enumerate(service.stops):
        stop.service_minutes = 60
        stop.rule = "FREQ=WEEKLY;INTERVAL=2"
        stop.starts_on = monday + timedelta(days=number % 5)
    db.session.flush()
    fill_runs(service.term, monday, monday + 8 * WEEK)
    db.session.commit()
    runs = list(db.session.scalars(select(Run)))
    for number, run in enumerate(rng.sample(runs, 4)):
        repair = lost(service, run.day) if number % 2 else refused(service, run.visits[0])
        offers = offers_of(repair)
        hit = len(run.visits) if number % 2 else 1
        assert 1 <= len(offers) <= MOST_OFFERS
        assert offers[0].moved + offers[0].cancelled == hit
        assert offers[-1].cancelled == hit


@pytest.fixture
def client(sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """A coordinator; ways are found at once."""
    monkeypatch.setattr(starting, "launch", lambda repair: working.look_for_ways(repair.id, 0.5))
    return sign_in(Role.COORDINATOR)


def test_the_pages_lead_from_the_run_to_a_mended_day(
    service: SmallService, client: FlaskClient
) -> None:
    run = service.visits()[1].run
    where = f"/planning/repairs/?day={run.day.isoformat()}&amp;van={run.van_id}"
    assert f'href="{where}"' in client.get(f"/timetable/runs/{run.id}").text
    form = client.get(where.replace("&amp;", "&")).text
    assert format_day(run.day) in form
    fields = {
        "cause": "other",
        "first_on": format_day(run.day),
        "last_on": format_day(run.day),
        "van_id": run.van_id,
    }
    assert "Say why" in client.post("/planning/repairs/", data=fields).text
    answer = client.post("/planning/repairs/", data={**fields, "cause": "storm", "reason": "số 9"})
    page = client.get(answer.headers["Location"]).text
    assert "Storm: số 9" in page
    assert "1. Moves the fewest visits" in page
    assert "Take this way" in page
    accepted = client.post(
        f"{answer.headers['Location']}/accept", data={"number": 0}, follow_redirects=True
    ).text
    assert "Done; each change is recorded" in accepted
    assert "Take this way" not in accepted
    again = client.post(
        f"{answer.headers['Location']}/accept", data={"number": 0}, follow_redirects=True
    ).text
    assert "One of these ways was taken already" in again
    assert "Mended" in client.get("/planning/repairs/").text


def test_a_refused_and_a_requested_visit_have_their_pages(
    service: SmallService, client: FlaskClient
) -> None:
    visit = service.visits()[0]
    answer = client.post(f"/planning/repairs/visits/{visit.id}", data={"reason": "Thi"})
    assert visit.place.name in client.get(answer.headers["Location"]).text
    asks = f"/planning/repairs/stops/{service.stops[0].id}"
    answer = client.post(asks, data={"reason": "Ngày sách", "day": format_day(today() + WEEK)})
    assert "Ngày sách" in client.get(answer.headers["Location"]).text
    refused_day = client.post(asks, data={"reason": "x", "day": format_day(today())})
    assert refused_day.text.count("Choose a day after today") == 1


def test_days_without_any_visit_need_no_mending(service: SmallService, client: FlaskClient) -> None:
    day = format_day(service.visits()[0].day + DAY)
    fields = {"cause": "storm", "first_on": day, "last_on": day, "van_id": service.van.id}
    answer = client.post("/planning/repairs/", data=fields, follow_redirects=True)
    assert "nothing needs mending" in answer.text
    over = {**fields, "first_on": format_day(today() - DAY)}
    assert "Choose today or a later day" in client.post("/planning/repairs/", data=over).text
    assert db.session.scalars(select(Repair)).all() == []


def test_a_search_whose_process_is_gone_says_so_and_can_be_asked_again(
    service: SmallService, client: FlaskClient
) -> None:
    repair = Repair(
        organisation_id=service.organisation.id,
        term_id=service.term.id,
        mishap=Mishap.DAY_LOST,
        day=service.visits()[1].day,
        reason="Bão",
    )
    db.session.add(repair)
    db.session.commit()
    where = f"/planning/repairs/{repair.id}"
    assert 'hx-trigger="every 500ms"' in client.get(where).text
    assert "HX-Refresh" not in client.get(f"{where}/progress").headers
    repair.asked_at = now() - working.SILENCE - DAY
    db.session.commit()
    assert client.get(f"{where}/progress").headers["HX-Refresh"] == "true"
    assert "Its process ended" in client.get(where).text
    db.session.refresh(repair)
    assert (repair.state, repair.failure) == (PlanningState.FAILED, Failure.GONE)
    answer = client.post(f"{where}/again")
    assert "Take this way" in client.get(answer.headers["Location"]).text
