"""Pages of rotating boxes: where each stands, the signed handover record, what came back."""

from __future__ import annotations

import uuid

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.orm import contains_eager, joinedload, selectinload
from wtforms import BooleanField, SelectField, StringField
from wtforms.validators import DataRequired, Length, ValidationError

from schedules.searching import search_key

from ..accounts.access import LOGGERS, roles_allowed
from ..accounts.models import Organisation
from ..base_form import BaseForm
from ..database import current_organisation_id, db, owned, owned_or_404
from ..i18n import local, today
from ..places.models import Place
from ..tables import Listing, matches
from ..timetable.models import Visit
from .box_rules import concerns_about
from .host_counts import told_of
from .models import Box, BoxDeposit, BoxItem, BoxItemState, Copy

blueprint = Blueprint("boxes", __name__, url_prefix="/circulation/boxes")


class BoxForm(BaseForm):
    """A box, and where it is to go next."""

    code = StringField(_l("Code on the lid"), [DataRequired(_l("Enter a code.")), Length(max=40)])
    next_place_id = SelectField(_l("Goes next to"), coerce=int)
    note = StringField(_l("Note"), [Length(max=300)])
    enabled = BooleanField(_l("In use"), default=True)

    def __init__(self, box: Box | None = None) -> None:
        super().__init__(obj=box)
        self._box = box
        served = select(Visit.place_id).where(Visit.day >= today())
        places = db.session.scalars(owned(Place).where(Place.id.in_(served)))
        self.next_place_id.choices = [
            (0, _("nowhere yet")),
            *sorted(
                ((place.id, place.name) for place in places), key=lambda one: search_key(one[1])
            ),
        ]
        if not self.is_submitted() and box is not None:
            self.next_place_id.data = box.next_place_id or 0

    def validate_code(self, field: StringField) -> None:
        """Codes are unique in a library."""
        other = db.session.scalar(owned(Box).where(Box.code == (field.data or "").strip()))
        if other is not None and other is not self._box:
            raise ValidationError(_l("Another box has this code."))

    def apply_to(self, box: Box) -> None:
        """Write the fields to the box."""
        box.code = (self.code.data or "").strip()
        box.next_place_id = self.next_place_id.data or None
        box.note = self.note.data or ""
        box.enabled = bool(self.enabled.data)
        db.session.add(box)


@blueprint.get("/")
@roles_allowed(*LOGGERS)
def box_list() -> ResponseReturnValue:
    """Every box and where it goes next; each deposit and until when it may stay."""
    deposits = _deposits()
    boxes = db.session.scalars(
        owned(Box).options(joinedload(Box.next_place)).order_by(Box.code, Box.id)
    )
    found = [box for box in boxes if matches(deposits.search, _searched(box))]
    return render_template("circulation/boxes.html", boxes=found, deposits=deposits, today=today())


def _searched(box: Box) -> str:
    return f"{box.code} {box.next_place.name if box.next_place else ''} {box.note}"


def _deposits() -> Listing:
    items = (
        select(func.count())
        .where(BoxItem.deposit_event_id == BoxDeposit.event_id)
        .correlate(BoxDeposit)
        .scalar_subquery()
    )
    query = (
        select(BoxDeposit, items.label("items"))
        .join(BoxDeposit.place)
        .where(BoxDeposit.organisation_id == current_organisation_id())
        .options(contains_eager(BoxDeposit.place))
    )
    sorts = {
        "box": BoxDeposit.box_code,
        "place": Place.search_key,
        "left": BoxDeposit.out_at,
        "due": BoxDeposit.due_on,
        "back": BoxDeposit.back_at,
        "copies": items,
    }
    searched = func.lower(BoxDeposit.box_code) + " " + Place.search_key
    return Listing(query, sorts, "-left", searched, tie_breaker=BoxDeposit.event_id)


@blueprint.route("/new", methods=["GET", "POST"])
@roles_allowed(*LOGGERS)
def new_box() -> ResponseReturnValue:
    """Add a box."""
    return _edited(Box(organisation_id=current_organisation_id()), BoxForm())


@blueprint.route("/<int:box_id>", methods=["GET", "POST"])
@roles_allowed(*LOGGERS)
def edit_box(box_id: int) -> ResponseReturnValue:
    """Change a box, or say where it goes next."""
    box = owned_or_404(Box, box_id)
    return _edited(box, BoxForm(box))


@blueprint.get("/deposits/<uuid:event_id>")
@roles_allowed(*LOGGERS)
def handover_record(event_id: uuid.UUID) -> ResponseReturnValue:
    """The handover record of a deposit with its list of items, to print on A4 and sign."""
    deposit = db.session.scalar(
        owned(BoxDeposit)
        .where(BoxDeposit.event_id == event_id)
        .options(
            joinedload(BoxDeposit.place).joinedload(Place.commune),
            selectinload(BoxDeposit.items).joinedload(BoxItem.copy).joinedload(Copy.title),
        )
    )
    if deposit is None:
        abort(404)
    barcodes = [item.barcode for item in deposit.items]
    return render_template(
        "circulation/handover.html",
        deposit=deposit,
        library=db.session.get_one(Organisation, deposit.organisation_id).name,
        left_on=local(deposit.out_at).date(),
        came_back_on=local(deposit.back_at).date() if deposit.back_at else None,
        concerns=concerns_about(barcodes, deposit.organisation_id),
        states=BoxItemState,
        told=told_of(deposit),
    )


def _edited(box: Box, form: BoxForm) -> ResponseReturnValue:
    if not form.validate_on_submit():
        return render_template("circulation/box_form.html", form=form, box=box)
    form.apply_to(box)
    db.session.commit()
    flash(_("Saved."), "success")
    return redirect(url_for("boxes.box_list"))
