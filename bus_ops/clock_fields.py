"""Form fields for clock times, windows, ISO day lists and optional whole numbers."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import DateField, StringField
from wtforms.validators import ValidationError
from wtforms.widgets import TextInput

from .i18n import format_day, format_minutes_clock, parsed_day

_CLOCK = re.compile(r"^\s*(\d{1,2})[:hH.](\d{2})\s*$")
_SPAN = re.compile(r"^\s*(\d{1,2}[:hH.]\d{2})\s*[-–]\s*(\d{1,2}[:hH.]\d{2})\s*$")


def minutes_of_clock(text: str) -> int:
    """Minutes after midnight of "14:05" (also 14h05, 14.05); raises ValueError."""
    match = _CLOCK.match(text)
    if match is None:
        raise ValueError(text)
    hours, minutes = int(match[1]), int(match[2])
    if hours > 23 or minutes > 59:
        raise ValueError(text)
    return hours * 60 + minutes


class ClockField(StringField):
    """A clock time; its data are minutes after midnight, or None."""

    def process_formdata(self, valuelist: list[str]) -> None:
        text = (valuelist[0] if valuelist else "").strip()
        self.data: Any = None
        if not text:
            return
        try:
            self.data = minutes_of_clock(text)
        except ValueError:
            raise ValueError(_("Write the time as 07:30.")) from None

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return format_minutes_clock(self.data)


class WindowsField(StringField):
    """Time windows such as "07:15-11:15, 13:30-16:45"; data: [{"opens": 435, "closes": 675}]."""

    def process_formdata(self, valuelist: list[str]) -> None:
        text = (valuelist[0] if valuelist else "").strip()
        windows = []
        for part in filter(str.strip, re.split(r"[,;]", text)):
            match = _SPAN.match(part)
            try:
                if match is None:
                    raise ValueError(part)
                opens, closes = minutes_of_clock(match[1]), minutes_of_clock(match[2])
            except ValueError:
                raise ValueError(_("Write windows as 07:15-11:15, 13:30-16:45.")) from None
            if closes <= opens:
                raise ValueError(_("A window must close after it opens."))
            windows.append({"opens": opens, "closes": closes})
        self.data: Any = windows

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return windows_in_words(self.data or [])


class DayInput(TextInput):
    """Shows and takes a day as 24/11/2026 whatever the browser's language; see pick-day.ts."""

    def __call__(self, field: Any, **kwargs: Any) -> Any:
        """The field as HTML."""
        shape = {"inputmode": "numeric", "maxlength": "10", "autocomplete": "off"}
        pattern = {"placeholder": _("dd/mm/yyyy"), "data-day": True}
        return super().__call__(field, **{**shape, **pattern, **kwargs})


class DayField(DateField):
    """A day that the calendars here reach."""

    widget = DayInput()

    def _value(self) -> str:
        return str(self.raw_data[0]) if self.raw_data else format_day(self.data)

    def process_formdata(self, valuelist: list[str]) -> None:
        text = (valuelist[0] if valuelist else "").strip()
        self.data: Any = parsed_day(text)
        if text and self.data is None:
            raise ValueError(_("This is no day of our calendar. Check day, month and year."))


class DayListField(StringField):
    """Days such as "24/11/2026, 25/11/2026"; data: ISO days."""

    def process_formdata(self, valuelist: list[str]) -> None:
        text = (valuelist[0] if valuelist else "").strip()
        days = []
        for part in filter(None, (p.strip() for p in re.split(r"[,;\s]+", text))):
            match = re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", part)
            try:
                if match is None:
                    raise ValueError(part)
                days.append(date(int(match[3]), int(match[2]), int(match[1])).isoformat())
            except ValueError:
                raise ValueError(
                    _("“%(value)s” is no day. Write days as 24/11/2026.", value=part)
                ) from None
        self.data: Any = sorted(set(days))

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return ", ".join(format_day(date.fromisoformat(day)) for day in self.data or [])


def windows_in_words(windows: list[dict[str, int]]) -> str:
    """07:15-11:15, 13:30-16:45."""
    return ", ".join(
        f"{format_minutes_clock(w['opens'])}-{format_minutes_clock(w['closes'])}" for w in windows
    )


def days_in_order(first_name: str) -> Any:
    """Validator: this day is not before the day in the field ``first_name``."""

    def check(form: Any, field: Any) -> None:
        first = form[first_name].data
        if first and field.data and field.data < first:
            raise ValidationError(
                _l("The end lies before the start. Correct one of the two dates.")
            )

    return check
