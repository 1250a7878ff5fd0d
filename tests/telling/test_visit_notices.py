"""Places are told their dates, reminded, and told once of what became different."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from bus_ops.accounts.models import Organisation
from bus_ops.database import db, now
from bus_ops.i18n import format_clock, format_day, today
from bus_ops.jobs import host_page_address, job_named, overdue_count, run_job, tell_and_send
from bus_ops.telling import visit_notices
from bus_ops.telling.models import MessageKind, OutboxMessage
from bus_ops.telling.visit_notices import remind, tell_of_changes, tell_of_new_timetables
from bus_ops.timetable import changes
from bus_ops.timetable.models import ClassSlot, TermStatus, TimetableChange
from tests.small_service import SmallService, small_service

DAY = timedelta(days=1)


@pytest.fixture
def service(
    app_on_each: Flask, organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> SmallService:
    """Two schools served tomorrow and every week after; only the first can be written to."""
    monkeypatch.setitem(app_on_each.config, "PUBLIC_URL", "https://xe.example.org")
    made = small_service(organisation, today() + DAY)
    made.stops[0].place.contact_email = "hanh@example.org"
    made.term.published_at = made.term.told_at = now() - timedelta(days=1)
    db.session.commit()
    return made


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every change has stood for long enough."""
    monkeypatch.setattr(visit_notices, "SETTLED_AFTER", timedelta(seconds=-1))


def told(kind: MessageKind) -> list[OutboxMessage]:
    query = db.select(OutboxMessage).where(OutboxMessage.kind == kind)
    return list(db.session.scalars(query.order_by(OutboxMessage.id)))


def tell(service: SmallService) -> int:
    return tell_of_changes(service.organisation.id, host_page_address)


def test_a_place_is_reminded_the_day_and_the_week_before_once(service: SmallService) -> None:
    library = service.organisation.id
    visit = service.visits()[0]
    db.session.add(
        ClassSlot(
            organisation_id=library,
            visit_id=visit.id,
            starts_at=480,
            class_name="6A",
            audience=service.stops[0].audience,
        )
    )
    assert remind(library, host_page_address, lambda _visit: 3) == 1
    (message,) = told(MessageKind.REMINDER_DAY)
    assert message.recipient == "hanh@example.org"
    for part in (format_day(visit.day), format_clock(visit.arrival_at), "6A 08:00", "quá hạn: 3"):
        assert part in message.body
    assert "https://xe.example.org/host/vi/" in message.body
    assert message.expires_at == visit.arrival_at
    assert remind(library, host_page_address, overdue_count) == 0
    changes.cancel_visit(visit, "Bão", service.user)
    db.session.commit()
    for reminder in told(MessageKind.REMINDER_DAY):
        db.session.delete(reminder)
    assert remind(library, host_page_address, overdue_count) == 0


def test_the_reminders_are_a_job_of_every_morning(service: SmallService) -> None:
    job = job_named("remind")
    assert job is not None
    assert run_job(job, now()) is not None
    assert len(told(MessageKind.REMINDER_DAY)) == 1


def test_a_published_term_tells_each_place_its_dates_once(
    service: SmallService, settled: None
) -> None:
    service.term.told_at = None
    db.session.commit()
    library = service.organisation.id
    assert tell_of_new_timetables(library, host_page_address) == 1
    (message,) = told(MessageKind.TIMETABLE)
    assert all(format_day(visit.day) in message.body for visit in service.visits())
    assert tell_of_new_timetables(library, host_page_address) == 0
    service.term.told_at, service.term.status = None, TermStatus.DRAFT
    db.session.commit()
    assert tell_of_new_timetables(library, host_page_address) == 0


def test_only_the_place_concerned_is_told_what_moved_and_why(
    service: SmallService, settled: None
) -> None:
    visit = service.visits()[1]
    was, clock = visit.day, format_clock(visit.arrival_at)
    changes.move_visit(visit, was + DAY, service.van, "Nhà trường thi", service.user)
    db.session.commit()
    assert tell(service) == 1
    (message,) = told(MessageKind.CHANGES)
    assert f"{format_day(was)} {clock} → " in message.body
    assert format_day(was + DAY) in message.body
    assert "(Nhà trường thi)" in message.body
    assert message.place_id == visit.place_id
    assert tell(service) == 0


def test_what_is_taken_back_tells_nobody(service: SmallService, settled: None) -> None:
    visit = service.visits()[1]
    changes.cancel_visit(visit, "Nhầm", service.user)
    changes.restore_visit(visit, service.user)
    db.session.commit()
    assert tell(service) == 0
    assert (
        db.session.scalars(
            db.select(TimetableChange).where(TimetableChange.told_at.is_(None))
        ).all()
        == []
    )


def test_a_change_is_told_only_after_it_has_stood(service: SmallService) -> None:
    changes.cancel_visit(service.visits()[1], "Bão", service.user)
    db.session.commit()
    assert tell(service) == 0
    for change in db.session.scalars(db.select(TimetableChange)):
        change.at -= visit_notices.SETTLED_AFTER + timedelta(minutes=1)
    db.session.commit()
    assert tell(service) == 1
    assert "Hủy: " in told(MessageKind.CHANGES)[0].body


def test_several_changes_at_a_place_are_one_message(service: SmallService, settled: None) -> None:
    first, second, third = service.visits()[1:4]
    changes.cancel_visit(first, "Bão", service.user)
    changes.move_visit(second, second.day + DAY, service.van, "Bão", service.user)
    changes.add_visit(service.stops[0], third.day + 2 * DAY, "Bù", service.user)
    db.session.commit()
    assert tell(service) == 1
    body = told(MessageKind.CHANGES)[0].body
    assert [word in body for word in ("Hủy: ", "Dời: ", "Thêm: ")] == [True] * 3


def test_a_visit_that_is_moved_and_then_back_is_no_news_but_a_second_move_is(
    service: SmallService, settled: None
) -> None:
    visit = service.visits()[1]
    was = visit.day
    changes.move_visit(visit, was + DAY, service.van, "x", service.user)
    db.session.commit()
    assert tell(service) == 1
    changes.move_visit(visit, was, service.van, "y", service.user)
    db.session.commit()
    assert tell(service) == 1
    assert "→ " in told(MessageKind.CHANGES)[1].body


def test_all_of_it_goes_out_by_itself(service: SmallService, settled: None) -> None:
    changes.cancel_visit(service.visits()[1], "Bão", service.user)
    db.session.commit()
    assert tell_and_send() == 0
    assert len(told(MessageKind.CHANGES)) == 1
