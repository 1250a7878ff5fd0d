"""Classes that come to a visit at their own times, agreed with the school beforehand."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from wtforms import IntegerField, SelectField, StringField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional

from ..accounts.access import EVERYONE, PLANNERS, roles_allowed
from ..base_form import BaseForm
from ..clock_fields import ClockField
from ..database import db, owned_or_404
from ..i18n import minutes_of_day
from .models import Audience, ClassSlot, Visit

blueprint = Blueprint("class_slots", __name__, url_prefix="/timetable/visits")

# One class at the counter: one librarian lends, the other helps choose.
USUAL_MINUTES = 20


class ClassSlotForm(BaseForm):
    """One class: when, how long, who."""

    starts_at = ClockField(_l("At"), [InputRequired(_l("Write the time as 07:30."))])
    minutes = IntegerField(_l("Minutes"), [InputRequired(), NumberRange(5, 240)])
    class_name = StringField(_l("Class"), [DataRequired(_l("Enter the class.")), Length(max=40)])
    audience = SelectField(_l("Group"), choices=Audience.choices())
    size = IntegerField(_l("Pupils"), [Optional(), NumberRange(0, 1000)])
    teacher = StringField(_l("Teacher"), [Length(max=120)])


@blueprint.route("/<int:visit_id>/classes", methods=["GET", "POST"])
@roles_allowed(*EVERYONE)
def slots_page(visit_id: int) -> ResponseReturnValue:
    """The classes of a visit, and a form for the next one."""
    visit = owned_or_404(Visit, visit_id)
    slots = slots_of(visit)
    form = ClassSlotForm()
    if not form.is_submitted():
        suggest_next(form, visit, slots)
    return render_template("timetable/class_slots.html", visit=visit, slots=slots, form=form)


@blueprint.post("/<int:visit_id>/classes/new")
@roles_allowed(*PLANNERS)
def add_slot(visit_id: int) -> ResponseReturnValue:
    """Agree a class's time."""
    visit = owned_or_404(Visit, visit_id)
    form = ClassSlotForm()
    if not form.validate_on_submit():
        slots = slots_of(visit)
        return render_template("timetable/class_slots.html", visit=visit, slots=slots, form=form)
    slot = agree_slot(visit, form)
    db.session.commit()
    flash(_("Class %(name)s is on the plan.", name=slot.class_name), "success")
    return redirect(url_for("class_slots.slots_page", visit_id=visit.id))


@blueprint.post("/classes/<int:slot_id>/remove")
@roles_allowed(*PLANNERS)
def remove_slot(slot_id: int) -> ResponseReturnValue:
    """Take a class off the plan."""
    slot = owned_or_404(ClassSlot, slot_id)
    visit_id = slot.visit_id
    db.session.delete(slot)
    db.session.commit()
    flash(_("Class %(name)s is off the plan.", name=slot.class_name))
    return redirect(url_for("class_slots.slots_page", visit_id=visit_id))


def agree_slot(visit: Visit, form: ClassSlotForm) -> ClassSlot:
    """Put a valid form's class on the visit's plan; the caller commits."""
    slot = ClassSlot(organisation_id=visit.organisation_id, visit_id=visit.id)
    form.populate_obj(slot)
    slot.audience, slot.size = Audience(form.audience.data), form.size.data or 0
    slot.teacher = form.teacher.data or ""
    db.session.add(slot)
    return slot


def slots_of(visit: Visit) -> list[ClassSlot]:
    """The classes of a visit in order of time."""
    query = db.select(ClassSlot).where(ClassSlot.visit_id == visit.id)
    return list(db.session.scalars(query.order_by(ClassSlot.starts_at, ClassSlot.id)))


def class_panel(visit: Visit) -> Markup:
    """The classes of a visit on its own page."""
    # Jinja has escaped every value in it.
    return Markup(  # noqa: S704
        render_template("timetable/_class_panel.html", visit=visit, slots=slots_of(visit))
    )


def suggest_next(form: ClassSlotForm, visit: Visit, slots: list[ClassSlot]) -> None:
    """The next class comes when the last one goes, at first when the van arrives."""
    if slots:
        form.starts_at.data = slots[-1].starts_at + slots[-1].minutes
    else:
        form.starts_at.data = minutes_of_day(visit.arrival_at, visit.day)
    form.minutes.data = USUAL_MINUTES
    if visit.stop.audience:
        form.audience.data = visit.stop.audience.value
