"""Words, dates and numbers as the reader of the page writes them: Vietnamese first, English second.

Every string on screen is an English message looked up in the catalogue of the page's language.
Days are dd/mm/yyyy, clocks have 24 hours, weeks start on Monday, times are shown in the zone of
the service.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, g, has_request_context, session
from flask_babel import Babel, force_locale, format_decimal, gettext, lazy_gettext
from flask_babel.speaklater import LazyString

from schedules.calendar import FIRST_YEAR, LAST_YEAR

from .config import LANGUAGES, TIMEZONE
from .database import now

babel = Babel()
ZONE = ZoneInfo(TIMEZONE)

_l = lazy_gettext
_WRITTEN_DAY = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")

LANGUAGE_NAMES = {"vi": "Tiếng Việt", "en": "English"}
WEEKDAYS = (
    _l("Monday"),
    _l("Tuesday"),
    _l("Wednesday"),
    _l("Thursday"),
    _l("Friday"),
    _l("Saturday"),
    _l("Sunday"),
)
WEEKDAYS_SHORT = (_l("Mon"), _l("Tue"), _l("Wed"), _l("Thu"), _l("Fri"), _l("Sat"), _l("Sun"))


class LabelledEnum(StrEnum):
    """A StrEnum whose members carry the words shown for them: ``VAN = "van", _l("Van")``."""

    label: LazyString

    def __new__(cls, value: str, label: LazyString) -> LabelledEnum:
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        return member

    @classmethod
    def choices(cls) -> list[tuple[str, LazyString]]:
        """Pairs for a select field, in the order of the class."""
        return [(member.value, member.label) for member in cls]


def current_language() -> str:
    """The page's language: its address's own, else chosen in this session, else Vietnamese."""
    if not has_request_context():
        return LANGUAGES[0]
    if "page_language" in g:
        return str(g.page_language)
    chosen = session.get("language")
    return chosen if chosen in LANGUAGES else LANGUAGES[0]


def today() -> date:
    """The date of service now, in the zone of the service."""
    return now().astimezone(ZONE).date()


def parsed_day(text: str) -> date | None:
    """The day of "24/11/2026" as people write it, or of "2026-11-24" as addresses hold it.

    None for anything else, and for years whose Tết is not known.
    """
    written = _WRITTEN_DAY.fullmatch(text.strip())
    try:
        if written:
            day = date(int(written[3]), int(written[2]), int(written[1]))
        else:
            day = date.fromisoformat(text.strip())
    except ValueError:
        return None
    return day if FIRST_YEAR < day.year < LAST_YEAR else None


def local(moment: datetime) -> datetime:
    """A stored time in the zone of the service."""
    return moment.astimezone(ZONE)


def at_minutes(day: date, minutes: int) -> datetime:
    """The aware time that is ``minutes`` after local midnight of ``day``."""
    return datetime.combine(day, time(), ZONE) + timedelta(minutes=minutes)


def minutes_of_day(moment: datetime, day: date | None = None) -> int:
    """Whole minutes after local midnight of ``day`` (of the moment's own day when not given)."""
    here = local(moment)
    midnight = datetime.combine(day or here.date(), time(), ZONE)
    return round((here - midnight).total_seconds() / 60)


def format_day(day: date | datetime | None) -> str:
    """24/11/2026."""
    if day is None:
        return ""
    if isinstance(day, datetime):
        day = local(day).date()
    return day.strftime("%d/%m/%Y")


def format_iso_day(text: str | None) -> str:
    """A day kept as ISO text, as 24/11/2026."""
    return format_day(date.fromisoformat(text)) if text else ""


def format_day_long(day: date) -> str:
    """Tuesday, 24/11/2026 in the page's language."""
    return f"{WEEKDAYS[day.weekday()]}, {format_day(day)}"


def format_clock(moment: datetime | None) -> str:
    """14:05 in the zone of the service."""
    return "" if moment is None else local(moment).strftime("%H:%M")


def format_clocks(begins: datetime, ends: datetime) -> str:
    """14:05–15:35 in the zone of the service."""
    return f"{format_clock(begins)}–{format_clock(ends)}"


def format_moment(moment: datetime | None) -> str:
    """24/11/2026 14:05 in the zone of the service."""
    return "" if moment is None else local(moment).strftime("%d/%m/%Y %H:%M")


def format_minutes_clock(minutes: int | None) -> str:
    """Minutes after midnight as 14:05."""
    return "" if minutes is None else f"{minutes // 60:02d}:{minutes % 60:02d}"


def format_duration(minutes: int | None) -> str:
    """95 minutes as "1 h 35 min" in the page's language."""
    if minutes is None:
        return ""
    hours, rest = divmod(round(minutes), 60)
    if not hours:
        return gettext("%(minutes)d min", minutes=rest)
    if not rest:
        return gettext("%(hours)d h", hours=hours)
    return gettext("%(hours)d h %(minutes)d min", hours=hours, minutes=rest)


def format_number(value: float | None) -> str:
    """1.234 in Vietnamese, 1,234 in English."""
    return "" if value is None else format_decimal(value)


def format_km(metres: float | None) -> str:
    """Metres as kilometres with one decimal and the unit."""
    return "" if metres is None else f"{format_decimal(round(metres / 1000, 1))} km"


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """A language's words where the app itself cannot be made, to say why it cannot."""
    app = Flask(__package__)
    init_i18n(app)
    with app.app_context(), force_locale(language):
        yield


def init_i18n(app: Flask) -> None:
    """Bind the catalogues and the template filters that write days, clocks and numbers."""
    babel.init_app(
        app,
        default_locale=LANGUAGES[0],
        default_timezone=TIMEZONE,
        default_translation_directories="translations",
        locale_selector=current_language,
    )
    filters: dict[str, Any] = {
        "day": format_day,
        "day_long": format_day_long,
        "iso_day": format_iso_day,
        "clock": format_clock,
        "moment": format_moment,
        "minutes_clock": format_minutes_clock,
        "duration": format_duration,
        "number": format_number,
        "km": format_km,
        "local": local,
    }
    app.jinja_env.filters.update(filters)
    app.jinja_env.globals.update(
        current_language=current_language,
        language_names=LANGUAGE_NAMES,
        weekdays=WEEKDAYS,
        weekdays_short=WEEKDAYS_SHORT,
        today=today,
        day_before=lambda day: day - timedelta(days=1),
        day_after=lambda day: day + timedelta(days=1),
    )
