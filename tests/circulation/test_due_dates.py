"""Due dates follow the visits that take place: cancelled, moved, missed, made anew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from flask import Flask
from flask_babel import force_locale
from sqlalchemy import delete, select

from bus_ops.accounts.models import Organisation
from bus_ops.circulation.due_dates import in_words, refresh_due_dates
from bus_ops.circulation.models import Loan
from bus_ops.database import db, now
from bus_ops.i18n import format_day, today
from bus_ops.jobs import job_named, run_job
from bus_ops.tablet.log import record, replay
from bus_ops.tablet.models import EventKind
from bus_ops.timetable.changes import cancel_visit, move_visit, restore_visit
from bus_ops.timetable.generating import fill_runs
from bus_ops.timetable.importing import apply_import, plan_import
from bus_ops.timetable.models import Visit, VisitStatus
from bus_ops.timetable.signals import runs_filled
from tests.small_service import SmallService, small_service
from tests.tablet.facts import projections

CSV_HEADER = (
    "organisation,mobile,route,community,stop,address,postcode,geox,geoy,day,type,arrival,"
    "departure,frequency,start,end,exceptions,timetable\n"
)


@pytest.fixture
def service(app: Flask, organisation: Organisation) -> Iterator[SmallService]:
    """Two schools that were served two weeks ago, too."""
    with force_locale("en"):
        yield small_service(organisation, today() - timedelta(weeks=2))


def lend(service: SmallService, visit: Visit, *barcodes: str) -> None:
    for barcode in barcodes:
        payload = {"barcode": barcode, "card_number": "T1"}
        at = visit.arrival_at + timedelta(minutes=5)
        record(EventKind.LENT, service.user, visit=visit, payload=payload, recorded_at=at)


def due(barcode: str = "B1") -> tuple[object, int | None]:
    db.session.expire_all()
    loan = db.session.scalars(select(Loan).where(Loan.barcode == barcode)).one()
    return loan.due_on, loan.due_visit_id


def night(name: str = "roll_statuses") -> str:
    job = job_named(name)
    assert job is not None
    turn = run_job(job, now())
    assert turn is not None
    return " ".join(note.text for note in turn.notes)


def test_nobody_is_late_because_the_van_did_not_come(service: SmallService) -> None:
    first, second, third = service.visits()[:3]
    lend(service, first, "B1", "B2")
    assert due() == (second.day, second.id)
    message = night()
    assert second.status == VisitStatus.MISSED
    assert due() == (third.day, third.id)
    assert f"2 loans are now due on {format_day(third.day)}." in message


def test_a_missed_visit_that_is_logged_from_paper_counts_again(service: SmallService) -> None:
    first, second, third = service.visits()[:3]
    lend(service, first, "B1", "B2")
    night()
    for kind, at in (
        (EventKind.ARRIVED, second.arrival_at),
        (EventKind.DEPARTED, second.departure_at),
    ):
        record(kind, service.user, visit=second, recorded_at=at)
    # Of barcodes that this visit's facts do not name, too.
    assert due() == (second.day, second.id)
    before = projections()
    replay(service.organisation.id)
    assert projections() == before
    assert third.status == VisitStatus.PLANNED


def test_a_cancelled_visit_takes_its_loans_to_the_next_and_tells_how_many_and_when(
    service: SmallService,
) -> None:
    first, second, third = service.visits()[1:4]
    lend(service, first, "B1", "B2", "B3")
    record(EventKind.RETURNED, service.user, visit=first, payload={"barcode": "B3"})
    sentences = cancel_visit(second, "Mưa", service.user)
    assert f"2 loans are now due on {format_day(third.day)}." in sentences
    assert due() == (third.day, third.id)
    sentences = restore_visit(second, service.user)
    assert f"2 loans are now due on {format_day(second.day)}." in sentences
    assert due() == (second.day, second.id)


def test_a_moved_visit_takes_its_loans_along(service: SmallService) -> None:
    second, third = service.visits()[2:4]
    lend(service, second, "B1")
    day = third.day + timedelta(days=2)
    sentences = move_visit(third, day, service.van, "Kỳ thi", service.user)
    assert f"1 loan is now due on {format_day(day)}." in sentences
    assert due() == (day, third.id)


def test_an_import_that_makes_later_visits_takes_due_dates_along(
    app: Flask, organisation: Organisation
) -> None:
    row = (
        "Hậu Giang,Xe 1,Tuyến A,Vị Thanh,{stop},,,105.47,9.78,Monday,Public,09:00,10:00,"
        "FREQ=WEEKLY,2026-11-02,,,\n"
    )
    first = (CSV_HEADER + row.format(stop="Chợ")).encode()
    both = first + row.format(stop="Trường").encode()
    day = date(2026, 11, 2)
    apply_import(plan_import([("a.csv", first)], organisation), organisation, day, 28)
    visit = db.session.scalars(select(Visit).order_by(Visit.day.desc())).first()
    assert visit is not None
    user = small_service(organisation, today()).user
    payload = {"barcode": "B1", "card_number": "T1"}
    loan = record(EventKind.LENT, user, visit=visit, payload=payload).loan
    assert loan is not None and loan.due_visit_id is None
    apply_import(plan_import([("a.csv", both)], organisation), organisation, day, 56)
    db.session.commit()
    assert due()[0] == visit.day + timedelta(weeks=1)


def test_runs_made_in_bulk_are_followed(service: SmallService) -> None:
    last = service.visits()[-1]
    lend(service, service.visits()[-2], "B1")
    db.session.execute(delete(Visit).where(Visit.id == last.id))
    runs_filled.send(None, organisation_id=service.organisation.id)
    assert due() == (service.term.ends_on, None)
    fill_runs(service.term, last.rule_day, last.rule_day)
    answers = runs_filled.send(None, organisation_id=service.organisation.id)
    again = service.visits()[-1]
    assert [words for _receiver, words in answers if words] == [
        f"1 loan is now due on {format_day(again.day)}."
    ]
    assert due() == (again.day, again.id)


def test_looking_again_changes_nothing(service: SmallService) -> None:
    lend(service, service.visits()[0], "B1")
    assert refresh_due_dates(service.organisation.id) == Counter()
    assert in_words(Counter()) == ""


def test_many_new_days_are_told_in_one_sentence(app: Flask) -> None:
    days = [today() + timedelta(days=number) for number in range(5)]
    with force_locale("en"):
        words = in_words(Counter(dict.fromkeys(days, 2)))
    listed = ", ".join(f"2 on {format_day(day)}" for day in days[:3])
    assert words == f"10 loans have a new due date: {listed}, 4 later."
