"""How far each indicator is: its figure, its target, what time has passed, and a forecast."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import func, select

from schedules.forecast import Forecast, forecast_at_end
from schedules.periods import PeriodKind, ReportingPeriod, custom_period, period_of

from ..circulation.models import BoxDeposit, BoxItem
from ..counting.definitions import BY_KEY
from ..counting.figures import Filters, SummedBy, SumsOf
from ..database import db
from ..events.models import Donation, GiftKind
from ..i18n import ZONE, local
from ..places.units import places_inside
from .catalogue import INDICATOR_OF, INDICATORS, Indicator
from .models import IndicatorEntry, Target

# Months a forecast looks back on.
_MONTHS_BACK = 12
# Counted once however often they come: months of them do not add up to a year.
_NOT_ADDED_UP = frozenset({"places", "vehicles"})
_MEASURES = tuple(indicator.key for indicator in INDICATORS if indicator.key in BY_KEY)
_BESIDE = tuple(
    indicator.key
    for indicator in INDICATORS
    if indicator.key not in BY_KEY and indicator.key not in _NOT_ADDED_UP
)


@dataclass(frozen=True)
class Progress:
    """An indicator in the period of its target (or in a year without one)."""

    indicator: Indicator
    period: ReportingPeriod
    value: int
    target: Target | None
    # Of the period, how much has passed.
    passed: float
    forecast: Forecast | None

    @property
    def share(self) -> float | None:
        """The part of the target that is reached."""
        return self.value / self.target.value if self.target and self.target.value else None

    @property
    def is_behind(self) -> bool:
        """Whether less is reached than time has passed, of a target that grows with time."""
        if self.share is None or self.share >= 1:
            return False
        return self.indicator.standing or self.share < self.passed

    @property
    def will_miss(self) -> bool:
        """Whether even the upper end of the forecast stays below the target."""
        if self.target is None or self.forecast is None:
            return False
        return self.forecast.high < self.target.value


def progress_in(
    organisation_id: int, year: int, today: date, with_target_only: bool = False
) -> list[Progress]:
    """Every indicator in the year: one line a target that covers it, or one without a target."""
    query = select(Target).where(
        Target.organisation_id == organisation_id,
        Target.first_year <= year,
        Target.last_year >= year,
    )
    by_indicator: dict[str, list[Target | None]] = {}
    for target in db.session.scalars(query.order_by(Target.unit_id.is_not(None), Target.id)):
        by_indicator.setdefault(target.indicator, []).append(target)
    otherwise: list[Target | None] = [] if with_target_only else [None]
    figures = _Figures(organisation_id, today)
    return [
        figures.progress(indicator, target, year)
        for indicator in INDICATORS
        for target in by_indicator.get(indicator.key, otherwise)
    ]


def values_in(
    organisation_id: int,
    period: ReportingPeriod,
    indicators: Iterable[Indicator] = INDICATORS,
    unit_id: int | None = None,
) -> dict[str, int]:
    """Figures of several indicators in a period, by key."""
    wanted = [indicator.key for indicator in indicators]
    sums = SumsOf(organisation_id, period, Filters(unit_id=unit_id))
    found: dict[str, int] = {}
    measures = [key for key in wanted if key in BY_KEY]
    if measures:
        total = sums.total(measures)
        found.update({key: int(total[key]) for key in measures})
    if "vehicles" in wanted:
        by_van = SumsOf(organisation_id, period, sums.filters, SummedBy.VAN).figures(["served"])
        found["vehicles"] = sum(1 for figures in by_van.values() if figures["served"])
    beside = [key for key in wanted if key not in found]
    if beside:
        came = _came_beside_the_log(organisation_id, period, unit_id)
        for key in beside:
            found[key] = sum(value for _day, value in came.get(key, ()))
    for key in beside:
        if INDICATOR_OF[key].standing:
            found[key] = _state(organisation_id, INDICATOR_OF[key], period, unit_id)
    return found


def entries_of(
    organisation_id: int, indicator: Indicator, period: ReportingPeriod, unit_id: int | None = None
) -> Sequence[IndicatorEntry]:
    """What was entered by hand, in order of day; a unit takes its own entries only."""
    query = select(IndicatorEntry).where(
        IndicatorEntry.organisation_id == organisation_id,
        IndicatorEntry.indicator == indicator.key,
        IndicatorEntry.on <= period.last,
    )
    if not indicator.standing:
        query = query.where(IndicatorEntry.on >= period.first)
    if unit_id is not None:
        query = query.where(IndicatorEntry.unit_id == unit_id)
    return db.session.scalars(query.order_by(IndicatorEntry.on, IndicatorEntry.id)).all()


def period_of_target(target: Target | None, year: int) -> ReportingPeriod:
    """The days that a target is for; without one, the year."""
    if target is None or target.first_year == target.last_year:
        return period_of(PeriodKind.YEAR, date(year, 1, 1))
    return custom_period(date(target.first_year, 1, 1), date(target.last_year, 12, 31))


def time_passed(period: ReportingPeriod, today: date) -> float:
    """The part of a period that is over, today included."""
    days = (min(today, period.last) - period.first).days + 1
    return max(0, days) / period.days


class _Figures:
    """Figures of many targets, each asked for once."""

    def __init__(self, organisation_id: int, today: date) -> None:
        self._organisation_id = organisation_id
        self._today = today
        self._values: dict[tuple[ReportingPeriod, int | None], dict[str, int]] = {}
        self._months: dict[int | None, dict[str, list[float]]] = {}

    def progress(self, indicator: Indicator, target: Target | None, year: int) -> Progress:
        unit_id = target.unit_id if target else None
        period = period_of_target(target, year)
        value = self._value(indicator, period, unit_id)
        passed = time_passed(period, self._today)
        forecast = None
        if 0 < passed < 1 and not indicator.standing and indicator.key not in _NOT_ADDED_UP:
            past = self._past(indicator, unit_id)
            to_come = (period.last - self._today).days / (365 / 12)
            forecast = forecast_at_end(value, past, to_come)
        return Progress(indicator, period, value, target, passed, forecast)

    def _value(self, indicator: Indicator, period: ReportingPeriod, unit_id: int | None) -> int:
        key = (period, unit_id)
        if key not in self._values:
            self._values[key] = values_in(self._organisation_id, period, INDICATORS, unit_id)
        return self._values[key][indicator.key]

    def _past(self, indicator: Indicator, unit_id: int | None) -> list[float]:
        """What the last whole months brought, from the first one that brought anything."""
        if unit_id not in self._months:
            self._months[unit_id] = self._months_of(unit_id)
        past = self._months[unit_id][indicator.key]
        first = next((n for n, value in enumerate(past) if value), len(past))
        return past[first:]

    def _months_of(self, unit_id: int | None) -> dict[str, list[float]]:
        last = self._today.replace(day=1) - timedelta(days=1)
        months = [period_of(PeriodKind.MONTH, last)]
        while len(months) < _MONTHS_BACK:
            months.append(months[-1].before())
        months.reverse()
        found: dict[str, list[float]] = {indicator.key: [] for indicator in INDICATORS}
        whole = custom_period(months[0].first, months[-1].last)
        by_day = SumsOf(
            self._organisation_id,
            whole,
            Filters(unit_id=unit_id),
            SummedBy.DAY,
            PeriodKind.MONTH,
        ).figures(key for key in _MEASURES if key not in _NOT_ADDED_UP)
        came = _came_beside_the_log(self._organisation_id, whole, unit_id)
        for month in months:
            for key in set(_MEASURES) - _NOT_ADDED_UP:
                inside = (f[key] for day, f in by_day.items() if month.first <= day <= month.last)
                found[key].append(float(sum(inside)))
            for key in _BESIDE:
                values = (v for day, v in came.get(key, ()) if month.first <= day <= month.last)
                found[key].append(float(sum(values)))
        return found


# What came on which days, by indicator.
_Came = Mapping[str, Sequence[tuple[date, int]]]


def _came_beside_the_log(
    organisation_id: int, period: ReportingPeriod, unit_id: int | None
) -> _Came:
    """What the log does not count: boxes, donations, and what was entered by hand."""
    came: dict[str, list[tuple[date, int]]] = {}
    for day, copies in _boxes(organisation_id, period, unit_id):
        came.setdefault("rotations", []).append((day, 1))
        came.setdefault("rotated_copies", []).append((day, copies))
    gifts = select(Donation.received_on, Donation.quantity).where(
        Donation.organisation_id == organisation_id,
        Donation.kind == GiftKind.BOOKS,
        Donation.received_on.between(period.first, period.last),
    )
    came["books_donated"] = [(day, number) for day, number in db.session.execute(gifts)]
    entered = select(IndicatorEntry.indicator, IndicatorEntry.on, IndicatorEntry.value).where(
        IndicatorEntry.organisation_id == organisation_id,
        IndicatorEntry.on.between(period.first, period.last),
    )
    if unit_id is not None:
        entered = entered.where(IndicatorEntry.unit_id == unit_id)
    for key, day, value in db.session.execute(entered):
        came.setdefault(key, []).append((day, value))
    return came


def _boxes(
    organisation_id: int, period: ReportingPeriod, unit_id: int | None
) -> list[tuple[date, int]]:
    """Day and number of copies of each box handed over."""
    begins = datetime.combine(period.first, time.min, ZONE)
    ends = datetime.combine(period.last + timedelta(days=1), time.min, ZONE)
    query = (
        select(BoxDeposit.out_at, func.count(BoxItem.barcode))
        .outerjoin(BoxItem, BoxItem.deposit_event_id == BoxDeposit.event_id)
        .where(
            BoxDeposit.organisation_id == organisation_id,
            BoxDeposit.out_at >= begins,
            BoxDeposit.out_at < ends,
        )
        .group_by(BoxDeposit.event_id, BoxDeposit.out_at)
    )
    if unit_id is not None:
        query = query.where(BoxDeposit.place_id.in_(places_inside(unit_id)))
    return [(local(out_at).date(), copies) for out_at, copies in db.session.execute(query)]


def _state(
    organisation_id: int, indicator: Indicator, period: ReportingPeriod, unit_id: int | None
) -> int:
    """The last state that was entered of each unit, and of the whole."""
    entries = entries_of(organisation_id, indicator, period, unit_id)
    last = {entry.unit_id: entry.value for entry in entries}
    return sum(last.values())
