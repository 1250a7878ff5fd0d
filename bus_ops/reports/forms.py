"""Forms of saved reports and of reports to the department."""

from __future__ import annotations

from email_validator import EmailNotValidError, validate_email
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import BooleanField, IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, NumberRange, Optional, ValidationError

from schedules.periods import PeriodKind

from ..base_form import BaseForm, ChecksField
from ..counting.definitions import MEASURES
from ..fleet.queries import vans_by_name
from ..places.models import PlaceKind, SchoolLevel
from ..statistics.groups import GROUPINGS
from ..statistics.questions import units
from ..timetable.models import Audience
from .formats import FORMATS
from .models import Cadence, DepartmentReport, Rows, SavedReport

_MOST_RECIPIENTS = 20
_NAME = [DataRequired(_l("Enter a name.")), Length(max=120)]
PERIODS = (
    (PeriodKind.WEEK, _l("Week")),
    (PeriodKind.MONTH, _l("Month")),
    (PeriodKind.QUARTER, _l("Quarter")),
    (PeriodKind.HALF_YEAR, _l("Half-year")),
    (PeriodKind.NINE_MONTHS, _l("Nine months")),
    (PeriodKind.YEAR, _l("Year")),
    (PeriodKind.SCHOOL_YEAR, _l("School year")),
)
_FILTERS = ("van_id", "unit_id", "kind", "level", "audience")


class SavedReportForm(BaseForm):
    """Rows, columns, filters, period, and where it goes."""

    name = StringField(_l("Name"), _NAME)
    rows = SelectField(_l("Rows"), choices=Rows.choices())
    grouping = SelectField(_l("Group by"), choices=[(key, label) for key, label in GROUPINGS])
    columns = ChecksField(_l("Columns"), choices=[(m.key, m.name) for m in MEASURES])
    period = SelectField(
        _l("Period"),
        choices=[
            *((kind.value, label) for kind, label in PERIODS),
            (PeriodKind.CUSTOM.value, _l("Everything so far")),
        ],
    )
    whole_only = BooleanField(_l("The last one that is over, not the running one"), default=True)
    van_id = SelectField(_l("Van"), coerce=int)
    unit_id = SelectField(_l("Commune or district of old"), coerce=int)
    kind = SelectField(_l("Kind of place"), choices=[("", _l("All kinds")), *PlaceKind.choices()])
    level = SelectField(
        _l("Level of school"), choices=[("", _l("All levels")), *SchoolLevel.choices()]
    )
    audience = SelectField(_l("Audience"), choices=[("", _l("All audiences")), *Audience.choices()])
    shared = BooleanField(_l("Others of the library see it too"))
    file_format = SelectField(
        _l("File"), choices=[(one.ending, one.name) for one in FORMATS.values()]
    )
    cadence = SelectField(_l("Deliver it"), choices=Cadence.choices())
    recipients = TextAreaField(_l("E-mail addresses, one a line"), [Length(max=1000)])
    to_folder = BooleanField(_l("Put it into the folder for exports"))

    def __init__(self, report: SavedReport | None) -> None:
        super().__init__(obj=report)
        self._report = report
        self.van_id.choices = [
            (0, _l("All vans")),
            *((van.id, van.display_name) for van in vans_by_name()),
        ]
        self.unit_id.choices = [
            (0, _l("The whole city")),
            *((key, f"{name} ({group})") for group, found in units() for key, name in found),
        ]
        if report is not None and not self.is_submitted():
            for name in _FILTERS:
                self[name].data = report.filters.get(name) or self[name].choices[0][0]

    def validate_columns(self, field: ChecksField) -> None:
        """Groups without figures tell nothing."""
        if self.rows.data == Rows.GROUPS and not field.data:
            raise ValidationError(_l("Choose at least one column."))

    def validate_recipients(self, field: TextAreaField) -> None:
        """Each line is one address."""
        lines = [line.strip() for line in (field.data or "").splitlines() if line.strip()]
        if len(lines) > _MOST_RECIPIENTS:
            raise ValidationError(_l("At most 20 addresses."))
        for line in lines:
            try:
                validate_email(line, check_deliverability=False)
            except EmailNotValidError:
                # The field's name and the line that is wrong.
                raise ValidationError(_l("%(line)s is not an e-mail address.", line=line)) from None

    def validate_cadence(self, field: SelectField) -> None:
        """What is delivered goes somewhere."""
        nowhere = not (self.recipients.data or "").strip() and not self.to_folder.data
        if field.data != Cadence.NEVER and nowhere:
            raise ValidationError(_l("Enter an address, or choose the folder."))

    def apply_to(self, report: SavedReport) -> None:
        """Write the fields."""
        report.name = self.name.data.strip()
        report.rows, report.grouping = Rows(self.rows.data), self.grouping.data
        order = [measure.key for measure in MEASURES]
        report.columns = [key for key in order if key in (self.columns.data or [])]
        report.period = PeriodKind(self.period.data)
        report.whole_only = self.whole_only.data
        report.filters = {name: self[name].data for name in _FILTERS if self[name].data}
        report.shared = self.shared.data
        report.file_format = self.file_format.data
        report.cadence = Cadence(self.cadence.data)
        report.recipients = (self.recipients.data or "").strip()
        report.to_folder = self.to_folder.data


class DepartmentReportForm(BaseForm):
    """What a report to the department covers, and in which document."""

    name = StringField(_l("Name"), _NAME)
    period = SelectField(_l("Period"), choices=[(kind.value, label) for kind, label in PERIODS[1:]])
    closing_day = IntegerField(_l("Closing day of the month"), [Optional(), NumberRange(1, 31)])
    grouping = SelectField(
        _l("Table by"),
        choices=[
            (key, label)
            for key, label in GROUPINGS
            if key in {"commune", "old_commune", "district", "kind", "place"}
        ],
    )
    template = FileField(_l("Own template (DOCX)"))
    without_template = BooleanField(_l("Take the template that comes with the app again"))

    def apply_to(self, report: DepartmentReport) -> None:
        """Write the fields but the template."""
        report.name = self.name.data.strip()
        report.period = PeriodKind(self.period.data)
        report.closing_day = self.closing_day.data
        report.grouping = self.grouping.data


class LetterheadForm(BaseForm):
    """How official documents name the library."""

    parent_body = StringField(_l("Body above the library"), [Length(max=200)])
    document_sign = StringField(_l("Sign of reports"), [Length(max=40)])
    seat = StringField(_l("Place of issue"), [Length(max=80)])
    addressee = StringField(_l("Addressee"), [Length(max=200)])
    signatory_title = StringField(_l("Title of who signs"), [Length(max=120)])
    signatory_name = StringField(_l("Name of who signs"), [Length(max=120)])
