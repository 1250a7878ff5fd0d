"""Forms of planning: what is asked of it, and how its plan is adjusted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from flask_babel import lazy_gettext as _l
from wtforms import IntegerField, SelectField, StringField
from wtforms.validators import (
    DataRequired,
    InputRequired,
    Length,
    NumberRange,
    ValidationError,
)

from ..base_form import BaseForm
from ..clock_fields import DayField, days_in_order
from ..fleet.models import Van
from ..i18n import today
from ..timetable.models import Term, TermStatus
from .ground import Ground
from .models import Cause
from .offers import MOST_OFFERS

# A term without an end is planned that far ahead at first.
OPEN_END = timedelta(weeks=16)
# A plan reaches no further: a year of days is enough for people to count on.
LONGEST = timedelta(days=366)
# A van that is away for longer is no mishap any more.
MOST_LOST = timedelta(weeks=4)

_DAY = [InputRequired(_l("Choose a day."))]


class StartForm(BaseForm):
    """How long to search, for which days, and how much the present timetable is worth."""

    seconds = SelectField(
        _l("Time for the search"),
        coerce=int,
        choices=[
            (30, _l("30 seconds")),
            (60, _l("1 minute")),
            (120, _l("2 minutes")),
            (300, _l("5 minutes")),
            (600, _l("10 minutes")),
        ],
        default=60,
    )
    first_on = DayField(_l("From"), _DAY)
    last_on = DayField(_l("Until"), [*_DAY, days_in_order("first_on")])
    moved_visit_m = SelectField(
        _l("The timetable people know"),
        coerce=int,
        choices=[
            (0, _l("Plan freely: the least driving counts")),
            (2_000, _l("Move a visit only where it saves 2 km or more")),
            (10_000, _l("Move a visit only where it saves 10 km or more")),
        ],
        default=0,
    )

    def __init__(self, term: Term) -> None:
        super().__init__()
        self._term = term
        if not self.is_submitted():
            self.first_on.data, self.last_on.data = proposed_days(term)

    def validate_first_on(self, field: DayField) -> None:
        """What people were promised for today stays."""
        if field.data is None:
            return
        if field.data < earliest_day(self._term):
            raise ValidationError(_l("Choose a later day: the days before are over or promised."))

    def validate_last_on(self, field: DayField) -> None:
        """Within the term, and no further than a year."""
        first, last = self.first_on.data, field.data
        if last is None or first is None:
            return
        if self._term.ends_on is not None and last > self._term.ends_on:
            raise ValidationError(_l("The term ends before that day."))
        if last - first > LONGEST:
            raise ValidationError(_l("Plan at most a year at a time."))


class MoveVisitForm(BaseForm):
    """Another day (and van) for a proposed visit."""

    to_day = DayField(_l("To day"), _DAY)
    van_id = SelectField(_l("Van"), coerce=int)
    stop_id = IntegerField(validators=[InputRequired(), NumberRange(1, 2_147_483_647)])
    day = DayField(validators=_DAY)

    def __init__(self, ground: Ground) -> None:
        super().__init__()
        self.van_id.choices = [(van.id, van.display_name) for van in ground.vans.values()]


class LostDaysForm(BaseForm):
    """Days on which no van, or one of them, can drive, and why."""

    cause = SelectField(_l("What happened"), choices=Cause.choices())
    first_on = DayField(_l("From"), _DAY)
    last_on = DayField(_l("Until"), [*_DAY, days_in_order("first_on")])
    van_id = SelectField(_l("Van"), coerce=int)
    reason = StringField(_l("More about it"), [Length(max=200)])

    def __init__(self, vans: Sequence[Van], first: date, last: date, van_id: int | None) -> None:
        super().__init__()
        every = [(0, _l("All vans"))] if len(vans) > 1 else []
        self.van_id.choices = [*every, *((van.id, van.display_name) for van in vans)]
        if not self.is_submitted():
            self.first_on.data, self.last_on.data = first, last
            self.van_id.data = van_id or self.van_id.choices[0][0] if self.van_id.choices else 0

    @property
    def why(self) -> str:
        """The cause as the places are told it."""
        cause, detail = Cause(self.cause.data), (self.reason.data or "").strip()
        if cause == Cause.OTHER:
            return detail
        return f"{cause.label}: {detail}" if detail else str(cause.label)

    def validate_first_on(self, field: DayField) -> None:
        """What is over cannot be mended."""
        if field.data is not None and field.data < today():
            raise ValidationError(_l("Choose today or a later day."))

    def validate_last_on(self, field: DayField) -> None:
        """Beyond that the term is planned anew."""
        first, last = self.first_on.data, field.data
        if first is not None and last is not None and last - first > MOST_LOST:
            raise ValidationError(_l("Mend at most four weeks at a time; plan the term again."))

    def validate_reason(self, field: StringField) -> None:
        """Another cause needs words."""
        if self.cause.data == Cause.OTHER and not (field.data or "").strip():
            raise ValidationError(_l("Say why; the place will ask."))


class RepairForm(BaseForm):
    """Why the timetable must be mended."""

    reason = StringField(
        _l("Reason"), [DataRequired(_l("Say why; the place will ask.")), Length(max=300)]
    )


class RequestForm(RepairForm):
    """A visit that is asked for, near a day."""

    day = DayField(_l("Near the day"), _DAY)

    def validate_day(self, field: DayField) -> None:
        """A visit needs a day to come."""
        if field.data is not None and field.data <= today():
            raise ValidationError(_l("Choose a day after today."))


class OfferForm(BaseForm):
    """Which of the offered ways is taken."""

    number = IntegerField(validators=[InputRequired(), NumberRange(0, MOST_OFFERS - 1)])


class VisitForm(BaseForm):
    """Names a proposed visit."""

    stop_id = IntegerField(validators=[InputRequired(), NumberRange(1, 2_147_483_647)])
    day = DayField(validators=_DAY)


def earliest_day(term: Term) -> date:
    """The first day that may be planned: a published term's past and today stay."""
    if term.status == TermStatus.PUBLISHED:
        return max(term.starts_on, today() + timedelta(days=1))
    return term.starts_on


def proposed_days(term: Term) -> tuple[date, date]:
    """From the first day that may be planned to the term's end."""
    first = earliest_day(term)
    last = term.ends_on or first + OPEN_END
    return first, last
