"""Forms of places and of importing them."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField, FileRequired
from wtforms import BooleanField, FloatField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Email, Length, NumberRange, Optional, ValidationError

from schedules.travel import Position

from ..base_form import BaseForm
from ..clock_fields import WindowsField
from ..config import LANGUAGES
from ..database import current_organisation_id, db
from ..i18n import LANGUAGE_NAMES
from .models import Place, PlaceKind, SchoolLevel
from .positions import put_at_commune
from .units import assign_units, todays_communes


class PlaceForm(BaseForm):
    """A place and what a driver needs to know of it."""

    name = StringField(_l("Name"), [DataRequired(_l("Enter a name.")), Length(max=200)])
    kind = SelectField(_l("Kind of place"), choices=PlaceKind.choices())
    level = SelectField(
        _l("Level of school"), choices=[("", _l("Not a school")), *SchoolLevel.choices()]
    )
    official_code = StringField(_l("Official code"), [Length(max=40)])
    address = StringField(_l("Address"), [Length(max=300)])
    commune_id = SelectField(_l("Commune or ward"), coerce=int)
    contact_name = StringField(_l("Contact"), [Length(max=120)])
    contact_phone = StringField(_l("Telephone"), [Length(max=40)])
    contact_email = StringField(
        _l("E-mail"), [Optional(), Email(_l("This is not an e-mail address.")), Length(max=254)]
    )
    contact_language = SelectField(
        _l("Written to in"),
        choices=[(code, LANGUAGE_NAMES[code]) for code in LANGUAGES],
        default=LANGUAGES[0],
    )
    windows = WindowsField(_l("Opening windows"))
    gate_notes = TextAreaField(_l("Gate"), [Length(max=2000)])
    parking_notes = TextAreaField(_l("Parking"), [Length(max=2000)])
    power_notes = TextAreaField(_l("Power"), [Length(max=2000)])
    turning_notes = TextAreaField(_l("Turning"), [Length(max=2000)])
    note = TextAreaField(_l("Note"), [Length(max=2000)])
    enabled = BooleanField(_l("In use"), default=True)

    def __init__(self, place: Place | None = None) -> None:
        super().__init__(obj=place)
        units = todays_communes(current_organisation_id())
        self.commune_id.choices = [(0, "–"), *((unit.id, unit.full_name) for unit in units)]
        if not self.is_submitted() and place is not None:
            self.commune_id.data = place.commune_id or 0
            self.level.data = place.level.value if place.level else ""
            self.windows.data = place.opening_windows

    def apply_to(self, place: Place) -> None:
        """Write the fields; a place without a position stands at its commune's point."""
        for name in (
            "name",
            "official_code",
            "address",
            "contact_name",
            "contact_phone",
            "contact_email",
            "contact_language",
            "gate_notes",
            "parking_notes",
            "power_notes",
            "turning_notes",
            "note",
        ):
            setattr(place, name, (self[name].data or "").strip())
        place.kind = PlaceKind(self.kind.data)
        place.level = SchoolLevel(self.level.data) if self.level.data else None
        place.commune_id = self.commune_id.data or None
        place.opening_windows = self.windows.data
        place.enabled = bool(self.enabled.data)
        db.session.add(place)
        db.session.flush()
        db.session.refresh(place, ["commune"])
        put_at_commune(place)
        place.geocoder_asked_at = None
        assign_units(place)


class PositionForm(BaseForm):
    """A position, tapped on the map or typed."""

    lat = FloatField(_l("Latitude"), [NumberRange(-90, 90, _l("Latitude lies from -90 to 90."))])
    lon = FloatField(
        _l("Longitude"), [NumberRange(-180, 180, _l("Longitude lies from -180 to 180."))]
    )

    def validate_lat(self, field: FloatField) -> None:
        """An empty position is no position."""
        if field.data is None or self.lon.data is None:
            raise ValidationError(_l("Tap the map, or type both numbers."))

    @property
    def position(self) -> Position:
        """What a valid form says."""
        return Position(float(self.lat.data or 0), float(self.lon.data or 0))


class UploadForm(BaseForm):
    """A list of places to look at."""

    file = FileField(_l("File (CSV or XLSX)"), [FileRequired(_l("Choose a file."))])
