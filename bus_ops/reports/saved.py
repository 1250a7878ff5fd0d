"""Saved reports as tables, and their delivery by themselves: each once for its day."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from datetime import date, timedelta
from pathlib import Path

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import select

from schedules.periods import PeriodKind, ReportingPeriod, custom_period, period_of
from schedules.searching import search_key

from ..accounts.audit import AuditKind, write_down
from ..counting.definitions import BY_KEY
from ..counting.figures import Filters
from ..database import db
from ..places.models import PlaceKind, SchoolLevel
from ..statistics.groups import Grouping
from ..telling.models import MessageKind
from ..telling.outbox import Attachment, Recipient, put_in_outbox
from ..timetable.models import Audience
from .formats import FORMATS, FlatTable
from .models import Cadence, Rows, SavedReport
from .tables import groups_table, loans_table, visits_table

# Larger files are not sent by e-mail; they go into the folder.
LARGEST_MAIL = 10 * 1024 * 1024
_LONGEST_NAME = 60


def period_of_saved(report: SavedReport, today: date) -> ReportingPeriod:
    """The running period of the report's kind, or the last one that is over."""
    if report.period == PeriodKind.CUSTOM:
        # Everything so far.
        return custom_period(date(2000, 1, 1), today)
    running = period_of(report.period, today)
    return running.before() if report.whole_only else running


def filters_of(report: SavedReport) -> Filters:
    """The report's filters; those that are not understood any more take nothing away."""
    kinds = {"kind": PlaceKind, "level": SchoolLevel, "audience": Audience}
    known = {one.name for one in fields(Filters)}
    values = {key: value for key, value in report.filters.items() if key in known and value}
    for key, kind in kinds.items():
        if key in values:
            values[key] = kind(values[key])
    return Filters(**values)


def table_of(report: SavedReport, period: ReportingPeriod) -> FlatTable:
    """The report's table of a period."""
    filters = filters_of(report)
    match report.rows:
        case Rows.VISITS:
            return visits_table(report.organisation_id, period, filters)
        case Rows.LOANS:
            return loans_table(report.organisation_id, period, filters)
        case _:
            measures = [BY_KEY[key] for key in report.columns if key in BY_KEY]
            grouping = Grouping(report.grouping, period, report.organisation_id)
            offered = {measure.key for measure in grouping.measures}
            measures = [measure for measure in measures if measure.key in offered]
            grouping.fill(filters, [measure.key for measure in measures])
            return groups_table(report.name, grouping, measures, period, filters)


def file_name(name: str, period: ReportingPeriod, ending: str) -> str:
    """Name of a file, in letters that every system takes."""
    slug = re.sub(r"[^a-z0-9]+", "-", search_key(name)).strip("-")[:_LONGEST_NAME] or "report"
    return f"{slug}-{period.first.isoformat()}-{period.last.isoformat()}.{ending}"


def deliver_due(organisation_id: int, today: date) -> int:
    """Deliver the library's reports that are due; answers how many were."""
    query = select(SavedReport).where(
        SavedReport.organisation_id == organisation_id, SavedReport.cadence != Cadence.NEVER
    )
    delivered = 0
    for report in db.session.scalars(query):
        due = _due_on(report.cadence, today)
        if report.delivered_for is not None and report.delivered_for >= due:
            continue
        deliver(report, due)
        report.delivered_for = due
        delivered += 1
    return delivered


def deliver(report: SavedReport, due: date) -> None:
    """Write the report's file into the folder for exports, and put it in the outbox."""
    period = period_of_saved(report, due)
    made = FORMATS[report.file_format]
    name = file_name(report.name, period, made.ending)
    table = table_of(report, period)
    path = export_folder(report.organisation_id) / name
    if report.to_folder:
        _write(path, made.written(table))
    addresses = recipients_of(report)
    if addresses:
        data = path.read_bytes() if report.to_folder else b"".join(made.written(table))
        attached = Attachment(name, made.mimetype, data) if len(data) <= LARGEST_MAIL else None
        put_in_outbox(
            report.organisation_id,
            MessageKind.REPORT,
            f"{report.id}:{due.isoformat()}",
            [Recipient(address, address) for address in addresses],
            {
                "report": report.name,
                "period": f"{period.first:%d/%m/%Y} – {period.last:%d/%m/%Y}",
                "reason": "" if attached else _("The file is too large for e-mail."),
            },
            attachment=attached,
        )
    where = ", ".join([*addresses, *([str(path.parent)] if report.to_folder else [])])
    write_down(AuditKind.SENT, f"{name} → {where}", report.organisation_id)


def recipients_of(report: SavedReport) -> list[str]:
    """Addresses that the report is sent to."""
    return [line.strip() for line in report.recipients.splitlines() if line.strip()]


def export_folder(organisation_id: int) -> Path:
    """Where a library's delivered files lie: below the folder for data, and nowhere else."""
    folder = Path(current_app.config["DATA_FOLDER"]) / "exports" / str(organisation_id)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _due_on(cadence: Cadence, today: date) -> date:
    """The last day on which it was to be delivered."""
    if cadence is Cadence.WEEKLY:
        return today - timedelta(days=today.weekday())
    return today.replace(day=1)


def _write(path: Path, pieces: Iterator[bytes]) -> None:
    """Whole or not at all."""
    part = path.with_suffix(path.suffix + ".part")
    with part.open("wb") as file:
        for piece in pieces:
            file.write(piece)
    part.replace(path)
