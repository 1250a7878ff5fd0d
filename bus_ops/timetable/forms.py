"""Forms of terms, stops, calendars and changes."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileRequired, MultipleFileField
from wtforms import (
    BooleanField,
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

from schedules.calendar import CalendarRangeError, public_holidays
from schedules.recurrence import RuleError, RuleProblem, parse_recurrence

from ..base_form import BaseForm, ChecksField
from ..clock_fields import ClockField, DayField, DayListField, WindowsField, days_in_order
from ..database import db, owned
from ..fleet.queries import members_by_name, vans_by_name
from ..i18n import WEEKDAYS, today
from ..places.models import Place
from ..tables import by_name
from .calendars import proposed_calendar
from .frequency import choice_of_rule, rule_of_choice
from .models import Audience, CalendarUse, Route, ServiceCalendar, Stop, StopKind, Term

# The choice of a calendar that is made by the place.
_BY_PLACE = -1

_NAME = [DataRequired(_l("Enter a name.")), Length(max=160)]
_DAY = [InputRequired(_l("Choose a day."))]


class TermForm(BaseForm):
    """A term's dates and the day's frame."""

    name = StringField(_l("Name"), _NAME)
    starts_on = DayField(_l("From"), _DAY)
    ends_on = DayField(_l("Until"), [Optional(), days_in_order("starts_on")])
    leaves_depot_at = ClockField(_l("Leaves the depot at"))
    lunch_earliest = ClockField(_l("Lunch from"))
    lunch_latest = ClockField(_l("Lunch begins by"))
    lunch_minutes = IntegerField(
        _l("Lunch (minutes)"), [InputRequired(), NumberRange(0, 240)], default=60
    )
    buffer_minutes = IntegerField(
        _l("Buffer for each leg (minutes)"), [InputRequired(), NumberRange(0, 120)], default=5
    )
    shift_limit_minutes = IntegerField(
        _l("Longest day (minutes)"), [InputRequired(), NumberRange(60, 1440)], default=540
    )

    def __init__(self, term: Term | None = None) -> None:
        super().__init__(obj=term)
        self._term = term

    def validate_name(self, field: StringField) -> None:
        """Names of terms are unique in a library."""
        query = owned(Term).where(Term.name == field.data)
        other = db.session.scalar(query)
        if other is not None and other is not self._term:
            raise ValidationError(_l("There is a term of this name already."))

    def validate_lunch_latest(self, field: ClockField) -> None:
        """Lunch begins between two times."""
        earliest = self.lunch_earliest.data
        if earliest is not None and field.data is not None and field.data < earliest:
            raise ValidationError(_l("Must not be before the time lunch may begin."))


class StopForm(BaseForm):
    """A place as the service serves it."""

    place_id = SelectField(_l("Place"), coerce=int)
    van_id = SelectField(_l("Van"), coerce=int)
    route_id = SelectField(_l("Route"), coerce=int)
    kind = SelectField(_l("Kind of stop"), choices=StopKind.choices())
    audience = SelectField(_l("Audience"), choices=[("", _l("Everyone")), *Audience.choices()])
    service_minutes = IntegerField(
        _l("Service (minutes)"), [InputRequired(), NumberRange(5, 720)], default=60
    )
    frequency = SelectField(
        _l("How often"),
        choices=[
            ("1", _l("Every week")),
            ("2", _l("Every 2 weeks")),
            ("3", _l("Every 3 weeks")),
            ("4", _l("Every 4 weeks")),
            ("monthly", _l("Every month")),
            ("once", _l("Once")),
            ("free", _l("By a rule (RRULE)")),
        ],
    )
    weekdays = ChecksField(_l("On"), coerce=int, choices=list(enumerate(WEEKDAYS)))
    ordinals = ChecksField(
        _l("In the month (monthly only)"),
        coerce=int,
        choices=[
            (1, _l("First")),
            (2, _l("Second")),
            (3, _l("Third")),
            (4, _l("Fourth")),
            (-1, _l("Last")),
        ],
    )
    free_rule = StringField(_l("Rule (RRULE)"), [Length(max=200)])
    starts_on = DayField(_l("From"), _DAY)
    ends_on = DayField(_l("Until"), [Optional(), days_in_order("starts_on")])
    exceptions = DayListField(_l("But not on"))
    windows = WindowsField(_l("Time windows"))
    fixed_arrival = ClockField(_l("Published arrival"))
    fixed_departure = ClockField(_l("Published departure"))
    calendar_id = SelectField(_l("Calendar"), coerce=int)
    promised = TextAreaField(_l("What is promised there"), [Length(max=1000)])
    enabled = BooleanField(_l("In service"), default=True)
    plan_fixed = BooleanField(_l("Its days stay as they are"))
    plan_weekdays = ChecksField(_l("Weekdays"), coerce=int, choices=list(enumerate(WEEKDAYS)))
    plan_times = IntegerField(_l("Visits in the whole term"), [Optional(), NumberRange(1, 366)])
    plan_any_van = BooleanField(_l("Any van may come"))
    priority = SelectField(
        _l("Where not all can be served"),
        coerce=int,
        choices=[(0, _l("As the others")), (1, _l("Before the others")), (2, _l("First of all"))],
        default=0,
    )
    skip_price_km = IntegerField(
        _l("May be left out where it costs more than (km)"), [Optional(), NumberRange(1, 10_000)]
    )
    load_books = IntegerField(
        _l("Books taken along for it"), [Optional(), NumberRange(0, 1_000_000)], default=0
    )
    together = StringField(_l("On the same days as"), [Length(max=40)])
    apart = StringField(_l("Never on a day with"), [Length(max=40)])

    def __init__(self, term: Term, stop: Stop | None = None) -> None:
        super().__init__(obj=stop)
        self._term = term
        places = owned(Place).where(
            Place.enabled.is_(True) | (Place.id == (stop.place_id if stop else 0))
        )
        self.place_id.choices = [
            (place.id, place.name)
            for place in db.session.scalars(places.order_by(Place.search_key))
        ]
        self.van_id.choices = [(van.id, van.display_name) for van in vans_by_name()]
        routes = by_name(db.session.scalars(owned(Route).where(Route.term_id == term.id)))
        self.route_id.choices = [
            (0, _l("None: the day's order is worked out")),
            *((route.id, route.name) for route in routes),
        ]
        calendars = by_name(db.session.scalars(owned(ServiceCalendar)))
        by_place = [] if stop else [(_BY_PLACE, _l("What fits the place: staff's or the school's"))]
        self.calendar_id.choices = [
            *by_place,
            (0, _l("None: every day")),
            *((calendar.id, calendar.name) for calendar in calendars),
        ]
        if not self.is_submitted():
            self._show(stop)

    def _show(self, stop: Stop | None) -> None:
        if stop is None:
            self.starts_on.data = max(self._term.starts_on, today())
            self.weekdays.data = [self.starts_on.data.weekday()]
            self.frequency.data = "2"
            return
        if stop.skip_price_m is not None:
            self.skip_price_km.data = round(stop.skip_price_m / 1000)
        self.frequency.data, self.weekdays.data, self.ordinals.data = choice_of_rule(stop)
        self.free_rule.data = stop.rule if self.frequency.data == "free" else ""
        self.route_id.data = stop.route_id or 0
        self.calendar_id.data = stop.calendar_id or 0
        self.audience.data = stop.audience.value if stop.audience else ""

    def propose(self, place: Place) -> None:
        """Show what is known of a place that is to be served."""
        self.place_id.data = place.id
        self.windows.data = [w for w in place.opening_windows if not w.get("weekdays")]

    @property
    def rule(self) -> str:
        """The RFC 5545 rule that the choices mean."""
        return rule_of_choice(
            self.frequency.data,
            self.weekdays.data or [],
            self.ordinals.data or [],
            self.free_rule.data or "",
        )

    def validate_frequency(self, field: SelectField) -> None:
        """The choices must make a rule with dates."""
        if field.errors or not self._ticked_only_what_is_offered():
            return
        if field.data not in {"once", "free"} and not self.weekdays.data:
            raise ValidationError(_l("Choose at least one weekday."))
        if field.data == "monthly" and not self.ordinals.data:
            raise ValidationError(_l("Choose which one in the month."))
        if self.starts_on.data is None:
            return
        try:
            parse_recurrence(self.rule, self.starts_on.data, None, frozenset())
        except RuleError as error:
            if error.problem is RuleProblem.NO_DATES:
                raise ValidationError(
                    _l(
                        "This frequency never falls on a date. Correct its months, days or end"
                        " (UNTIL)."
                    )
                ) from None
            raise ValidationError(
                _l("Not a frequency. Write it as FREQ=WEEKLY;INTERVAL=2.")
            ) from None

    def _ticked_only_what_is_offered(self) -> bool:
        """Otherwise the field itself says so."""
        return all(
            set(checks.data or ()) <= {value for value, _label in checks.choices}
            for checks in (self.weekdays, self.ordinals)
        )

    def validate_fixed_departure(self, field: ClockField) -> None:
        """Published times are a pair in order."""
        arrival = self.fixed_arrival.data
        if (arrival is None) != (field.data is None):
            raise ValidationError(_l("Give both published times or none."))
        if arrival is not None and field.data is not None and field.data <= arrival:
            raise ValidationError(_l("Departure before arrival. Correct one of the two times."))

    def apply_to(self, stop: Stop) -> None:
        """Write the fields to the stop."""
        stop.place_id = self.place_id.data
        stop.van_id = self.van_id.data
        stop.route_id = self.route_id.data or None
        stop.kind = StopKind(self.kind.data)
        stop.audience = Audience(self.audience.data) if self.audience.data else None
        stop.service_minutes = self.service_minutes.data or 0
        stop.rule = self.rule
        stop.starts_on = self.starts_on.data
        stop.ends_on = self.ends_on.data
        stop.exceptions = self.exceptions.data
        stop.windows = self.windows.data
        stop.fixed_arrival = self.fixed_arrival.data
        stop.fixed_departure = self.fixed_departure.data
        stop.calendar_id = self._calendar_id()
        stop.promised = (self.promised.data or "").strip()
        stop.enabled = bool(self.enabled.data)
        stop.plan_fixed = bool(self.plan_fixed.data)
        stop.plan_weekdays = sorted(self.plan_weekdays.data or [])
        stop.plan_times = self.plan_times.data
        stop.plan_any_van = bool(self.plan_any_van.data)
        stop.priority = self.priority.data
        price_km = self.skip_price_km.data
        stop.skip_price_m = None if price_km is None else price_km * 1000
        stop.load_books = self.load_books.data or 0
        stop.together = (self.together.data or "").strip()
        stop.apart = (self.apart.data or "").strip()

    def _calendar_id(self) -> int | None:
        if self.calendar_id.data != _BY_PLACE:
            return self.calendar_id.data or None
        # A new stop is not ready to be flushed yet.
        with db.session.no_autoflush:
            calendar = proposed_calendar(db.session.get_one(Place, self.place_id.data))
        return calendar.id if calendar else None


class CalendarForm(BaseForm):
    """A calendar's weekdays and whose public holidays it keeps."""

    name = StringField(_l("Name"), [DataRequired(_l("Enter a name.")), Length(max=120)])
    weekdays = ChecksField(_l("Service days"), coerce=int, choices=list(enumerate(WEEKDAYS)))
    country = StringField(
        _l("Public holidays of (country code, empty for none)"), [Length(max=2)], default="VN"
    )
    proposed_for = SelectField(
        _l("Proposed for new stops at"), choices=[("", _l("No place")), *CalendarUse.choices()]
    )

    def __init__(self, calendar: ServiceCalendar | None = None) -> None:
        super().__init__(obj=calendar)
        self._calendar = calendar
        if not self.is_submitted():
            use = calendar.proposed_for if calendar else None
            self.proposed_for.data = use.value if use else ""

    def validate_name(self, field: StringField) -> None:
        """Names of calendars are unique in a library."""
        other = db.session.scalar(owned(ServiceCalendar).where(ServiceCalendar.name == field.data))
        if other is not None and other is not self._calendar:
            raise ValidationError(_l("There is a calendar of this name already."))

    def validate_country(self, field: StringField) -> None:
        """The country must be one whose holidays are known."""
        code = (field.data or "").strip().upper()
        if not code:
            return
        try:
            public_holidays(code, today(), today())
        except CalendarRangeError:
            raise ValidationError(_l("No holidays are known for this country code.")) from None

    def apply_to(self, calendar: ServiceCalendar) -> None:
        """Write the fields to the calendar."""
        calendar.name = self.name.data or ""
        calendar.weekdays = sorted(self.weekdays.data or [])
        calendar.country = (self.country.data or "").strip().upper()
        use = self.proposed_for.data
        calendar.proposed_for = CalendarUse(use) if use else None


class ClosureForm(BaseForm):
    """Days off, or days worked in spite of a holiday."""

    first_on = DayField(_l("From"), _DAY)
    last_on = DayField(_l("Until"), [*_DAY, days_in_order("first_on")])
    reason = StringField(_l("Reason"), [Length(max=200)])
    opens = BooleanField(_l("Worked in spite of a holiday or weekend"))


class PeriodForm(BaseForm):
    """A teaching period."""

    name = StringField(_l("Name"), [Length(max=120)])
    first_on = DayField(_l("From"), _DAY)
    last_on = DayField(_l("Until"), [*_DAY, days_in_order("first_on")])


class ReasonForm(BaseForm):
    """Why a visit is cancelled."""

    reason = StringField(
        _l("Reason"), [DataRequired(_l("Say why; the place will ask.")), Length(max=300)]
    )


class CancelForm(ReasonForm):
    """Why a visit is cancelled, and whether the others close the gap."""

    times_anew = BooleanField(_l("Work out the times of the other visits anew"))


class MoveForm(ReasonForm):
    """Where a visit or a whole run is moved."""

    day = DayField(_l("To day"), _DAY)
    van_id = SelectField(_l("Van"), coerce=int)

    def __init__(self, van_id: int | None = None, **more: Any) -> None:
        super().__init__(data={"van_id": van_id}, **more)
        self.van_id.choices = [(van.id, van.display_name) for van in vans_by_name() if van.enabled]


class AddVisitForm(BaseForm):
    """A visit beside the stop's rule."""

    day = DayField(_l("Day"), _DAY)
    reason = StringField(_l("Reason"), [Length(max=300)])


class CrewForm(BaseForm):
    """Who rides on a run."""

    members = ChecksField(_l("Crew"), coerce=int)

    def __init__(self, chosen: list[int] | None = None) -> None:
        super().__init__(data={"members": chosen})
        self.members.choices = [
            (member.id, f"{member.full_name} ({member.duty.label})")
            for member in members_by_name()
            if member.enabled
        ]


class ImportForm(BaseForm):
    """Timetable files to look at."""

    files = MultipleFileField(_l("Files (CSV)"), [FileRequired(_l("Choose at least one file."))])
