"""Forms of requests: what is asked for, and how it is answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from flask import current_app
from flask_babel import lazy_gettext as _l
from itsdangerous import BadSignature, URLSafeTimedSerializer
from wtforms import HiddenField, IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import (
    DataRequired,
    Email,
    InputRequired,
    Length,
    NumberRange,
    Optional,
    ValidationError,
)

from ..base_form import BaseForm, ChecksField
from ..clock_fields import DayField, days_in_order
from ..database import now
from ..fleet.models import Van
from ..i18n import WEEKDAYS, current_language, today
from ..places.models import Place, SchoolLevel
from ..places.units import todays_communes
from ..timetable.models import Audience
from .models import WISHES, VisitRequest

# A van that is free tomorrow is no promise: the library needs days to answer.
EARLIEST = timedelta(days=3)
LATEST = timedelta(days=366)
LONGEST_SPAN = timedelta(days=120)
# Nobody fills in the form faster, and nobody takes longer.
FASTEST_SECONDS = 4
SLOWEST_SECONDS = 24 * 3600
_LARGEST_GROUP = 5_000
# What a visit takes where nobody says otherwise.
PUPILS_A_CLASS = 30
MINUTES_A_CLASS = 20
SHORTEST_MINUTES = 60
LONGEST_MINUTES = 210


class AskForm(BaseForm):
    """A school or commune asks for a visit.

    Robots are told from people without asking anybody outside: by a field that only they see, and
    by the time it takes to fill the form in.
    """

    place_name = StringField(
        _l("School, commune or other place"),
        [DataRequired(_l("Enter the name of the place.")), Length(max=200)],
    )
    level = SelectField(
        _l("Level of school"), choices=[("", _l("Not a school")), *SchoolLevel.choices()]
    )
    address = StringField(_l("Address"), [Length(max=300)])
    commune_id = SelectField(_l("Commune or ward"), coerce=int)
    asker_name = StringField(
        _l("Your name"), [DataRequired(_l("Enter your name.")), Length(max=120)]
    )
    phone = StringField(_l("Telephone"), [Length(max=40)])
    email = StringField(
        _l("E-mail"), [Optional(), Email(_l("This is not an e-mail address.")), Length(max=254)]
    )
    first_on = DayField(_l("From"), [InputRequired(_l("Choose a day."))])
    last_on = DayField(_l("Until"), [InputRequired(_l("Choose a day.")), days_in_order("first_on")])
    weekdays = ChecksField(_l("Weekdays that suit"), coerce=int)
    wishes = ChecksField(_l("What you wish for"))
    note = TextAreaField(_l("What else we should know"), [Length(max=2000)])
    # Not shown to people: what fills it in is a robot.
    website = StringField(_l("Leave this field empty"), [Length(max=200)])
    opened = HiddenField(validators=[Length(max=200)])

    def __init__(self, organisation_id: int) -> None:
        super().__init__()
        units = todays_communes(organisation_id)
        self.commune_id.choices = [(0, "–"), *((unit.id, unit.full_name) for unit in units)]
        self.weekdays.choices = list(enumerate(WEEKDAYS))
        self.wishes.choices = [(wish.value, wish.label) for wish in WISHES]
        if not self.is_submitted():
            self.commune_id.data = 0
            self.first_on.data = today() + timedelta(weeks=1)
            self.last_on.data = today() + timedelta(weeks=7)
            self.opened.data = _clockwork().dumps("")

    def validate_phone(self, field: StringField) -> None:
        """Without a way to answer there is no answer."""
        if not (field.data or "").strip() and not (self.email.data or "").strip():
            raise ValidationError(_l("Enter a telephone number or an e-mail address."))

    def validate_first_on(self, field: DayField) -> None:
        """Days that the library can still plan."""
        if field.data is None:
            return
        if field.data < today() + EARLIEST:
            raise ValidationError(_l("Choose a day at least three days ahead."))
        if field.data > today() + LATEST:
            raise ValidationError(_l("Choose a day within a year."))

    def validate_last_on(self, field: DayField) -> None:
        """A span that can be looked through."""
        first = self.first_on.data
        if first is not None and field.data is not None and field.data - first > LONGEST_SPAN:
            raise ValidationError(_l("Choose days within four months."))

    def validate_website(self, field: StringField) -> None:
        """People leave it empty."""
        if field.data:
            raise ValidationError(_l("Leave this field empty."))

    def validate_opened(self, field: HiddenField) -> None:
        """A person needs a moment, and comes back within the day."""
        try:
            _opened, opened_at = _clockwork().loads(
                field.data or "", max_age=SLOWEST_SECONDS, return_timestamp=True
            )
        except BadSignature:
            field.data = _clockwork().dumps("")
            raise ValidationError(
                _l("The page was open for too long. Look through it and send it again.")
            ) from None
        if (now() - opened_at).total_seconds() < FASTEST_SECONDS:
            raise ValidationError(_l("That was very fast. Look through it, and send it again."))

    def apply_to(self, request: VisitRequest) -> None:
        """Write the fields."""
        for name in ("place_name", "address", "asker_name", "phone", "email", "note"):
            setattr(request, name, (self[name].data or "").strip())
        request.level = SchoolLevel(self.level.data) if self.level.data else None
        request.commune_id = self.commune_id.data or None
        request.first_on, request.last_on = self.first_on.data, self.last_on.data
        request.weekdays = sorted(self.weekdays.data or [])
        request.wishes = list(self.wishes.data or [])
        request.people = {
            group.value: number
            for group in Audience
            if (number := self[_people_field(group)].data or 0)
        }
        request.language = current_language()


def _people_field(group: Audience) -> str:
    return f"people_{group.value}"


for _group in Audience:
    setattr(
        AskForm,
        _people_field(_group),
        IntegerField(_group.label, [Optional(), NumberRange(0, _LARGEST_GROUP)]),
    )


def _clockwork() -> URLSafeTimedSerializer:
    """Signs when a page was opened."""
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="bus-ops.asked")


class AnswerForm(BaseForm):
    """A day with a van for a request, and words that go with it."""

    day = DayField(_l("Day"), [InputRequired(_l("Choose a day."))])
    van_id = SelectField(_l("Van"), coerce=int)
    place_id = SelectField(_l("Place"), coerce=int)
    service_minutes = IntegerField(
        _l("Minutes of service"),
        [InputRequired(), NumberRange(10, 480)],
    )
    text = TextAreaField(_l("Words to go with it"), [Length(max=1000)])

    def __init__(self, request: VisitRequest, places: Sequence[Place], vans: Sequence[Van]) -> None:
        super().__init__()
        new = (0, _l("A new place with what is written here"))
        self.place_id.choices = [new, *((place.id, place.name) for place in places)]
        self.van_id.choices = [(van.id, van.display_name) for van in vans]
        if not self.is_submitted():
            self.place_id.data = request.place_id or (places[0].id if places else 0)
            self.service_minutes.data = usual_minutes(request)

    def validate_day(self, field: DayField) -> None:
        """A visit needs a day to come."""
        if field.data is not None and field.data <= today():
            raise ValidationError(_l("Choose a day after today."))


class WordsForm(BaseForm):
    """Why a request is declined, refused or taken back."""

    text = TextAreaField(_l("Reason"), [DataRequired(_l("Say why.")), Length(max=1000)])


class OptionalWordsForm(BaseForm):
    """Words that may go with an answer."""

    text = TextAreaField(_l("Words to go with it"), [Length(max=1000)])


def usual_minutes(request: VisitRequest) -> int:
    """Twenty minutes a class of thirty, from one hour to half a day."""
    classes = -(-request.pupils // PUPILS_A_CLASS)
    return min(LONGEST_MINUTES, max(SHORTEST_MINUTES, classes * MINUTES_A_CLASS))
