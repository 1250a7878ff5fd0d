"""The event log: store each fact at most once, and keep what follows from it in step.

Visits' records, counts, loans, boxes and the list "to settle" are projections. Storing facts folds
again only what they touch (their visits, runs, barcodes, card numbers and boxes); ``replay`` drops
all projections and folds everything. Both go the same way, so both give the same rows.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import (
    Select,
    SelectBase,
    Table,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from schedules.searching import search_key

from ..accounts.models import User
from ..circulation.box_rules import due_back
from ..circulation.due_dates import NOT_HELD, DueDates, refresh_due_dates
from ..circulation.models import (
    BoxDeposit,
    BoxItem,
    Card,
    Copy,
    IssuedCard,
    Loan,
    OnSiteUse,
    Reader,
    Renewal,
)
from ..circulation.signals import catalogue_changed
from ..database import db, insert_or_nothing, lock_library, new_uuid, now
from ..i18n import local, today
from ..timetable.models import (
    ActivityRecord,
    Attendance,
    Audience,
    ClassVisit,
    DayClosing,
    Incident,
    Run,
    RunEquipment,
    RunRecord,
    StockSeen,
    Visit,
    VisitRecord,
    VisitStatus,
)
from ..timetable.signals import visits_changed
from ..timetable.statuses import status_of
from .events import (
    ABOUT_A_BOX,
    ABOUT_A_COPY,
    ABOUT_A_RUN,
    LONGEST_CODE,
    ON_THE_WAY,
    Fact,
    UnreadableEventError,
    read_event,
)
from .folding import (
    DepositLine,
    FoldedCopy,
    FoldedRun,
    FoldedVisit,
    Found,
    OdometerReading,
    PlannedVisit,
    backwards,
    effective,
    fold_box,
    fold_card,
    fold_copy,
    fold_run,
    fold_visit,
    odometer_readings,
    of_run_alone,
    recorded_while_revoked,
)
from .models import Contradiction, ContradictionKind, Event, EventKind, SetAside, Tablet

# Keys in one IN (…): far below what SQLite and PostgreSQL take.
_CHUNK = 500

# What facts lose, or get in its place, when they forget a reader.
_FORGOTTEN = frozenset({"card_number", "number", "full_name", "audience", "forgotten"})
# Facts that may name a visit and are folded with something else.
_ELSEWHERE = ABOUT_A_RUN | {EventKind.SETTLED}

_OF_VISIT = (
    ContradictionKind.UNKNOWN_VISIT,
    ContradictionKind.VISIT_CANCELLED,
    ContradictionKind.CLOCK_WRONG,
    ContradictionKind.DEPARTED_BEFORE_ARRIVED,
    ContradictionKind.COUNT_BELOW_ZERO,
    ContradictionKind.OTHER_RUN,
    ContradictionKind.REVOKED_TABLET,
)
_OF_BOX = (ContradictionKind.BOX_OUT_TWICE, ContradictionKind.BOX_NOT_OUT)
_OF_COPY = (
    ContradictionKind.LENT_TWICE,
    ContradictionKind.RETURNED_NOT_LENT,
    ContradictionKind.RENEWED_NOT_LENT,
    ContradictionKind.UNKNOWN_CARD,
    ContradictionKind.UNKNOWN_COPY,
)
_OF_CARD = (ContradictionKind.CARD_EXISTS,)
_OF_ODOMETER = (ContradictionKind.ODOMETER_BACKWARDS,)
_WITH_ODOMETER = (EventKind.RUN_LEFT, EventKind.RUN_RETURNED)


@dataclass(frozen=True)
class Tap:
    """One fact as a page records it; what is recorded on paper names its own time."""

    kind: EventKind
    run_id: int | None = None
    visit_id: int | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)
    event_id: uuid.UUID | None = None
    recorded_at: datetime | None = None


@dataclass(frozen=True)
class RecordOutcome:
    """One tap: the stored event, whether it is new, what it contradicts, and the loan it made."""

    event: Event
    stored: bool
    contradictions: list[Contradiction]
    loan: Loan | None


@dataclass(frozen=True)
class NotTaken:
    """What of a batch is no fact, by its place in the batch; kept as evidence, dealt with."""

    index: int
    id: str | None
    problem: str


@dataclass(frozen=True)
class StoreAnswer:
    """Ids the server holds now, and what it set aside: none of them is needed again."""

    held: tuple[str, ...]
    set_aside: tuple[NotTaken, ...]


@dataclass
class _Touched:
    """Scopes whose projections must be folded again."""

    visits: set[int] = field(default_factory=set)
    runs: set[int] = field(default_factory=set)
    barcodes: set[str] = field(default_factory=set)
    cards: set[str] = field(default_factory=set)
    boxes: set[str] = field(default_factory=set)
    # Events that a person decided about.
    settled: set[uuid.UUID] = field(default_factory=set)


def web_tablet(user: User) -> Tablet:
    """The browser of an account as a device that records; made on first use."""
    query = select(Tablet).where(Tablet.user_id == user.id, Tablet.credential_hash == "")
    tablet = db.session.scalar(query.order_by(Tablet.enrolled_at, Tablet.id).limit(1))
    if tablet is None:
        name = _("Browser of %(name)s", name=user.full_name)
        tablet = Tablet(organisation_id=user.organisation_id, name=name[:120], user_id=user.id)
        db.session.add(tablet)
        db.session.commit()
    return tablet


def record(
    kind: EventKind,
    user: User,
    *,
    run: Run | None = None,
    visit: Visit | None = None,
    payload: Mapping[str, Any] | None = None,
    event_id: uuid.UUID | None = None,
    recorded_at: datetime | None = None,
) -> RecordOutcome:
    """Store one tap made on a page, durably, before the page says it happened.

    ``event_id`` comes from the form, so that sending the form twice stores the tap once. Raises
    UnreadableEventError where the payload does not fit the kind.
    """
    tap = Tap(
        kind,
        run.id if run else (visit.run_id if visit else None),
        visit.id if visit else None,
        payload or {},
        event_id,
        recorded_at,
    )
    return record_together([tap], user)[0]


def record_together(taps: Sequence[Tap], user: User) -> list[RecordOutcome]:
    """Store several taps in one commit, all or none; see ``record``."""
    organisation_id = user.organisation_id
    lock_library(organisation_id)
    moment = now()
    tablet_id = web_tablet(user).id
    facts = [
        read_event(_raw(tap, moment, number), tablet_id, user.id, moment)
        for number, tap in enumerate(taps)
    ]
    stored = _insert_new(organisation_id, facts)
    _apply(organisation_id, facts)
    db.session.commit()
    return [outcome_of(fact.id, fact.id in stored) for fact in facts]


def outcome_of(event_id: uuid.UUID, stored: bool = True) -> RecordOutcome:
    """What a stored event did: what it contradicts, and the loan it made, prolonged or closed."""
    event = db.session.get_one(Event, event_id)
    found = select(Contradiction).where(Contradiction.event_id == event_id)
    return RecordOutcome(
        event=event,
        stored=stored,
        contradictions=list(db.session.scalars(found)),
        loan=_loan_of(event.organisation_id, event),
    )


def _raw(tap: Tap, moment: datetime, number: int) -> dict[str, Any]:
    return {
        "id": str(tap.event_id or new_uuid()),
        "kind": tap.kind.value,
        "sequence": int(moment.timestamp() * 1_000_000) + number,
        "run": tap.run_id,
        "visit": tap.visit_id,
        "recorded_at": (tap.recorded_at or moment).isoformat(),
        "payload": dict(tap.payload),
    }


def store_events(
    organisation_id: int, tablet: Tablet, user_id: int | None, raw_events: Sequence[Any]
) -> StoreAnswer:
    """Take what a tablet sends: each fact once, durably; what cannot be read is kept whole.

    Without ``user_id`` each fact names the person who had the tablet in hand. Sending again is
    always safe. An id that comes again with another content keeps its first
    content; the second is set aside as evidence, and the id counts as held.
    """
    lock_library(organisation_id)
    moment = now()
    staff = _staff(organisation_id) if user_id is None else set()
    facts: dict[uuid.UUID, Fact] = {}
    first_at: dict[uuid.UUID, int] = {}
    asides: list[NotTaken] = []
    for index, raw in enumerate(raw_events):
        try:
            fact = read_event(raw, tablet.id, user_id or _person_in(raw, staff), moment)
        except UnreadableEventError as problem:
            asides.append(NotTaken(index, _identity_in(raw), str(problem)))
            continue
        first = facts.setdefault(fact.id, fact)
        first_at.setdefault(fact.id, index)
        if first.content != fact.content:
            problem_of_id = "id: used twice with different content"
            asides.append(NotTaken(index, _identity_in(raw), problem_of_id))
    stored = _insert_new(organisation_id, list(facts.values()))
    known = [fact for fact in facts.values() if fact.id not in stored]
    asides += [
        NotTaken(first_at[f.id], str(f.id), "id: held already with different content")
        for f in _differing(organisation_id, known)
    ]
    for aside in asides:
        set_aside(organisation_id, tablet.id, raw_events[aside.index], aside.problem)
    _apply(organisation_id, [fact for fact in facts.values() if fact.id in stored])
    tablet.last_seen_at = moment
    db.session.commit()
    return StoreAnswer(
        tuple(str(identity) for identity in facts),
        tuple(sorted(asides, key=lambda aside: aside.index)),
    )


def _staff(organisation_id: int) -> set[int]:
    return set(db.session.scalars(select(User.id).where(User.organisation_id == organisation_id)))


def _person_in(raw: Any, staff: Collection[int]) -> int | None:
    """Who had the tablet in hand, if it is one of the library's people."""
    person = raw.get("user") if isinstance(raw, dict) else None
    known = isinstance(person, int) and not isinstance(person, bool) and person in staff
    return person if known else None


def _identity_in(raw: Any) -> str | None:
    """The id as the tablet wrote it, if it wrote one that can be answered with."""
    identity = raw.get("id") if isinstance(raw, dict) else None
    return identity if isinstance(identity, str) and len(identity) <= LONGEST_CODE else None


def set_aside(organisation_id: int, tablet_id: uuid.UUID, raw: Any, problem: str) -> None:
    """Keep what is no fact as evidence; the same bytes are kept once."""
    if isinstance(raw, bytes):
        data = raw
    else:
        data = json.dumps(raw, ensure_ascii=True, sort_keys=True).encode()
    row = {
        "organisation_id": organisation_id,
        "tablet_id": tablet_id,
        "received_at": now(),
        "raw": data,
        "digest": hashlib.sha256(f"{organisation_id}:".encode() + data).hexdigest(),
        "problem": problem,
    }
    statement = insert_or_nothing(_table(SetAside), [SetAside.digest])
    db.session.execute(statement, [row])


def undoable_events(visit_id: int, organisation_id: int) -> list[Event]:
    """Facts of a visit that hold, newest first: each can be undone."""
    facts = held_facts(organisation_id, Event.visit_id, visit_id)
    return _newest_first([fact for fact in facts if fact.kind not in _ELSEWHERE])


def undoable_run_events(run_id: int, organisation_id: int) -> list[Event]:
    """Facts of a run itself (not of its visits) that hold, newest first."""
    facts = held_facts(organisation_id, Event.run_id, run_id)
    return _newest_first([fact for fact in facts if fact.kind in ABOUT_A_RUN])


def held_facts(organisation_id: int, column: Any, key: Any) -> list[Fact]:
    """Facts that hold and whose column has this value, in order of happening."""
    return effective(_facts_of(organisation_id, column, [key]))


def undone_decisions(organisation_id: int) -> set[uuid.UUID]:
    """Ids of decisions "settled" that were taken back."""
    query = select(Event.id).where(
        Event.organisation_id == organisation_id, Event.settles_id.is_not(None)
    )
    ids = set(db.session.scalars(query))
    return ids - {fact.id for fact in effective(_facts_of(organisation_id, Event.id, ids))}


def _newest_first(facts: Sequence[Fact]) -> list[Event]:
    held = [fact.id for fact in facts]
    rows: dict[uuid.UUID, Event] = {}
    for chunk in _chunks(held):
        query = select(Event).where(Event.id.in_(chunk))
        rows.update({event.id: event for event in db.session.scalars(query)})
    return [rows[identity] for identity in reversed(held)]


def replay(organisation_id: int) -> int:
    """Drop every projection of a library and fold its whole log again; answers how many facts.

    Cards and readers that the log made stay (people may have edited them) where a fact still
    makes them.
    """
    lock_library(organisation_id)
    deposits = select(BoxDeposit.event_id).where(BoxDeposit.organisation_id == organisation_id)
    db.session.execute(delete(BoxItem).where(BoxItem.deposit_event_id.in_(deposits)))
    for model in (
        *(Renewal, Loan, OnSiteUse, IssuedCard, Attendance, ActivityRecord),
        *(BoxDeposit, ClassVisit, Incident, DayClosing, StockSeen),
    ):
        db.session.execute(delete(model).where(model.organisation_id == organisation_id))
    for model in (VisitRecord, RunRecord, Contradiction):
        db.session.execute(delete(model).where(model.organisation_id == organisation_id))
    db.session.execute(
        update(RunEquipment)
        .where(RunEquipment.organisation_id == organisation_id)
        .values(loaded=False)
    )
    everything = _Touched(
        visits=_distinct(organisation_id, Event.visit_id)
        | set(db.session.scalars(_logged_status_visits(organisation_id))),
        runs=_distinct(organisation_id, Event.run_id),
        barcodes=_distinct(organisation_id, Event.barcode),
        cards=_distinct(organisation_id, Event.card_number),
        boxes=_distinct(organisation_id, Event.barcode, ABOUT_A_BOX),
        settled=_distinct(organisation_id, Event.settles_id),
    )
    _project(organisation_id, everything)
    db.session.commit()
    count = select(func.count()).select_from(Event).where(Event.organisation_id == organisation_id)
    return db.session.scalar(count) or 0


def _logged_status_visits(organisation_id: int) -> Any:
    """Visits whose status came from a record: without one it must be told anew."""
    return select(Visit.id).where(
        Visit.organisation_id == organisation_id,
        Visit.status != Visit.plan_status,
    )


@visits_changed.connect
def _look_again_at_changed_visits(_sender: object, visits: Sequence[Visit]) -> str:
    """A visit cancelled, moved or restored after it was logged agrees or contradicts anew."""
    for organisation_id in sorted({visit.organisation_id for visit in visits}):
        ids = {v.id for v in visits if v.organisation_id == organisation_id}
        lock_library(organisation_id)
        _project(organisation_id, _Touched(visits=ids))
    db.session.expire_all()
    return ""


@catalogue_changed.connect
def _look_again_at_codes(
    _sender: object,
    organisation_id: int,
    barcodes: Collection[str] = (),
    card_numbers: Collection[str] = (),
) -> None:
    """What was logged of a barcode or card before it was catalogued is known now, or no more."""
    lock_library(organisation_id)
    boxes = (
        select(BoxDeposit.box_code)
        .join(BoxItem, BoxItem.deposit_event_id == BoxDeposit.event_id)
        .where(BoxDeposit.organisation_id == organisation_id, BoxItem.barcode.in_(barcodes))
    )
    touched = _Touched(
        barcodes=set(barcodes), cards=set(card_numbers), boxes=set(db.session.scalars(boxes))
    )
    _project(organisation_id, touched)
    db.session.expire_all()


def look_again_at_tablet(tablet: Tablet) -> None:
    """A tablet was revoked or found again: what it recorded agrees or contradicts anew."""
    lock_library(tablet.organisation_id)
    touched = _Touched()
    of_tablet = select(Event.visit_id, Event.run_id).where(Event.tablet_id == tablet.id).distinct()
    for visit_id, run_id in db.session.execute(of_tablet):
        touched.visits |= {visit_id} - {None}
        touched.runs |= {run_id} - {None}
    _project(tablet.organisation_id, touched)


def _insert_new(organisation_id: int, facts: Sequence[Fact]) -> set[uuid.UUID]:
    """Insert facts whose id is new into the locked log; answers which were."""
    stored: set[uuid.UUID] = set()
    table = _table(Event)
    for chunk in _chunks(list(facts)):
        rows = [{"organisation_id": organisation_id, **_row(fact)} for fact in chunk]
        statement = insert_or_nothing(table, [Event.id]).returning(table.c.id)
        stored.update(db.session.scalars(statement, rows))
    return stored


def _row(fact: Fact) -> dict[str, Any]:
    row = {name: getattr(fact, name) for name in fact.__dataclass_fields__}
    return {**row, "payload": dict(fact.payload)}


def _differing(organisation_id: int, known: Sequence[Fact]) -> list[Fact]:
    """Facts whose id is held already, but not with this content."""
    differing = []
    for fact in known:
        held = db.session.get(Event, fact.id)
        if (
            held is None
            or held.organisation_id != organisation_id
            or _content(held, held) != _content(fact, held)
        ):
            differing.append(fact)
    return differing


def _content(one: Event | Fact, held: Event) -> tuple[Any, ...]:
    """What must be equal when an id comes again, but for what the held fact has forgotten."""
    payload = dict(one.payload)
    if held.payload.get("forgotten"):
        payload = {key: value for key, value in payload.items() if key not in _FORGOTTEN}
    return (one.kind, one.run_id, one.visit_id, one.recorded_at, payload)


def _apply(organisation_id: int, facts: Sequence[Fact]) -> None:
    """Fold again what these stored facts touch."""
    if not facts:
        return
    touched = _Touched()
    for fact in facts:
        _touch(touched, fact)
    for target in _targets(organisation_id, facts):
        _touch(touched, target)
    _project(organisation_id, touched)
    db.session.expire_all()


def _touch(touched: _Touched, fact: Fact) -> None:
    if fact.visit_id is not None:
        touched.visits.add(fact.visit_id)
    if fact.run_id is not None and fact.kind in ABOUT_A_RUN | ON_THE_WAY:
        touched.runs.add(fact.run_id)
    if fact.barcode is not None and fact.kind in ABOUT_A_BOX:
        touched.boxes.add(fact.barcode)
    if fact.barcode is not None and fact.kind in ABOUT_A_COPY:
        touched.barcodes.add(fact.barcode)
    if fact.card_number is not None and fact.kind == EventKind.CARD_ISSUED:
        touched.cards.add(fact.card_number)
    if fact.settles_id is not None:
        touched.settled.add(fact.settles_id)


def _targets(organisation_id: int, facts: Sequence[Fact]) -> list[Fact]:
    """What the undos among the facts lead to, step by step."""
    found: dict[uuid.UUID, Fact] = {}
    wanted = {fact.undoes_id for fact in facts if fact.undoes_id}
    while wanted:
        step = _facts_of(organisation_id, Event.id, wanted, with_undos=False)
        new = [fact for fact in step if fact.id not in found]
        found.update({fact.id: fact for fact in new})
        wanted = {fact.undoes_id for fact in new if fact.undoes_id}
    return list(found.values())


def _facts_of(
    organisation_id: int,
    column: Any,
    keys: Collection[Any],
    with_undos: bool = True,
    only: Collection[EventKind] = (),
) -> list[Fact]:
    """Facts whose column holds one of the keys, and every undo that leads to one of them."""
    found: dict[uuid.UUID, Fact] = {}
    undos: dict[uuid.UUID, Fact] = {}
    for chunk in _chunks(list(keys)):
        scope = _ids_of(organisation_id, column, chunk, only)
        found.update(_facts_in(scope))
        if with_undos:
            undos.update(_facts_in(_ids_of(organisation_id, Event.undoes_id, scope)))
    while undos:
        wanted = [identity for identity in undos if identity not in found]
        found.update(undos)
        undos = {}
        for chunk in _chunks(wanted):
            undos.update(_facts_in(_ids_of(organisation_id, Event.undoes_id, chunk)))
    return list(found.values())


def _facts_in(scope: Select[tuple[uuid.UUID]]) -> dict[uuid.UUID, Fact]:
    """The facts of a scope by id."""
    columns = (getattr(Event, name) for name in Fact.__dataclass_fields__)
    rows = db.session.execute(scope.with_only_columns(*columns))
    return {row.id: Fact(*row) for row in rows}


def _project(organisation_id: int, touched: _Touched) -> None:
    """Make the projections of these scopes anew. Cards first: loans ask which cards exist."""
    db.session.flush()
    barcodes = set(touched.barcodes)
    contradicted = set(touched.settled)
    for numbers in _chunks(sorted(touched.cards)):
        contradicted |= _project_cards(organisation_id, numbers)
        lent_to = select(Event.barcode).where(
            Event.organisation_id == organisation_id,
            Event.kind == EventKind.LENT,
            Event.card_number.in_(numbers),
        )
        barcodes.update(code for code in db.session.scalars(lent_to) if code)
    turned: set[int] = set()
    for visits in _chunks(sorted(touched.visits)):
        contradicted |= _project_visits(organisation_id, visits, turned)
    for runs in _chunks(sorted(touched.runs)):
        contradicted |= _project_runs(organisation_id, runs)
    contradicted |= _project_odometers(organisation_id, touched.runs)
    for codes in _chunks(sorted(barcodes)):
        contradicted |= _project_copies(organisation_id, codes)
    for codes in _chunks(sorted(touched.boxes)):
        contradicted |= _project_boxes(organisation_id, codes)
    if turned:
        # Loans of other barcodes hang on these visits, too.
        refresh_due_dates(organisation_id, turned)
    _mark_settled(organisation_id, contradicted)


def _project_cards(organisation_id: int, numbers: Sequence[str]) -> set[uuid.UUID]:
    facts = _by(effective(_facts_of(organisation_id, Event.card_number, numbers)), "card_number")
    cards = {
        card.number: card
        for card in db.session.scalars(
            select(Card).where(Card.organisation_id == organisation_id, Card.number.in_(numbers))
        )
    }
    found: list[Found] = []
    for number in numbers:
        card = cards.get(number)
        folded = fold_card(
            facts.get(number, []), number, card is not None and card.event_id is None
        )
        found += folded.found
        if card is not None and card.event_id is not None:
            if folded.made_by is None:
                _remove_card(card)
                continue
            if card.event_id == folded.made_by.id:
                continue
        if folded.made_by is not None:
            _make_card(organisation_id, card, folded.made_by)
    db.session.flush()
    all_ids = _ids_of(organisation_id, Event.card_number, numbers)
    return _replace_found(organisation_id, all_ids, _OF_CARD, found)


def _make_card(organisation_id: int, card: Card | None, fact: Fact) -> None:
    payload = fact.payload
    name = (payload.get("full_name") or "").strip() or fact.card_number or ""
    reader = card.reader if card is not None else Reader(organisation_id=organisation_id)
    reader.full_name = name
    reader.search_key = search_key(f"{name} {fact.card_number}")[:200]
    reader.audience = Audience(payload["audience"]) if payload.get("audience") else None
    reader.place_id = _place_of(organisation_id, fact.visit_id)
    if card is None:
        card = Card(organisation_id=organisation_id, number=fact.card_number, reader=reader)
        db.session.add(card)
    card.kind = payload["kind"]
    card.issued_on = local(fact.happened_at).date()
    card.event_id = fact.id


def _remove_card(card: Card) -> None:
    db.session.execute(update(Loan).where(Loan.card_id == card.id).values(card_id=None))
    reader = card.reader
    alone = len(reader.cards) == 1
    db.session.delete(card)
    db.session.flush()
    if alone:
        db.session.delete(reader)


def _place_of(organisation_id: int, visit_id: int | None) -> int | None:
    query = select(Visit.place_id).where(
        Visit.id == visit_id, Visit.organisation_id == organisation_id
    )
    return db.session.scalar(query)


def _project_visits(
    organisation_id: int, visit_ids: Sequence[int], turned: set[int]
) -> set[uuid.UUID]:
    """Make visits' records anew; ``turned`` takes the stops of visits now held, or held no more."""
    all_facts = _facts_of(organisation_id, Event.visit_id, visit_ids)
    facts = _by(effective(all_facts), "visit_id")
    plan = {
        row.id: row
        for row in db.session.execute(
            select(
                Visit.id,
                Visit.stop_id,
                Visit.run_id,
                Visit.day,
                Visit.plan_status,
                Visit.status,
            ).where(Visit.organisation_id == organisation_id, Visit.id.in_(visit_ids))
        )
    }
    folded = {
        visit_id: fold_visit(
            [f for f in facts.get(visit_id, []) if f.kind not in _ELSEWHERE],
            _planned(plan.get(visit_id)),
            visit_id,
        )
        for visit_id in visit_ids
    }
    known = list(plan)
    _mark_logged(Visit, {fact.visit_id for fact in all_facts} & set(known))
    for model in (VisitRecord, Attendance, ActivityRecord, OnSiteUse, IssuedCard, ClassVisit):
        db.session.execute(delete(model).where(model.visit_id.in_(known)))
    _write_visits(organisation_id, {v: folded[v] for v in known})
    turned |= _write_statuses(plan, folded)
    ids = _ids_of(organisation_id, Event.visit_id, visit_ids, but=ABOUT_A_RUN)
    revoked = _revoked_tablets(organisation_id)
    found = [f for visit in folded.values() for f in visit.found]
    for visit_id in visit_ids:
        found += recorded_while_revoked(
            [f for f in facts.get(visit_id, []) if f.kind not in _ELSEWHERE], revoked
        )
    return _replace_found(organisation_id, ids, _OF_VISIT, found)


def _revoked_tablets(organisation_id: int) -> dict[uuid.UUID, datetime]:
    query = select(Tablet.id, Tablet.revoked_at).where(
        Tablet.organisation_id == organisation_id, Tablet.revoked_at.is_not(None)
    )
    return {tablet: moment for tablet, moment in db.session.execute(query) if moment is not None}


def _planned(row: Any) -> PlannedVisit | None:
    if row is None:
        return None
    return PlannedVisit(row.day, row.plan_status == VisitStatus.CANCELLED, row.run_id)


def _mark_logged(model: type[Visit] | type[Run], keys: Collection[int | None]) -> None:
    """What any fact names, an undone one too, is never made anew: an undo can be undone."""
    table = _table(model)
    db.session.execute(
        update(table).where(table.c.id.in_(keys), ~table.c.logged).values(logged=True)
    )


def _write_visits(organisation_id: int, folded: Mapping[int, FoldedVisit]) -> None:
    owner = {"organisation_id": organisation_id}
    _insert(
        VisitRecord,
        (
            {
                **owner,
                "visit_id": visit_id,
                "arrived_at": visit.arrived_at,
                "departed_at": visit.departed_at,
                "note": visit.note,
                "served": visit.served,
            }
            for visit_id, visit in folded.items()
            if visit.recorded
        ),
    )
    _insert(
        Attendance,
        (
            {**owner, "visit_id": visit_id, "audience": audience, "people": people}
            for visit_id, visit in folded.items()
            for audience, people in visit.attendance.items()
        ),
    )
    lines: list[tuple[Any, Callable[[FoldedVisit], Sequence[Any]]]] = [
        (ActivityRecord, lambda visit: visit.activities),
        (OnSiteUse, lambda visit: visit.on_site),
        (IssuedCard, lambda visit: visit.cards),
        (ClassVisit, lambda visit: visit.classes),
    ]
    for model, lines_of in lines:
        _insert(
            model,
            (
                {**owner, "visit_id": visit_id, **asdict(line)}
                for visit_id, visit in folded.items()
                for line in lines_of(visit)
            ),
        )


def _write_statuses(plan: Mapping[int, Any], folded: Mapping[int, FoldedVisit]) -> set[int]:
    """Statuses follow the records; answers the stops where a visit counts for due dates anew."""
    day = today()
    changes = []
    turned = set()
    for visit_id, row in plan.items():
        visit = folded[visit_id]
        record = VisitRecord(
            arrived_at=visit.arrived_at, departed_at=visit.departed_at, served=visit.served
        )
        status = status_of(row.plan_status, record, row.day, day)
        if status != row.status:
            changes.append({"visit": visit_id, "now": status})
        if (status in NOT_HELD) != (row.status in NOT_HELD):
            turned.add(row.stop_id)
    if changes:
        table = _table(Visit)
        statement = (
            update(table).where(table.c.id == bindparam("visit")).values(status=bindparam("now"))
        )
        db.session.connection().execute(statement, changes)
    return turned


def _project_runs(organisation_id: int, run_ids: Sequence[int]) -> set[uuid.UUID]:
    all_facts = _facts_of(organisation_id, Event.run_id, run_ids, only=ABOUT_A_RUN | ON_THE_WAY)
    facts = _by(effective(all_facts), "run_id")
    owned = select(Run.id).where(Run.organisation_id == organisation_id, Run.id.in_(run_ids))
    known = set(db.session.scalars(owned))
    _mark_logged(Run, {fact.run_id for fact in all_facts if fact.run_id} & known)
    items: dict[int, set[int]] = {}
    listed = select(RunEquipment.run_id, RunEquipment.id).where(RunEquipment.run_id.in_(known))
    for run_id, item_id in db.session.execute(listed):
        items.setdefault(run_id, set()).add(item_id)
    folded = {
        run_id: fold_run(facts.get(run_id, []), run_id in known, items.get(run_id, set()))
        for run_id in run_ids
    }
    for model in (RunRecord, Incident, DayClosing, StockSeen):
        db.session.execute(delete(model).where(model.run_id.in_(known)))
    _insert(
        RunRecord,
        (_run_row(organisation_id, r, folded[r]) for r in sorted(known) if folded[r].recorded),
    )
    _write_ticks(known, folded)
    _write_run_lines(organisation_id, {run_id: folded[run_id] for run_id in sorted(known)})
    revoked = _revoked_tablets(organisation_id)
    found = [f for run in folded.values() for f in run.found]
    for run_id in run_ids:
        found += recorded_while_revoked(of_run_alone(facts.get(run_id, [])), revoked)
    ids = _ids_of(organisation_id, Event.run_id, run_ids, only=ABOUT_A_RUN)
    on_the_way = _ids_of(
        organisation_id, Event.run_id, run_ids, only=ON_THE_WAY, without_visit=True
    )
    return _replace_found(organisation_id, ids.union(on_the_way), _OF_VISIT, found)


def _write_run_lines(organisation_id: int, folded: Mapping[int, FoldedRun]) -> None:
    known_visits = _keys_known(
        Visit,
        organisation_id,
        {line.visit_id for run in folded.values() for line in run.incidents if line.visit_id},
    )
    lines: list[tuple[Any, Callable[[FoldedRun], Sequence[Any]]]] = [
        (Incident, lambda run: run.incidents),
        (DayClosing, lambda run: run.closings),
        (StockSeen, lambda run: run.seen),
    ]
    for model, lines_of in lines:
        rows = [
            {"organisation_id": organisation_id, "run_id": run_id, **_line_row(line)}
            for run_id, run in folded.items()
            for line in lines_of(run)
        ]
        for row in rows:
            if row.get("visit_id") not in known_visits:
                row.pop("visit_id", None)
        if model is Incident:
            rows = [{"visit_id": None, **row} for row in rows]
        _insert(model, rows)


def _line_row(line: Any) -> dict[str, Any]:
    return {name: getattr(line, name) for name in line.__dataclass_fields__}


def _keys_known(model: Any, organisation_id: int, keys: Collection[int]) -> set[int]:
    known: set[int] = set()
    for chunk in _chunks(sorted(keys)):
        query = select(model.id).where(
            model.organisation_id == organisation_id, model.id.in_(chunk)
        )
        known.update(db.session.scalars(query))
    return known


def _project_boxes(organisation_id: int, codes: Sequence[str]) -> set[uuid.UUID]:
    held = effective(_facts_of(organisation_id, Event.barcode, codes, only=ABOUT_A_BOX))
    facts = _by(held, "barcode")
    visit_ids = {fact.visit_id for fact in held if fact.visit_id}
    places: dict[int, int] = {}
    for chunk in _chunks(sorted(visit_ids)):
        rows = select(Visit.id, Visit.place_id).where(
            Visit.organisation_id == organisation_id, Visit.id.in_(chunk)
        )
        places.update((key, place) for key, place in db.session.execute(rows))
    folded = {code: fold_box(facts.get(code, []), code, places) for code in codes}
    _drop_deposits(organisation_id, codes)
    deposits = [deposit for box in folded.values() for deposit in box.deposits]
    _insert(BoxDeposit, (_deposit_row(organisation_id, d, places) for d in deposits))
    barcodes = {barcode for deposit in deposits for barcode in deposit.states}
    copies = _keys_of(Copy, Copy.barcode, organisation_id, barcodes)
    _insert(
        BoxItem,
        (
            {
                "organisation_id": organisation_id,
                "deposit_event_id": deposit.event_id,
                "barcode": barcode,
                "copy_id": copies.get(barcode),
                "state": state,
            }
            for deposit in deposits
            for barcode, state in deposit.states.items()
        ),
    )
    ids = _ids_of(organisation_id, Event.barcode, codes, only=ABOUT_A_BOX)
    found = [f for box in folded.values() for f in box.found]
    return _replace_found(organisation_id, ids, _OF_BOX, found)


def _drop_deposits(organisation_id: int, codes: Sequence[str]) -> None:
    of_codes = select(BoxDeposit.event_id).where(
        BoxDeposit.organisation_id == organisation_id, BoxDeposit.box_code.in_(codes)
    )
    deposits = list(db.session.scalars(of_codes))
    for chunk in _chunks(deposits):
        db.session.execute(delete(BoxItem).where(BoxItem.deposit_event_id.in_(chunk)))
        db.session.execute(delete(BoxDeposit).where(BoxDeposit.event_id.in_(chunk)))


def _deposit_row(
    organisation_id: int, deposit: DepositLine, places: Mapping[int, int]
) -> dict[str, Any]:
    left, back = deposit.left, deposit.back
    return {
        "organisation_id": organisation_id,
        "event_id": deposit.event_id,
        "box_code": deposit.box_code,
        "visit_id": deposit.visit_id,
        "place_id": places[deposit.visit_id],
        "out_at": deposit.out_at,
        "due_on": due_back(local(deposit.out_at).date()),
        "handed_by": left.get("handed_by") or "",
        "received_by": left.get("received_by") or "",
        "condition": left.get("condition") or "",
        "note": left.get("note") or "",
        "back_event_id": deposit.back_event_id,
        "back_at": deposit.back_at,
        "back_visit_id": deposit.back_visit_id,
        "back_handed_by": back.get("handed_by") or "",
        "back_received_by": back.get("received_by") or "",
        "back_note": back.get("note") or "",
        "host_visitors": back.get("visitors"),
        "host_items": back.get("items"),
    }


def _project_odometers(organisation_id: int, run_ids: Collection[int]) -> set[uuid.UUID]:
    """Compare the odometer of these runs, and of those right after them, with the run before."""
    before = _runs_before(organisation_id, run_ids)
    contradicted: set[uuid.UUID] = set()
    for runs in _chunks(sorted(before)):
        around = {*runs, *(before[run_id] for run_id in runs)} - {None}
        facts = _facts_of(organisation_id, Event.run_id, around, only=_WITH_ODOMETER)
        by_run: dict[Any, tuple[OdometerReading, ...]] = {
            run_id: odometer_readings(held)
            for run_id, held in _by(effective(facts), "run_id").items()
        }
        found = [
            found
            for run_id in runs
            for found in backwards(by_run.get(before[run_id], ()), by_run.get(run_id, ()))
        ]
        ids = _ids_of(organisation_id, Event.run_id, runs, only=_WITH_ODOMETER)
        contradicted |= _replace_found(organisation_id, ids, _OF_ODOMETER, found)
    return contradicted


def _runs_before(organisation_id: int, run_ids: Collection[int]) -> dict[int, int | None]:
    """These runs, and the same vans' runs whose run before may be one of them now or was one, each
    with the van's run before it that has a reading.
    """
    vans_of: dict[int, set[date]] = {}
    before: dict[int, int | None] = {}
    for chunk in _chunks(sorted(run_ids)):
        touched = select(Run.id, Run.van_id, Run.day).where(
            Run.organisation_id == organisation_id, Run.id.in_(chunk)
        )
        for run_id, van_id, day in db.session.execute(touched):
            vans_of.setdefault(van_id, set()).add(day)
            before[run_id] = None
    for van_id, touched_days in vans_of.items():
        days = sorted(touched_days)
        last_day, last_id = date.min, None
        for run_id, day in _runs_with_readings(van_id):
            # A run of a touched day, or the first one after it.
            nearest = bisect_left(days, last_day)
            if run_id in before or (nearest < len(days) and days[nearest] <= day):
                before[run_id] = last_id
            last_day, last_id = day, run_id
    return before


def _runs_with_readings(van_id: int) -> Sequence[Any]:
    """A van's runs that have a reading, in the order in which they were driven."""
    query = (
        select(Run.id, Run.day)
        .join(RunRecord, RunRecord.run_id == Run.id)
        .where(
            Run.van_id == van_id,
            RunRecord.odometer_out_km.is_not(None) | RunRecord.odometer_in_km.is_not(None),
        )
        .order_by(Run.day, func.coalesce(RunRecord.left_at, RunRecord.returned_at), Run.id)
    )
    return db.session.execute(query).all()


def _run_row(organisation_id: int, run_id: int, run: FoldedRun) -> dict[str, Any]:
    return {
        "organisation_id": organisation_id,
        "run_id": run_id,
        "left_at": run.left_at,
        "returned_at": run.returned_at,
        "odometer_out_km": run.odometer_out_km,
        "odometer_in_km": run.odometer_in_km,
        "note": run.note,
    }


def _write_ticks(known: Collection[int], folded: Mapping[int, FoldedRun]) -> None:
    table = _table(RunEquipment)
    db.session.execute(
        update(table).where(table.c.run_id.in_(known), table.c.loaded).values(loaded=False)
    )
    loaded = [
        item for run_id in known for item, is_loaded in folded[run_id].loaded.items() if is_loaded
    ]
    for chunk in _chunks(loaded):
        db.session.execute(update(table).where(table.c.id.in_(chunk)).values(loaded=True))


def _project_copies(organisation_id: int, barcodes: Sequence[str]) -> set[uuid.UUID]:
    held = effective(_facts_of(organisation_id, Event.barcode, barcodes))
    facts = _by([f for f in held if f.kind in ABOUT_A_COPY], "barcode")
    copies = _keys_of(Copy, Copy.barcode, organisation_id, barcodes)
    numbers = {f.card_number for f in held if f.card_number}
    cards = _keys_of(Card, Card.number, organisation_id, numbers)
    visit_ids = {f.visit_id for f in held if f.visit_id}
    places: dict[int, int] = {}
    for chunk in _chunks(sorted(visit_ids)):
        rows = select(Visit.id, Visit.place_id).where(
            Visit.organisation_id == organisation_id, Visit.id.in_(chunk)
        )
        places.update((key, place) for key, place in db.session.execute(rows))
    folded = {
        barcode: fold_copy(facts.get(barcode, []), barcode, barcode in copies, cards, places)
        for barcode in barcodes
    }
    _write_loans(organisation_id, barcodes, folded, copies, cards, places)
    ids = _ids_of(organisation_id, Event.barcode, barcodes)
    found = [f for copy in folded.values() for f in copy.found]
    return _replace_found(organisation_id, ids, _OF_COPY, found)


def _write_loans(
    organisation_id: int,
    barcodes: Sequence[str],
    folded: Mapping[str, FoldedCopy],
    copies: Mapping[str, int],
    cards: Mapping[str, int],
    places: Mapping[int, int],
) -> None:
    loans = [loan for copy in folded.values() for loan in copy.loans]
    bases = {loan.renewed_visit_id or loan.visit_id for loan in loans}
    due_dates = DueDates(bases)
    audiences = _audiences_of(cards)
    rows = []
    for loan in loans:
        due = due_dates.due_after(loan.renewed_visit_id or loan.visit_id)
        row = {
            "organisation_id": organisation_id,
            **{name: getattr(loan, name) for name in loan.__dataclass_fields__},
            "copy_id": copies.get(loan.barcode),
            "card_id": cards.get(loan.card_number),
            "place_id": places[loan.visit_id],
            "due_visit_id": due.visit_id,
            "due_on": due.day,
        }
        row["audience"] = loan.audience or audiences.get(row["card_id"])
        rows.append(row)
    stand = select(_table(Loan)).where(
        Loan.organisation_id == organisation_id, Loan.barcode.in_(barcodes)
    )
    known = {row["event_id"]: dict(row) for row in db.session.execute(stand).mappings()}
    renewals = [
        {"organisation_id": organisation_id, **asdict(renewal)}
        for copy in folded.values()
        for renewal in copy.renewals
    ]
    prolonged = {
        row["event_id"]: dict(row)
        for chunk in _chunks(list(known))
        for row in db.session.execute(
            select(_table(Renewal)).where(Renewal.loan_event_id.in_(chunk))
        ).mappings()
    }
    # A popular copy has a long history: only what is new or changed is written.
    _write_differences(Loan, known, rows)
    _write_differences(Renewal, prolonged, renewals)


def _audiences_of(cards: Mapping[str, int]) -> dict[int, Audience]:
    """The group of each card's reader, by the card's key, where it is known."""
    found: dict[int, Audience] = {}
    for chunk in _chunks(sorted(cards.values())):
        query = (
            select(Card.id, Reader.audience)
            .join(Reader, Card.reader_id == Reader.id)
            .where(Card.id.in_(chunk), Reader.audience.is_not(None))
        )
        found.update({card: group for card, group in db.session.execute(query) if group})
    return found


def _write_differences(
    model: type[Loan] | type[Renewal],
    known: Mapping[uuid.UUID, Mapping[str, Any]],
    rows: Sequence[dict[str, Any]],
) -> None:
    """Make the rows that stand there, by their fact, those that should."""
    table = _table(model)
    wanted = {row["event_id"]: row for row in rows}
    for chunk in _chunks([key for key in known if key not in wanted]):
        db.session.execute(delete(table).where(table.c.event_id.in_(chunk)))
    for key, row in wanted.items():
        if key in known and known[key] != row:
            db.session.execute(update(table).where(table.c.event_id == key).values(row))
    _insert(model, (row for key, row in wanted.items() if key not in known))


def _replace_found(
    organisation_id: int,
    event_ids: SelectBase,
    kinds: Sequence[ContradictionKind],
    found: Sequence[Found],
) -> set[uuid.UUID]:
    """Write what these facts contradict now; answers which events contradict something."""
    db.session.execute(
        delete(Contradiction).where(
            Contradiction.organisation_id == organisation_id,
            Contradiction.event_id.in_(event_ids),
            Contradiction.kind.in_(kinds),
        )
    )
    _insert(
        Contradiction,
        (
            {
                "organisation_id": organisation_id,
                **{name: getattr(one, name) for name in one.__dataclass_fields__},
            }
            for one in found
        ),
    )
    return {one.event_id for one in found}


def _mark_settled(organisation_id: int, event_ids: Collection[uuid.UUID]) -> None:
    """Contradictions of these events that a person decided on name the deciding fact."""
    settling = effective(_facts_of(organisation_id, Event.settles_id, event_ids))
    table = _table(Contradiction)
    for chunk in _chunks(list(event_ids)):
        db.session.execute(
            update(table)
            .where(table.c.organisation_id == organisation_id, table.c.event_id.in_(chunk))
            .values(settled_by_id=None)
        )
    decisions = [
        {
            "event": fact.settles_id,
            "what": ContradictionKind(fact.payload["contradiction"]),
            "by": fact.id,
        }
        for fact in settling
    ]
    if decisions:
        statement = (
            update(table)
            .where(
                table.c.organisation_id == organisation_id,
                table.c.event_id == bindparam("event"),
                table.c.kind == bindparam("what"),
            )
            .values(settled_by_id=bindparam("by"))
        )
        db.session.connection().execute(statement, decisions)


def _ids_of(
    organisation_id: int,
    column: Any,
    keys: Collection[Any] | SelectBase,
    only: Collection[EventKind] = (),
    but: Collection[EventKind] = (),
    without_visit: bool = False,
) -> Select[tuple[uuid.UUID]]:
    """Asks for the ids of all facts of a scope, undone ones too: what they contradicted goes with
    them."""
    query = select(Event.id).where(Event.organisation_id == organisation_id, column.in_(keys))
    if only:
        query = query.where(Event.kind.in_(only))
    if but:
        query = query.where(Event.kind.not_in(but))
    if without_visit:
        query = query.where(Event.visit_id.is_(None))
    return query


def _keys_of(
    model: Any, column: Any, organisation_id: int, values: Collection[str]
) -> dict[str, int]:
    keys: dict[str, int] = {}
    for chunk in _chunks(sorted(values)):
        query = select(column, model.id).where(
            model.organisation_id == organisation_id, column.in_(chunk)
        )
        keys.update((code, key) for code, key in db.session.execute(query))
    return keys


def _distinct(organisation_id: int, column: Any, only: Collection[EventKind] = ()) -> set[Any]:
    query = select(column).where(Event.organisation_id == organisation_id, column.is_not(None))
    if only:
        query = query.where(Event.kind.in_(only))
    return set(db.session.scalars(query.distinct()))


def _by(facts: Iterable[Fact], name: str) -> dict[Any, list[Fact]]:
    groups: dict[Any, list[Fact]] = {}
    for fact in facts:
        groups.setdefault(getattr(fact, name), []).append(fact)
    return groups


def _insert(model: Any, rows: Iterable[dict[str, Any]]) -> None:
    values = list(rows)
    if values:
        db.session.execute(insert(_table(model)), values)


def _table(model: Any) -> Table:
    table: Table = model.__table__
    return table


def _chunks(keys: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (keys[start : start + _CHUNK] for start in range(0, len(keys), _CHUNK))


def _loan_of(organisation_id: int, fact: Event) -> Loan | None:
    """The loan a fact about a copy made, prolonged or closed."""
    if fact.kind not in ABOUT_A_COPY:
        return None
    query = (
        select(Loan)
        .where(Loan.organisation_id == organisation_id, Loan.barcode == fact.barcode)
        .order_by(Loan.lent_at.desc(), Loan.event_id.desc())
        .limit(1)
    )
    return db.session.scalar(query)
