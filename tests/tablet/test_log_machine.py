"""The log as a machine: facts of every kind in any order, between changes of plan and catalogue.

However they are mixed, folding what each step touches gives the same rows as replaying the whole
log, and no fact that a tablet was told is held is ever lost or stored twice.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from bus_ops.accounts.models import Organisation, User
from bus_ops.circulation.cataloguing import (
    CatalogueError,
    add_card,
    add_copy,
    remove_card,
    remove_copy,
    rename_card,
    rename_copy,
)
from bus_ops.circulation.due_dates import refresh_due_dates
from bus_ops.circulation.models import Card, CardKind, Copy, Reader, Title
from bus_ops.database import db, new_uuid
from bus_ops.fleet.models import Van
from bus_ops.i18n import today
from bus_ops.tablet.log import replay, store_events, web_tablet
from bus_ops.tablet.models import Contradiction, Event, Tablet
from bus_ops.tablet.settling import WAYS, SettlingError, settle, take_back
from bus_ops.timetable.changes import (
    ChangeError,
    cancel_visit,
    confirm_visit,
    move_visit,
    restore_visit,
    shift_visit,
)
from bus_ops.timetable.models import Audience, IncidentKind, RunEquipment, Visit
from bus_ops.timetable.statuses import roll_statuses
from tests.small_service import small_service
from tests.tablet.facts import projections

FIRST = today() - timedelta(weeks=2)
UNKNOWN = 999_999

BARCODES = st.sampled_from(["B1", "B2", "B8", "B9"])
CARDS = st.sampled_from(["T1", "T2", "M1", "M2"])
PEOPLE = st.integers(-5, 40)
SOME_BARCODES = st.lists(BARCODES, max_size=3)


def payloads(**fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(fields)


OF_A_VISIT: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "arrived": payloads(),
    "departed": payloads(),
    "attendance": payloads(audience=st.sampled_from(list(Audience)), people=PEOPLE),
    "activity": payloads(kind=st.sampled_from(["film", "internet"]), count=st.integers(0, 9)),
    "note": payloads(text=st.sampled_from(["", "Mưa", "Sân ngập"])),
    "lent": payloads(barcode=BARCODES, card_number=CARDS),
    "returned": payloads(barcode=BARCODES),
    "renewed": payloads(barcode=BARCODES),
    "used_on_site": payloads(items=st.integers(1, 9)),
    "card_issued": payloads(kind=st.sampled_from(list(CardKind)), cards=st.just(1), number=CARDS),
    "class_visit": payloads(
        audience=st.sampled_from(list(Audience)), people=st.integers(1, 9), teachers=st.just(1)
    ),
    "incident": payloads(kind=st.sampled_from(list(IncidentKind))),
    "photo": payloads(sha256=st.just("0"), content_type=st.just("image/webp"), bytes=st.just(1)),
    "box_out": payloads(box=st.sampled_from(["H1", "H2"]), barcodes=SOME_BARCODES),
    "box_back": payloads(box=st.sampled_from(["H1", "H2"]), barcodes=SOME_BARCODES),
}
OF_A_RUN: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "run_left": payloads(odometer_km=st.none() | st.integers(1, 9)),
    "run_returned": payloads(odometer_km=st.none() | st.integers(1, 9)),
    "equipment": payloads(item_id=st.integers(1, 6), loaded=st.booleans()),
    "incident": payloads(kind=st.sampled_from(list(IncidentKind))),
    "stock_seen": payloads(barcodes=SOME_BARCODES),
    "day_closed": payloads(unsent=st.integers(0, 3)),
}
# What depends on most other rows is told most often.
KINDS_AT_A_VISIT = [*OF_A_VISIT, *["lent"] * 8, *["returned", "renewed", "card_issued"] * 3]
FACT_OF_A_VISIT = st.sampled_from(KINDS_AT_A_VISIT).flatmap(
    lambda kind: st.tuples(st.just(kind), OF_A_VISIT[kind])
)
FACT_OF_A_RUN = st.sampled_from(sorted(OF_A_RUN)).flatmap(
    lambda kind: st.tuples(st.just(kind), OF_A_RUN[kind])
)
# Mostly minutes after the planned arrival; sometimes a clock that is wrong by days.
MINUTES = st.integers(-30, 90) | st.integers(-30, 90) | st.sampled_from([-4320, 2880, 1_296_000])
ANY = st.integers(0, 10_000)
# 0 names what nobody knows.
KNOWN = st.integers(0, 12)


def some(fact: st.SearchStrategy[Any], least: int, most: int) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.tuples(fact, ANY, MINUTES, KNOWN), min_size=least, max_size=most)


class LogMachine(RuleBasedStateMachine):
    """Two tablets, a coordinator and a cataloguer work on one library at once."""

    prepared: Path
    database: Path

    @initialize(facts=some(FACT_OF_A_VISIT, 8, 25), sent=st.booleans(), rolled=st.booleans())
    def a_fresh_library(self, facts: list[Any], sent: bool, rolled: bool) -> None:
        """A library of whose first days something is known already."""
        db.session.remove()
        db.engine.dispose()
        for ending in ("-wal", "-shm"):
            Path(f"{self.database}{ending}").unlink(missing_ok=True)
        shutil.copy(self.prepared, self.database)
        self.user = db.session.scalars(select(User)).one()
        self.organisation_id = self.user.organisation_id
        names = db.session.scalars(select(Tablet).order_by(Tablet.name))
        self.tablets = [web_tablet(self.user), *(t for t in names if t.user_id is None)]
        # Few of them, so that facts meet: past ones and coming ones of both stops.
        visits = db.session.scalars(select(Visit).order_by(Visit.day, Visit.id))
        self.visit_ids = [visit.id for visit in visits][:8]
        self.recorded: list[dict[str, Any]] = []
        self.unsent: list[dict[str, Any]] = []
        self.told_held: set[str] = set()
        self.taps_at_visits(facts)
        if sent:
            self.everything_is_sent()
        if rolled:
            self.night_falls()

    def visit(self, number: int) -> Visit:
        return db.session.get_one(Visit, self.visit_ids[number % len(self.visit_ids)])

    def note_down(self, kind: str, payload: dict[str, Any], **where: Any) -> dict[str, Any]:
        fact = {
            "id": str(uuid.uuid4()),
            "kind": kind,
            "sequence": len(self.recorded),
            "payload": payload,
            **where,
        }
        self.recorded.append(fact)
        self.unsent.append(fact)
        return fact

    # --- Tablets ---

    @rule(facts=some(FACT_OF_A_VISIT, 1, 8))
    def taps_at_visits(self, facts: list[Any]) -> None:
        for (kind, payload), number, minutes, known in facts:
            visit = self.visit(number)
            at = (visit.arrival_at + timedelta(minutes=minutes)).isoformat()
            visit_id = visit.id if known else UNKNOWN
            self.note_down(kind, payload, run=visit.run_id, visit=visit_id, recorded_at=at)

    @rule(facts=some(FACT_OF_A_RUN, 1, 4))
    def taps_on_runs(self, facts: list[Any]) -> None:
        for (kind, payload), number, minutes, known in facts:
            run = self.visit(number).run
            if kind == "equipment":
                query = select(RunEquipment.id).where(RunEquipment.run_id == run.id)
                items = [*db.session.scalars(query.order_by(RunEquipment.id)), UNKNOWN]
                payload = {**payload, "item_id": items[payload["item_id"] % len(items)]}
            at = (run.leaves_at + timedelta(minutes=minutes)).isoformat()
            run_id = run.id if known else UNKNOWN
            self.note_down(kind, payload, run=run_id, visit=None, recorded_at=at)

    @rule(number=ANY, how_many=st.integers(1, 3))
    def an_undo_of_anything(self, number: int, how_many: int) -> None:
        """Of an undo too, of what is not sent yet, and of a fact nobody knows."""
        for _ in range(how_many):
            known = self.recorded[number % len(self.recorded)] if self.recorded else {}
            target = known.get("id", str(uuid.uuid4()))
            fact = self.note_down("undo", {"undoes": target}, recorded_at=known.get("recorded_at"))
            fact["recorded_at"] = fact["recorded_at"] or f"{today().isoformat()}T08:00:00+07:00"
            number = len(self.recorded) - 1

    @rule(data=st.data(), tablet=st.integers(0, 1))
    def a_batch_in_any_order(self, data: st.DataObject, tablet: int) -> None:
        """Some of what is unsent and some of what came before, shuffled, doubled."""
        unsent = data.draw(st.permutations(self.unsent))[data.draw(st.integers(0, 3)) :]
        again = (
            data.draw(st.lists(st.sampled_from(self.recorded), max_size=3)) if self.recorded else []
        )
        self.deliver([*unsent, *again], self.tablets[tablet])

    @rule()
    def everything_is_sent(self) -> None:
        self.deliver(self.unsent, self.tablets[0])

    def deliver(self, facts: Sequence[dict[str, Any]], tablet: Tablet) -> None:
        answer = store_events(self.organisation_id, tablet, self.user.id, list(facts))
        assert set(answer.held) == {fact["id"] for fact in facts}
        assert answer.set_aside == ()
        self.told_held.update(answer.held)
        self.unsent = [fact for fact in self.unsent if fact["id"] not in self.told_held]

    # --- The coordinator ---

    @rule(number=ANY, way=ANY, answer=ANY)
    def a_contradiction_is_settled(self, number: int, way: int, answer: int) -> None:
        query = select(Contradiction).where(Contradiction.settled_by_id.is_(None))
        rows = list(db.session.scalars(query.order_by(Contradiction.event_id, Contradiction.kind)))
        if not rows:
            return
        row = rows[number % len(rows)]
        chosen = WAYS[row.kind][way % len(WAYS[row.kind])]
        answers = {
            "visit": str(self.visit(answer).id),
            "at": f"{8 + answer % 9:02d}:30",
            "odometer_km": str(answer % 10),
            "barcode": "B1",
            "card_number": "T1",
            "number": f"N{answer % 4}",
        }
        try:
            settle(row, chosen.code, answers.get(chosen.asks, ""), self.user, new_uuid())
        except SettlingError:
            db.session.rollback()

    @rule(number=ANY)
    def a_decision_is_taken_back(self, number: int) -> None:
        query = select(Event).where(Event.settles_id.is_not(None)).order_by(Event.id)
        decisions = list(db.session.scalars(query))
        if decisions:
            take_back(decisions[number % len(decisions)], self.user, new_uuid())

    @rule(
        number=ANY,
        change=st.sampled_from(["cancel", "restore", "confirm", "move", "up", "down"]),
        days=st.integers(0, 9),
        van=ANY,
    )
    def the_plan_changes(self, number: int, change: str, days: int, van: int) -> None:
        visit = self.visit(number)
        try:
            match change:
                case "cancel":
                    cancel_visit(visit, "Mưa", self.user)
                case "restore":
                    restore_visit(visit, self.user)
                case "confirm":
                    confirm_visit(visit, self.user)
                case "move":
                    vans = list(db.session.scalars(select(Van).order_by(Van.id)))
                    day = today() + timedelta(days=days)
                    move_visit(visit, day, vans[van % len(vans)], "Mưa", self.user)
                case _:
                    shift_visit(visit, -1 if change == "up" else 1, self.user)
            db.session.commit()
        except ChangeError:
            db.session.rollback()

    @rule()
    def night_falls(self) -> None:
        roll_statuses(self.organisation_id, today())
        refresh_due_dates(self.organisation_id)
        db.session.commit()

    # --- The catalogue ---

    @rule(change=st.sampled_from(["add", "rename", "remove"]), code=BARCODES, other=BARCODES)
    def a_copy_changes(self, change: str, code: str, other: str) -> None:
        copy = db.session.scalar(select(Copy).where(Copy.barcode == code))
        try:
            if change == "add":
                add_copy(db.session.scalars(select(Title)).one(), code)
            elif copy is not None and change == "rename":
                rename_copy(copy, other)
            elif copy is not None:
                remove_copy(copy)
            db.session.commit()
        except CatalogueError:
            db.session.rollback()

    @rule(change=st.sampled_from(["add", "rename", "remove"]), number=CARDS, other=CARDS)
    def a_card_changes(self, change: str, number: str, other: str) -> None:
        card = db.session.scalar(select(Card).where(Card.number == number))
        try:
            if change == "add":
                reader = db.session.scalars(select(Reader).order_by(Reader.id)).first()
                assert reader is not None
                add_card(reader, number, CardKind.VAN)
            elif card is not None and change == "rename":
                rename_card(card, other)
            elif card is not None:
                remove_card(card)
            db.session.commit()
        except CatalogueError:
            db.session.rollback()

    # --- What must hold ---

    @rule()
    def replaying_gives_the_same_rows(self) -> None:
        before = projections()
        replay(self.organisation_id)
        after = projections()
        for table, rows in before.items():
            assert after[table] == rows, table

    def teardown(self) -> None:
        """At the end of each story: nothing lost, nothing doubled, and replay agrees."""
        if not hasattr(self, "told_held"):
            return
        self.everything_is_sent()
        stored = {str(identity) for identity in db.session.scalars(select(Event.id))}
        assert {fact["id"] for fact in self.recorded} <= stored
        assert self.told_held <= stored
        self.replaying_gives_the_same_rows()


def prepare(organisation: Organisation) -> None:
    """The small service, a second van to move visits to, and a second tablet."""
    service = small_service(organisation, FIRST)
    db.session.add(Van(organisation_id=organisation.id, name="Xe hai", depot=service.van.depot))
    db.session.add(Tablet(organisation_id=organisation.id, name="Máy 2"))
    db.session.commit()
    web_tablet(service.user)


def run_machine(app: Flask, organisation: Organisation, tmp_path: Path, **limits: Any) -> None:
    prepare(organisation)
    db.session.remove()
    db.engine.dispose()
    database = Path(str(db.engine.url.database))
    prepared = tmp_path / "prepared.sqlite3"
    shutil.copy(database, prepared)
    machine = type("Machine", (LogMachine,), {"prepared": prepared, "database": database})
    run_state_machine_as_test(machine, settings=settings(deadline=None, **limits))


def test_whatever_happens_replay_gives_the_same_rows(
    app: Flask, organisation: Organisation, tmp_path: Path
) -> None:
    run_machine(app, organisation, tmp_path, max_examples=15, stateful_step_count=20)
