"""Forms of events and donations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from flask_babel import lazy_gettext as _l
from wtforms import DecimalField, IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import (
    DataRequired,
    InputRequired,
    Length,
    NumberRange,
    Optional,
    ValidationError,
)

from ..base_form import BaseForm
from ..clock_fields import ClockField, DayField
from ..fleet.models import Van
from ..i18n import today
from ..places.models import Place
from .models import RESULTS, DonorKind, EventKind, GiftKind, SpecialEvent

_MOST = 1_000_000
# The largest amount that its column holds.
_MOST_VND = Decimal(10**14)
_DAY = [InputRequired(_l("Choose a day."))]


class EventForm(BaseForm):
    """What is held, and what of it is written down."""

    kind = SelectField(_l("Kind of event"), choices=EventKind.choices())
    title = StringField(
        _l("Name of the event"), [DataRequired(_l("Enter a title.")), Length(max=200)]
    )
    programme = TextAreaField(_l("Programme"), [Length(max=4000)])
    partners = StringField(_l("Partners"), [Length(max=500)])
    expected_people = IntegerField(_l("People expected"), [Optional(), NumberRange(0, _MOST)])

    def apply_to(self, event: SpecialEvent) -> None:
        """Write the fields."""
        event.kind = EventKind(self.kind.data)
        event.title = self.title.data.strip()
        event.programme = self.programme.data or ""
        event.partners = (self.partners.data or "").strip()
        event.expected_people = self.expected_people.data or 0


class NewEventForm(EventForm):
    """A new event, with where and when the van is to be."""

    place_id = SelectField(_l("Place"), coerce=int)
    van_id = SelectField(_l("Van"), coerce=int)
    day = DayField(_l("Day"), _DAY)
    starts_at = ClockField(_l("Begins at"), [InputRequired(_l("Write the time as 07:30."))])
    minutes = IntegerField(_l("Minutes"), [InputRequired(), NumberRange(15, 720)], default=180)

    def __init__(self, places: Sequence[Place], vans: Sequence[Van], day: date | None) -> None:
        super().__init__()
        self.place_id.choices = [(place.id, place.name) for place in places]
        self.van_id.choices = [(van.id, van.display_name) for van in vans]
        if not self.is_submitted():
            self.day.data = day

    def validate_day(self, field: DayField) -> None:
        """An event is planned before it is held."""
        if field.data is not None and field.data < today():
            raise ValidationError(_l("Choose today or a later day."))

    def validate_minutes(self, field: IntegerField) -> None:
        """It ends on its day."""
        if (self.starts_at.data or 0) + (field.data or 0) > 24 * 60:
            raise ValidationError(_l("It would last beyond midnight."))


def results_form(event: SpecialEvent) -> BaseForm:
    """The figures that are written down of an event of its kind, and its report."""
    fields = {
        name: IntegerField(label, [Optional(), NumberRange(0, _MOST)])
        for name, label in RESULTS[event.kind].items()
    }
    fields["report"] = TextAreaField(_l("Report"), [Length(max=8000)])
    form = type("ResultsForm", (BaseForm,), fields)
    return form(data={**event.results, "report": event.report})


class DonationForm(BaseForm):
    """What somebody gave."""

    donor_id = SelectField(_l("Donor"), coerce=int)
    donor_name = StringField(_l("Name of a new donor"), [Length(max=200)])
    donor_kind = SelectField(_l("Kind of a new donor"), choices=DonorKind.choices())
    kind = SelectField(_l("What is given"), choices=GiftKind.choices())
    description = StringField(
        _l("Description"), [DataRequired(_l("Say what was given.")), Length(max=500)]
    )
    quantity = IntegerField(_l("Number"), [InputRequired(), NumberRange(1, _MOST)], default=1)
    value_vnd = DecimalField(_l("Value in VND"), [Optional(), NumberRange(0, _MOST_VND)], places=0)
    received_on = DayField(_l("Received on"), _DAY)
    event_id = SelectField(_l("At the event"), coerce=int)

    def __init__(
        self, donors: Sequence[tuple[int, str]], events: Sequence[tuple[int, str]]
    ) -> None:
        super().__init__()
        self.donor_id.choices = [(0, _l("A new donor")), *donors]
        self.event_id.choices = [(0, "–"), *events]
        if not self.is_submitted():
            self.received_on.data = today()

    def validate_donor_name(self, field: StringField) -> None:
        """A gift has a giver."""
        if not self.donor_id.data and not (field.data or "").strip():
            raise ValidationError(_l("Choose a donor, or enter the name of a new one."))

    def validate_received_on(self, field: DayField) -> None:
        """What is promised is not received yet."""
        if field.data is not None and field.data > today():
            raise ValidationError(_l("This day is still to come."))
