"""The demonstration's targets, entries by hand and reports.

The targets of 2019 and 2020 are those of a real library's plan; they are shown as an example.
Everything else is invented.
"""

from __future__ import annotations

from datetime import date
from random import Random

from schedules.periods import PeriodKind

from ..accounts.models import Role, User
from ..database import db
from ..indicators.models import IndicatorEntry, Target
from ..reports.models import Cadence, DepartmentReport, Rows, SavedReport
from .service import DemoService

_PLAN = "Kế hoạch thư viện Cần Thơ 2019–2020"
# Indicator, first year, last year, value.
EXAMPLE_TARGETS = (
    ("books_added", 2019, 2019, 29_000),
    ("books_added", 2020, 2020, 29_000),
    ("city_visits", 2019, 2019, 2_970_000),
    ("city_visits", 2020, 2020, 2_973_000),
    ("pages_digitised", 2019, 2020, 100_000),
    ("districts_with_internet", 2019, 2020, 4),
    ("city_ebook_accounts", 2019, 2020, 15_000),
)
# The same, reached on a day of the example years: invented.
_EXAMPLE_ENTRIES = (
    ("books_added", date(2019, 6, 30), 13_400),
    ("books_added", date(2019, 12, 31), 15_900),
    ("books_added", date(2020, 6, 30), 11_800),
    ("books_added", date(2020, 12, 31), 16_200),
    ("city_visits", date(2019, 12, 31), 2_981_000),
    ("city_visits", date(2020, 12, 31), 2_240_000),
    ("pages_digitised", date(2019, 12, 31), 46_500),
    ("pages_digitised", date(2020, 12, 31), 48_200),
    ("districts_with_internet", date(2019, 9, 1), 2),
    ("districts_with_internet", date(2020, 12, 31), 4),
    ("city_ebook_accounts", date(2019, 12, 31), 6_900),
    ("city_ebook_accounts", date(2020, 12, 31), 8_450),
)
_VAN_TARGETS = (
    ("served", 260),
    ("attendance", 24_000),
    ("items_served", 22_000),
    ("cards", 900),
    ("ebook_accounts", 500),
    ("activities", 400),
)


def add_plans(service: DemoService, today: date, rng: Random) -> None:
    """Set targets, enter figures by hand, and set reports up."""
    library = service.organisation
    owner = {"organisation_id": library.id}
    library.parent_body = "Sở Văn hóa, Thể thao và Du lịch"
    library.document_sign, library.seat = "BC-TVTP", "Cần Thơ"
    library.addressee = "Sở Văn hóa, Thể thao và Du lịch thành phố Cần Thơ"
    library.signatory_title, library.signatory_name = "Giám đốc", "Nguyễn Văn Mẫu"
    reporter = db.session.scalars(db.select(User).where(User.role == Role.REPORTER)).one()
    for indicator, first, last, value in EXAMPLE_TARGETS:
        target = Target(**owner, indicator=indicator, first_year=first, last_year=last)
        target.value, target.source, target.example = value, _PLAN, True
        db.session.add(target)
    for indicator, on, value in _EXAMPLE_ENTRIES:
        entry = IndicatorEntry(**owner, indicator=indicator, on=on, value=value, example=True)
        entry.note = "Số liệu ví dụ"
        db.session.add(entry)
    for indicator, value in _VAN_TARGETS:
        target = Target(**owner, indicator=indicator, first_year=today.year, last_year=today.year)
        target.value, target.source = value, f"Kế hoạch xe thư viện {today.year}"
        db.session.add(target)
    books = Target(**owner, indicator="books_added", first_year=today.year, last_year=today.year)
    books.value, books.source = 30_000, f"Kế hoạch thư viện {today.year}"
    db.session.add(books)
    for month in range(1, today.month):
        db.session.add(
            IndicatorEntry(
                **owner,
                indicator="books_added",
                on=date(today.year, month, 28),
                value=rng.randrange(1_900, 2_900, 10),
                note="Sổ đăng ký tổng quát",
                entered_by_id=reporter.id,
            )
        )
    for name, period, closing_day in (
        ("Báo cáo quý", PeriodKind.QUARTER, None),
        ("Báo cáo tháng (chốt ngày 14)", PeriodKind.MONTH, 14),
    ):
        db.session.add(DepartmentReport(**owner, name=name, period=period, closing_day=closing_day))
    db.session.add(
        SavedReport(
            **owner,
            name="Lượt người theo phường, xã",
            owner_id=reporter.id,
            shared=True,
            rows=Rows.GROUPS,
            grouping="commune",
            columns=["served", "attendance", "loans", "on_site", "km_driven"],
            period=PeriodKind.MONTH,
            cadence=Cadence.MONTHLY,
            to_folder=True,
        )
    )
    db.session.commit()
