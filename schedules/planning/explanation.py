"""Why a plan is as it is, found by trying: what would let a stop in, what a wish costs.

Everything is tried against the plan with all other visits on their days. Answers are values; the
sentences are the app's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

import numpy as np

from ..timing import Window
from .plan import Plan
from .planner import allowed_choices
from .problem import (
    DayChoice,
    Distances,
    PlanningProblem,
    PlanningStop,
    PlanningVan,
)
from .trying import Placing, Trying, day_driving

# Longer windows and shifts are tried in these steps, then to the minute below the first that helps.
MINUTES_TRIED = (5, 10, 15, 30, 45, 60, 90, 120, 180, 240)
# As far a whole pattern is moved to look for other weekdays.
DAYS_MOVED = 6
# Less is no saving that anybody would see.
_LEAST_TOLD_M = 1.0


class Obstacle(StrEnum):
    """What keeps a stop out of a plan, in a word."""

    NO_CHOICES = "no_choices"
    NEVER_POSSIBLE = "never_possible"
    UNREACHABLE = "unreachable"
    DEARER_THAN_SKIPPING = "dearer_than_skipping"
    DAYS_FULL = "days_full"


class ChangeKind(StrEnum):
    """A change that lets a stop in; the figures of ``Change`` that tell how much are named."""

    NOTHING = "nothing"  # a longer search finds room
    OPEN_EARLIER = "open_earlier"  # minutes
    CLOSE_LATER = "close_later"  # minutes
    LONGER_SHIFT = "longer_shift"  # minutes
    ANOTHER_VAN = "another_van"
    MORE_ROOM = "more_room"  # load
    OTHER_DAYS = "other_days"  # days
    UNLOCK = "unlock"
    LEAVE_GROUP = "leave_group"
    FEWER_VISITS = "fewer_visits"  # fewer, days
    MORE_VAN_DAY = "more_van_day"  # van, day
    HIGHER_SKIP_PRICE = "higher_skip_price"  # skip_price_m


# How hard a change is to get, in minutes of a longer shift: what comes first is asked for first.
EFFORT = {
    ChangeKind.NOTHING: 0,
    ChangeKind.HIGHER_SKIP_PRICE: 5,
    ChangeKind.MORE_ROOM: 20,
    ChangeKind.ANOTHER_VAN: 20,
    ChangeKind.OTHER_DAYS: 30,
    ChangeKind.UNLOCK: 60,
    ChangeKind.LEAVE_GROUP: 60,
    ChangeKind.MORE_VAN_DAY: 240,
}
EFFORT_OF_A_VISIT = 90


@dataclass(frozen=True)
class Change:
    """One change after which the stop fits, on ``days``, driving ``metres`` and ``drive_minutes``
    more."""

    kind: ChangeKind
    days: tuple[int, ...]
    metres: float
    drive_minutes: float
    minutes: int = 0
    load: float = 0.0
    van: str | None = None
    day: int | None = None
    skip_price_m: float = 0.0
    fewer: int = 0

    @property
    def effort(self) -> float:
        """How hard it is to get, in minutes of a longer shift."""
        return float(EFFORT.get(self.kind, self.minutes + EFFORT_OF_A_VISIT * self.fewer))


@dataclass(frozen=True)
class Unplaced:
    """A stop that is left out, and the changes that let it in, the smallest first.

    None where no single change that was tried does.
    """

    stop: str
    obstacle: Obstacle
    changes: tuple[Change, ...]


class WishKind(StrEnum):
    """What a stop asks for beyond being served."""

    WINDOWS = "windows"
    DAYS = "days"
    VANS = "vans"
    LOCKED = "locked"
    TOGETHER = "together"
    APART = "apart"


@dataclass(frozen=True)
class WishCost:
    """What a wish of a stop costs: the driving that is saved without it, on ``days`` then."""

    stop: str
    kind: WishKind
    metres: float
    drive_minutes: float
    days: tuple[int, ...]


@dataclass(frozen=True)
class OtherDays:
    """Days that a stop might have had instead, and how much more (or less, below 0) that drives."""

    days: tuple[int, ...]
    metres: float
    drive_minutes: float
    price_m: float


@dataclass(frozen=True)
class WhyTheseDays:
    """Why a stop has its days: what its visits add there, the next best days, and how many other
    choices do not fit beside the other visits."""

    stop: str
    days: tuple[int, ...]
    metres: float
    drive_minutes: float
    next_best: tuple[OtherDays, ...]
    not_fitting: int


def explain_unplaced(
    problem: PlanningProblem, plan: Plan, stops: Iterable[str] | None = None
) -> tuple[Unplaced, ...]:
    """For each stop left out (all, unless named): why, and the smallest changes that let it in.

    Each change was tried: with it alone (``with_change``) the stop fits beside all other visits.
    """
    asked = set(plan.unplaced if stops is None else stops)
    return tuple(_Search(problem, plan, key).work() for key in plan.unplaced if key in asked)


def wish_costs(
    problem: PlanningProblem, plan: Plan, stops: Iterable[str] | None = None
) -> tuple[WishCost, ...]:
    """What the wishes of placed stops (all, unless named) cost, the dearest first.

    Each is given up alone; the stop goes to the days on which that drives least, all others stay
    on theirs. Wishes that cost nothing are told too. Takes some hundredths of a second a visit.
    """
    placed = {visit.stop for run in plan.runs for visit in run.visits}
    asked = [stop.key for stop in problem.stops if stop.key in placed]
    if stops is not None:
        asked = [key for key in asked if key in set(stops)]
    wishes = _Wishes(problem, plan)
    costs = [cost for key in asked for cost in wishes.of_stop(key)]
    return tuple(sorted(costs, key=lambda cost: (-cost.metres, cost.stop, cost.kind)))


def why_these_days(problem: PlanningProblem, plan: Plan, stop: str, most: int = 3) -> WhyTheseDays:
    """What speaks for a placed stop's days; ``most`` of the next best ones."""
    trying = Trying(problem, plan, stop)
    now = trying.added_now()
    days = plan.days_of(stop)
    choices = {
        tuple(sorted(c.days)): c.price_m for c in allowed_choices(problem, _of(problem, stop))
    }
    price_now = choices.pop(days, 0.0)
    found: list[OtherDays] = []
    for other, price in choices.items():
        placing = trying.on_days(other) if trying.groups_allow(other) else None
        if placing is not None:
            more_m, more_minutes = placing.metres - now.metres, placing.minutes - now.minutes
            found.append(OtherDays(other, more_m, more_minutes, price - price_now))
    found.sort(key=lambda one: (one.metres + one.price_m, one.days))
    return WhyTheseDays(
        stop, days, now.metres, now.minutes, tuple(found[:most]), len(choices) - len(found)
    )


def with_change(problem: PlanningProblem, stop: str, change: Change) -> PlanningProblem:
    """The problem after the change."""
    of = _of(problem, stop)
    match change.kind:
        case ChangeKind.OPEN_EARLIER:
            return _with_stop(problem, _widened(of, change.minutes, 0))
        case ChangeKind.CLOSE_LATER:
            return _with_stop(problem, _widened(of, 0, change.minutes))
        case ChangeKind.LONGER_SHIFT:
            return _with_vans(problem, lambda van: _longer_shift(van, change.minutes))
        case ChangeKind.MORE_ROOM:
            return _with_vans(problem, lambda van: _roomier(van, change.load))
        case ChangeKind.ANOTHER_VAN:
            return _with_stop(problem, replace(of, vans=None))
        case ChangeKind.OTHER_DAYS | ChangeKind.FEWER_VISITS:
            choices = (*of.choices, DayChoice(change.days))
            return _with_stop(problem, replace(of, choices=choices))
        case ChangeKind.UNLOCK:
            return _with_stop(problem, replace(of, locked=()))
        case ChangeKind.LEAVE_GROUP:
            return replace(
                problem,
                together=_without(problem.together, stop),
                apart=_without(problem.apart, stop),
            )
        case ChangeKind.MORE_VAN_DAY:
            assert change.van is not None
            assert change.day is not None
            return _with_van_day(problem, change.van, change.day)
        case ChangeKind.HIGHER_SKIP_PRICE:
            return _with_stop(problem, replace(of, skip_price_m=change.skip_price_m))
        case ChangeKind.NOTHING:
            return problem


class _Search:
    """Looks for the changes that let one stop into a plan."""

    def __init__(self, problem: PlanningProblem, plan: Plan, key: str) -> None:
        self._problem, self._plan, self._key = problem, plan, key
        self._stop = _of(problem, key)
        self._choices = _days_and_prices(problem, self._stop)

    def work(self) -> Unplaced:
        fits = Trying(self._problem, self._plan, self._key).best(self._choices)
        if fits is not None:
            return self._already_fits(fits)
        found = [
            self._least_minutes(ChangeKind.OPEN_EARLIER),
            self._least_minutes(ChangeKind.CLOSE_LATER),
            self._least_minutes(ChangeKind.LONGER_SHIFT),
            self._more_room(),
            self._placed(ChangeKind.ANOTHER_VAN) if self._stop.vans is not None else None,
            self._placed(ChangeKind.UNLOCK) if self._stop.locked else None,
            self._placed(ChangeKind.LEAVE_GROUP) if self._is_grouped() else None,
            self._other_days(),
            self._fewer_visits(),
            self._more_van_day(),
        ]
        changes = sorted(
            (change for change in found if change is not None),
            key=lambda change: (change.effort, change.metres),
        )
        return Unplaced(self._key, self._obstacle(), tuple(changes))

    def _already_fits(self, fits: Placing) -> Unplaced:
        if self._stop.skip_price_m is None:
            change = _filled(_bare(ChangeKind.NOTHING), fits)
            return Unplaced(self._key, Obstacle.DAYS_FULL, (change,))
        # A whole metre above what it costs.
        price = float(int(fits.metres + fits.price_m) + 1)
        asked = replace(_bare(ChangeKind.HIGHER_SKIP_PRICE), skip_price_m=price)
        return Unplaced(self._key, Obstacle.DEARER_THAN_SKIPPING, (_filled(asked, fits),))

    def _obstacle(self) -> Obstacle:
        if not self._stop.choices:
            return Obstacle.NO_CHOICES
        number = [stop.key for stop in self._problem.stops].index(self._key)
        first_depot = len(self._problem.stops)
        minutes = self._problem.distances.minutes
        there = np.isfinite(minutes[first_depot:, number])
        back = np.isfinite(minutes[number, first_depot:])
        if not (there & back).any():
            return Obstacle.UNREACHABLE
        alone = Trying(self._problem, replace(self._plan, runs=()), self._key)
        if alone.best(self._choices) is None:
            return Obstacle.NEVER_POSSIBLE
        return Obstacle.DAYS_FULL

    def _all_choices(self) -> list[tuple[tuple[int, ...], float]]:
        """Also those on days on which no van works or the stop is closed."""
        locked = {visit.day for visit in self._stop.locked}
        return [(tuple(c.days), c.price_m) for c in self._stop.choices if locked <= set(c.days)]

    def _is_grouped(self) -> bool:
        groups = (*self._problem.together, *self._problem.apart)
        return any(self._key in group for group in groups)

    def _placed(self, kind: ChangeKind, minutes: int = 0, load: float = 0.0) -> Change | None:
        """The change, where some choice fits with it."""
        asked = Change(kind, (), 0.0, 0.0, minutes=minutes, load=load)
        changed = with_change(self._problem, self._key, asked)
        choices = _days_and_prices(changed, _of(changed, self._key))
        placing = Trying(changed, self._plan, self._key).best(choices)
        return None if placing is None else _filled(asked, placing)

    def _least_minutes(self, kind: ChangeKind) -> Change | None:
        if kind != ChangeKind.LONGER_SHIFT and not self._has_windows():
            return None
        too_few, enough = 0, None
        for minutes in MINUTES_TRIED:
            enough = self._placed(kind, minutes)
            if enough is not None:
                break
            too_few = minutes
        if enough is None:
            return None
        while enough.minutes - too_few > 1:
            between = (too_few + enough.minutes) // 2
            tried = self._placed(kind, between)
            if tried is None:
                too_few = between
            else:
                enough = tried
        return enough

    def _has_windows(self) -> bool:
        return bool(self._stop.windows) or any(self._stop.windows_on.values())

    def _more_room(self) -> Change | None:
        """As much more load as the fullest van that would have to carry it lacks."""
        if not self._stop.load or all(van.capacity is None for van in self._problem.vans):
            return None
        endless = self._placed(ChangeKind.MORE_ROOM, load=1e12)
        if endless is None:
            return None
        loads = {stop.key: stop.load for stop in self._problem.stops}
        capacity = {van.key: van.capacity for van in self._problem.vans}
        roomier = with_change(self._problem, self._key, endless)
        placing = Trying(roomier, self._plan, self._key).on_days(endless.days)
        assert placing is not None
        lacking = 0.0
        for one in placing.insertions:
            holds = capacity[one.run.van]
            if holds is not None:
                carried = sum(loads[visit.stop] for visit in one.run.visits)
                lacking = max(lacking, carried - holds)
        return self._placed(ChangeKind.MORE_ROOM, load=lacking)

    def _other_days(self) -> Change | None:
        """The same pattern some days earlier or later, or any single other day."""
        trying = Trying(self._problem, self._plan, self._key)
        known = {days for days, _price in self._choices}
        locked = {visit.day for visit in self._stop.locked}
        others = {
            days
            for days in _moved_patterns(self._problem, self._stop)
            if days not in known and locked <= set(days)
        }
        placing = trying.best((days, 0.0) for days in sorted(others))
        return None if placing is None else _filled(_bare(ChangeKind.OTHER_DAYS), placing)

    def _fewer_visits(self) -> Change | None:
        """A choice without the days on which the stop does not fit, as few of them as possible."""
        trying = Trying(self._problem, self._plan, self._key)
        locked = {visit.day for visit in self._stop.locked}
        shortened: dict[int, list[tuple[tuple[int, ...], float]]] = {}
        for days, price in self._all_choices():
            left = tuple(day for day in days if trying.on_day(day) is not None)
            if left and locked <= set(left):
                shortened.setdefault(len(days) - len(left), []).append((left, price))
        for fewer, choices in sorted(shortened.items()):
            placing = trying.best(choices)
            if fewer and placing is not None:
                return _filled(replace(_bare(ChangeKind.FEWER_VISITS), fewer=fewer), placing)
        return None

    def _more_van_day(self) -> Change | None:
        trying = Trying(self._problem, self._plan, self._key)
        tried: set[tuple[str, int]] = set()
        best: Change | None = None
        for days, price in self._all_choices():
            for hindrance in _only_hindrance(trying, days):
                for van in self._problem.vans:
                    if (van.key, hindrance) in tried:
                        continue
                    tried.add((van.key, hindrance))
                    asked = replace(_bare(ChangeKind.MORE_VAN_DAY), van=van.key, day=hindrance)
                    changed = with_change(self._problem, self._key, asked)
                    placing = Trying(changed, self._plan, self._key).best([(days, price)])
                    if placing is not None and (best is None or placing.metres < best.metres):
                        best = _filled(asked, placing)
        return best


class _Wishes:
    """The wishes of a plan's stops, given up one at a time.

    The days that a wish concerns are driven anew, before and after, so that the others on them may
    change van and order; they keep their days.
    """

    def __init__(self, problem: PlanningProblem, plan: Plan) -> None:
        self._problem, self._plan = problem, plan
        self._known: dict[int, tuple[float, float]] = {}

    def of_stop(self, key: str) -> Iterator[WishCost]:
        stop = _of(self._problem, key)
        for kind, without in _given_up(self._problem, stop):
            choices = list(_days_and_prices(without, _of(without, key)))
            if kind == WishKind.DAYS:
                choices += [(days, 0.0) for days in sorted(_moved_patterns(self._problem, stop))]
            trying = Trying(without, self._plan, key)
            days = self._plan.days_of(key)
            saved = self._saved(without, trying, trying.on_days(days))
            elsewhere = trying.best(choices)
            if elsewhere is not None and elsewhere.days != days:
                saved_there = self._saved(without, trying, elsewhere)
                if saved_there > saved:
                    saved, days = saved_there, tuple(sorted(elsewhere.days))
            metres, minutes = saved
            yield WishCost(key, kind, metres, minutes, days)

    def _saved(
        self, without: PlanningProblem, trying: Trying, placing: Placing | None
    ) -> tuple[float, float]:
        """Metres and minutes of driving that the plan has less with the stop placed so."""
        if placing is None:
            return 0.0, 0.0
        before, after = [], []
        changed = trying.with_placing(placing)
        for day in sorted({*placing.days, *self._plan.days_of(trying.stop)}):
            before.append(self._now(day))
            after.append(day_driving(without, day, [run for run in changed if run.day == day]))
        metres, minutes = (
            sum(one[n] for one in before) - sum(one[n] for one in after) for n in (0, 1)
        )
        # A search of a few moments may end a little above where it could.
        return (metres, minutes) if metres > _LEAST_TOLD_M else (0.0, 0.0)

    def _now(self, day: int) -> tuple[float, float]:
        if day not in self._known:
            runs = [run for run in self._plan.runs if run.day == day]
            self._known[day] = day_driving(self._problem, day, runs)
        return self._known[day]


def _given_up(
    problem: PlanningProblem, stop: PlanningStop
) -> Iterator[tuple[WishKind, PlanningProblem]]:
    """Each wish the stop has, with the problem in which it has not."""
    if stop.windows or any(stop.windows_on.values()):
        shut = {day: windows for day, windows in stop.windows_on.items() if windows == ()}
        yield WishKind.WINDOWS, _with_stop(problem, replace(stop, windows=(), windows_on=shut))
    if not stop.locked:
        yield WishKind.DAYS, problem
    if stop.vans is not None and any(van.key not in stop.vans for van in problem.vans):
        yield WishKind.VANS, _with_stop(problem, replace(stop, vans=None))
    if stop.locked:
        yield WishKind.LOCKED, _with_stop(problem, replace(stop, locked=()))
    if any(stop.key in group for group in problem.together):
        yield WishKind.TOGETHER, replace(problem, together=_without(problem.together, stop.key))
    if any(stop.key in group for group in problem.apart):
        yield WishKind.APART, replace(problem, apart=_without(problem.apart, stop.key))


def _moved_patterns(problem: PlanningProblem, stop: PlanningStop) -> set[tuple[int, ...]]:
    """The stop's choices, each moved by some days, on days on which it is open and a van works."""
    index = {day: number for number, day in enumerate(problem.days)}
    worked = {day for van in problem.vans for day in van.workdays}
    usable = {day for day in worked if stop.windows_of(day) != ()}
    found: set[tuple[int, ...]] = set()
    for choice in stop.choices:
        dates = [problem.days[day] for day in choice.days]
        for by in range(-DAYS_MOVED, DAYS_MOVED + 1):
            moved = [index.get(day + timedelta(days=by), -1) for day in dates]
            if usable.issuperset(moved):
                found.add(tuple(sorted(moved)))
    return found


def _only_hindrance(trying: Trying, days: Sequence[int]) -> tuple[int, ...]:
    """The one day on which the stop does not fit; nothing where there are none or several."""
    hindrances = [day for day in days if trying.on_day(day) is None]
    return tuple(hindrances) if len(hindrances) == 1 else ()


def _days_and_prices(
    problem: PlanningProblem, stop: PlanningStop
) -> list[tuple[tuple[int, ...], float]]:
    return [(tuple(c.days), c.price_m) for c in allowed_choices(problem, stop)]


def _bare(kind: ChangeKind) -> Change:
    return Change(kind, (), 0.0, 0.0)


def _filled(change: Change, placing: Placing) -> Change:
    return replace(
        change,
        days=tuple(sorted(placing.days)),
        metres=placing.metres,
        drive_minutes=placing.minutes,
    )


def _of(problem: PlanningProblem, key: str) -> PlanningStop:
    return next(stop for stop in problem.stops if stop.key == key)


def _with_stop(problem: PlanningProblem, stop: PlanningStop) -> PlanningProblem:
    stops = tuple(stop if one.key == stop.key else one for one in problem.stops)
    return replace(problem, stops=stops)


def _with_vans(
    problem: PlanningProblem, changed: Callable[[PlanningVan], PlanningVan]
) -> PlanningProblem:
    return replace(problem, vans=tuple(changed(van) for van in problem.vans))


def _with_van_day(problem: PlanningProblem, key: str, day: int) -> PlanningProblem:
    """The van works on one more day; where it works already another one like it does."""
    number, van = next((n, v) for n, v in enumerate(problem.vans) if v.key == key)
    if day not in van.workdays:
        more = replace(van, workdays=van.workdays | {day})
        return _with_vans(problem, lambda one: more if one.key == key else one)
    row = len(problem.stops) + number
    rows = [*range(len(problem.stops) + len(problem.vans)), row]
    among = np.ix_(rows, rows)
    twin = replace(van, key=f"{key}+", workdays=frozenset({day}))
    stops = tuple(
        replace(one, vans=one.vans | {twin.key}) if one.vans and key in one.vans else one
        for one in problem.stops
    )
    distances = problem.distances
    return replace(
        problem,
        stops=stops,
        vans=(*problem.vans, twin),
        distances=Distances(distances.metres[among], distances.minutes[among]),
    )


def _widened(stop: PlanningStop, earlier: int, later: int) -> PlanningStop:
    def wider(windows: tuple[Window, ...]) -> tuple[Window, ...]:
        return tuple(Window(max(0, w.opens - earlier), w.closes + later) for w in windows)

    on = {day: wider(windows) for day, windows in stop.windows_on.items()}
    return replace(stop, windows=wider(stop.windows), windows_on=on)


def _longer_shift(van: PlanningVan, minutes: int) -> PlanningVan:
    limit = van.shift_limit_minutes
    return replace(
        van,
        returns_latest=van.returns_latest + minutes,
        shift_limit_minutes=None if limit is None else limit + minutes,
    )


def _roomier(van: PlanningVan, load: float) -> PlanningVan:
    return replace(van, capacity=None if van.capacity is None else van.capacity + load)


def _without(groups: tuple[frozenset[str], ...], stop: str) -> tuple[frozenset[str], ...]:
    left = (group - {stop} for group in groups)
    return tuple(group for group in left if len(group) > 1)
