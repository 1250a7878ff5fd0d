"""Pages of what readers wait for, what is on the van, and what must be on it for the next run."""

from __future__ import annotations

from functools import reduce

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.orm import contains_eager, joinedload, selectinload
from wtforms import SelectField, StringField
from wtforms.validators import DataRequired, Length, ValidationError

from schedules.searching import search_key

from ..accounts.access import LOGGERS, roles_allowed
from ..base_form import BaseForm
from ..database import current_organisation_id, db, now, owned, owned_or_404
from ..i18n import format_day, today
from ..incoming import asked_number
from ..places.models import Place
from ..tables import Listing
from ..timetable.models import Run, StockSeen, Term, TermStatus, Visit, VisitStatus
from .aboard import aboard_barcodes, aboard_by_subject, boxes_back, boxes_out, open_reservations
from .models import Card, Copy, Reader, Reservation, Title

blueprint = Blueprint("reservations", __name__, url_prefix="/circulation")

MOST_MISSING_SHOWN = 200


class ReservationForm(BaseForm):
    """Which title, for whose card, at which place."""

    title = StringField(
        _l("Title"), [DataRequired(_l("Enter the title or a barcode of it.")), Length(max=300)]
    )
    card_number = StringField(
        _l("Card number"), [DataRequired(_l("Enter the card number.")), Length(max=40)]
    )
    place_id = SelectField(_l("Waits at"), coerce=int)

    def __init__(self) -> None:
        super().__init__()
        served = select(Visit.place_id).where(Visit.day >= today())
        places = db.session.scalars(owned(Place).where(Place.id.in_(served)))
        named = sorted(
            ((place.id, place.name) for place in places), key=lambda one: search_key(one[1])
        )
        self.place_id.choices = [(0, _("where the reader borrows")), *named]

    def validate_title(self, field: StringField) -> None:
        """One title must be meant."""
        found = titles_meant(field.data or "")
        if not found:
            raise ValidationError(_l("No title is called so. Look it up under “Titles”."))
        if len(found) > 1:
            raise ValidationError(_("%(num)s titles fit; write more of it.", num=len(found)))

    def validate_card_number(self, field: StringField) -> None:
        """The card must be known, and the place with it."""
        card = card_of(field.data or "")
        if card is None:
            raise ValidationError(_l("There is no such card."))
        if not self.place_id.data and card.reader.place_id is None:
            raise ValidationError(_l("This reader has no place yet; choose where they wait."))

    def reservation(self) -> Reservation:
        """What the fields ask for."""
        card = card_of(self.card_number.data or "")
        assert card is not None
        return Reservation(
            organisation_id=current_organisation_id(),
            title_id=titles_meant(self.title.data or "")[0].id,
            card_id=card.id,
            place_id=self.place_id.data or card.reader.place_id,
        )


def titles_meant(typed: str) -> list[Title]:
    """Titles of this name (with or without diacritics) or with a copy of this barcode."""
    of_copy = select(Copy.title_id).where(
        Copy.organisation_id == current_organisation_id(), Copy.barcode == typed.strip()
    )
    by_barcode = list(db.session.scalars(owned(Title).where(Title.id.in_(of_copy))))
    if by_barcode:
        return by_barcode
    query = owned(Title)
    for word in search_key(typed).split():
        query = query.where(Title.search_key.contains(word, autoescape=True))
    found = list(db.session.scalars(query.limit(50))) if search_key(typed) else []
    exact = [title for title in found if search_key(title.name) == search_key(typed)]
    return exact or found


def card_of(number: str) -> Card | None:
    """The library's card of this number, with its reader."""
    query = owned(Card).where(Card.number == number.strip()).options(joinedload(Card.reader))
    return db.session.scalar(query)


@blueprint.route("/reservations", methods=["GET", "POST"])
@roles_allowed(*LOGGERS)
def reservation_list() -> ResponseReturnValue:
    """What readers wait for, and a form for one more."""
    form = ReservationForm()
    if form.validate_on_submit():
        db.session.add(form.reservation())
        db.session.commit()
        flash(_("Reserved. It is on the load list of the next run there."), "success")
        return redirect(url_for("reservations.reservation_list"))
    return render_template("circulation/reservations.html", form=form, listing=_waiting())


def _waiting() -> Listing:
    query = (
        owned(Reservation)
        .where(Reservation.cancelled_at.is_(None))
        .join(Reservation.title)
        .join(Reservation.card)
        .join(Card.reader)
        .join(Reservation.place)
        .options(
            contains_eager(Reservation.title),
            contains_eager(Reservation.card).contains_eager(Card.reader),
            contains_eager(Reservation.place),
        )
    )
    sorts = {
        "title": Title.search_key,
        "reader": Reader.search_key,
        "place": Place.search_key,
        "since": Reservation.asked_at,
    }
    told = (Title.search_key, Reader.search_key, func.lower(Card.number), Place.search_key)
    searched = reduce(lambda text, part: text + " " + part, told)
    return Listing(query, sorts, "-since", searched)


@blueprint.post("/reservations/<int:reservation_id>/cancel")
@roles_allowed(*LOGGERS)
def cancel_reservation(reservation_id: int) -> ResponseReturnValue:
    """The reader does not wait any more."""
    reservation = owned_or_404(Reservation, reservation_id)
    reservation.cancelled_at = now()
    db.session.commit()
    flash(_("The reservation is taken back."))
    return redirect(url_for("reservations.reservation_list"))


@blueprint.get("/aboard")
@roles_allowed(*LOGGERS)
def aboard_page() -> ResponseReturnValue:
    """How many copies are on the van by subject, the next run's load list, the last stock check."""
    organisation_id = current_organisation_id()
    runs = _coming_runs(organisation_id)
    run = next((run for run in runs if run.id == asked_number("run")), None)
    run = run or (runs[0] if runs else None)
    by_subject = aboard_by_subject(organisation_id, run.van_id if run else None)
    held = [v for v in run.visits if v.plan_status != VisitStatus.CANCELLED] if run else []
    missing, unexpected, seen_on = _stock_check(organisation_id)
    return render_template(
        "circulation/aboard.html",
        by_subject=by_subject,
        total=sum(count for _subject, count in by_subject),
        run=run,
        run_choices=[(one.id, f"{format_day(one.day)} · {one.van.display_name}") for one in runs],
        reservations=open_reservations(held),
        boxes_out=boxes_out(held),
        boxes_back=boxes_back(held),
        places={visit.id: visit.place.name for visit in held},
        missing=missing,
        unexpected=unexpected,
        seen_on=seen_on,
        most=MOST_MISSING_SHOWN,
    )


def _coming_runs(organisation_id: int) -> list[Run]:
    query = (
        select(Run)
        .join(Term, Run.term_id == Term.id)
        .where(
            Run.organisation_id == organisation_id,
            Run.day >= today(),
            Term.status == TermStatus.PUBLISHED,
        )
        .options(
            joinedload(Run.van),
            selectinload(Run.visits).joinedload(Visit.place),
            selectinload(Run.checklist),
        )
        .order_by(Run.day, Run.leaves_at)
        .limit(8)
    )
    return list(db.session.scalars(query).unique())


def _stock_check(organisation_id: int) -> tuple[list[str], list[str], Run | None]:
    """Of the last run with a stock check: aboard but not seen, seen but not expected aboard."""
    last = db.session.scalar(
        select(Run)
        .join(StockSeen, StockSeen.run_id == Run.id)
        .where(Run.organisation_id == organisation_id)
        .order_by(Run.day.desc(), Run.id.desc())
        .limit(1)
    )
    if last is None:
        return [], [], None
    seen = set(db.session.scalars(select(StockSeen.barcode).where(StockSeen.run_id == last.id)))
    expected = aboard_barcodes(organisation_id, last.van_id)
    return sorted(expected - seen), sorted(seen - expected), last
