"""Loans forget their readers and readers are erased; no figure changes, and replaying agrees."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from bus_ops.accounts.audit import AuditEntry, AuditKind
from bus_ops.accounts.models import Organisation, Role
from bus_ops.circulation.models import Card, IssuedCard, Loan, Reader, Reservation
from bus_ops.counting.borrowers import active_readers
from bus_ops.counting.figures import SumsOf
from bus_ops.counting.models import FIGURE_SUMS, RUN_READING
from bus_ops.database import db, now
from bus_ops.i18n import today
from bus_ops.jobs import job_named, run_job
from bus_ops.privacy.erasing import ErasingError, erase
from bus_ops.privacy.forgetting import forget_readers_of_old_loans
from bus_ops.tablet.log import record, replay, store_events, web_tablet
from bus_ops.tablet.models import Contradiction, Event, EventKind, SetAside
from schedules.periods import PeriodKind, period_of
from tests.conftest import SignIn
from tests.small_service import SmallService, small_service

WEEKS_AGO = 10


@pytest.fixture
def service(app_on_each: Flask, organisation: Organisation) -> SmallService:
    """Loans of two readers: long back, lately back, still out."""
    first = today() - timedelta(weeks=WEEKS_AGO)
    made = small_service(organisation, first, weeks=WEEKS_AGO + 2)
    lend(made, 0, "B1", "T1", back=1)
    lend(made, 1, "B2", "T2", back=2)
    lend(made, 2, "B1", "T2", back=3)
    lend(made, WEEKS_AGO - 2, "B1", "T1", back=WEEKS_AGO - 1)
    lend(made, 1, "B3", "T1", back=None)
    return made


def lend(service: SmallService, number: int, barcode: str, card: str, back: int | None) -> None:
    tell(service, number, EventKind.LENT, barcode=barcode, card_number=card)
    if back is not None:
        tell(service, back, EventKind.RETURNED, barcode=barcode)


def tell(service: SmallService, number: int, kind: EventKind, **payload: Any) -> Event:
    visit = service.visits()[number]
    at = min(visit.arrival_at, now() - timedelta(minutes=5))
    return record(kind, service.user, visit=visit, payload=payload, recorded_at=at).event


def year() -> Any:
    return period_of(PeriodKind.YEAR, today())


def counted(service: SmallService) -> dict[str, Any]:
    """Every figure and sum, and how many different people borrowed."""
    library = service.organisation.id
    total = SumsOf(library, year()).total()
    rows = {
        table.name: sorted(map(tuple, db.session.execute(select(table))), key=str)
        for table in (FIGURE_SUMS, RUN_READING)
    }
    readers = {y: active_readers(library, y) for y in (today().year, today().year - 1)}
    return {**total.sums, **rows, "readers": readers}


def all_text() -> str:
    """Everything that loans and the log say of cards."""
    rows = [*db.session.execute(select(Loan.card_number, Loan.card_id))]
    rows += [*db.session.execute(select(Event.card_number, Event.payload))]
    rows += [*db.session.execute(select(Contradiction.card_number))]
    return str(rows)


def test_loans_that_came_back_long_ago_forget_their_reader_and_no_figure_changes(
    service: SmallService,
) -> None:
    before = counted(service)
    assert forget_readers_of_old_loans(service.organisation.id) == 3
    db.session.commit()
    loans = db.session.scalars(select(Loan).order_by(Loan.lent_at)).all()
    remembered = [loan.card_number for loan in loans if not loan.card_number.startswith("~")]
    assert sorted(remembered) == ["T1", "T1"]
    assert all(loan.card_id is None for loan in loans if loan.card_number.startswith("~"))
    assert counted(service) == before
    assert forget_readers_of_old_loans(service.organisation.id) == 0


def test_replaying_the_log_gives_the_same_forgotten_loans(service: SmallService) -> None:
    forget_readers_of_old_loans(service.organisation.id)
    db.session.commit()
    table = Loan.__table__
    before = sorted(map(tuple, db.session.execute(select(table))), key=str)
    figures = counted(service)
    replay(service.organisation.id)
    assert sorted(map(tuple, db.session.execute(select(table))), key=str) == before
    assert db.session.scalars(select(Contradiction)).all() == []
    assert counted(service) == figures


def test_two_forgotten_loans_of_one_reader_cannot_be_brought_together(
    service: SmallService,
) -> None:
    forget_readers_of_old_loans(service.organisation.id)
    signs = db.session.scalars(select(Loan.card_number).where(Loan.card_number.startswith("~")))
    found = signs.all()
    assert len(set(found)) == len(found) == 3


def test_a_fact_that_comes_again_after_it_was_forgotten_is_still_the_same_fact(
    service: SmallService,
) -> None:
    fact = db.session.scalars(
        select(Event).where(Event.card_number == "T2").order_by(Event.happened_at)
    ).first()
    assert fact is not None
    raw = {
        "id": str(fact.id),
        "kind": fact.kind.value,
        "sequence": fact.sequence,
        "run": fact.run_id,
        "visit": fact.visit_id,
        "recorded_at": fact.recorded_at.isoformat(),
        "payload": dict(fact.payload),
    }
    forget_readers_of_old_loans(service.organisation.id)
    db.session.commit()
    tablet = web_tablet(service.user)
    answer = store_events(service.organisation.id, tablet, service.user.id, [raw])
    assert answer.held == (str(fact.id),)
    assert answer.set_aside == ()
    assert db.session.scalars(select(SetAside)).all() == []
    assert "T2" not in all_text()


def test_what_was_scanned_twice_or_undone_forgets_its_card_too(service: SmallService) -> None:
    undone = tell(service, 4, EventKind.LENT, barcode="B2", card_number="T2")
    tell(service, 4, EventKind.UNDO, undoes=str(undone.id))
    tell(service, 4, EventKind.LENT, barcode="B2", card_number="T2")
    tell(service, 4, EventKind.LENT, barcode="B2", card_number="T2")
    tell(service, 5, EventKind.RETURNED, barcode="B2")
    before = counted(service)
    forget_readers_of_old_loans(service.organisation.id)
    db.session.commit()
    assert "T2" not in all_text()
    replay(service.organisation.id)
    assert counted(service) == before


def test_a_card_that_somebody_must_still_settle_is_remembered(service: SmallService) -> None:
    lend(service, 3, "B2", "X-404", back=4)
    forget_readers_of_old_loans(service.organisation.id)
    assert "X-404" in all_text()


def test_the_nightly_job_forgets_as_late_as_the_library_says(service: SmallService) -> None:
    service.organisation.forget_readers_after = 3650
    db.session.commit()
    job = job_named("forget_readers")
    assert job is not None
    run_job(job, now() - timedelta(minutes=1))
    assert "~" not in all_text()
    service.organisation.forget_readers_after = 1
    db.session.commit()
    run_job(job, now())
    remembered = ~Loan.card_number.startswith("~")
    assert [one.barcode for one in db.session.scalars(select(Loan).where(remembered))] == ["B3"]


def test_a_reader_is_erased_with_everything_that_names_them(service: SmallService) -> None:
    number = "N-77"
    visit = service.visits()[2]
    payload = {"kind": "child", "cards": 1, "number": number, "full_name": "Bé Na"}
    record(EventKind.CARD_ISSUED, service.user, visit=visit, payload=payload)
    lend(service, 3, "B2", number, back=4)
    card = db.session.scalars(select(Card).where(Card.number == number)).one()
    db.session.add(
        Reservation(
            organisation_id=card.organisation_id,
            title_id=1,
            card_id=card.id,
            place_id=visit.place_id,
        )
    )
    db.session.commit()
    before = counted(service)
    erase(card.reader)
    db.session.commit()
    log = str(db.session.execute(select(Event.payload, Event.card_number)).all())
    assert number not in log + all_text()
    assert "Bé Na" not in log
    assert db.session.scalars(select(Reader).where(Reader.full_name == "Bé Na")).all() == []
    assert db.session.scalars(select(Reservation)).all() == []
    assert counted(service) == before
    replay(service.organisation.id)
    assert counted(service) == before
    assert sum(db.session.scalars(select(IssuedCard.cards))) == 1
    assert db.session.scalars(select(Contradiction)).all() == []


def test_nobody_is_erased_while_something_is_lent_to_them(service: SmallService) -> None:
    reader = db.session.scalars(select(Card).where(Card.number == "T1")).one().reader
    with pytest.raises(ErasingError, match="B3"):
        erase(reader)
    db.session.rollback()
    assert db.session.scalars(select(Card).where(Card.number == "T1")).one()


def test_a_reader_sees_everything_that_is_kept_and_each_look_is_written_down(
    service: SmallService, sign_in: SignIn
) -> None:
    client = sign_in(Role.COORDINATOR)
    reader = db.session.scalars(select(Card).where(Card.number == "T1")).one().reader
    key = reader.id
    page = client.get(f"/readers/{key}/data").text
    assert "T1" in page
    assert "B3" in page or "Dế Mèn" in page
    handed = client.get(f"/readers/{key}/data.json").json
    assert [card["number"] for card in handed["cards"]] == ["T1"]
    assert len(handed["loans"]) == 3
    client.post(f"/readers/{key}/erase", data={"asked_by": "somebody"})
    assert db.session.get(Reader, key) is not None
    answer = client.post(
        f"/readers/{key}/erase", data={"asked_by": "reader"}, follow_redirects=True
    )
    assert "Take it back first" in answer.text
    tell(service, WEEKS_AGO - 1, EventKind.RETURNED, barcode="B3")
    erased = client.post(f"/readers/{key}/erase", data={"asked_by": "representative"})
    assert erased.status_code == 302
    db.session.expire_all()
    assert db.session.get(Reader, key) is None
    written = [(one.kind, one.what) for one in db.session.scalars(select(AuditEntry))]
    assert (AuditKind.LOOKED, f"/readers/{key}/data") in written
    assert (AuditKind.EXPORTED, f"/readers/{key}/data.json") in written
    assert (AuditKind.ERASED, f"erased: reader {key}, representative") in written
    shown = sign_in(Role.ADMINISTRATOR).get("/administration/audit").text
    assert f"/readers/{key}/data.json" in shown


def test_every_export_is_written_down(app: Flask, organisation: Organisation) -> None:
    exports = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "export" in rule.endpoint or rule.rule.endswith((".xlsx", ".csv", ".docx", ".pdf"))
    }
    # The open timetable is anybody's, and a template holds no figures.
    open_to_all = {e for e in exports if app.view_functions[e].roles_allowed is None}
    for endpoint in exports - open_to_all - {"reports.template_file"}:
        kind = getattr(app.view_functions[endpoint], "audited", None)
        assert kind is AuditKind.EXPORTED, endpoint
    assert len(exports - open_to_all) >= 12
