"""A coordinator changes visits in the moment in which their tablet sends: both are done."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from bus_ops.accounts.models import Organisation, User
from bus_ops.database import db
from bus_ops.i18n import today
from bus_ops.tablet.log import store_events, web_tablet
from bus_ops.timetable import changes
from bus_ops.timetable.models import Attendance, Visit
from tests.small_service import small_service
from tests.tablet.test_receiving import counted

# Long enough for the tablet's batch to reach what it has to wait for.
MOMENT_SECONDS = 0.5


def test_a_change_and_a_batch_that_meet_are_both_done(
    app_on_each: Flask, organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The change has written its visits and looks at the log; the batch writes the same visits."""
    service = small_service(organisation, today() + timedelta(days=1))
    visit = service.visits()[0]
    visit_id, user_id, position = visit.id, service.user.id, visit.position
    fact = counted(visit, people=7)
    web_tablet(service.user)
    db.session.commit()
    written = threading.Event()
    send = changes.visits_changed.send

    def sent_late(*arguments: object, **named: object) -> object:
        written.set()
        threading.Event().wait(MOMENT_SECONDS)
        return send(*arguments, **named)

    monkeypatch.setattr(changes.visits_changed, "send", sent_late)

    def coordinate() -> None:
        with app_on_each.app_context():
            user = db.session.get_one(User, user_id)
            changes.shift_visit(db.session.get_one(Visit, visit_id), 1 - 2 * position, user)
            db.session.commit()

    def count() -> None:
        with app_on_each.app_context():
            user = db.session.get_one(User, user_id)
            tablet = web_tablet(user)
            assert written.wait(MOMENT_SECONDS * 10)
            store_events(user.organisation_id, tablet, user_id, [fact])

    with ThreadPoolExecutor(2) as both:
        for done in [both.submit(coordinate), both.submit(count)]:
            done.result()
    db.session.rollback()
    people = select(func.sum(Attendance.people)).where(Attendance.visit_id == visit_id)
    assert db.session.scalar(people) == 7
    assert db.session.get_one(Visit, visit_id, populate_existing=True).position == 1 - position
