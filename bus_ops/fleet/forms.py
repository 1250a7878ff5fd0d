"""Forms of vans, depots, days out of service and crew."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    FloatField,
    IntegerField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import (
    DataRequired,
    InputRequired,
    Length,
    NumberRange,
    Optional,
    ValidationError,
)

from ..accounts.queries import users_of_organisation
from ..base_form import BaseForm, ChecksField
from ..clock_fields import DayField, days_in_order
from ..database import db, owned
from ..i18n import WEEKDAYS
from .models import Carrier, CrewMember, Depot, Duty, Van, VanEquipment
from .queries import depots_by_name

_NAME = [DataRequired(_l("Enter a name.")), Length(max=120)]


class VanForm(BaseForm):
    """A van, its capacity and its checklist."""

    name = StringField(_l("Name"), _NAME)
    carrier = SelectField(_l("Carrier"), choices=Carrier.choices())
    plate = StringField(_l("Plate"), [Length(max=20)])
    capacity_books = IntegerField(_l("Capacity (books)"), [Optional(), NumberRange(0, 1_000_000)])
    depot_id = SelectField(_l("Depot"), coerce=int)
    weekdays = ChecksField(
        _l("Working days"),
        coerce=int,
        choices=list(enumerate(WEEKDAYS)),
        default=lambda: list(range(6)),
    )
    checklist = TextAreaField(_l("Equipment checklist"), [Length(max=4000)])
    note = TextAreaField(_l("Note"), [Length(max=2000)])
    enabled = BooleanField(_l("In use"), default=True)

    def __init__(self, van: Van | None = None) -> None:
        super().__init__(obj=van)
        self._van = van
        self.depot_id.choices = [(0, "–"), *((depot.id, depot.name) for depot in depots_by_name())]
        if not self.is_submitted() and van is not None:
            self.depot_id.data = van.depot_id or 0
            self.checklist.data = "\n".join(
                f"{item.quantity} {item.name}" for item in van.equipment
            )

    def validate_name(self, field: StringField) -> None:
        """Names of vans are unique in a service."""
        operator = self._van.operator if self._van else ""
        query = owned(Van).where(Van.name == field.data, Van.operator == operator)
        other = db.session.scalar(query)
        if other is not None and other is not self._van:
            raise ValidationError(_l("There is a van of this name already."))

    def apply_to(self, van: Van) -> None:
        """Write the fields to the van; its checklist is one item a line."""
        van.name = self.name.data or ""
        van.carrier = Carrier(self.carrier.data)
        van.plate = (self.plate.data or "").strip()
        van.capacity_books = self.capacity_books.data
        van.depot_id = self.depot_id.data or None
        van.weekdays = sorted(self.weekdays.data or [])
        van.note = (self.note.data or "").strip()
        van.enabled = bool(self.enabled.data)
        lines = [line.strip() for line in (self.checklist.data or "").splitlines()]
        van.equipment = [
            _item(van, line, position) for position, line in enumerate(filter(None, lines))
        ]


def _item(van: Van, line: str, position: int) -> VanEquipment:
    """ "6 Máy tính" is six of them; a line without a number is one."""
    number, _, name = line.partition(" ")
    quantity = int(number) if number.isdecimal() and len(number) < 8 and name.strip() else 1
    return VanEquipment(
        organisation_id=van.organisation_id,
        name=(name.strip() if number.isdecimal() and name.strip() else line)[:120],
        quantity=quantity,
        position=position,
    )


class DayOutForm(BaseForm):
    """Days on which a van does not run."""

    first_on = DayField(_l("From"), [InputRequired(_l("Choose a day."))])
    last_on = DayField(_l("Until"), [InputRequired(_l("Choose a day.")), days_in_order("first_on")])
    reason = StringField(_l("Reason"), [Length(max=200)])


class DepotForm(BaseForm):
    """Where vans start and end their day."""

    name = StringField(_l("Name"), [DataRequired(_l("Enter a name.")), Length(max=200)])
    address = StringField(_l("Address"), [Length(max=300)])
    lat = FloatField(
        _l("Latitude"),
        [InputRequired(_l("Enter a number.")), NumberRange(-90, 90)],
    )
    lon = FloatField(
        _l("Longitude"),
        [InputRequired(_l("Enter a number.")), NumberRange(-180, 180)],
    )

    def __init__(self, depot: Depot | None = None) -> None:
        super().__init__(obj=depot)
        self._depot = depot

    def validate_name(self, field: StringField) -> None:
        """Names of depots are unique in a library."""
        other = db.session.scalar(owned(Depot).where(Depot.name == field.data))
        if other is not None and other is not self._depot:
            raise ValidationError(_l("There is a depot of this name already."))


class CrewMemberForm(BaseForm):
    """A driver or librarian."""

    full_name = StringField(_l("Full name"), [DataRequired(_l("Enter the name.")), Length(max=200)])
    duty = SelectField(_l("Duty"), choices=Duty.choices())
    phone = StringField(_l("Telephone"), [Length(max=40)])
    user_id = SelectField(_l("Account"), coerce=int)
    enabled = BooleanField(_l("Rides along"), default=True)

    def __init__(self, member: CrewMember | None = None) -> None:
        super().__init__(obj=member)
        users = users_of_organisation()
        self.user_id.choices = [(0, "–"), *((user.id, user.full_name) for user in users)]
        if not self.is_submitted():
            self.user_id.data = member.user_id or 0 if member else 0

    def apply_to(self, member: CrewMember) -> None:
        """Write the fields to the member."""
        member.full_name = self.full_name.data or ""
        member.duty = Duty(self.duty.data)
        member.phone = (self.phone.data or "").strip()
        member.user_id = self.user_id.data or None
        member.enabled = bool(self.enabled.data)
