"""From facts to what they say: visits, counts, loans, cards and contradictions.

Pure functions of sets of facts: the order of arrival, duplicates and batches make no difference.
What is folded together (a scope) is one visit, one run, one barcode or one card number, so that
new facts touch little and a replay of everything gives the same.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ..circulation.models import BoxItemState, CardKind
from ..config import TIMEZONE
from ..timetable.models import ActivityKind, Audience, IncidentKind
from .events import ABOUT_A_RUN, Fact
from .models import ContradictionKind, EventKind

ZONE = ZoneInfo(TIMEZONE)
# A tablet's clock may run ahead of the server's by this much before it is called wrong.
CLOCK_TOLERANCE = timedelta(minutes=10)
# Facts that say that somebody was served; attendance does where people are left after corrections.
_SERVING = frozenset(
    {
        EventKind.ACTIVITY,
        EventKind.LENT,
        EventKind.RETURNED,
        EventKind.RENEWED,
        EventKind.USED_ON_SITE,
        EventKind.CARD_ISSUED,
        EventKind.CLASS_VISIT,
        EventKind.BOX_OUT,
        EventKind.BOX_BACK,
    }
)


@dataclass(frozen=True)
class Found:
    """A fact that contradicts another or the plan."""

    event_id: uuid.UUID
    kind: ContradictionKind
    found_at: datetime
    other_event_id: uuid.UUID | None = None
    visit_id: int | None = None
    barcode: str | None = None
    card_number: str | None = None


@dataclass(frozen=True)
class ActivityLine:
    """One activity at a visit."""

    event_id: uuid.UUID
    kind: ActivityKind
    count: int
    title: str


@dataclass(frozen=True)
class OnSiteLine:
    """Items read on the spot."""

    event_id: uuid.UUID
    items: int
    barcode: str


@dataclass(frozen=True)
class CardLine:
    """Cards made at a visit."""

    event_id: uuid.UUID
    kind: CardKind
    cards: int


@dataclass(frozen=True)
class ClassLine:
    """A class that came to a visit."""

    event_id: uuid.UUID
    class_name: str
    audience: Audience
    people: int
    teachers: int
    teacher: str
    slot_id: int | None


@dataclass(frozen=True)
class FoldedVisit:
    """Everything the log says of one visit but its loans."""

    arrived_at: datetime | None = None
    departed_at: datetime | None = None
    note: str = ""
    attendance: Mapping[Audience, int] = field(default_factory=dict)
    activities: tuple[ActivityLine, ...] = ()
    on_site: tuple[OnSiteLine, ...] = ()
    cards: tuple[CardLine, ...] = ()
    classes: tuple[ClassLine, ...] = ()
    found: tuple[Found, ...] = ()
    # Whether a fact says that somebody was served, arrival tapped or not.
    served: bool = False

    @property
    def recorded(self) -> bool:
        """Whether anything stands in the visit's own record."""
        return bool(self.arrived_at or self.departed_at or self.note or self.served)


@dataclass(frozen=True)
class IncidentLine:
    """Something that went wrong on a run."""

    event_id: uuid.UUID
    visit_id: int | None
    kind: IncidentKind
    text: str
    happened_at: datetime


@dataclass(frozen=True)
class ClosingLine:
    """The crew's summary of a day."""

    event_id: uuid.UUID
    closed_at: datetime
    counted: Mapping[str, int]
    paper: Mapping[str, int]
    unsent: int
    reason: str


@dataclass(frozen=True)
class SeenLine:
    """A barcode scanned in a stock check."""

    event_id: uuid.UUID
    barcode: str
    seen_at: datetime


@dataclass(frozen=True)
class FoldedRun:
    """Everything the log says of one run but its visits."""

    left_at: datetime | None = None
    returned_at: datetime | None = None
    odometer_out_km: int | None = None
    odometer_in_km: int | None = None
    note: str = ""
    loaded: Mapping[int, bool] = field(default_factory=dict)
    incidents: tuple[IncidentLine, ...] = ()
    closings: tuple[ClosingLine, ...] = ()
    seen: tuple[SeenLine, ...] = ()
    found: tuple[Found, ...] = ()

    @property
    def recorded(self) -> bool:
        """Whether the run left or came back."""
        return bool(self.left_at or self.returned_at)


@dataclass(frozen=True)
class OdometerReading:
    """What the odometer showed when a run left or came back."""

    event_id: uuid.UUID
    km: int
    read_at: datetime


@dataclass(frozen=True)
class RenewalLine:
    """A loan prolonged at a visit."""

    event_id: uuid.UUID
    loan_event_id: uuid.UUID
    visit_id: int
    renewed_at: datetime


@dataclass(frozen=True)
class LoanLine:
    """One loan from lending to return."""

    event_id: uuid.UUID
    barcode: str
    card_number: str
    visit_id: int
    lent_at: datetime
    renewals: int = 0
    renewed_at: datetime | None = None
    renewed_visit_id: int | None = None
    returned_at: datetime | None = None
    return_visit_id: int | None = None
    return_event_id: uuid.UUID | None = None
    # What a fact that forgot its reader still tells of them.
    audience: Audience | None = None


@dataclass(frozen=True)
class FoldedCopy:
    """Loans and renewals of one barcode."""

    loans: tuple[LoanLine, ...] = ()
    renewals: tuple[RenewalLine, ...] = ()
    found: tuple[Found, ...] = ()


@dataclass(frozen=True)
class FoldedCard:
    """The fact that made the card of a number, if the log made it."""

    made_by: Fact | None = None
    found: tuple[Found, ...] = ()


def effective(facts: Iterable[Fact]) -> list[Fact]:
    """The facts that hold, in order of happening; undos themselves are left out.

    A fact holds unless a holding undo names it, so an undone undo lets it hold again. ``facts``
    must contain every undo that leads to one of them. Undos that name each other in a circle undo
    nothing.
    """
    by_id = {fact.id: fact for fact in facts}
    undoes = {f.id: f.undoes_id for f in by_id.values() if f.kind == EventKind.UNDO}
    undone = _undone(undoes)
    held = [f for f in by_id.values() if f.kind != EventKind.UNDO and f.id not in undone]
    return sorted(held, key=lambda fact: fact.order)


def _undone(undoes: Mapping[uuid.UUID, uuid.UUID | None]) -> set[uuid.UUID]:
    """Which facts are undone; chains may have any length, so nothing recurses."""
    undoers: dict[uuid.UUID | None, list[uuid.UUID]] = {}
    for undo, target in undoes.items():
        undoers.setdefault(target, []).append(undo)
    state = dict.fromkeys(_in_circles(undoes), True)
    for start in [target for target in undoers if target is not None]:
        path = [start]
        while path:
            here = path[-1]
            unknown = [undo for undo in undoers.get(here, ()) if undo not in state]
            if here not in state and unknown:
                path.append(unknown[0])
                continue
            state.setdefault(here, any(not state[undo] for undo in undoers.get(here, ())))
            path.pop()
    return {identity for identity, is_undone in state.items() if is_undone}


def _in_circles(undoes: Mapping[uuid.UUID, uuid.UUID | None]) -> set[uuid.UUID]:
    """Undos that lead back to themselves: each undo names one fact, so walking ahead finds them."""
    circles: set[uuid.UUID] = set()
    seen: set[uuid.UUID] = set()
    for start in undoes:
        path: list[uuid.UUID] = []
        here: uuid.UUID | None = start
        while here in undoes and here not in seen:
            seen.add(here)
            path.append(here)
            here = undoes[here]
        if here in path:
            circles.update(path[path.index(here) :])
    return circles


@dataclass(frozen=True)
class PlannedVisit:
    """What the plan says of a visit, as far as facts can contradict it."""

    day: date
    cancelled: bool
    run_id: int | None = None


def fold_visit(facts: Sequence[Fact], plan: PlannedVisit | None, visit_id: int) -> FoldedVisit:
    """What effective facts say of one visit; ``plan`` is None where no such visit is known."""
    if not facts:
        return FoldedVisit()
    if plan is None:
        first = facts[0]
        found = Found(
            first.id, ContradictionKind.UNKNOWN_VISIT, first.happened_at, visit_id=visit_id
        )
        return FoldedVisit(found=(found,))
    arrived = [f.happened_at for f in facts if f.kind == EventKind.ARRIVED]
    departed = [f for f in facts if f.kind == EventKind.DEPARTED]
    notes = [f.payload["text"] for f in facts if f.kind == EventKind.NOTE]
    attendance, below = _attendance(facts)
    arrived_at = min(arrived, default=None)
    found_here = [
        *below,
        *_timing_found(facts, plan.day, arrived_at, departed),
        *_run_found(facts, plan.run_id),
    ]
    if plan.cancelled:
        kind = ContradictionKind.VISIT_CANCELLED
        found_here.append(Found(facts[0].id, kind, facts[0].happened_at))
    return FoldedVisit(
        arrived_at=arrived_at,
        departed_at=departed[-1].happened_at if departed else None,
        note=notes[-1] if notes else "",
        attendance=attendance,
        activities=tuple(
            ActivityLine(
                f.id,
                ActivityKind(f.payload["kind"]),
                f.payload["count"],
                f.payload.get("title") or "",
            )
            for f in facts
            if f.kind == EventKind.ACTIVITY
        ),
        on_site=tuple(
            OnSiteLine(f.id, f.payload["items"], f.barcode or "")
            for f in facts
            if f.kind == EventKind.USED_ON_SITE
        ),
        cards=tuple(
            CardLine(f.id, CardKind(f.payload["kind"]), f.payload["cards"])
            for f in facts
            if f.kind == EventKind.CARD_ISSUED
        ),
        classes=tuple(_class_line(f) for f in facts if f.kind == EventKind.CLASS_VISIT),
        found=tuple(replace(found, visit_id=visit_id) for found in found_here),
        served=bool(attendance) or any(fact.kind in _SERVING for fact in facts),
    )


def _run_found(facts: Sequence[Fact], run_id: int | None) -> list[Found]:
    """The first fact whose tablet saw the visit on another run: moved meanwhile, or mistaken."""
    other = next((f for f in facts if f.run_id is not None and f.run_id != run_id), None)
    if other is None:
        return []
    return [Found(other.id, ContradictionKind.OTHER_RUN, other.happened_at)]


def _attendance(facts: Sequence[Fact]) -> tuple[dict[Audience, int], list[Found]]:
    """People by group, never fewer than none; a correction that went too far is told."""
    people: Counter[Audience] = Counter()
    last_less: dict[Audience, Fact] = {}
    for fact in facts:
        if fact.kind == EventKind.CLASS_VISIT:
            people[Audience(fact.payload["audience"])] += fact.payload["people"]
            people[Audience.TEACHERS] += fact.payload.get("teachers") or 0
        if fact.kind != EventKind.ATTENDANCE:
            continue
        audience = Audience(fact.payload["audience"])
        people[audience] += fact.payload["people"]
        if fact.payload["people"] < 0:
            last_less[audience] = fact
    found = [
        Found(fact.id, ContradictionKind.COUNT_BELOW_ZERO, fact.happened_at)
        for audience, fact in last_less.items()
        if people[audience] < 0
    ]
    return {audience: count for audience, count in people.items() if count > 0}, found


def _class_line(fact: Fact) -> ClassLine:
    payload = fact.payload
    return ClassLine(
        event_id=fact.id,
        class_name=payload.get("class_name") or "",
        audience=Audience(payload["audience"]),
        people=payload["people"],
        teachers=payload.get("teachers") or 0,
        teacher=payload.get("teacher") or "",
        slot_id=payload.get("slot_id"),
    )


def _timing_found(
    facts: Sequence[Fact], day: date, arrived_at: datetime | None, departed: Sequence[Fact]
) -> list[Found]:
    found = []
    if departed and (arrived_at is None or departed[-1].happened_at < arrived_at):
        kind = ContradictionKind.DEPARTED_BEFORE_ARRIVED
        found.append(Found(departed[-1].id, kind, departed[-1].happened_at))
    wrong = next((fact for fact in facts if clock_is_wrong(fact, day)), None)
    if wrong is not None:
        found.append(Found(wrong.id, ContradictionKind.CLOCK_WRONG, wrong.happened_at))
    return found


def clock_is_wrong(fact: Fact, day: date) -> bool:
    """Recorded in the server's future, before the visit's day, or arriving days after it.

    Counts and notes may be added from paper days later, arrivals may not.
    """
    here = fact.happened_at.astimezone(ZONE).date()
    if fact.happened_at > fact.received_at + CLOCK_TOLERANCE or here < day:
        return True
    return fact.kind in {EventKind.ARRIVED, EventKind.DEPARTED} and here > day + timedelta(days=1)


def fold_run(facts: Sequence[Fact], known: bool, items: Collection[int]) -> FoldedRun:
    """What effective facts say of one run; ``items`` are the keys of its checklist."""
    if not facts:
        return FoldedRun()
    if not known:
        alone = of_run_alone(facts)
        if not alone:
            return FoldedRun()
        first = alone[0]
        return FoldedRun(
            found=(Found(first.id, ContradictionKind.UNKNOWN_VISIT, first.happened_at),)
        )
    left = [f for f in facts if f.kind == EventKind.RUN_LEFT]
    returned = [f for f in facts if f.kind == EventKind.RUN_RETURNED]
    ticks = [f for f in facts if f.kind == EventKind.EQUIPMENT]
    return FoldedRun(
        left_at=left[0].happened_at if left else None,
        returned_at=returned[-1].happened_at if returned else None,
        odometer_out_km=_last_odometer(left),
        odometer_in_km=_last_odometer(returned),
        note=(returned[-1].payload.get("note") or "") if returned else "",
        loaded={
            f.payload["item_id"]: f.payload["loaded"]
            for f in ticks
            if f.payload["item_id"] in items
        },
        incidents=tuple(
            IncidentLine(
                f.id,
                f.visit_id,
                IncidentKind(f.payload["kind"]),
                f.payload.get("text") or "",
                f.happened_at,
            )
            for f in facts
            if f.kind == EventKind.INCIDENT
        ),
        closings=tuple(
            ClosingLine(
                f.id,
                f.happened_at,
                _counts(f.payload.get("counted")),
                _counts(f.payload.get("paper")),
                f.payload.get("unsent") or 0,
                f.payload.get("reason") or "",
            )
            for f in facts
            if f.kind == EventKind.DAY_CLOSED
        ),
        seen=_seen(facts),
    )


def of_run_alone(facts: Sequence[Fact]) -> list[Fact]:
    """Facts that no visit's folding looks at."""
    return [fact for fact in facts if fact.kind in ABOUT_A_RUN or fact.visit_id is None]


def _counts(counts: Mapping[str, int | None] | None) -> dict[str, int]:
    return {what: count for what, count in (counts or {}).items() if count is not None}


def _seen(facts: Sequence[Fact]) -> tuple[SeenLine, ...]:
    """Each barcode once, by the fact that saw it first."""
    lines: dict[str, SeenLine] = {}
    for fact in facts:
        if fact.kind == EventKind.STOCK_SEEN:
            for code in fact.payload["barcodes"]:
                barcode = code.strip()
                lines.setdefault(barcode, SeenLine(fact.id, barcode, fact.happened_at))
    return tuple(lines.values())


def _last_odometer(facts: Sequence[Fact]) -> int | None:
    read: list[Any] = [f.payload.get("odometer_km") for f in facts]
    return next((km for km in reversed(read) if km is not None), None)


def odometer_readings(facts: Sequence[Fact]) -> tuple[OdometerReading, ...]:
    """The readings of one run that hold, in the order of the way: out, then in."""
    readings = []
    for kind in (EventKind.RUN_LEFT, EventKind.RUN_RETURNED):
        read = [f for f in facts if f.kind == kind and f.payload.get("odometer_km") is not None]
        if read:
            last = read[-1]
            readings.append(OdometerReading(last.id, last.payload["odometer_km"], last.happened_at))
    return tuple(readings)


def backwards(before: Sequence[OdometerReading], run: Sequence[OdometerReading]) -> list[Found]:
    """Readings of a run that are lower than the one before, ``before`` being the van's last run's.

    Only the neighbours are compared: one reading typed wrong is told once or twice, not with each
    run that follows.
    """
    found = []
    last = before[-1] if before else None
    for reading in run:
        if last is not None and reading.km < last.km:
            kind = ContradictionKind.ODOMETER_BACKWARDS
            found.append(Found(reading.event_id, kind, reading.read_at, last.event_id))
        last = reading
    return found


def fold_copy(
    facts: Sequence[Fact],
    barcode: str,
    known_copy: bool,
    known_cards: Collection[str],
    known_visits: Collection[int],
) -> FoldedCopy:
    """Loans of one barcode from its effective facts in order.

    The same copy scanned to the same card twice at one visit is one loan; a copy returned or
    renewed twice at one visit was so once. A copy lent while still on loan to somebody else gives
    two loans: the first counts as returned at that moment (nobody saw it), and is told.
    """
    folding = _CopyFolding(barcode, known_copy, known_cards, known_visits)
    for fact in facts:
        folding.take(fact)
    return folding.folded()


class _CopyFolding:
    def __init__(
        self,
        barcode: str,
        known_copy: bool,
        known_cards: Collection[str],
        known_visits: Collection[int],
    ) -> None:
        self._barcode = barcode
        self._known_copy = known_copy
        self._known_cards = known_cards
        self._known_visits = known_visits
        self._loans: list[LoanLine] = []
        self._renewals: list[RenewalLine] = []
        self._found: list[Found] = []
        self._open = False
        self._returned_at_visit: int | None = None

    def take(self, fact: Fact) -> None:
        if not self._known_copy and not self._found:
            self._tell(fact, ContradictionKind.UNKNOWN_COPY)
        match fact.kind:
            case EventKind.LENT:
                self._lend(fact)
            case EventKind.RETURNED:
                self._return(fact)
            case EventKind.RENEWED:
                self._renew(fact)

    def folded(self) -> FoldedCopy:
        return FoldedCopy(tuple(self._loans), tuple(self._renewals), tuple(self._found))

    def _lend(self, fact: Fact) -> None:
        card_number = fact.card_number or ""
        forgotten = bool(fact.payload.get("forgotten"))
        if card_number not in self._known_cards and not forgotten:
            self._tell(fact, ContradictionKind.UNKNOWN_CARD)
        if fact.visit_id is None or fact.visit_id not in self._known_visits:
            # Told once by the visit's own folding; a loan needs a visit to count for.
            return
        if self._open:
            before = self._loans[-1]
            if before.card_number == card_number and before.visit_id == fact.visit_id:
                return
            self._tell(fact, ContradictionKind.LENT_TWICE, before.event_id)
            self._close(fact, None)
        self._loans.append(
            LoanLine(
                fact.id,
                self._barcode,
                card_number,
                fact.visit_id,
                fact.happened_at,
                audience=_remembered_group(fact) if forgotten else None,
            )
        )
        self._open, self._returned_at_visit = True, None

    def _return(self, fact: Fact) -> None:
        known = fact.visit_id in self._known_visits
        if self._open:
            self._close(fact, fact.visit_id if known else None)
            self._returned_at_visit = fact.visit_id
        elif self._returned_at_visit is None or self._returned_at_visit != fact.visit_id:
            self._tell(fact, ContradictionKind.RETURNED_NOT_LENT)

    def _renew(self, fact: Fact) -> None:
        if not self._open:
            self._tell(fact, ContradictionKind.RENEWED_NOT_LENT)
            return
        loan = self._loans[-1]
        if fact.visit_id is None or fact.visit_id not in self._known_visits:
            return
        if loan.renewed_visit_id == fact.visit_id:
            return
        self._renewals.append(RenewalLine(fact.id, loan.event_id, fact.visit_id, fact.happened_at))
        self._loans[-1] = replace(
            loan,
            renewals=loan.renewals + 1,
            renewed_at=fact.happened_at,
            renewed_visit_id=fact.visit_id,
        )

    def _close(self, fact: Fact, visit_id: int | None) -> None:
        self._loans[-1] = replace(
            self._loans[-1],
            returned_at=fact.happened_at,
            return_visit_id=visit_id,
            return_event_id=fact.id,
        )
        self._open = False

    def _tell(self, fact: Fact, kind: ContradictionKind, other: uuid.UUID | None = None) -> None:
        self._found.append(
            Found(
                fact.id,
                kind,
                fact.happened_at,
                other,
                fact.visit_id,
                self._barcode,
                fact.card_number,
            )
        )


def _remembered_group(fact: Fact) -> Audience | None:
    """The group of a borrower whom the fact has forgotten."""
    group = fact.payload.get("audience")
    return Audience(group) if group else None


def fold_card(facts: Sequence[Fact], number: str, catalogued: bool) -> FoldedCard:
    """The first effective fact that made the card of a number; later ones contradict it.

    ``catalogued``: the card existed before, made on a page and not by the log.
    """
    making = [fact for fact in facts if fact.kind == EventKind.CARD_ISSUED]
    first = None if catalogued or not making else making[0]
    found = tuple(
        Found(
            fact.id,
            ContradictionKind.CARD_EXISTS,
            fact.happened_at,
            first.id if first else None,
            fact.visit_id,
            None,
            number,
        )
        for fact in (making if catalogued else making[1:])
    )
    return FoldedCard(first, found)


@dataclass(frozen=True)
class DepositLine:
    """A box from being left at a place to coming back; the copies in it by what became of them."""

    event_id: uuid.UUID
    box_code: str
    visit_id: int
    out_at: datetime
    left: Mapping[str, Any]
    states: Mapping[str, BoxItemState]
    back_event_id: uuid.UUID | None = None
    back_at: datetime | None = None
    back_visit_id: int | None = None
    back: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FoldedBox:
    """Where one box stood, deposit by deposit."""

    deposits: tuple[DepositLine, ...] = ()
    found: tuple[Found, ...] = ()


def fold_box(facts: Sequence[Fact], code: str, known_visits: Collection[int]) -> FoldedBox:
    """Deposits of one box from its effective facts in order.

    A box left while it stands elsewhere is taken as brought back at that moment, its copies unseen
    (missing), and is told; so is a box brought back that stood nowhere. The same box left twice at
    one visit is one deposit whose list is the longer of both.
    """
    deposits: list[DepositLine] = []
    found: list[Found] = []
    for fact in facts:
        if fact.visit_id is None or fact.visit_id not in known_visits:
            # Told by the visit's own folding.
            continue
        standing = bool(deposits) and deposits[-1].back_at is None
        if fact.kind == EventKind.BOX_BACK:
            if not standing:
                found.append(_box_found(fact, ContradictionKind.BOX_NOT_OUT, code, None))
                continue
            deposits[-1] = _brought_back(deposits[-1], fact)
            continue
        if standing and deposits[-1].visit_id == fact.visit_id:
            deposits[-1] = replace(
                deposits[-1], states={**_out(fact.payload["barcodes"]), **deposits[-1].states}
            )
            continue
        if standing:
            before = deposits[-1]
            found.append(_box_found(fact, ContradictionKind.BOX_OUT_TWICE, code, before.event_id))
            missing = dict.fromkeys(before.states, BoxItemState.MISSING)
            deposits[-1] = replace(
                before, states=missing, back_event_id=fact.id, back_at=fact.happened_at
            )
        deposits.append(
            DepositLine(
                fact.id,
                code,
                fact.visit_id,
                fact.happened_at,
                fact.payload,
                _out(fact.payload["barcodes"]),
            )
        )
    return FoldedBox(tuple(deposits), tuple(found))


def _out(barcodes: Sequence[str]) -> dict[str, BoxItemState]:
    return dict.fromkeys((code.strip() for code in barcodes), BoxItemState.OUT)


def _brought_back(deposit: DepositLine, fact: Fact) -> DepositLine:
    """What was seen is back, what is damaged is so, the rest is missing; extras come along."""
    states = dict.fromkeys(deposit.states, BoxItemState.MISSING)
    states.update(dict.fromkeys((c.strip() for c in fact.payload["barcodes"]), BoxItemState.BACK))
    damaged = fact.payload.get("damaged") or ()
    states.update(dict.fromkeys((code.strip() for code in damaged), BoxItemState.DAMAGED))
    return replace(
        deposit,
        states=states,
        back_event_id=fact.id,
        back_at=fact.happened_at,
        back_visit_id=fact.visit_id,
        back=fact.payload,
    )


def _box_found(fact: Fact, kind: ContradictionKind, code: str, other: uuid.UUID | None) -> Found:
    return Found(fact.id, kind, fact.happened_at, other, fact.visit_id, code)


def recorded_while_revoked(
    facts: Sequence[Fact], revoked: Mapping[uuid.UUID, datetime]
) -> list[Found]:
    """The first fact that happened after its tablet was revoked: somebody should look at it."""
    late = next(
        (f for f in facts if f.tablet_id in revoked and f.happened_at > revoked[f.tablet_id]), None
    )
    if late is None:
        return []
    kind = ContradictionKind.REVOKED_TABLET
    return [Found(late.id, kind, late.happened_at, visit_id=late.visit_id)]
