"""A plan becomes the timetable: recorded where people know another one, due dates taken along."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from bus_ops.accounts.models import Organisation
from bus_ops.circulation.models import Loan
from bus_ops.database import db
from bus_ops.i18n import today
from bus_ops.planning.ground import Ground
from bus_ops.planning.models import Planning
from bus_ops.planning.proposal import Difference, Proposal
from bus_ops.planning.publishing import StaleProposalError, publish
from bus_ops.tablet.log import record
from bus_ops.tablet.models import EventKind
from bus_ops.timetable import changes
from bus_ops.timetable.generating import fill_horizon, fill_runs
from bus_ops.timetable.models import (
    ChangeKind,
    Run,
    TermStatus,
    TimetableChange,
    Visit,
    VisitStatus,
)
from bus_ops.timetable.promises import warnings_between
from bus_ops.timetable.remaking import make_again
from tests.planning.plans import finished_planning, proposal_with
from tests.small_service import SmallService, small_service

WEEK = timedelta(weeks=1)
DAY = timedelta(days=1)


@pytest.fixture
def service(app_on_each: Flask, organisation: Organisation) -> SmallService:
    """Two schools, each week from this day a week ago on; on both databases."""
    return small_service(organisation, today() - WEEK)


def days_of(service: SmallService, stop: int) -> list[date]:
    return [visit.day for visit in service.visits(stop) if visit.plan_status != "cancelled"]


def coming(service: SmallService, stop: int = 0) -> list[Visit]:
    return [visit for visit in service.visits(stop) if visit.day > today()]


def plan_a_day_later(service: SmallService) -> tuple[Planning, Proposal]:
    """The second school's coming visits a day later, the first's as they are."""
    first_days = [visit.day for visit in coming(service)]
    ids = [stop.id for stop in service.stops]
    days = {day: [ids[0]] for day in first_days}
    days |= {day + DAY: [ids[1]] for day in first_days if day + DAY <= service.term.ends_on}
    proposal = proposal_with(Ground(service.term), service.van.id, days)
    first, last = today() + DAY, service.term.ends_on
    assert last is not None
    return finished_planning(service.term, first, last, proposal), proposal


def kinds(visit: Visit) -> list[ChangeKind]:
    query = select(TimetableChange.kind).where(TimetableChange.visit_id == visit.id)
    return list(db.session.scalars(query.order_by(TimetableChange.id)))


def test_the_plan_becomes_the_timetable_and_each_moved_visit_is_recorded(
    service: SmallService,
) -> None:
    before = {visit.id: visit.day for visit in coming(service, 1)}
    kept = [visit.id for visit in coming(service)]
    planning, proposal = plan_a_day_later(service)
    done = publish(planning, proposal, service.user)
    db.session.commit()
    assert (done.moved, done.added, done.removed) == (len(before), 0, 0)
    assert [visit.id for visit in coming(service)] == kept
    for visit in coming(service, 1):
        assert visit.day == visit.rule_day == visit.run.day == before[visit.id] + DAY
        assert kinds(visit) == [ChangeKind.PLANNED]
        change = db.session.scalars(
            select(TimetableChange).where(TimetableChange.visit_id == visit.id)
        ).one()
        assert change.before["day"] == before[visit.id].isoformat()
        assert change.after["day"] == visit.day.isoformat()
        assert change.user_id == service.user.id
    assert planning.published_at is not None


def test_the_runs_have_the_times_of_the_plan_a_crew_and_no_broken_promise(
    service: SmallService,
) -> None:
    planning, proposal = plan_a_day_later(service)
    publish(planning, proposal, service.user)
    db.session.commit()
    for planned in proposal.runs:
        run = service.run_on(planned.day)
        assert run.distance_m == planned.distance_m
        assert [visit.stop_id for visit in run.visits] == [v.stop_id for v in planned.visits]
        assert len(run.crew) == 3
        assert len(run.checklist) == 2
    last = service.term.ends_on or today()
    assert warnings_between(today() + DAY, last, service.organisation.id) == {}


def test_filling_and_remaking_keep_to_the_plan(service: SmallService) -> None:
    planning, proposal = plan_a_day_later(service)
    publish(planning, proposal, service.user)
    db.session.commit()
    planned = days_of(service, 1)
    fill_horizon(service.organisation.id, today(), 200)
    made = make_again([stop.id for stop in service.stops], today(), service.user.id)
    assert (made.removed, made.shifts) == (0, ())
    assert days_of(service, 1) == planned


def test_another_frequency_ends_what_was_planned(service: SmallService) -> None:
    planning, proposal = plan_a_day_later(service)
    publish(planning, proposal, service.user)
    stop = service.stops[1]
    stop.rule = (
        f"FREQ=WEEKLY;BYDAY={['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'][stop.starts_on.weekday()]}"
    )
    assert stop.planned is not None
    stop.rule = "FREQ=WEEKLY;INTERVAL=2"
    assert stop.planned is None


def test_a_visit_moved_by_hand_or_confirmed_stays_and_a_plan_without_it_is_refused(
    service: SmallService,
) -> None:
    planning, proposal = plan_a_day_later(service)
    moved = coming(service, 1)[1]
    to_day = moved.day + 3 * DAY
    changes.move_visit(moved, to_day, service.van, "Thi học kỳ", service.user)
    db.session.commit()
    with pytest.raises(StaleProposalError, match=moved.place.name):
        publish(planning, proposal, service.user)
    db.session.rollback()
    assert to_day in days_of(service, 1)


def test_a_cancelled_visit_is_not_planned_again(service: SmallService) -> None:
    cancelled = coming(service)[0]
    planning, proposal = plan_a_day_later(service)
    changes.cancel_visit(cancelled, "Bão", service.user)
    db.session.commit()
    with pytest.raises(StaleProposalError):
        publish(planning, proposal, service.user)


def test_visits_the_plan_has_no_place_for_are_taken_out_and_told(service: SmallService) -> None:
    ids = [stop.id for stop in service.stops]
    lost = coming(service, 1)
    days = {visit.day: [ids[0]] for visit in coming(service)}
    proposal = proposal_with(Ground(service.term), service.van.id, days)
    last = service.term.ends_on or today()
    planning = finished_planning(service.term, today() + DAY, last, proposal)
    done = publish(planning, proposal, service.user)
    db.session.commit()
    assert (done.moved, done.removed) == (0, len(lost))
    assert coming(service, 1) == []
    removed = select(TimetableChange).where(TimetableChange.kind == ChangeKind.REMOVED)
    assert len(db.session.scalars(removed).all()) == len(lost)
    fill_runs(service.term, today(), last)
    assert coming(service, 1) == []


def test_days_that_are_over_stay_as_they_were(service: SmallService) -> None:
    past = [visit.id for visit in service.visits() if visit.day <= today()]
    planning, proposal = plan_a_day_later(service)
    publish(planning, proposal, service.user)
    db.session.commit()
    assert [visit.id for visit in service.visits() if visit.day <= today()] == past


def test_a_draft_is_published_as_planned(service: SmallService) -> None:
    term = service.term
    for run in db.session.scalars(select(Run)):
        db.session.delete(run)
    term.status, term.filled_until = TermStatus.DRAFT, None
    term.starts_on = today() + DAY
    db.session.commit()
    ids = [stop.id for stop in service.stops]
    days = {term.starts_on + n * WEEK: ids for n in range(4)}
    last = term.ends_on or today()
    planning = finished_planning(
        term, term.starts_on, last, proposal_with(Ground(term), service.van.id, days)
    )
    assert db.session.scalar(select(Run.id)) is None
    present = Proposal.from_json(planning.present or {})
    assert present.visit_count > 0
    done = publish(planning, Proposal.from_json(planning.plan or {}), service.user)
    db.session.commit()
    assert term.status == TermStatus.PUBLISHED
    assert (done.runs, done.visits) == (4, 8)
    assert days_of(service, 0) == days_of(service, 1) == sorted(days)
    assert db.session.scalar(select(TimetableChange.id)) is None
    assert all(visit.status == VisitStatus.PLANNED for visit in service.visits())


def test_the_difference_counts_metres_minutes_and_moved_visits(service: SmallService) -> None:
    planning, proposal = plan_a_day_later(service)
    present = Proposal.from_json(planning.present or {})
    difference = Difference.between(present, proposal)
    assert difference.moved == len(coming(service, 1))
    assert difference.distance_m == proposal.distance_m - present.distance_m > 0
    assert difference.runs == len(proposal.runs) - len(present.runs)
    assert Difference.between(present, present) == Difference(0, 0, 0, 0, 0, 0)


def test_a_timetable_kept_as_text_is_read_again_the_same(service: SmallService) -> None:
    _planning, proposal = plan_a_day_later(service)
    assert Proposal.from_json(proposal.as_json()) == proposal


def test_loans_are_due_at_the_planned_visit(service: SmallService) -> None:
    lent_at = next(visit for visit in service.visits(1) if visit.day == today())
    record(
        EventKind.LENT, service.user, visit=lent_at, payload={"barcode": "B1", "card_number": "T1"}
    )
    loan = db.session.scalars(select(Loan)).one()
    assert loan.due_on == today() + WEEK
    planning, proposal = plan_a_day_later(service)
    done = publish(planning, proposal, service.user)
    db.session.commit()
    assert loan.due_on == today() + WEEK + DAY
    assert done.sentences
