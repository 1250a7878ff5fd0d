"""Pages of reports: flat tables, reports of one's own, and reports to the department."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    flash,
    redirect,
    render_template,
    request,
    stream_with_context,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import or_
from sqlalchemy.orm import undefer

from schedules.periods import PeriodKind, ReportingPeriod

from ..accounts.access import ADMINISTRATORS, READERS_OF_FIGURES, roles_allowed, signed_in_user
from ..accounts.audit import AuditKind, audited
from ..accounts.models import Organisation, Role
from ..counting.figures import Filters
from ..database import current_organisation_id, db, owned, owned_or_404
from ..i18n import parsed_day, today
from ..official_documents import DOCX
from ..statistics.questions import asked_question, period_text
from ..workbooks import as_file
from .department import content_of, period_in_words, period_of_report
from .documents import TemplateProblemError, default_template, report_docx
from .formats import FORMATS, MOST_SHEET_ROWS, FlatTable, Format
from .forms import DepartmentReportForm, LetterheadForm, SavedReportForm
from .models import Cadence, DepartmentReport, Rows, SavedReport
from .pages import report_html, report_pdf
from .saved import file_name, filters_of, period_of_saved, table_of
from .tables import count_loans, loans_table, visits_table

blueprint = Blueprint("reports", __name__, url_prefix="/reports")

_LARGEST_TEMPLATE = 2 * 1024 * 1024
# Rows of a saved report that its page shows; files hold all.
_SHOWN = 200


@blueprint.get("/")
@roles_allowed(*READERS_OF_FIGURES)
def report_list() -> ResponseReturnValue:
    """Reports to the department, saved reports, and flat tables to take away."""
    department = owned(DepartmentReport).order_by(DepartmentReport.id)
    return render_template(
        "reports/list.html",
        department=[
            (report, _neighbour(report, period_of_report(report, today()), -1))
            for report in db.session.scalars(department)
        ],
        saved=db.session.scalars(_visible().order_by(SavedReport.name)).all(),
        formats=FORMATS.values(),
        never=Cadence.NEVER,
        period_in_words=period_in_words,
        today=today(),
    )


@blueprint.get("/tables/<name>.<ending>")
@roles_allowed(*READERS_OF_FIGURES)
@audited(AuditKind.EXPORTED)
def export_table(name: str, ending: str) -> ResponseReturnValue:
    """The flat table of visits or of loans, of any period and filters."""
    made = _format(ending)
    question = asked_question(PeriodKind.YEAR).whole()
    period, filters = question.period, question.filters
    organisation_id = current_organisation_id()
    if name not in {"loans", "visits"}:
        abort(404)
    if name == "loans":
        if _too_long(made, period, filters):
            return redirect(url_for("reports.report_list"))
        return _download(loans_table(organisation_id, period, filters), made, name, period)
    return _download(visits_table(organisation_id, period, filters), made, name, period)


@blueprint.route("/saved/new", methods=["GET", "POST"])
@roles_allowed(*READERS_OF_FIGURES)
def new_saved() -> ResponseReturnValue:
    """Put a report together."""
    return _edit_saved(None)


@blueprint.route("/saved/<int:saved_report_id>/edit", methods=["GET", "POST"])
@roles_allowed(*READERS_OF_FIGURES)
def edit_saved(saved_report_id: int) -> ResponseReturnValue:
    """Change a report; others' reports are changed by administrators only."""
    report = _seen(saved_report_id)
    if not _may_change(report):
        abort(403)
    return _edit_saved(report)


@blueprint.get("/saved/<int:saved_report_id>")
@roles_allowed(*READERS_OF_FIGURES)
def saved_page(saved_report_id: int) -> ResponseReturnValue:
    """A report's rows."""
    report = _seen(saved_report_id)
    period = _asked_period(report)
    table = table_of(report, period)
    rows = list(islice(table.rows, _SHOWN + 1))
    return render_template(
        "reports/saved.html",
        report=report,
        period=period,
        period_words=period_text(period),
        table=table,
        rows=rows[:_SHOWN],
        more=len(rows) > _SHOWN,
        formats=FORMATS.values(),
        may_change=_may_change(report),
        never=Cadence.NEVER,
    )


@blueprint.get("/saved/<int:saved_report_id>/export.<ending>")
@roles_allowed(*READERS_OF_FIGURES)
@audited(AuditKind.EXPORTED)
def export_saved(saved_report_id: int, ending: str) -> ResponseReturnValue:
    """A report as a file."""
    report = _seen(saved_report_id)
    period, made = _asked_period(report), _format(ending)
    if report.rows is Rows.LOANS and _too_long(made, period, filters_of(report)):
        return redirect(url_for("reports.saved_page", saved_report_id=report.id))
    return _download(table_of(report, period), made, report.name, period)


@blueprint.post("/saved/<int:saved_report_id>/remove")
@roles_allowed(*READERS_OF_FIGURES)
def remove_saved(saved_report_id: int) -> ResponseReturnValue:
    """A report that nobody needs any more."""
    report = _seen(saved_report_id)
    if not _may_change(report):
        abort(403)
    db.session.delete(report)
    db.session.commit()
    flash(_("Removed."))
    return redirect(url_for("reports.report_list"))


@blueprint.route("/department/new", methods=["GET", "POST"])
@roles_allowed(*READERS_OF_FIGURES)
def new_department() -> ResponseReturnValue:
    """Set up a report to the department."""
    return _edit_department(None)


@blueprint.route("/department/<int:department_report_id>/edit", methods=["GET", "POST"])
@roles_allowed(*READERS_OF_FIGURES)
def edit_department(department_report_id: int) -> ResponseReturnValue:
    """Change what a report to the department covers, or its template."""
    return _edit_department(owned_or_404(DepartmentReport, department_report_id))


@blueprint.post("/department/<int:department_report_id>/remove")
@roles_allowed(*READERS_OF_FIGURES)
def remove_department(department_report_id: int) -> ResponseReturnValue:
    """A report that is asked for no more."""
    db.session.delete(owned_or_404(DepartmentReport, department_report_id))
    db.session.commit()
    flash(_("Removed."))
    return redirect(url_for("reports.report_list"))


@blueprint.get("/department/<int:department_report_id>")
@roles_allowed(*READERS_OF_FIGURES)
def department_page(department_report_id: int) -> ResponseReturnValue:
    """A report to the department as it will be printed."""
    report = owned_or_404(DepartmentReport, department_report_id)
    period = _asked_department_period(report)
    try:
        preview = report_html(_document(report, period))
    except TemplateProblemError as problem:
        flash(_("The template cannot be filled: %(problem)s", problem=str(problem)), "danger")
        preview = None
    library = _library()
    return render_template(
        "reports/department.html",
        report=report,
        period=period,
        words=period_in_words(report, period),
        earlier=_neighbour(report, period, -1),
        later=_neighbour(report, period, 1),
        preview=preview,
        letterhead_missing=not (library.parent_body and library.signatory_title),
    )


@blueprint.get("/department/<int:department_report_id>/report.docx")
@roles_allowed(*READERS_OF_FIGURES)
@audited(AuditKind.EXPORTED)
def export_department_docx(department_report_id: int) -> ResponseReturnValue:
    """The report as a Word document."""
    report = owned_or_404(DepartmentReport, department_report_id)
    period = _asked_department_period(report)
    try:
        document = _document(report, period)
    except TemplateProblemError as problem:
        return _not_filled(report, problem)
    return as_file(document, file_name(report.name, period, "docx"), DOCX)


@blueprint.get("/department/<int:department_report_id>/report.pdf")
@roles_allowed(*READERS_OF_FIGURES)
@audited(AuditKind.EXPORTED)
def export_department_pdf(department_report_id: int) -> ResponseReturnValue:
    """The same report as a PDF."""
    report = owned_or_404(DepartmentReport, department_report_id)
    period = _asked_department_period(report)
    try:
        pdf = report_pdf(_document(report, period))
    except TemplateProblemError as problem:
        return _not_filled(report, problem)
    return as_file(pdf, file_name(report.name, period, "pdf"), "application/pdf")


@blueprint.get("/department/<int:department_report_id>/template.docx")
@roles_allowed(*READERS_OF_FIGURES)
def template_file(department_report_id: int) -> ResponseReturnValue:
    """The report's template, to be changed in Word."""
    report = _with_template(department_report_id)
    name = report.template_name or "bus-ops-template.docx"
    return as_file(report.template or default_template(), name, DOCX)


@blueprint.route("/letterhead", methods=["GET", "POST"])
@roles_allowed(*ADMINISTRATORS)
def letterhead() -> ResponseReturnValue:
    """How official documents name the library, its place and who signs."""
    library = _library()
    form = LetterheadForm(obj=library)
    if form.validate_on_submit():
        form.populate_obj(library)
        db.session.commit()
        flash(_("Saved."), "success")
        return redirect(url_for("reports.report_list"))
    return render_template("reports/letterhead.html", form=form)


@dataclass(frozen=True)
class _Uploaded:
    name: str
    data: bytes


def _edit_saved(report: SavedReport | None) -> ResponseReturnValue:
    form = SavedReportForm(report)
    if form.validate_on_submit():
        taken = owned(SavedReport).where(SavedReport.name == form.name.data.strip())
        other = db.session.scalar(taken)
        if other is not None and other is not report:
            form.name.errors = [_("Another report has this name.")]
        else:
            if report is None:
                report = SavedReport(
                    organisation_id=current_organisation_id(), owner_id=signed_in_user().id
                )
            form.apply_to(report)
            db.session.add(report)
            db.session.commit()
            flash(_("Saved."), "success")
            return redirect(url_for("reports.saved_page", saved_report_id=report.id))
    return render_template("reports/saved_form.html", form=form, report=report, groups=Rows.GROUPS)


def _edit_department(report: DepartmentReport | None) -> ResponseReturnValue:
    form = DepartmentReportForm(obj=report)
    uploaded = _uploaded()
    if form.validate_on_submit():
        problem = _problem_of(form, report, uploaded)
        if problem is None:
            report = report or DepartmentReport(organisation_id=current_organisation_id())
            form.apply_to(report)
            if form.without_template.data:
                report.template, report.template_name = None, ""
            elif uploaded is not None:
                report.template, report.template_name = uploaded.data, uploaded.name
            db.session.add(report)
            db.session.commit()
            flash(_("Saved."), "success")
            where = url_for("reports.department_page", department_report_id=report.id)
            return redirect(where)
        flash(problem, "danger")
    return render_template("reports/department_form.html", form=form, report=report)


def _uploaded() -> _Uploaded | None:
    file = request.files.get("template")
    if file is None or not file.filename:
        return None
    return _Uploaded(file.filename[:200], file.read(_LARGEST_TEMPLATE + 1))


def _problem_of(
    form: DepartmentReportForm, report: DepartmentReport | None, uploaded: _Uploaded | None
) -> str | None:
    """What stands against saving, in words: a name that is taken, a template that does not fill."""
    taken = owned(DepartmentReport).where(DepartmentReport.name == form.name.data.strip())
    other = db.session.scalar(taken)
    if other is not None and other is not report:
        return _("Another report has this name.")
    if uploaded is None:
        return None
    if len(uploaded.data) > _LARGEST_TEMPLATE:
        return _("The template is larger than 2 MB: make its pictures smaller.")
    tried = DepartmentReport(organisation_id=current_organisation_id())
    form.apply_to(tried)
    try:
        report_docx(content_of(tried, period_of_report(tried, today()), today()), uploaded.data)
    except TemplateProblemError as problem:
        return _("The template cannot be filled: %(problem)s", problem=str(problem))
    return None


def _document(report: DepartmentReport, period: ReportingPeriod) -> bytes:
    content = content_of(report, period, today())
    return report_docx(content, _with_template(report.id).template)


def _with_template(department_report_id: int) -> DepartmentReport:
    owned_or_404(DepartmentReport, department_report_id)
    query = owned(DepartmentReport).where(DepartmentReport.id == department_report_id)
    return db.session.scalars(query.options(undefer(DepartmentReport.template))).one()


def _not_filled(report: DepartmentReport, problem: TemplateProblemError) -> ResponseReturnValue:
    flash(_("The template cannot be filled: %(problem)s", problem=str(problem)), "danger")
    return redirect(url_for("reports.edit_department", department_report_id=report.id))


def _asked_department_period(report: DepartmentReport) -> ReportingPeriod:
    """The period of the day in the address; else the last one that is over."""
    day = parsed_day(request.args.get("day", ""))
    if day is not None:
        return period_of_report(report, day)
    return _neighbour(report, period_of_report(report, today()), -1)


def _neighbour(report: DepartmentReport, period: ReportingPeriod, step: int) -> ReportingPeriod:
    if report.period == PeriodKind.NINE_MONTHS:
        year = period.last.year + step
        return period_of_report(report, period.last.replace(year=year, day=1))
    day = period.first - timedelta(days=1) if step < 0 else period.last + timedelta(days=1)
    return period_of_report(report, day)


def _asked_period(report: SavedReport) -> ReportingPeriod:
    day = parsed_day(request.args.get("day", ""))
    return period_of_saved(report, day or today())


def _visible() -> Any:
    """Saved reports that the person sees: their own, and what others share."""
    user = signed_in_user()
    query = owned(SavedReport)
    if user.role is Role.ADMINISTRATOR:
        return query
    return query.where(or_(SavedReport.owner_id == user.id, SavedReport.shared))


def _seen(saved_report_id: int) -> SavedReport:
    report = db.session.scalar(_visible().where(SavedReport.id == saved_report_id))
    if report is None:
        abort(404)
    return report


def _may_change(report: SavedReport) -> bool:
    user = signed_in_user()
    return report.owner_id == user.id or user.role is Role.ADMINISTRATOR


def _format(ending: str) -> Format:
    if ending not in FORMATS:
        abort(404)
    return FORMATS[ending]


def _too_long(made: Format, period: ReportingPeriod, filters: Filters) -> bool:
    """Whether the loans are more than a sheet holds, which is told."""
    if made.ending not in {"xlsx", "ods"}:
        return False
    if count_loans(current_organisation_id(), period, filters) < MOST_SHEET_ROWS:
        return False
    flash(_("A sheet holds no more than 1,048,575 rows: choose another format."), "danger")
    return True


def _download(table: FlatTable, made: Format, name: str, period: ReportingPeriod) -> Response:
    pieces: Iterator[bytes] = made.written(table)
    headers = {
        "Content-Disposition": f'attachment; filename="{file_name(name, period, made.ending)}"'
    }
    return Response(stream_with_context(pieces), mimetype=made.mimetype, headers=headers)


def _library() -> Organisation:
    return db.session.get_one(Organisation, current_organisation_id())
