"""Forms of targets and of figures entered by hand."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import lazy_gettext as _l
from wtforms import IntegerField, SelectField, StringField
from wtforms.validators import InputRequired, Length, NumberRange, ValidationError

from ..base_form import BaseForm
from ..clock_fields import DayField
from ..i18n import today
from .models import Target

# More than any library counts; its column holds it.
_MOST = 10**12
_LONGEST_TARGET = 5


class UnitForm(BaseForm):
    """A form that may be about one commune or district."""

    unit_id = SelectField(_l("For"), coerce=int)

    def __init__(self, units: Sequence[tuple[int, str]], **values: object) -> None:
        super().__init__(**values)
        self.unit_id.choices = [(0, _l("The whole service")), *units]


class TargetForm(UnitForm):
    """What is to be reached."""

    first_year = IntegerField(_l("From the year"), [InputRequired(), NumberRange(1900, 2100)])
    last_year = IntegerField(_l("To the year"), [InputRequired(), NumberRange(1900, 2100)])
    value = IntegerField(_l("Target"), [InputRequired(), NumberRange(1, _MOST)])
    source = StringField(_l("Set by"), [Length(max=200)])

    def validate_last_year(self, field: IntegerField) -> None:
        """Years in their order, and not too many."""
        first, last = self.first_year.data or 0, field.data or 0
        if not first <= last < first + _LONGEST_TARGET:
            raise ValidationError(_l("A target is for one year, or for up to five that follow."))

    def apply_to(self, target: Target) -> None:
        """Write the fields."""
        target.unit_id = self.unit_id.data or None
        target.first_year, target.last_year = self.first_year.data, self.last_year.data
        target.value = self.value.data
        target.source = (self.source.data or "").strip()


class EntryForm(UnitForm):
    """A figure as it stands in a book or another system."""

    on = DayField(_l("Day"), [InputRequired(_l("Choose a day."))])
    value = IntegerField(_l("Number"), [InputRequired(), NumberRange(-_MOST, _MOST)])
    note = StringField(_l("Note"), [Length(max=300)])

    def validate_on(self, field: DayField) -> None:
        """What is to come is not counted yet."""
        if field.data is not None and field.data > today():
            raise ValidationError(_l("This day is still to come."))
