"""Pages of indicators: how far each is, its target, and what was entered by hand."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from ..accounts.access import READERS_OF_FIGURES, roles_allowed, signed_in_user
from ..accounts.audit import AuditKind, audited
from ..database import current_organisation_id, db, owned, owned_or_404
from ..i18n import format_day, format_number, today
from ..incoming import asked_year
from ..statistics.questions import units
from ..workbooks import Sheet, as_file, workbook
from .catalogue import BY_HAND, INDICATOR_OF, INDICATORS, Indicator, Source
from .forms import EntryForm, TargetForm
from .models import IndicatorEntry, Target
from .progress import Progress, entries_of, period_of_target, progress_in

blueprint = Blueprint("indicators", __name__, url_prefix="/indicators")


@blueprint.get("/")
@roles_allowed(*READERS_OF_FIGURES)
def indicator_list() -> ResponseReturnValue:
    """Every indicator's year: reached, target, time passed, forecast."""
    year = _asked_year()
    lines = progress_in(current_organisation_id(), year, today())
    return render_template(
        "indicators/list.html",
        year=year,
        with_target=[line for line in lines if line.target],
        without=[line for line in lines if not line.target],
        example=any(line.target and line.target.example for line in lines),
        today=today(),
        period_words=period_words,
    )


@blueprint.get("/export.xlsx")
@roles_allowed(*READERS_OF_FIGURES)
@audited(AuditKind.EXPORTED)
def export_xlsx() -> ResponseReturnValue:
    """The year's indicators as a spreadsheet, with their definitions."""
    year = _asked_year()
    columns = [
        _("Indicator"),
        _("Unit of count"),
        _("For"),
        _("Period"),
        _("Target"),
        _("Reached"),
        _("Share reached"),
        _("Time passed"),
        _("Forecast, lower end"),
        _("Forecast"),
        _("Forecast, upper end"),
        _("Set by"),
    ]
    lines = progress_in(current_organisation_id(), year, today())
    heading = _("Indicators %(year)s", year=year)
    definitions = [
        [i.name, i.unit, source_words(i), _("yes") if i.of_the_standard else "", i.definition]
        for i in INDICATORS
    ]
    names = [
        _("Indicator"),
        _("Unit of count"),
        _("Source"),
        _("TCVN 12843:2019"),
        _("Definition"),
    ]
    sheets = [
        Sheet(_("Indicators"), heading, columns, [_cells(line) for line in lines]),
        Sheet(_("Definitions"), _("Definitions"), names, definitions),
    ]
    return as_file(workbook(sheets), f"indicators-{year}.xlsx")


@blueprint.get("/definitions")
@roles_allowed(*READERS_OF_FIGURES)
def definitions() -> ResponseReturnValue:
    """What each indicator counts."""
    return render_template(
        "indicators/definitions.html", indicators=INDICATORS, source_words=source_words
    )


@blueprint.get("/<key>")
@roles_allowed(*READERS_OF_FIGURES)
def indicator_page(key: str) -> ResponseReturnValue:
    """One indicator: its definition, its targets, and its entries by hand."""
    return _page(_indicator(key))


@blueprint.post("/<key>/targets")
@roles_allowed(*READERS_OF_FIGURES)
def add_target(key: str) -> ResponseReturnValue:
    """Set a target, in place of another for the same unit and years."""
    indicator = _indicator(key)
    form = TargetForm(_units())
    if not form.validate_on_submit():
        return _page(indicator, target_form=form), 400
    same = owned(Target).where(
        Target.indicator == indicator.key,
        Target.unit_id.is_(None) if not form.unit_id.data else Target.unit_id == form.unit_id.data,
        Target.first_year == form.first_year.data,
        Target.last_year == form.last_year.data,
    )
    target = db.session.scalar(same) or Target(
        organisation_id=current_organisation_id(), indicator=indicator.key
    )
    form.apply_to(target)
    target.example = False
    db.session.add(target)
    db.session.commit()
    flash(_("Saved."), "success")
    return redirect(url_for("indicators.indicator_page", key=key, year=target.first_year))


@blueprint.post("/targets/<int:target_id>/remove")
@roles_allowed(*READERS_OF_FIGURES)
def remove_target(target_id: int) -> ResponseReturnValue:
    """A target that holds no more."""
    target = owned_or_404(Target, target_id)
    where = url_for("indicators.indicator_page", key=target.indicator, year=target.first_year)
    db.session.delete(target)
    db.session.commit()
    flash(_("Removed."))
    return redirect(where)


@blueprint.post("/<key>/entries")
@roles_allowed(*READERS_OF_FIGURES)
def add_entry(key: str) -> ResponseReturnValue:
    """Enter a figure by hand."""
    indicator = _indicator(key)
    if indicator.source is not Source.HAND:
        abort(404)
    form = EntryForm(_units())
    if not form.validate_on_submit():
        return _page(indicator, entry_form=form), 400
    entry = IndicatorEntry(
        organisation_id=current_organisation_id(),
        indicator=indicator.key,
        unit_id=form.unit_id.data or None,
        on=form.on.data,
        value=form.value.data,
        note=(form.note.data or "").strip(),
        entered_by_id=signed_in_user().id,
    )
    db.session.add(entry)
    db.session.commit()
    flash(_("Saved."), "success")
    return redirect(url_for("indicators.indicator_page", key=key, year=entry.on.year))


@blueprint.post("/entries/<int:entry_id>/remove")
@roles_allowed(*READERS_OF_FIGURES)
def remove_entry(entry_id: int) -> ResponseReturnValue:
    """A figure that was entered wrongly."""
    entry = owned_or_404(IndicatorEntry, entry_id)
    where = url_for("indicators.indicator_page", key=entry.indicator, year=entry.on.year)
    db.session.delete(entry)
    db.session.commit()
    flash(_("Removed."))
    return redirect(where)


def period_words(target: Target | None, year: int) -> str:
    """The years of a target."""
    if target is None or target.first_year == target.last_year:
        return str(year)
    return f"{target.first_year}–{target.last_year}"


def source_words(indicator: Indicator) -> str:
    """Where an indicator's figure comes from, in words."""
    return {
        Source.LOG: _("From the log"),
        Source.BOXES: _("From the boxes' handover records"),
        Source.DONATIONS: _("From the donations"),
        Source.HAND: _("Entered by hand"),
    }[indicator.source]


def _page(
    indicator: Indicator,
    target_form: TargetForm | None = None,
    entry_form: EntryForm | None = None,
) -> str:
    year = _asked_year()
    every = progress_in(current_organisation_id(), year, today())
    lines = [line for line in every if line.indicator is indicator]
    period = period_of_target(lines[0].target, year)
    targets = owned(Target).where(Target.indicator == indicator.key)
    choices = _units()
    if target_form is None:
        target_form = TargetForm(choices, first_year=year, last_year=year)
    if entry_form is None and indicator in BY_HAND:
        entry_form = EntryForm(choices, on=today())
    return render_template(
        "indicators/indicator.html",
        indicator=indicator,
        year=year,
        lines=lines,
        targets=db.session.scalars(targets.order_by(Target.first_year.desc(), Target.id)).all(),
        entries=list(reversed(entries_of(current_organisation_id(), indicator, period)))
        if indicator in BY_HAND
        else [],
        target_form=target_form,
        entry_form=entry_form,
        source=source_words(indicator),
        period_words=period_words,
        today=today(),
    )


def _indicator(key: str) -> Indicator:
    if key not in INDICATOR_OF:
        abort(404)
    return INDICATOR_OF[key]


def _units() -> list[tuple[int, str]]:
    """Units of the service to choose from, with the map they belong to where it is an old one."""
    return [
        (unit, f"{name} ({group})" if number else name)
        for number, (group, found) in enumerate(units())
        for unit, name in found
    ]


def _cells(line: Progress) -> list[object]:
    target, forecast = line.target, line.forecast
    return [
        line.indicator.name,
        line.indicator.unit,
        target.unit.full_name if target and target.unit else _("The whole service"),
        f"{format_day(line.period.first)} – {format_day(line.period.last)}",
        target.value if target else None,
        line.value,
        f"{format_number(round(line.share * 100, 1))} %" if line.share is not None else "",
        f"{format_number(round(line.passed * 100, 1))} %",
        round(forecast.low) if forecast else None,
        round(forecast.expected) if forecast else None,
        round(forecast.high) if forecast else None,
        target.source if target else "",
    ]


def _asked_year() -> int:
    return asked_year(today().year)
