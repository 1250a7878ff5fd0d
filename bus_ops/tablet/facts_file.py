"""The last resort: facts that a tablet could not send, carried over as a signed file.

The file holds ``format``, ``version``, ``tablet``, ``made_at``, ``events`` (the JSON text of the
list) and ``signature``: HMAC-SHA256 with the tablet's file key over tablet, made_at and events,
each on a line of its own. The same at-most-once rule holds as for facts that were sent.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _

from ..database import db
from .enrolment import file_key
from .log import StoreAnswer, store_events
from .models import Tablet

FORMAT, VERSION = "bus-ops-facts", 1


class FactsFileError(ValueError):
    """The file cannot be taken; the message says why and what to do."""


@dataclass(frozen=True)
class TakenFile:
    """What taking a file did."""

    tablet: Tablet
    facts: int
    answer: StoreAnswer


def take_facts_file(data: bytes, organisation_id: int) -> TakenFile:
    """Store a file's facts, each at most once. Raises FactsFileError; then nothing is taken.

    A revoked tablet's file is taken too: the tablet is lost, not what was counted with it.
    """
    content = _content_of(data)
    tablet = _tablet_of(content, organisation_id)
    signed = "\n".join((content["tablet"], content["made_at"], content["events"]))
    expected = hmac.new(file_key(tablet), signed.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, content["signature"].lower()):
        raise FactsFileError(
            _("The file's signature is not the tablet's: it was changed or damaged on its way.")
        )
    try:
        events = json.loads(content["events"])
    except (ValueError, RecursionError):
        events = None
    if not isinstance(events, list):
        raise FactsFileError(_("The file holds no list of facts. Make it again on the tablet."))
    return TakenFile(tablet, len(events), store_events(organisation_id, tablet, None, events))


def _content_of(data: bytes) -> dict[str, str]:
    try:
        content: Any = json.loads(data)
    except (ValueError, RecursionError):
        content = None
    known = isinstance(content, dict) and content.get("format") == FORMAT
    if not known:
        raise FactsFileError(
            _("This is no file of facts. Choose the file that the tablet saved (.facts.json).")
        )
    if content.get("version") != VERSION:
        raise FactsFileError(
            _("The file was made by a newer version. Update bus-ops, then upload it again.")
        )
    names = ("tablet", "made_at", "events", "signature")
    if not all(isinstance(content.get(name), str) for name in names):
        raise FactsFileError(_("The file is not whole. Make it again on the tablet."))
    return {name: content[name] for name in names}


def _tablet_of(content: dict[str, str], organisation_id: int) -> Tablet:
    try:
        tablet = db.session.get(Tablet, uuid.UUID(content["tablet"]))
    except ValueError:
        tablet = None
    if tablet is None or tablet.organisation_id != organisation_id:
        raise FactsFileError(_("The file comes from a tablet that is not enrolled here."))
    try:
        file_key(tablet)
    except LookupError:
        raise FactsFileError(
            _("This tablet was enrolled anew since; its old files cannot be checked any more.")
        ) from None
    return tablet
