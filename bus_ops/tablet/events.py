"""Facts as tablets send them: what each kind holds, and reading one with every field checked.

The exchange
------------
``POST /tablet/events`` with a session of the crew, ``Content-Type: application/json`` and the
session's CSRF token in ``X-CSRFToken``::

    {"tablet": "<id of the enrolled tablet; without it, this browser>",
     "events": [{"id": "<UUIDv7 made on the tablet>", "kind": "attendance",
                 "sequence": 17, "run": 3, "visit": 12, "version": 1,
                 "recorded_at": "2026-11-24T08:10:00+07:00", "clock_offset": -1200,
                 "payload": {"audience": "primary", "people": 30}}]}

``id``, ``kind`` and ``recorded_at`` (with its zone) are needed; ``run`` for facts about a run,
``visit`` for all others but ``undo`` and ``settled``. ``sequence`` is the tablet's own order;
``clock_offset`` milliseconds to add to its clock. The answer, once everything is durable::

    200 {"held": ["<id>", …],
         "set_aside": [{"index": 4, "id": "<id or null>", "problem": "people: must be …"}]}

``held`` names the ids (in lower case) that the server has; ``index`` counts from 0 in the batch.
**At most once, and never again:** a fact is stored for its id once, however often and in whatever
order it comes. What is held or set aside is dealt with, and the tablet sends neither again. What
is set aside is no fact (it cannot be read, or its id came before with other content: then the
first content stays held); it is kept whole as evidence for the coordinator. Facts that contradict
others or the plan are held like any other. Without an answer, send again: nothing counts twice.

======  ===================  ===============================================================
status  body                 what the tablet does
======  ===================  ===============================================================
400     ``code: no_batch``   the body is no such object; it is kept as evidence: do not resend
400     ``error: "CSRF"``    take a new token from a page, send again
401     ``error``            the person signs in again, then send again
403     ``unknown_tablet``   not enrolled here, or revoked: keep the facts, tell the person
403     ``error``            the role records nothing: keep the facts, tell the person
413     ``code: too_many``   more than 2,000 events: send again in parts
413     ``error``            more bytes than the server takes: send again in parts
5xx     –                    keep the facts, send again later
======  ===================  ===============================================================

The payloads
------------
Payloads of version 1, by kind (a payload may hold more: it is kept as it came):

========================  ==================================================================
run_left                  odometer_km?
run_returned              odometer_km?, note?
equipment                 item_id, loaded
arrived, departed         –
attendance                audience, people (may be negative: a correction)
activity                  kind, count, title?
note                      text (the last one holds)
lent                      barcode, card_number
returned, renewed         barcode
used_on_site              items, barcode?
card_issued               kind, cards, and for one card: number?, full_name?, audience?
class_visit               audience, people, class_name?, teacher?, teachers?, slot_id?
incident                  kind, text?
photo                     sha256, content_type, bytes, caption?, of? (the picture comes apart)
box_out                   box, barcodes, handed_by?, received_by?, condition?, note?
box_back                  box, barcodes, damaged?, handed_by?, received_by?, visitors?, items?
stock_seen                barcodes
day_closed                counted?, paper?, unsent?, reason?
undo                      undoes
settled                   event_id, contradiction, decision
========================  ==================================================================
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ..circulation.models import CardKind
from ..timetable.models import ActivityKind, Audience, IncidentKind
from .models import ContradictionKind, EventKind

# Far more than a day's clock error or a class; keeps nonsense out of integer columns.
MOST = 1_000_000
LONGEST_TEXT = 2_000
LONGEST_CODE = 40
# A box, or one sweep of a stock check.
MOST_CODES = 5_000
# A century: an offset beyond it cannot be a clock.
LARGEST_OFFSET_MS = 100 * 366 * 86_400_000


class UnreadableEventError(ValueError):
    """What a tablet sent is no fact; the message says which field and why."""


@dataclass(frozen=True)
class Fact:
    """One event as it is stored and folded; times are aware, in UTC."""

    id: uuid.UUID
    tablet_id: uuid.UUID
    sequence: int
    user_id: int | None
    run_id: int | None
    visit_id: int | None
    kind: EventKind
    version: int
    recorded_at: datetime
    clock_offset_ms: int
    happened_at: datetime
    received_at: datetime
    payload: Mapping[str, Any]
    undoes_id: uuid.UUID | None = None
    settles_id: uuid.UUID | None = None
    barcode: str | None = None
    card_number: str | None = None

    @property
    def order(self) -> tuple[datetime, uuid.UUID, int, uuid.UUID]:
        """When it happened; where clocks agree, the tablet's own order."""
        return (self.happened_at, self.tablet_id, self.sequence, self.id)

    @property
    def content(self) -> tuple[Any, ...]:
        """What must be equal when the same id comes again."""
        return (self.kind, self.run_id, self.visit_id, self.recorded_at, dict(self.payload))


ABOUT_A_RUN = frozenset(
    {
        EventKind.RUN_LEFT,
        EventKind.RUN_RETURNED,
        EventKind.EQUIPMENT,
        EventKind.STOCK_SEEN,
        EventKind.DAY_CLOSED,
    }
)
# May happen at a visit or between two; the run is always known.
ON_THE_WAY = frozenset({EventKind.INCIDENT, EventKind.PHOTO})
ABOUT_A_BOX = frozenset({EventKind.BOX_OUT, EventKind.BOX_BACK})
ABOUT_THE_LOG = frozenset({EventKind.UNDO, EventKind.SETTLED})
ABOUT_A_COPY = frozenset({EventKind.LENT, EventKind.RETURNED, EventKind.RENEWED})


def read_event(raw: Any, tablet_id: uuid.UUID, user_id: int | None, received_at: datetime) -> Fact:
    """The fact in one parsed JSON object; raises UnreadableEventError naming the field."""
    if not isinstance(raw, dict):
        raise UnreadableEventError("an event must be an object")
    if raw.get("tablet") is not None and _uuid(raw, "tablet") != tablet_id:
        raise UnreadableEventError("tablet: recorded by another tablet than the one that sent it")
    kind = _member(raw, "kind", EventKind)
    payload = raw.get("payload", {})
    if not isinstance(payload, dict):
        raise UnreadableEventError("payload: must be an object")
    _check_payload(kind, payload)
    _check_numbers(payload)
    recorded_at = _moment(raw, "recorded_at")
    offset = _integer(raw, "clock_offset", -LARGEST_OFFSET_MS, LARGEST_OFFSET_MS, default=0)
    run_id = _optional_key(raw, "run")
    visit_id = _optional_key(raw, "visit")
    if kind in ABOUT_A_RUN | ON_THE_WAY and run_id is None:
        raise UnreadableEventError("run: missing")
    if kind not in ABOUT_A_RUN | ON_THE_WAY | ABOUT_THE_LOG and visit_id is None:
        raise UnreadableEventError("visit: missing")
    return Fact(
        id=_uuid(raw, "id"),
        tablet_id=tablet_id,
        sequence=_integer(raw, "sequence", 0, 2**63 - 1, default=0),
        user_id=user_id,
        run_id=run_id,
        visit_id=visit_id,
        kind=kind,
        version=_integer(raw, "version", 1, 1000, default=1),
        recorded_at=recorded_at,
        clock_offset_ms=offset,
        happened_at=_corrected(recorded_at, offset),
        received_at=received_at,
        payload=payload,
        undoes_id=uuid.UUID(payload["undoes"]) if kind == EventKind.UNDO else None,
        settles_id=uuid.UUID(payload["event_id"]) if kind == EventKind.SETTLED else None,
        barcode=_code(payload, "box" if kind in ABOUT_A_BOX else "barcode"),
        card_number=_code(payload, "number" if kind == EventKind.CARD_ISSUED else "card_number"),
    )


def _corrected(recorded_at: datetime, offset_ms: int) -> datetime:
    try:
        return recorded_at + timedelta(milliseconds=offset_ms)
    except OverflowError:
        raise UnreadableEventError("clock_offset: leads out of all calendars") from None


def _check_numbers(payload: dict[str, Any]) -> None:
    """NaN and Infinity are no JSON, though Python reads and writes them."""
    try:
        json.dumps(payload, allow_nan=False)
    except ValueError:
        raise UnreadableEventError("payload: holds NaN or Infinity") from None


def _check_payload(kind: EventKind, payload: dict[str, Any]) -> None:
    _CHECKS.get(kind, lambda _: None)(payload)


def _check_odometer(payload: dict[str, Any]) -> None:
    if payload.get("odometer_km") is not None:
        _integer(payload, "odometer_km", 0, 10 * MOST)
    _text(payload, "note", required=False)


def _check_equipment(payload: dict[str, Any]) -> None:
    _integer(payload, "item_id", 1, 2**31 - 1)
    if not isinstance(payload.get("loaded"), bool):
        raise UnreadableEventError("loaded: must be true or false")


def _check_attendance(payload: dict[str, Any]) -> None:
    _member(payload, "audience", Audience)
    _integer(payload, "people", -MOST, MOST)


def _check_activity(payload: dict[str, Any]) -> None:
    _member(payload, "kind", ActivityKind)
    _integer(payload, "count", 0, MOST)
    _text(payload, "title", required=False, longest=200)


def _check_note(payload: dict[str, Any]) -> None:
    _text(payload, "text")


def _check_lent(payload: dict[str, Any]) -> None:
    _text(payload, "barcode", longest=LONGEST_CODE, filled=True)
    _text(payload, "card_number", longest=LONGEST_CODE, filled=True)


def _check_copy(payload: dict[str, Any]) -> None:
    _text(payload, "barcode", longest=LONGEST_CODE, filled=True)


def _check_on_site(payload: dict[str, Any]) -> None:
    _integer(payload, "items", 1, MOST)
    _text(payload, "barcode", required=False, longest=LONGEST_CODE)


def _check_card(payload: dict[str, Any]) -> None:
    _member(payload, "kind", CardKind)
    cards = _integer(payload, "cards", 1, MOST)
    _text(payload, "number", required=False, longest=LONGEST_CODE)
    _text(payload, "full_name", required=False, longest=200)
    if payload.get("number") and cards != 1:
        raise UnreadableEventError("cards: a card with its number is one card")
    if payload.get("audience"):
        _member(payload, "audience", Audience)


def _check_class(payload: dict[str, Any]) -> None:
    _member(payload, "audience", Audience)
    _integer(payload, "people", 1, MOST)
    _integer(payload, "teachers", 0, MOST, default=0)
    _text(payload, "class_name", required=False, longest=40)
    _text(payload, "teacher", required=False, longest=120)
    if payload.get("slot_id") is not None:
        _integer(payload, "slot_id", 1, 2**31 - 1)


def _check_incident(payload: dict[str, Any]) -> None:
    _member(payload, "kind", IncidentKind)
    _text(payload, "text", required=False)


def _check_photo(payload: dict[str, Any]) -> None:
    _text(payload, "sha256", longest=64, filled=True)
    _text(payload, "content_type", longest=40, filled=True)
    _integer(payload, "bytes", 1, 100 * MOST)
    _text(payload, "caption", required=False)
    if payload.get("of") is not None:
        _uuid(payload, "of")


def _check_box_out(payload: dict[str, Any]) -> None:
    _text(payload, "box", longest=LONGEST_CODE, filled=True)
    _codes(payload, "barcodes")
    for name in ("handed_by", "received_by"):
        _text(payload, name, required=False, longest=200)
    _text(payload, "condition", required=False, longest=500)
    _text(payload, "note", required=False)


def _check_box_back(payload: dict[str, Any]) -> None:
    _check_box_out(payload)
    _codes(payload, "damaged", required=False)
    for name in ("visitors", "items"):
        if payload.get(name) is not None:
            _integer(payload, name, 0, MOST)


def _check_stock(payload: dict[str, Any]) -> None:
    _codes(payload, "barcodes")


def _check_closing(payload: dict[str, Any]) -> None:
    for name in ("counted", "paper"):
        counts = payload.get(name, {})
        if not isinstance(counts, dict):
            raise UnreadableEventError(f"{name}: must be an object of counts")
        for what, count in counts.items():
            if count is not None:
                _integer(counts, what, 0, MOST)
    _integer(payload, "unsent", 0, MOST, default=0)
    _text(payload, "reason", required=False, longest=500)


def _codes(payload: dict[str, Any], name: str, required: bool = True) -> None:
    """A list of barcodes, each as short as a scanned one."""
    codes = payload.get(name)
    if codes is None and not required:
        return
    if not isinstance(codes, list) or len(codes) > MOST_CODES:
        raise UnreadableEventError(f"{name}: must be a list of at most {MOST_CODES} barcodes")
    for code in codes:
        if not isinstance(code, str) or not 0 < len(code.strip()) <= LONGEST_CODE:
            raise UnreadableEventError(f"{name}: holds what is no barcode")


def _check_undo(payload: dict[str, Any]) -> None:
    _uuid(payload, "undoes")


def _check_settled(payload: dict[str, Any]) -> None:
    _uuid(payload, "event_id")
    _member(payload, "contradiction", ContradictionKind)
    _text(payload, "decision", longest=200)


_CHECKS: dict[EventKind, Callable[[dict[str, Any]], None]] = {
    EventKind.RUN_LEFT: _check_odometer,
    EventKind.RUN_RETURNED: _check_odometer,
    EventKind.EQUIPMENT: _check_equipment,
    EventKind.ATTENDANCE: _check_attendance,
    EventKind.ACTIVITY: _check_activity,
    EventKind.NOTE: _check_note,
    EventKind.LENT: _check_lent,
    EventKind.RETURNED: _check_copy,
    EventKind.RENEWED: _check_copy,
    EventKind.USED_ON_SITE: _check_on_site,
    EventKind.CARD_ISSUED: _check_card,
    EventKind.CLASS_VISIT: _check_class,
    EventKind.INCIDENT: _check_incident,
    EventKind.PHOTO: _check_photo,
    EventKind.BOX_OUT: _check_box_out,
    EventKind.BOX_BACK: _check_box_back,
    EventKind.STOCK_SEEN: _check_stock,
    EventKind.DAY_CLOSED: _check_closing,
    EventKind.UNDO: _check_undo,
    EventKind.SETTLED: _check_settled,
}


def _uuid(raw: Mapping[str, Any], name: str) -> uuid.UUID:
    value = raw.get(name)
    if not isinstance(value, str):
        raise UnreadableEventError(f"{name}: must be the text of a UUID")
    try:
        return uuid.UUID(value)
    except ValueError:
        raise UnreadableEventError(f"{name}: is no UUID") from None


def _member(raw: Mapping[str, Any], name: str, kind: type[Any]) -> Any:
    try:
        return kind(raw.get(name))
    except ValueError:
        raise UnreadableEventError(f"{name}: unknown") from None


def _integer(
    raw: Mapping[str, Any], name: str, least: int, most: int, default: int | None = None
) -> int:
    value = raw.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool):
        raise UnreadableEventError(f"{name}: must be a whole number")
    if not least <= value <= most:
        raise UnreadableEventError(f"{name}: must lie from {least} to {most}")
    return value


def _optional_key(raw: Mapping[str, Any], name: str) -> int | None:
    return None if raw.get(name) is None else _integer(raw, name, 1, 2**31 - 1)


def _text(
    raw: Mapping[str, Any],
    name: str,
    required: bool = True,
    longest: int = LONGEST_TEXT,
    filled: bool = False,
) -> None:
    value = raw.get(name)
    if value is None and not required:
        return
    if not isinstance(value, str) or len(value) > longest or not _storable(value):
        raise UnreadableEventError(f"{name}: must be text of at most {longest} characters")
    if filled and not value.strip():
        raise UnreadableEventError(f"{name}: is empty")


def _storable(text: str) -> bool:
    """PostgreSQL holds no NUL in text, and half a surrogate pair is no character."""
    return "\x00" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _code(payload: Mapping[str, Any], name: str) -> str | None:
    """A barcode or card number to find the fact by; a kind that asks for none may hold anything."""
    value = payload.get(name)
    if not isinstance(value, str) or len(value) > LONGEST_CODE or not _storable(value):
        return None
    return value.strip() or None


def _moment(raw: Mapping[str, Any], name: str) -> datetime:
    value = raw.get(name)
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise UnreadableEventError(f"{name}: must be an ISO 8601 time with its zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise UnreadableEventError(f"{name}: leads out of all calendars") from None
