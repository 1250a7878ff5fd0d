"""Mending a published timetable: up to three ways, all others untouched, each change recorded."""

from __future__ import annotations

import random
import time
from datetime import date, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from bus_ops.accounts.models import Organisation, Role
from bus_ops.database import db
from bus_ops.i18n import format_day, today
from bus_ops.planning.models import Mishap, Repair
from bus_ops.planning.repairing import (
    MOST_OFFERS,
    Act,
    Offer,
    accept,
    offers_for_lost_day,
    offers_for_refused_visit,
    offers_for_request,
)
from bus_ops.timetable import changes
from bus_ops.timetable.generating import fill_runs
from bus_ops.timetable.models import (
    Audience,
    ChangeKind,
    Run,
    TimetableChange,
    Visit,
    VisitStatus,
)
from bus_ops.timetable.promises import warnings_of
from tests.conftest import SignIn
from tests.small_service import School, SmallService, small_service

DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)
# The longest that a person waits for ways to mend a day.
PROMISED_SECONDS = 5.0


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


def repair_of(service: SmallService, offers: list[Offer], **more: object) -> Repair:
    repair = Repair(
        organisation_id=service.organisation.id,
        term_id=service.term.id,
        mishap=Mishap.DAY_LOST,
        reason="Bão số 9",
        offers=[offer.as_json() for offer in offers],
        **more,
    )
    db.session.add(repair)
    db.session.flush()
    return repair


def where_all_stand(but: set[int]) -> dict[int, tuple[date, object, VisitStatus]]:
    query = select(Visit).where(Visit.stop_id.not_in(but))
    return {v.id: (v.day, v.arrival_at, v.plan_status) for v in db.session.scalars(query)}


def test_a_lost_day_is_offered_up_to_three_ways_and_giving_up_comes_last(
    service: SmallService,
) -> None:
    run = service.visits()[1].run
    offers = offers_for_lost_day(run)
    assert 2 <= len(offers) <= MOST_OFFERS
    assert [offer.cancelled for offer in offers[:-1]] == [0] * (len(offers) - 1)
    assert offers[-1].cancelled == 2
    assert offers[-1].distance_m == -run.distance_m
    for offer in offers:
        assert {step.stop_id for step in offer.steps} == {stop.id for stop in service.stops}
        assert all(step.from_day == run.day != step.to_day for step in offer.steps)


@pytest.mark.parametrize("number", [0, 1, -1])
def test_an_accepted_way_does_what_it_said_and_breaks_nothing(
    service: SmallService, number: int
) -> None:
    run = service.visits()[1].run
    lost_day = run.day
    offers = offers_for_lost_day(run)
    number %= len(offers)
    repair = repair_of(service, offers)
    accept(repair, number, service.user)
    db.session.commit()
    for step in offers[number].steps:
        query = select(Visit).where(Visit.stop_id == step.stop_id, Visit.rule_day == lost_day)
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
            assert visit.day == step.to_day
            assert ChangeKind.MOVED in kinds
            about_crew = {"crew_too_small", "crew_busy"}
            assert {w.promise.value for w in warnings_of(visit.run)} <= about_crew
        assert visit.reason == "Bão số 9"
    assert (repair.accepted, repair.accepted_at is not None) == (number, True)


def test_every_other_visit_keeps_its_day_and_time(service: SmallService) -> None:
    visit = service.visits()[1]
    before = where_all_stand(but={visit.stop_id})
    offers = offers_for_refused_visit(visit)
    assert offers[0].moved == 1
    accept(repair_of(service, offers), 0, service.user)
    db.session.commit()
    assert where_all_stand(but={visit.stop_id}) == before


def test_a_refused_visit_is_offered_days_in_different_weeks(service: SmallService) -> None:
    visit = service.visits()[1]
    offers = offers_for_refused_visit(visit)
    days = [step.to_day for offer in offers for step in offer.steps if step.to_day]
    assert len({day.isocalendar()[:2] for day in days}) == len(days) == 2
    assert visit.day not in days
    assert offers[-1].cancelled == 1


def test_a_request_is_offered_days_on_which_everything_holds(service: SmallService) -> None:
    stop = service.stops[0]
    offers = offers_for_request(stop, today() + WEEK + DAY)
    assert 1 <= len(offers) <= MOST_OFFERS
    known = {visit.day.isocalendar()[:2] for visit in service.visits()}
    for offer in offers:
        (step,) = offer.steps
        assert step.act == Act.ADD
        assert step.to_day is not None
        assert step.to_day > today()
        assert step.to_day.isocalendar()[:2] not in known
    accept(repair_of(service, offers), 0, service.user)
    assert offers[0].steps[0].to_day in {visit.day for visit in service.visits()}


def test_a_way_that_no_longer_fits_is_refused_and_changes_nothing(service: SmallService) -> None:
    run = service.visits()[1].run
    offers = offers_for_lost_day(run)
    repair = repair_of(service, offers)
    db.session.commit()
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
    offers = offers_for_lost_day(service.visits()[1].run)
    assert [offer.cancelled for offer in offers] == [2]
    assert offers_for_request(service.stops[0], today() + WEEK) == []


def test_each_disruption_of_a_full_timetable_is_answered_in_time(
    app: Flask, organisation: Organisation
) -> None:
    """Five schools a day, five days of every second week: fifteen mishaps, no other visit moved."""
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
    took = []
    for run in rng.sample(runs, 15):
        started = time.monotonic()
        offers = offers_for_lost_day(run)
        took.append(time.monotonic() - started)
        assert 1 <= len(offers) <= MOST_OFFERS
        assert offers[0].moved + offers[0].cancelled == len(run.visits)
    assert max(took) < PROMISED_SECONDS


def test_the_pages_lead_from_the_run_to_a_mended_day(
    service: SmallService, sign_in: SignIn
) -> None:
    client: FlaskClient = sign_in(Role.COORDINATOR)
    run = service.visits()[1].run
    where = f"/planning/repairs/runs/{run.id}"
    assert f'href="{where}"' in client.get(f"/timetable/runs/{run.id}").text
    assert "Say why" in client.post(where, data={"reason": ""}).text
    answer = client.post(where, data={"reason": "Bão"})
    page = client.get(answer.headers["Location"]).text
    assert "Way 1" in page
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
    visit = service.visits()[0]
    refused = client.post(f"/planning/repairs/visits/{visit.id}", data={"reason": "Thi"})
    assert refused.status_code == 302
    asked = client.post(
        f"/planning/repairs/stops/{service.stops[0].id}",
        data={"reason": "Ngày sách", "day": format_day(today() + WEEK)},
    )
    assert "Ngày sách" in client.get(asked.headers["Location"]).text
    assert client.post(
        f"/planning/repairs/stops/{service.stops[0].id}",
        data={"reason": "x", "day": format_day(today())},
    ).text.count("Choose a day after today")
