"""A place's own page, without an account: its visits and classes, its boxes, what is overdue.

Whoever has the address speaks for the place: it is given to the contact only, and can be ended.
"""

from __future__ import annotations

import uuid
from datetime import timedelta

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from wtforms import IntegerField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, ValidationError

from ..accounts.access import PLANNERS, may_open, open_to_all, roles_allowed
from ..accounts.limits import asking_limit, has_led_on, limiter, sign_in_address_key
from ..base_form import BaseForm
from ..circulation import host_counts
from ..circulation.host_counts import boxes_kept_at, deposit_at, overdue_at
from ..circulation.models import BoxDeposit, BoxItemState
from ..clock_fields import DayField
from ..database import db, owned_or_404
from ..i18n import current_language, today
from ..places.host_links import end_host_links, host_token, place_of_token_or_404
from ..places.models import Place
from ..requests import deciding
from ..requests.forms import WordsForm
from ..requests.models import CLOSED, RequestKind, VisitRequest
from ..timetable import changes
from ..timetable.changes import ChangeError
from ..timetable.class_slots import ClassSlotForm, agree_slot, slots_of, suggest_next
from ..timetable.models import ClassSlot, Run, Term, TermStatus, Visit, VisitStatus
from .addressed import IN_LANGUAGE, library_of, speak_the_addressed_language
from .feeds import calendar_of

blueprint = Blueprint("hosting", __name__, url_prefix=f"/host/{IN_LANGUAGE}/<token>")
speak_the_addressed_language(blueprint)
# What staff do about these addresses.
staff = Blueprint("host_links", __name__, url_prefix="/places")

# Visits that the page shows, and classes that one visit can hold.
AHEAD = timedelta(weeks=10)
MOST_CLASSES = 24
_MOST = 100_000


class HostCountForm(BaseForm):
    """A day's counts at a box."""

    counted_on = DayField(_l("Day"), [InputRequired(_l("Choose a day."))])
    visitors = IntegerField(_l("Readers"), [InputRequired(), NumberRange(0, _MOST)])
    items = IntegerField(_l("Items used"), [InputRequired(), NumberRange(0, _MOST)])
    wishes = StringField(_l("What readers wish for"), [Length(max=500)])

    def validate_counted_on(self, field: DayField) -> None:
        """What has not happened cannot be counted."""
        if field.data is not None and field.data > today():
            raise ValidationError(_l("This day is still to come."))


class InventoryForm(BaseForm):
    """Who declares what became of a box's items; the states come as fields of their own."""

    signed_by = StringField(
        _l("Your name, as a signature"), [DataRequired(_l("Enter your name.")), Length(max=200)]
    )
    note = TextAreaField(_l("Note"), [Length(max=2000)])


@blueprint.get("/")
@open_to_all
def host_page(token: str) -> ResponseReturnValue:
    """Everything that concerns the place."""
    place = _place_or_404(token)
    return render_template(
        "public/host.html",
        place=place,
        token=token,
        visits=[(visit, slots_of(visit)) for visit in _coming_visits(place)],
        asked=_open_requests(place),
        kept=boxes_kept_at(place),
        overdue=overdue_at(place),
        count_form=HostCountForm(),
        inventory_form=InventoryForm(),
        words=WordsForm(),
        statuses=VisitStatus,
        item_states=BoxItemState,
    )


@blueprint.get("/calendar.ics")
@open_to_all
def place_calendar(token: str) -> ResponseReturnValue:
    """The place's visits to subscribe to, private ones too."""
    place = _place_or_404(token)
    page = url_for("hosting.host_page", token=token, _external=True)
    document = calendar_of(
        place.name, current_language(), _coming_visits(place, cancelled=True), page
    )
    return Response(document, content_type="text/calendar; charset=utf-8")


@blueprint.post("/visits/<int:visit_id>/confirm")
@open_to_all
def confirm(token: str, visit_id: int) -> ResponseReturnValue:
    """The place expects the van."""
    visit = _visit_or_404(_place_or_404(token), visit_id)
    try:
        changes.confirm_visit(visit, None)
        db.session.commit()
        flash(_("Thank you: the library knows that you expect the van."), "success")
    except ChangeError as error:
        db.session.rollback()
        flash(str(error), "danger")
    return redirect(_page(token))


@blueprint.post("/visits/<int:visit_id>/other-day")
@open_to_all
@limiter.limit(asking_limit, key_func=sign_in_address_key, deduct_when=has_led_on)
def ask_for_other_day(token: str, visit_id: int) -> ResponseReturnValue:
    """The day does not suit: the coordinator is asked for another, the visit stays until then."""
    place = _place_or_404(token)
    visit = _visit_or_404(place, visit_id)
    form = WordsForm()
    if not form.validate_on_submit():
        flash(_("Say why."), "danger")
        return redirect(_page(token))
    if visit.id in {asked.visit_id for asked in _open_requests(place)}:
        flash(_("You have asked already; the library answers."), "warning")
        return redirect(_page(token))
    asked = VisitRequest(
        organisation_id=place.organisation_id,
        kind=RequestKind.OTHER_DAY,
        language=current_language(),
        asker_name=place.contact_name or place.name,
        phone=place.contact_phone,
        email=place.contact_email,
        place_name=place.name,
        place_id=place.id,
        commune_id=place.commune_id,
        first_on=visit.day,
        last_on=visit.day,
        note=form.text.data,
        visit_id=visit.id,
    )
    deciding.ask(asked)
    db.session.commit()
    flash(_("The library has been asked; the visit stands until it answers."), "success")
    return redirect(_page(token))


@blueprint.route("/visits/<int:visit_id>/classes", methods=["GET", "POST"])
@open_to_all
def classes(token: str, visit_id: int) -> ResponseReturnValue:
    """The classes of a visit with their times: the school fills them in."""
    place = _place_or_404(token)
    visit = _visit_or_404(place, visit_id)
    slots = slots_of(visit)
    form = ClassSlotForm()
    if form.validate_on_submit():
        if len(slots) >= MOST_CLASSES:
            flash(_("No visit has room for more classes."), "danger")
        else:
            slot = agree_slot(visit, form)
            db.session.commit()
            flash(_("Class %(name)s is on the plan.", name=slot.class_name), "success")
        return redirect(url_for("hosting.classes", token=token, visit_id=visit.id))
    if not form.is_submitted():
        suggest_next(form, visit, slots)
    return render_template(
        "public/host_classes.html", place=place, token=token, visit=visit, slots=slots, form=form
    )


@blueprint.post("/classes/<int:slot_id>/remove")
@open_to_all
def remove_class(token: str, slot_id: int) -> ResponseReturnValue:
    """Take a class off the plan."""
    place = _place_or_404(token)
    slot = db.session.get(ClassSlot, slot_id)
    if slot is None:
        abort(404)
    visit = _visit_or_404(place, slot.visit_id)
    db.session.delete(slot)
    db.session.commit()
    flash(_("Class %(name)s is off the plan.", name=slot.class_name))
    return redirect(url_for("hosting.classes", token=token, visit_id=visit.id))


@blueprint.post("/boxes/<uuid:event_id>/count")
@open_to_all
def count_box(token: str, event_id: uuid.UUID) -> ResponseReturnValue:
    """A day's readers, items used and wishes at a box."""
    deposit = _deposit_or_404(token, event_id)
    form = HostCountForm()
    if not form.validate_on_submit():
        _flash_errors(form)
    elif form.counted_on.data < deposit.out_at.date():
        flash(_("The box was not here yet on that day."), "danger")
    else:
        host_counts.count_day(
            deposit,
            form.counted_on.data,
            form.visitors.data,
            form.items.data,
            form.wishes.data or "",
        )
        db.session.commit()
        flash(_("Counted. Thank you."), "success")
    return redirect(_page(token, "boxes-heading"))


@blueprint.post("/boxes/<uuid:event_id>/inventory")
@open_to_all
def sign_inventory(token: str, event_id: uuid.UUID) -> ResponseReturnValue:
    """The closing inventory: what is missing or damaged, signed."""
    deposit = _deposit_or_404(token, event_id)
    form = InventoryForm()
    if not form.validate_on_submit():
        _flash_errors(form)
        return redirect(_page(token, "boxes-heading"))
    told = {state.value: state for state in (BoxItemState.MISSING, BoxItemState.DAMAGED)}
    states = {
        item.barcode: told[answer]
        for item in deposit.items
        if (answer := request.form.get(f"item-{item.barcode}", "")) in told
    }
    host_counts.sign_inventory(deposit, states, form.signed_by.data, form.note.data or "")
    db.session.commit()
    flash(_("Signed. The crew sees it when it takes the box back."), "success")
    return redirect(_page(token, "boxes-heading"))


@staff.post("/<int:place_id>/host-link/new")
@roles_allowed(*PLANNERS)
def renew_link(place_id: int) -> ResponseReturnValue:
    """The address went to somebody it should not have: every one given so far ends."""
    place = owned_or_404(Place, place_id)
    end_host_links(place)
    db.session.commit()
    flash(_("The old address leads nowhere now. Give the new one to the contact."), "success")
    return redirect(url_for("places.place_page", place_id=place.id))


def place_panel(place: Place) -> Markup:
    """The private address of a place on its own page, for those who may give it out."""
    if not may_open("host_links.renew_link"):
        return Markup()
    address = url_for(
        "hosting.host_page",
        language=place.contact_language,
        token=host_token(place),
        _external=True,
    )
    # Jinja has escaped every value in it.
    return Markup(  # noqa: S704
        render_template("public/_host_panel.html", place=place, address=address)
    )


def _coming_visits(place: Place, cancelled: bool = False) -> list[Visit]:
    query = (
        select(Visit)
        .join(Run, Visit.run_id == Run.id)
        .join(Term, Run.term_id == Term.id)
        .where(
            Visit.place_id == place.id,
            Visit.day.between(today(), today() + AHEAD),
            Term.status == TermStatus.PUBLISHED,
        )
        .options(joinedload(Visit.stop), joinedload(Visit.run))
        .order_by(Visit.arrival_at)
    )
    if not cancelled:
        query = query.where(Visit.plan_status != VisitStatus.CANCELLED)
    return list(db.session.scalars(query))


def _open_requests(place: Place) -> list[VisitRequest]:
    query = select(VisitRequest).where(
        VisitRequest.place_id == place.id, VisitRequest.state.not_in(CLOSED)
    )
    return list(db.session.scalars(query.order_by(VisitRequest.id)))


def _place_or_404(token: str) -> Place:
    place = place_of_token_or_404(token)
    library_of(place.organisation_id)
    return place


def _visit_or_404(place: Place, visit_id: int) -> Visit:
    """A visit to come of this place, and of no other."""
    visit = db.session.get(Visit, visit_id)
    if visit is None or visit.place_id != place.id or visit.day < today():
        abort(404)
    return visit


def _deposit_or_404(token: str, event_id: uuid.UUID) -> BoxDeposit:
    deposit = deposit_at(_place_or_404(token), event_id)
    if deposit is None:
        abort(404)
    return deposit


def _flash_errors(form: BaseForm) -> None:
    for name, errors in form.errors.items():
        label = form[name].label.text if name in form else ""
        flash(" ".join([f"{label}:", *(str(error) for error in errors)]), "danger")


def _page(token: str, anchor: str | None = None) -> str:
    return url_for("hosting.host_page", token=token, _anchor=anchor)
