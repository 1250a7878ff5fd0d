"""Forms of readers, titles and copies."""

from __future__ import annotations

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import IntegerField, SelectField, StringField
from wtforms.validators import DataRequired, Length, NumberRange, Optional, ValidationError

from schedules.searching import search_key

from ..base_form import BaseForm
from ..database import db, owned
from ..fleet.queries import vans_by_name
from ..places.models import Place
from ..timetable.models import Audience
from .cataloguing import add_card, add_copy, write_search_key
from .models import Card, CardKind, Copy, Reader, Title


class ReaderForm(BaseForm):
    """A reader: as little as lending needs."""

    full_name = StringField(_l("Full name"), [DataRequired(_l("Enter the name.")), Length(max=200)])
    audience = SelectField(_l("Group"), choices=[("", "–"), *Audience.choices()])
    place_id = SelectField(_l("Borrows at"), coerce=int)
    class_name = StringField(_l("Class"), [Length(max=40)])
    card_number = StringField(_l("New card's number"), [Length(max=40)])
    card_kind = SelectField(_l("New card's kind"), choices=CardKind.choices(), default="van")

    def __init__(self, reader: Reader | None = None) -> None:
        super().__init__(obj=reader)
        places = db.session.scalars(owned(Place).order_by(Place.search_key))
        self.place_id.choices = [(0, "–"), *((place.id, place.name) for place in places)]
        if not self.is_submitted() and reader is not None:
            self.place_id.data = reader.place_id or 0
            self.audience.data = reader.audience.value if reader.audience else ""

    def validate_card_number(self, field: StringField) -> None:
        """Card numbers are unique in a library."""
        number = (field.data or "").strip()
        if number and db.session.scalar(owned(Card).where(Card.number == number)):
            raise ValidationError(_l("A card of this number exists already."))

    def apply_to(self, reader: Reader) -> None:
        """Write the fields; a number makes a card."""
        reader.full_name = (self.full_name.data or "").strip()
        reader.audience = Audience(self.audience.data) if self.audience.data else None
        reader.place_id = self.place_id.data or None
        reader.class_name = (self.class_name.data or "").strip()
        write_search_key(reader)
        number = (self.card_number.data or "").strip()
        if number:
            add_card(reader, number, CardKind(self.card_kind.data))


def stock_choices() -> list[tuple[int, str]]:
    """Whose stock a copy may be: the library's own store (0), or a van's."""
    vans = [(van.id, van.display_name) for van in vans_by_name()]
    return [(0, gettext("the library's own store")), *vans]


class TitleForm(BaseForm):
    """A title, with a copy's barcode to add."""

    name = StringField(_l("Title"), [DataRequired(_l("Enter the title.")), Length(max=300)])
    author = StringField(_l("Author"), [Length(max=200)])
    subject = StringField(_l("Subject"), [Length(max=120)])
    isbn = StringField("ISBN", [Length(max=20)])
    year = IntegerField(_l("Year"), [Optional(), NumberRange(1000, 2200)])
    barcode = StringField(_l("New copy's barcode"), [Length(max=40)])
    van_id = SelectField(_l("New copy belongs to"), coerce=int, default=0)

    def __init__(self, title: Title | None = None) -> None:
        super().__init__(obj=title)
        self.van_id.choices = stock_choices()
        if not self.is_submitted():
            self.van_id.data = self.van_id.choices[-1][0] if len(self.van_id.choices) == 2 else 0

    def validate_barcode(self, field: StringField) -> None:
        """Barcodes are unique in a library."""
        code = (field.data or "").strip()
        if code and db.session.scalar(owned(Copy).where(Copy.barcode == code)):
            raise ValidationError(_l("A copy with this barcode exists already."))

    def apply_to(self, title: Title) -> None:
        """Write the fields; a barcode makes a copy."""
        title.name = (self.name.data or "").strip()
        title.author = (self.author.data or "").strip()
        title.subject = (self.subject.data or "").strip()
        title.isbn = (self.isbn.data or "").strip()
        title.year = self.year.data
        title.search_key = search_key(f"{title.name} {title.author} {title.subject}")[:500]
        db.session.add(title)
        db.session.flush()
        code = (self.barcode.data or "").strip()
        if code:
            add_copy(title, code, self.van_id.data or None)
