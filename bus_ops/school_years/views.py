"""Pages of the school-year plan."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import IntegerField, StringField
from wtforms.validators import Length, NumberRange, Optional

from ..accounts.access import PLANNERS, READERS_OF_FIGURES, roles_allowed
from ..accounts.audit import AuditKind, audited
from ..accounts.models import Organisation
from ..base_form import BaseForm
from ..clock_fields import DayField
from ..database import current_organisation_id, db, owned, owned_or_404
from ..incoming import asked_year, known_year
from ..official_documents import DOCX
from ..places.models import Place
from ..workbooks import as_file
from .documents import plan_docx, plan_xlsx, title_of
from .models import SchoolYearGoal
from .plan import (
    GroupedBy,
    SchoolGroup,
    current_school_year,
    grouped,
    school_lines,
    sum_of,
)

blueprint = Blueprint("school_years", __name__, url_prefix="/school-years")

_MOST_VISITS = 200


class GoalForm(BaseForm):
    """What was agreed of a school; nothing takes the goal away."""

    visits = IntegerField(_l("Visits agreed"), [Optional(), NumberRange(0, _MOST_VISITS)])
    agreed_on = DayField(_l("Agreed on"), [Optional()])
    pupils = IntegerField(_l("Pupils"), [Optional(), NumberRange(0, 20_000)])
    note = StringField(_l("Note"), [Length(max=300)])


@blueprint.get("/")
@roles_allowed(*READERS_OF_FIGURES)
def year_plan() -> ResponseReturnValue:
    """Of each school what was agreed, planned and done, by commune or level."""
    school_year, by = _asked_year(), _asked_grouping()
    groups = _groups(school_year, by)
    return render_template(
        "school_years/plan.html",
        school_year=school_year,
        by=by,
        ways=GroupedBy,
        groups=groups,
        everything=sum_of([line for group in groups for line in group.lines]),
        title=title_of(school_year),
    )


@blueprint.route("/<int:school_year>/schools/<int:place_id>", methods=["GET", "POST"])
@roles_allowed(*PLANNERS)
def edit_goal(school_year: int, place_id: int) -> ResponseReturnValue:
    """Write down what was agreed of a school."""
    place = owned_or_404(Place, place_id)
    year = known_year(school_year, current_school_year())
    query = owned(SchoolYearGoal).where(
        SchoolYearGoal.place_id == place.id, SchoolYearGoal.school_year == year
    )
    goal = db.session.scalar(query)
    form = GoalForm(obj=goal, pupils=place.pupils)
    if not form.validate_on_submit():
        return render_template(
            "school_years/goal.html", form=form, place=place, title=title_of(year), year=year
        )
    place.pupils = form.pupils.data
    if form.visits.data is None:
        if goal is not None:
            db.session.delete(goal)
    else:
        goal = goal or SchoolYearGoal(
            organisation_id=place.organisation_id, place_id=place.id, school_year=year
        )
        goal.visits, goal.agreed_on = form.visits.data, form.agreed_on.data
        goal.note = form.note.data or ""
        db.session.add(goal)
    db.session.commit()
    flash(_("Saved."), "success")
    return redirect(url_for("school_years.year_plan", year=year, _anchor=f"school-{place.id}"))


@blueprint.get("/plan.docx")
@roles_allowed(*READERS_OF_FIGURES)
@audited(AuditKind.EXPORTED)
def export_docx() -> ResponseReturnValue:
    """The plan as a document."""
    year = _asked_year()
    library = db.session.get_one(Organisation, current_organisation_id()).name
    document = plan_docx(_groups(year, _asked_grouping()), year, library)
    return as_file(document, _file_name(year, "docx"), DOCX)


@blueprint.get("/plan.xlsx")
@roles_allowed(*READERS_OF_FIGURES)
@audited(AuditKind.EXPORTED)
def export_xlsx() -> ResponseReturnValue:
    """The plan as a spreadsheet."""
    year = _asked_year()
    sheet = plan_xlsx(_groups(year, _asked_grouping()), year)
    return as_file(sheet, _file_name(year, "xlsx"))


def _groups(school_year: int, by: GroupedBy) -> list[SchoolGroup]:
    return grouped(school_lines(current_organisation_id(), school_year), by)


def _asked_year() -> int:
    return asked_year(current_school_year())


def _asked_grouping() -> GroupedBy:
    text = request.args.get("by", "")
    return GroupedBy(text) if text in set(GroupedBy) else GroupedBy.COMMUNE


def _file_name(year: int, ending: str) -> str:
    return f"school-year-{year}-{year + 1}.{ending}"
