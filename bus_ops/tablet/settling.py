"""The list "to settle": contradictions, what each side recorded, and ways that do what they say.

A decision is one fact "settled". What follows from it (a return that nobody scanned, a count at
the right visit, a time by the right clock) is recorded beside it as facts of their own, named in
the decision's ``with``; so nothing is ever changed, and taking the decision back undoes them all.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from flask import request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString
from sqlalchemy import select
from sqlalchemy.orm import aliased, joinedload

from ..accounts.models import User
from ..circulation.models import Card, Copy
from ..clock_fields import minutes_of_clock
from ..database import current_organisation_id, db, now, owned
from ..i18n import at_minutes, format_clock, local, today
from ..incoming import asked_search
from ..tables import Listing
from ..timetable.changes import ChangeError, restore_visit
from ..timetable.models import Visit
from .events import ABOUT_A_COPY, ABOUT_A_RUN, ABOUT_THE_LOG, LONGEST_CODE, MOST, Fact
from .folding import clock_is_wrong, of_run_alone
from .log import Tap, held_facts, record_together, undone_decisions, web_tablet
from .models import Contradiction, ContradictionKind, Event, EventKind, Photo

# A fact that nobody recorded in time goes right before the one that shows it happened.
_JUST_BEFORE = timedelta(milliseconds=1)
# Where a fact's day has no visit, those around it are offered.
_DAYS_AROUND = timedelta(days=3)
_MOST_VISITS = 40


class SettlingError(ValueError):
    """The decision cannot be carried out; the message says why and what to do instead."""


@dataclass(frozen=True)
class Way:
    """One way to settle: its code in the log, its words, and the field that it asks for."""

    code: str
    label: LazyString
    asks: str = ""
    asks_label: LazyString | str = ""


@dataclass(frozen=True)
class Deed:
    """What a decision does: facts to record, and sentences about what else was changed."""

    taps: Sequence[Tap] = ()
    sentences: Sequence[str] = ()


@dataclass(frozen=True)
class Choice:
    """A way as one row of the list offers it: with its suggestion, or with visits to choose."""

    way: Way
    suggested: str = ""
    visits: Sequence[Visit] = field(default=())


@dataclass(frozen=True)
class _Case:
    """A contradiction, the facts on both sides, and what the person typed."""

    row: Contradiction
    event: Event
    other: Event | None
    answer: str
    user: User

    @property
    def organisation_id(self) -> int:
        return self.row.organisation_id


_KEEP = Way("kept", _l("Leave it as recorded"))
_TAKE_BACK = Way("mistaken", _l("Recorded by mistake: take it back"))
_TAKE_ALL_BACK = Way("all_mistaken", _l("Recorded by mistake: take everything of this visit back"))
_OTHER_VISIT = Way(
    "other_visit", _l("It was logged at the wrong visit: it belongs to"), "visit", _l("Visit")
)

WAYS: dict[ContradictionKind, tuple[Way, ...]] = {
    ContradictionKind.LENT_TWICE: (
        Way("first_returned", _l("The first loan was returned")),
        _TAKE_BACK,
        _KEEP,
    ),
    ContradictionKind.RETURNED_NOT_LENT: (
        Way("shelved", _l("The copy is back on the shelf")),
        _TAKE_BACK,
    ),
    ContradictionKind.RENEWED_NOT_LENT: (
        Way("lent_before", _l("It was lent to the card"), "card_number", _l("Card number")),
        Way("not_lent", _l("It was not on loan")),
    ),
    ContradictionKind.UNKNOWN_CARD: (
        Way("other_card", _l("The number was misread: it is"), "card_number", _l("Card number")),
        _TAKE_BACK,
        _KEEP,
    ),
    ContradictionKind.UNKNOWN_COPY: (
        Way("other_barcode", _l("The barcode was misread: it is"), "barcode", _l("Barcode")),
        _TAKE_BACK,
        _KEEP,
    ),
    ContradictionKind.CARD_EXISTS: (
        Way("same_reader", _l("It is the same reader")),
        Way("other_number", _l("The new card has the number"), "number", _l("Card number")),
        _KEEP,
    ),
    ContradictionKind.VISIT_CANCELLED: (
        Way("was_served", _l("The visit did take place")),
        _OTHER_VISIT,
        _TAKE_ALL_BACK,
        _KEEP,
    ),
    ContradictionKind.UNKNOWN_VISIT: (_OTHER_VISIT, _TAKE_ALL_BACK, _KEEP),
    ContradictionKind.CLOCK_WRONG: (
        Way("on_the_day", _l("It happened on the visit's day")),
        Way("time_accepted", _l("The counts are right")),
    ),
    ContradictionKind.DEPARTED_BEFORE_ARRIVED: (
        Way("arrived_at", _l("The van arrived at"), "at", _l("Time")),
        Way("departed_at", _l("The van departed at"), "at", _l("Time")),
        _KEEP,
    ),
    ContradictionKind.COUNT_BELOW_ZERO: (
        Way("noted", _l("Nobody of this group came")),
        Way("mistaken", _l("The correction was a mistake: take it back")),
    ),
    ContradictionKind.REVOKED_TABLET: (
        Way("crew_recorded", _l("The crew recorded it themselves")),
        _TAKE_BACK,
    ),
    ContradictionKind.BOX_OUT_TWICE: (
        Way("came_back_before", _l("It was brought back before; nobody logged it")),
        _TAKE_BACK,
        _KEEP,
    ),
    ContradictionKind.BOX_NOT_OUT: (
        Way("box_is_back", _l("The box is back all the same")),
        _TAKE_BACK,
    ),
    ContradictionKind.ODOMETER_BACKWARDS: (
        Way("reading_was", _l("The later reading was"), "odometer_km", _l("Odometer (km)")),
        Way("before_was", _l("The earlier reading was"), "odometer_km", _l("Odometer (km)")),
        _KEEP,
    ),
    ContradictionKind.OTHER_RUN: (
        Way("right_visit", _l("It belongs to this visit")),
        _OTHER_VISIT,
        _TAKE_BACK,
    ),
}


def contradictions_listing() -> Listing:
    """Open contradictions of the library, filtered by kind, searched by barcode or card."""
    query = owned(Contradiction).where(Contradiction.settled_by_id.is_(None))
    kind = request.args.get("kind", "")
    if kind in {member.value for member in ContradictionKind}:
        query = query.where(Contradiction.kind == ContradictionKind(kind))
    typed = asked_search()
    if typed:
        query = query.where(
            Contradiction.barcode.contains(typed, autoescape=True)
            | Contradiction.card_number.contains(typed, autoescape=True)
        )
    sorts = {"found": Contradiction.found_at, "kind": Contradiction.kind}
    return Listing(query, sorts, "-found", tie_breaker=Contradiction.event_id)


def decisions_listing() -> Listing:
    """Decisions that hold, latest first: rows of (decision, the fact decided on, who decided)."""
    about = aliased(Event)
    query = (
        select(Event, about, User.full_name)
        .outerjoin(
            about,
            (about.id == Event.settles_id) & (about.organisation_id == Event.organisation_id),
        )
        .outerjoin(User, User.id == Event.user_id)
        .where(
            Event.organisation_id == current_organisation_id(),
            Event.settles_id.is_not(None),
            Event.id.not_in(undone_decisions(current_organisation_id())),
        )
    )
    kind = request.args.get("kind", "")
    if kind in {member.value for member in ContradictionKind}:
        query = query.where(Event.payload["contradiction"].as_string() == kind)
    typed = asked_search()
    if typed:
        query = query.where(
            about.barcode.contains(typed, autoescape=True)
            | about.card_number.contains(typed, autoescape=True)
        )
    return Listing(query, {"decided": Event.happened_at}, "-decided", tie_breaker=Event.id)


def side_by_side(row: Contradiction) -> list[Event]:
    """The facts on both sides of a contradiction, in order of happening."""
    ids = [identity for identity in (row.event_id, row.other_event_id) if identity]
    query = owned(Event).where(Event.id.in_(ids)).order_by(Event.happened_at)
    return list(db.session.scalars(query))


def choices_for(row: Contradiction) -> list[Choice]:
    """The ways to settle a contradiction, with what can be suggested for each."""
    visits = _visits_to_choose(row) if _OTHER_VISIT in WAYS[row.kind] else ()
    choices = []
    for way in WAYS[row.kind]:
        if way is _OTHER_VISIT:
            if visits:
                choices.append(Choice(way, visits=visits))
            continue
        choices.append(Choice(way, _suggestion(row, way)))
    return choices


def page_that_mends(row: Contradiction) -> tuple[str, str] | None:
    """Address and words of the page where the catalogue takes what is unknown, and comes back."""
    if row.kind == ContradictionKind.UNKNOWN_CARD:
        address = url_for("circulation.readers", card=row.card_number, **{"from": "to-settle"})
        return address, _("Give the card to a reader")
    if row.kind == ContradictionKind.UNKNOWN_COPY:
        address = url_for("circulation.titles", barcode=row.barcode, **{"from": "to-settle"})
        return address, _("Catalogue the copy")
    return None


def label_of_decision(decision: Event) -> str:
    """A decision in words; one that a tablet worded itself stands as it came."""
    payload = decision.payload
    ways = WAYS[ContradictionKind(payload["contradiction"])]
    return next((str(way.label) for way in ways if way.code == payload["decision"]), "") or str(
        payload["decision"]
    )


def settle(
    row: Contradiction, code: str, answer: str, user: User, event_id: uuid.UUID
) -> list[str]:
    """Carry a decision out and record it, in one commit; answers sentences about the timetable.

    ``answer`` is what the way asks for. Raises SettlingError, and then nothing was changed.
    """
    if db.session.get(Event, event_id) is not None:
        # The form was sent twice.
        return []
    if code not in {way.code for way in WAYS[row.kind]}:
        raise SettlingError(_("Choose one of the ways to settle it."))
    # Made first: making it commits.
    web_tablet(user)
    case = _case(row, answer.strip(), user)
    deed = _DEEDS[code](case) if code in _DEEDS else Deed()
    taps = _with_ids(deed.taps, event_id)
    payload = {
        "event_id": str(row.event_id),
        "contradiction": row.kind.value,
        "decision": code,
        "with": [str(tap.event_id) for tap in taps],
    }
    decision = Tap(EventKind.SETTLED, payload=payload, event_id=event_id)
    _copy_pictures(taps)
    record_together([*taps, decision], user)
    return list(deed.sentences)


def take_back(decision: Event, user: User, event_id: uuid.UUID) -> None:
    """Undo a decision and every fact that was recorded with it."""
    targets = [decision.id, *_recorded_with(decision)]
    taps = [Tap(EventKind.UNDO, payload={"undoes": str(target)}) for target in targets]
    record_together(_with_ids(taps, event_id), user)


def _recorded_with(decision: Event) -> list[uuid.UUID]:
    named = decision.payload.get("with")
    ids = []
    for name in named if isinstance(named, list) else []:
        try:
            ids.append(uuid.UUID(str(name)))
        except ValueError:
            continue
    return ids


def changed_the_timetable(decision: Event) -> bool:
    """Whether the decision changed the plan, too; taking it back leaves the plan as it is."""
    return bool(decision.payload["decision"] == "was_served")


def _case(row: Contradiction, answer: str, user: User) -> _Case:
    other = db.session.get(Event, row.other_event_id) if row.other_event_id else None
    return _Case(row, db.session.get_one(Event, row.event_id), other, answer, user)


def _with_ids(taps: Iterable[Tap], event_id: uuid.UUID) -> list[Tap]:
    """Ids that follow from the form's own: sent twice at once, it is still recorded once."""
    return [
        Tap(
            tap.kind,
            tap.run_id,
            tap.visit_id,
            tap.payload,
            uuid.uuid5(event_id, str(number)),
            tap.recorded_at,
        )
        for number, tap in enumerate(taps)
    ]


def _copy_pictures(taps: Sequence[Tap]) -> None:
    """A photo that is recorded anew takes its picture along; the first one keeps its own."""
    for undo, again in itertools.pairwise(taps):
        if undo.kind != EventKind.UNDO or again.kind != EventKind.PHOTO:
            continue
        picture = db.session.get(Photo, uuid.UUID(undo.payload["undoes"]))
        if picture is not None and again.event_id is not None:
            kept = {c.name: getattr(picture, c.name) for c in Photo.__table__.columns}
            db.session.add(Photo(**{**kept, "event_id": again.event_id}))


def _undo(fact: Fact | Event) -> Tap:
    return Tap(EventKind.UNDO, fact.run_id, fact.visit_id, {"undoes": str(fact.id)})


def _again(fact: Fact | Event, **changed: Any) -> list[Tap]:
    """The fact undone and recorded anew with another visit, time or payload."""
    tap = Tap(
        fact.kind,
        changed.get("run_id", fact.run_id),
        changed.get("visit_id", fact.visit_id),
        {**fact.payload, **changed.get("payload", {})},
        recorded_at=changed.get("recorded_at", fact.happened_at),
    )
    return [_undo(fact), tap]


# --- What each way does -----------------------------------------------------------------------


def _take_back(case: _Case) -> Deed:
    return Deed([_undo(case.event)])


def _first_returned(case: _Case) -> Deed:
    """The first reader brought the copy before it went out again."""
    at = case.event.happened_at - _JUST_BEFORE
    if case.other is None or at <= case.other.happened_at:
        return Deed()
    return Deed([_about_the_copy(case, EventKind.RETURNED, at)])


def _lent_before(case: _Case) -> Deed:
    """The renewed copy is with a reader whom nobody scanned."""
    number = _known_card(case)
    at = case.event.happened_at - _JUST_BEFORE
    return Deed([_about_the_copy(case, EventKind.LENT, at, card_number=number)])


def _about_the_copy(case: _Case, kind: EventKind, at: datetime, **payload: str) -> Tap:
    event = case.event
    payload = {"barcode": event.barcode or "", **payload}
    return Tap(kind, event.run_id, event.visit_id, payload, recorded_at=at)


def _came_back_before(case: _Case) -> Deed:
    """The box came back whole, right before it was left again."""
    at = case.event.happened_at - _JUST_BEFORE
    if case.other is None or at <= case.other.happened_at:
        return Deed()
    event = case.event
    payload = {"box": event.barcode or "", "barcodes": case.other.payload["barcodes"]}
    return Deed([Tap(EventKind.BOX_BACK, event.run_id, event.visit_id, payload, recorded_at=at)])


def _other_card(case: _Case) -> Deed:
    return Deed(_again(case.event, payload={"card_number": _known_card(case)}))


def _known_card(case: _Case) -> str:
    known = select(Card.id).where(
        Card.organisation_id == case.organisation_id, Card.number == case.answer
    )
    if not case.answer or db.session.scalar(known) is None:
        raise SettlingError(
            _("No card has the number “%(code)s”. Check it, or make the card.", code=case.answer)
        )
    return case.answer


def _other_barcode(case: _Case) -> Deed:
    """The same label was misread each time: everything of that barcode is the other copy's."""
    known = select(Copy.id).where(
        Copy.organisation_id == case.organisation_id, Copy.barcode == case.answer
    )
    if not case.answer or db.session.scalar(known) is None:
        raise SettlingError(
            _("No copy has the barcode “%(code)s”. Check it, or add it.", code=case.answer)
        )
    facts = held_facts(case.organisation_id, Event.barcode, case.event.barcode)
    return Deed(
        [
            tap
            for fact in facts
            if fact.kind in ABOUT_A_COPY
            for tap in _again(fact, payload={"barcode": case.answer})
        ]
    )


def _same_reader(case: _Case) -> Deed:
    """A card that was made twice on the road counts once; one made on a page counts here."""
    return Deed() if case.other is None else Deed([_undo(case.event)])


def _other_number(case: _Case) -> Deed:
    taken = select(Card.id).where(
        Card.organisation_id == case.organisation_id, Card.number == case.answer
    )
    if not case.answer or len(case.answer) > LONGEST_CODE:
        raise SettlingError(_("Enter the card's number."))
    if db.session.scalar(taken) is not None:
        raise SettlingError(_("A card of this number exists already."))
    return Deed(_again(case.event, payload={"number": case.answer}))


def _was_served(case: _Case) -> Deed:
    visit = db.session.get_one(Visit, case.row.visit_id)
    try:
        return Deed(sentences=restore_visit(visit, case.user))
    except ChangeError as error:
        raise SettlingError(str(error)) from None


def _other_visit(case: _Case) -> Deed:
    """All that was logged at this visit (or run) belongs to the one that was chosen."""
    visit = db.session.get(Visit, int(case.answer)) if case.answer.isdigit() else None
    if visit is None or visit.organisation_id != case.organisation_id:
        raise SettlingError(_("Choose the visit."))
    return Deed(
        [
            tap
            for fact in _facts_logged_with(case)
            for tap in _again(fact, run_id=visit.run_id, visit_id=fact.visit_id and visit.id)
        ]
    )


def _all_mistaken(case: _Case) -> Deed:
    return Deed([_undo(fact) for fact in _facts_logged_with(case)])


def _facts_logged_with(case: _Case) -> list[Fact]:
    """What holds of the contradiction's visit, or of its run where the fact is about a run."""
    event = case.event
    if event.kind in ABOUT_A_RUN or event.visit_id is None:
        return of_run_alone(held_facts(case.organisation_id, Event.run_id, event.run_id))
    facts = held_facts(case.organisation_id, Event.visit_id, event.visit_id)
    if case.row.kind == ContradictionKind.OTHER_RUN:
        facts = [fact for fact in facts if fact.run_id == event.run_id]
    return [fact for fact in facts if fact.kind not in ABOUT_A_RUN | ABOUT_THE_LOG]


def _on_the_day(case: _Case) -> Deed:
    """The clock of day is right, its date is not: each wrong time goes to the visit's day."""
    visit = db.session.get_one(Visit, case.row.visit_id)
    if visit.day > today():
        raise SettlingError(_("The visit's day has not come yet. Take back what is wrong there."))
    taps: list[Tap] = []
    for fact in _facts_logged_with(case):
        if clock_is_wrong(fact, visit.day):
            taps += _again(fact, recorded_at=_on_day_of(visit, fact))
    return Deed(taps)


def _on_day_of(visit: Visit, fact: Fact) -> datetime:
    """The fact's hour on the visit's day, but never after it was received."""
    here = local(fact.happened_at)
    at = here.replace(year=visit.day.year, month=visit.day.month, day=visit.day.day)
    received_later = local(fact.received_at).date() >= visit.day
    return min(at, fact.received_at) if received_later else min(visit.arrival_at, now())


def _arrived_at(case: _Case) -> Deed:
    visit, at = _visit_and_time(case)
    if at >= case.event.happened_at:
        raise SettlingError(
            _(
                "The van departed at %(time)s: it arrived before.",
                time=format_clock(case.event.happened_at),
            )
        )
    return Deed([Tap(EventKind.ARRIVED, visit.run_id, visit.id, recorded_at=at)])


def _departed_at(case: _Case) -> Deed:
    visit, at = _visit_and_time(case)
    if visit.record is None or visit.record.arrived_at is None:
        raise SettlingError(_("Nobody logged when the van arrived. Enter that time instead."))
    if at <= visit.record.arrived_at:
        raise SettlingError(
            _(
                "The van arrived at %(time)s: it departed after.",
                time=format_clock(visit.record.arrived_at),
            )
        )
    return Deed(_again(case.event, recorded_at=at))


def _visit_and_time(case: _Case) -> tuple[Visit, datetime]:
    visit = db.session.get_one(Visit, case.row.visit_id)
    try:
        return visit, at_minutes(visit.day, minutes_of_clock(case.answer))
    except ValueError:
        raise SettlingError(_("Write the time as 07:30.")) from None


def _reading_was(case: _Case) -> Deed:
    return Deed(_again(case.event, payload={"odometer_km": _kilometres(case)}))


def _before_was(case: _Case) -> Deed:
    if case.other is None:
        return Deed()
    return Deed(_again(case.other, payload={"odometer_km": _kilometres(case)}))


def _kilometres(case: _Case) -> int:
    typed = case.answer.replace(".", "").replace(" ", "")
    if not (typed.isascii() and typed.isdigit()) or int(typed) > 10 * MOST:
        raise SettlingError(_("Enter the odometer in whole kilometres."))
    return int(typed)


# Ways that are not here say that the log is right as it is.
_DEEDS: dict[str, Callable[[_Case], Deed]] = {
    "mistaken": _take_back,
    "all_mistaken": _all_mistaken,
    "first_returned": _first_returned,
    "lent_before": _lent_before,
    "came_back_before": _came_back_before,
    "not_lent": _take_back,
    "other_card": _other_card,
    "other_barcode": _other_barcode,
    "same_reader": _same_reader,
    "other_number": _other_number,
    "was_served": _was_served,
    "other_visit": _other_visit,
    "on_the_day": _on_the_day,
    "arrived_at": _arrived_at,
    "departed_at": _departed_at,
    "reading_was": _reading_was,
    "before_was": _before_was,
}


# --- What can be suggested --------------------------------------------------------------------


def _suggestion(row: Contradiction, way: Way) -> str:
    if way.asks != "at" or row.visit_id is None:
        return ""
    visit = db.session.get(Visit, row.visit_id)
    if visit is None:
        return ""
    return format_clock(visit.arrival_at if way.code == "arrived_at" else visit.departure_at)


def _visits_to_choose(row: Contradiction) -> Sequence[Visit]:
    """Visits of the day on which the fact happened, else those of the days around it."""
    event = db.session.get(Event, row.event_id)
    if event is None:
        return ()
    day = local(event.happened_at).date()
    return _visits_between(day, day, row.visit_id) or _visits_between(
        day - _DAYS_AROUND, day + _DAYS_AROUND, row.visit_id
    )


def _visits_between(first: date, last: date, but: int | None) -> Sequence[Visit]:
    query = (
        owned(Visit)
        .where(Visit.day.between(first, last), Visit.id != (but or 0))
        .options(joinedload(Visit.place))
        .order_by(Visit.arrival_at, Visit.id)
        .limit(_MOST_VISITS)
    )
    return list(db.session.scalars(query))
