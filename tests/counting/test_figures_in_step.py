"""Kept figures are what a recount gives, whoever wrote; sums are what their visits add up to."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, text, update

from bus_ops.accounts.models import Organisation
from bus_ops.circulation.models import Loan, Title
from bus_ops.counting.definitions import MEASURES
from bus_ops.counting.figures import Filters, visit_rows
from bus_ops.counting.models import (
    FIGURE_SUMS,
    READING_SUMS,
    RUN_READING,
    STALE_RUN,
    VISIT_FIGURES,
)
from bus_ops.counting.reading import loans_by_subject
from bus_ops.counting.upkeep import recount_everything
from bus_ops.database import db
from bus_ops.i18n import today
from bus_ops.places.models import PlaceKind, SchoolLevel
from bus_ops.statistics.groups import GROUPINGS, Grouping
from bus_ops.tablet.log import record, replay
from bus_ops.tablet.models import EventKind
from bus_ops.timetable.changes import cancel_visit, move_visit
from bus_ops.timetable.models import Attendance, Audience, Run, Stop, StopKind, Visit, VisitRecord
from bus_ops.timetable.statuses import roll_statuses
from schedules.periods import PeriodKind, custom_period, period_of
from tests.small_service import SmallService, small_service

FIRST = today() - timedelta(weeks=6)
KEPT = (VISIT_FIGURES, FIGURE_SUMS, RUN_READING, READING_SUMS)


def kept() -> list[Any]:
    """Everything that is kept of figures, in an order of its own."""
    assert not db.session.scalars(select(STALE_RUN.c.run_id)).all()
    return [sorted(map(tuple, db.session.execute(select(table)).all()), key=str) for table in KEPT]


def tell(service: SmallService, visit: Visit, fact: EventKind, **payload: Any) -> Any:
    return record(fact, service.user, visit=visit, payload=payload)


@pytest.fixture
def service(app_on_each: Flask, organisation: Organisation) -> SmallService:
    made = small_service(organisation, FIRST, weeks=8)
    for number, visit in enumerate(made.visits(0)[:5] + made.visits(1)[:3]):
        tell(made, visit, EventKind.ATTENDANCE, audience="primary", people=20 + number)
        tell(made, visit, EventKind.ATTENDANCE, audience="teachers", people=2)
        tell(made, visit, EventKind.LENT, barcode="B1", card_number="T1")
        tell(made, visit, EventKind.RETURNED, barcode="B1")
        tell(made, visit, EventKind.ACTIVITY, kind="film", count=9)
    roll_statuses(organisation.id, today())
    db.session.commit()
    return made


def test_what_is_kept_is_what_a_recount_gives_after_every_kind_of_change(
    service: SmallService,
) -> None:
    visits = service.visits(0)
    undone = tell(service, visits[1], EventKind.USED_ON_SITE, items=40)
    changes = [
        lambda: tell(service, visits[2], EventKind.CARD_ISSUED, kind="child", cards=3),
        lambda: tell(service, visits[1], EventKind.UNDO, undoes=str(undone.event.id)),
        lambda: record(
            EventKind.RUN_LEFT, service.user, run=visits[0].run, payload={"odometer_km": 100}
        ),
        lambda: record(
            EventKind.RUN_RETURNED, service.user, run=visits[0].run, payload={"odometer_km": 131}
        ),
        lambda: cancel_visit(visits[6], "Bão", service.user),
        lambda: move_visit(
            visits[7], visits[7].day + timedelta(days=1), service.van, "", service.user
        ),
        # Nobody's page, and no event of the session: still it is counted.
        lambda: db.session.execute(update(Attendance).values(people=Attendance.people + 1)),
        lambda: db.session.execute(text("UPDATE run SET distance_m = distance_m + 700")),
        lambda: db.session.execute(update(Title).values(subject="Khoa học")),
        lambda: db.session.execute(
            update(Stop).where(Stop.id == service.stops[1].id).values(kind=StopKind.OTHER)
        ),
        lambda: db.session.execute(delete(VisitRecord).where(VisitRecord.visit_id == visits[3].id)),
        lambda: db.session.execute(update(Loan).values(audience=Audience.ADULTS)),
    ]
    for change in changes:
        change()
        db.session.commit()
        in_step = kept()
        recount_everything()
        assert in_step == kept()
    replay(service.organisation.id)
    in_step = kept()
    recount_everything()
    assert in_step == kept()


def test_figures_of_a_run_that_is_gone_go_with_it(service: SmallService) -> None:
    run = service.visits(0)[7].run
    assert db.session.scalar(select(VISIT_FIGURES.c.day).where(VISIT_FIGURES.c.run_id == run.id))
    db.session.delete(db.session.get_one(Run, run.id))
    db.session.commit()
    gone = select(VISIT_FIGURES.c.day).where(VISIT_FIGURES.c.run_id == run.id)
    assert db.session.scalars(gone).all() == []
    in_step = kept()
    recount_everything()
    assert in_step == kept()


def test_nothing_that_is_taken_back_stays_counted(service: SmallService) -> None:
    before = kept()
    tell_attendance = Attendance.people + 5
    db.session.execute(update(Attendance).values(people=tell_attendance))
    db.session.rollback()
    assert kept() == before


PERIODS = [
    period_of(PeriodKind.MONTH, FIRST + timedelta(weeks=2)),
    period_of(PeriodKind.YEAR, FIRST),
    custom_period(FIRST + timedelta(days=3), FIRST + timedelta(weeks=4)),
    custom_period(FIRST - timedelta(days=1500), today() + timedelta(days=400)),
    custom_period(FIRST - timedelta(days=200), today() + timedelta(days=200)),
]
FILTERS = [
    Filters(),
    Filters(audience=Audience.TEACHERS),
    Filters(kind=PlaceKind.SCHOOL),
    Filters(level=SchoolLevel.PRIMARY, audience=Audience.PRIMARY),
    Filters(van_id=1),
    Filters(place_id=1),
]


def figures_of(grouping: Grouping) -> dict[str, dict[str, Any]]:
    measures = [measure.key for measure in grouping.measures]
    return {group.key: {key: group.figures[key] for key in measures} for group in grouping.groups()}


def test_sums_of_every_grouping_are_what_their_visits_add_up_to(service: SmallService) -> None:
    organisation_id = service.organisation.id
    van, place = service.van.id, service.stops[0].place_id
    compared = 0
    for period, filters, (key, _label) in product(PERIODS, FILTERS, GROUPINGS):
        if filters.van_id:
            filters = Filters(van_id=van)
        if filters.place_id:
            filters = Filters(place_id=place)
        summed, added = (Grouping(key, period, organisation_id) for _ in range(2))
        summed.fill(filters)
        for row in visit_rows(organisation_id, period, filters):
            added.add(row)
        by_sum, by_row = figures_of(summed), figures_of(added)
        assert by_sum == by_row, (period, filters, key)
        for group in by_row:
            part, narrowed = added.narrowed(group, filters)
            rows = list(visit_rows(organisation_id, part, narrowed))
            served = sum(row.is_served for row in rows)
            assert served == by_row[group]["served"], (period, filters, key, group)
        compared += len(by_row)
    assert compared > 300


@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(days=st.tuples(st.integers(0, 60), st.integers(0, 60)))
def test_loans_by_subject_add_up_to_the_loans_of_any_days(
    service: SmallService, days: tuple[int, int]
) -> None:
    period = custom_period(*(FIRST - timedelta(days=3) + timedelta(days=day) for day in days))
    organisation_id = service.organisation.id
    loans = sum(r.figures.get("loans", 0) for r in visit_rows(organisation_id, period, Filters()))
    assert sum(loans_by_subject(organisation_id, period).values()) == loans


def test_every_measure_has_a_definition_of_its_own() -> None:
    texts = [str(measure.definition) for measure in MEASURES if "attendance_" not in measure.key]
    assert len(set(texts)) == len(texts)
    assert all(len(text) > 20 for text in texts)
