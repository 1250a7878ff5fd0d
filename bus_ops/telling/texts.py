"""The words of messages: ours in both languages, or the library's own; blanks are filled in.

A blank is a name in braces, such as ``{place}``. A line whose blanks are all empty is left out, so
that one text serves with and without a reason or a link.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from flask_babel import force_locale
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString
from sqlalchemy import select

from ..database import db
from .models import MessageKind, MessageText

_BLANK = re.compile(r"\{([a-z_]+)\}")
# What every text may say.
_COMMON = ("name", "library", "contact")
_VISIT = ("place", "day", "time", "promised", "classes", "overdue", "link")
_REQUEST = ("place", "day", "time", "reason", "link")

BLANKS = {
    "name": _l("who is written to"),
    "library": _l("the library's name"),
    "contact": _l("the library's telephone and e-mail"),
    "place": _l("the place"),
    "day": _l("the day of the visit"),
    "time": _l("from when to when"),
    "promised": _l("what is promised there"),
    "classes": _l("classes and their times"),
    "overdue": _l("how many items are overdue"),
    "changes": _l("each change on a line"),
    "dates": _l("each date on a line"),
    "reason": _l("the reason"),
    "report": _l("the report's name"),
    "period": _l("the report's period"),
    "link": _l("the private page of the place or request"),
    "wishes": _l("what is asked for"),
}


@dataclass(frozen=True)
class Wording:
    """A subject and a body with blanks."""

    subject: str
    body: str


@dataclass(frozen=True)
class _Ours:
    subject: LazyString
    body: LazyString
    blanks: tuple[str, ...]


_CLOSING = _l("{library}\n{contact}")
_OURS = {
    MessageKind.TIMETABLE: _Ours(
        _l("The library van's dates at {place}"),
        _l(
            "Dear {name},\n\nThe library van comes to {place} on these days:\n{dates}\n\n"
            "Your own page, with classes and answers: {link}"
        ),
        ("place", "dates", "link"),
    ),
    MessageKind.REMINDER_WEEK: _Ours(
        _l("The library van comes in a week: {place}, {day}"),
        _l(
            "Dear {name},\n\nThe library van comes to {place} on {day}, {time}.\n"
            "Promised: {promised}\nClasses: {classes}\nOverdue items: {overdue}\n\n"
            "Please keep the gate and the parking space free.\n"
            "Confirm, change the classes, or say that it does not suit: {link}"
        ),
        _VISIT,
    ),
    MessageKind.REMINDER_DAY: _Ours(
        _l("The library van comes tomorrow: {place}, {time}"),
        _l(
            "Dear {name},\n\nTomorrow, {day}, {time}, the library van comes to {place}.\n"
            "Promised: {promised}\nClasses: {classes}\nOverdue items: {overdue}\n\n"
            "Your own page: {link}"
        ),
        _VISIT,
    ),
    MessageKind.CHANGES: _Ours(
        _l("The library van's visits at {place} have changed"),
        _l("Dear {name},\n\nAt {place} this has changed:\n{changes}\n\nAll coming dates: {link}"),
        ("place", "changes", "link"),
    ),
    MessageKind.REQUEST_RECEIVED: _Ours(
        _l("Your request for the library van: {place}"),
        _l(
            "Dear {name},\n\nYour request has arrived; a coordinator answers within a few days.\n"
            "See how it stands, or take it back: {link}"
        ),
        _REQUEST,
    ),
    MessageKind.REQUEST_OFFERED: _Ours(
        _l("The library van could come on {day}"),
        _l(
            "Dear {name},\n\nThe library van could come to {place} on {day}, {time}.\n{reason}\n\n"
            "Please say whether that suits: {link}"
        ),
        _REQUEST,
    ),
    MessageKind.REQUEST_ACCEPTED: _Ours(
        _l("The library van comes on {day}: {place}"),
        _l(
            "Dear {name},\n\nAgreed: the library van comes to {place} on {day}, {time}.\n"
            "{reason}\n\nClasses, what to prepare, and the date for your calendar: {link}"
        ),
        _REQUEST,
    ),
    MessageKind.REQUEST_DECLINED: _Ours(
        _l("Your request for the library van: {place}"),
        _l(
            "Dear {name},\n\nWe are sorry: the library van cannot come to {place} as you asked.\n"
            "Reason: {reason}\n\nYour request: {link}"
        ),
        _REQUEST,
    ),
    MessageKind.REPORT: _Ours(
        _l("{report}: {period}"),
        _l("Hello,\n\nAttached is “{report}” for {period}.\n{reason}"),
        ("report", "period", "reason"),
    ),
    MessageKind.REQUEST_NEW: _Ours(
        _l("Library van: {place} writes"),
        _l("{place}: {wishes}\n\nTo answer: {link}"),
        ("place", "wishes", "link"),
    ),
}


def blanks_of(kind: MessageKind) -> tuple[str, ...]:
    """Names that a text of this kind may hold in braces."""
    return (*_COMMON, *_OURS[kind].blanks)


def unknown_blanks(kind: MessageKind, text: str) -> list[str]:
    """Names in braces that nothing fills, in their order."""
    known = blanks_of(kind)
    return [name for name in dict.fromkeys(_BLANK.findall(text)) if name not in known]


def our_wording(kind: MessageKind, language: str) -> Wording:
    """Our own words, with the library's name below."""
    ours = _OURS[kind]
    with force_locale(language):
        return Wording(str(ours.subject), f"{ours.body}\n\n{_CLOSING}")


def wording(organisation_id: int, kind: MessageKind, language: str) -> Wording:
    """The library's own words where it wrote some, else ours."""
    own = own_text(organisation_id, kind, language)
    return Wording(own.subject, own.body) if own else our_wording(kind, language)


def own_text(organisation_id: int, kind: MessageKind, language: str) -> MessageText | None:
    """What the library wrote itself, if anything."""
    query = select(MessageText).where(
        MessageText.organisation_id == organisation_id,
        MessageText.kind == kind,
        MessageText.language == language,
    )
    return db.session.scalar(query)


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with its blanks filled; lines whose blanks are all empty, and gaps left by them,
    are gone."""
    lines = []
    for line in text.splitlines():
        names = _BLANK.findall(line)
        if names and not any(values.get(name) for name in names):
            continue
        lines.append(_BLANK.sub(lambda found: values.get(found[1], ""), line).rstrip())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
