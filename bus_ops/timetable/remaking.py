"""Coming visits follow a changed stop, term or calendar: in place, so that a key keeps its visit.

What people changed by hand and what the log tells anything of stays as it is. A visit whose date
the rule still gives keeps its row (its run its crew), and changes its time only where it must.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import aliased, joinedload

from schedules.expansion import expand

from ..database import db
from ..i18n import at_minutes, format_clock, minutes_of_day
from .calendars import engine_calendars
from .generating import add_company, recurring_stop
from .models import (
    ChangeKind,
    ClassSlot,
    Run,
    Stop,
    Term,
    TermStatus,
    TimetableChange,
    Visit,
    VisitStatus,
)
from .retiming import (
    Shift,
    Watch,
    has_facts,
    held_visits,
    record_shifts,
    refit,
    retime,
    sensible_order,
    take_in,
    windows_on,
)

# Changes that follow from others: a visit is not touched by them.
FOLLOWING = (ChangeKind.RETIMED, ChangeKind.REMOVED, ChangeKind.PLANNED)
_RunKey = tuple[int, int | None, date]


@dataclass(frozen=True)
class MadeAgain:
    """How many coming visits the rule does not give any more, and what shifted."""

    removed: int = 0
    shifts: tuple[Shift, ...] = ()


def make_again(
    stop_ids: Iterable[int], today: date, user_id: int | None = None, new_frame: bool = False
) -> MadeAgain:
    """Bring coming untouched visits of these stops in line with their stops; records each change.

    With ``new_frame`` the day's frame (hour of leaving, lunch, buffers) is another one, and every
    run is timed anew. New dates are left to ``fill_runs``.
    """
    db.session.flush()
    query = (
        select(Stop)
        .join(Term)
        .where(Stop.id.in_(list(stop_ids)), Term.status == TermStatus.PUBLISHED)
        .options(joinedload(Stop.place), joinedload(Stop.term))
    )
    stops = {stop.id: stop for stop in db.session.scalars(query)}
    if not stops:
        return MadeAgain()
    return _Remaking(stops, today, user_id).work(new_frame)


class _Remaking:
    def __init__(self, stops: dict[int, Stop], today: date, user_id: int | None) -> None:
        self._stops = stops
        self._today = today
        self._user_id = user_id
        self._visits = self._untouched()
        self._wanted = self._wanted_days()
        self._runs: dict[_RunKey, Run] = {}

    def work(self, new_frame: bool) -> MadeAgain:
        stay, go = [], []
        for visit in self._visits:
            wanted = (visit.stop_id, visit.rule_day) in self._wanted
            (stay if wanted else go).append(visit)
        changed = [visit for visit in stay if new_frame or self._differs(visit)]
        left = {visit.run for visit in [*changed, *go]}
        joined = {visit: self._run_of(visit) for visit in changed}
        affected = left | set(joined.values())
        before = {visit: visit.run for visit in changed}
        gone = set(go)
        watch = Watch(v for run in affected for v in run.visits if v not in gone)
        self._remove(go)
        for visit, run in joined.items():
            visit.place = self._stops[visit.stop_id].place
            visit.run = run
        db.session.flush()
        for run in affected:
            db.session.expire(run, ["visits"])
        by_run: dict[Run, list[Visit]] = {}
        for visit in changed:
            by_run.setdefault(visit.run, []).append(visit)
        for run in sorted(affected, key=lambda run: (run.day, run.id)):
            here = by_run.get(run, [])
            self._retime(run, here, {v for v in here if before[v] is not run}, new_frame)
        self._drop_emptied(left)
        shifts = tuple(watch.shifts())
        record_shifts(shifts, self._user_id)
        return MadeAgain(len(go), shifts)

    def _untouched(self) -> list[Visit]:
        """Coming visits that nobody changed, on runs of which the log tells nothing."""
        by_hand = exists().where(
            TimetableChange.visit_id == Visit.id, TimetableChange.kind.not_in(FOLLOWING)
        )
        other = aliased(Visit)
        facts = exists().where(
            Run.id == Visit.run_id,
            or_(Run.logged.is_(True), exists().where(other.run_id == Run.id, other.logged)),
        )
        query = (
            select(Visit)
            .where(
                Visit.stop_id.in_(list(self._stops)),
                Visit.day >= self._today,
                Visit.plan_status == VisitStatus.PLANNED,
                Visit.day == Visit.rule_day,
                ~by_hand,
                # Classes were agreed with the school for this day.
                ~exists().where(ClassSlot.visit_id == Visit.id),
                ~facts,
            )
            .options(joinedload(Visit.run))
            .order_by(Visit.day, Visit.position)
        )
        return list(db.session.scalars(query))

    def _wanted_days(self) -> set[tuple[int, date]]:
        ends = [stop.term.filled_until for stop in self._stops.values() if stop.term.filled_until]
        last = max([self._today, *ends, *(visit.rule_day for visit in self._visits)])
        calendars: dict[int, object] = {}
        for stop in self._stops.values():
            if stop.organisation_id not in calendars:
                calendars[stop.organisation_id] = engine_calendars(stop.organisation_id)
        repeated = [
            recurring_stop(stop, calendars[stop.organisation_id])  # type: ignore[arg-type]
            for stop in self._stops.values()
            if stop.enabled
        ]
        return {
            (int(str(key)), run.day)
            for run in expand(repeated, self._today, last).runs
            for key in run.stop_keys
            if run.day >= self._stops[int(str(key))].term.starts_on
        }

    def _differs(self, visit: Visit) -> bool:
        """Whether the visit as it stands is not what its stop says."""
        stop = self._stops[visit.stop_id]
        if visit.place_id != stop.place_id or _key_of(visit.run) != self._key_for(visit):
            return True
        arrival = minutes_of_day(visit.arrival_at, visit.day)
        departure = minutes_of_day(visit.departure_at, visit.day)
        if stop.fixed_arrival is not None:
            leaves = stop.fixed_departure or stop.fixed_arrival + stop.service_minutes
            return (arrival, departure) != (stop.fixed_arrival, leaves)
        if departure - arrival != stop.service_minutes:
            return True
        windows = windows_on(stop, stop.place, visit.day)
        return bool(windows) and not any(
            w.opens <= arrival and departure <= w.closes for w in windows
        )

    def _key_for(self, visit: Visit) -> _RunKey:
        stop = self._stops[visit.stop_id]
        # Where any van may come, the one that was planned does.
        planned = stop.planned is not None and stop.plan_any_van
        return visit.run.van_id if planned else stop.van_id, stop.route_id, visit.day

    def _run_of(self, visit: Visit) -> Run:
        """The run that the stop's van and route have that day; made where there is none."""
        key = self._key_for(visit)
        if _key_of(visit.run) == key:
            return visit.run
        if key not in self._runs:
            self._runs[key] = self._known_run(visit, key) or self._new_run(visit, key)
        return self._runs[key]

    def _known_run(self, visit: Visit, key: _RunKey) -> Run | None:
        van_id, route_id, day = key
        query = select(Run).where(
            Run.term_id == self._stops[visit.stop_id].term_id,
            Run.van_id == van_id,
            Run.day == day,
            Run.route_id.is_(None) if route_id is None else Run.route_id == route_id,
        )
        return db.session.scalar(query.order_by(Run.id).limit(1))

    def _new_run(self, visit: Visit, key: _RunKey) -> Run:
        van_id, route_id, day = key
        run = Run(
            organisation_id=visit.organisation_id,
            term_id=self._stops[visit.stop_id].term_id,
            van_id=van_id,
            route_id=route_id,
            day=day,
            leaves_at=at_minutes(day, 8 * 60),
            returns_at=at_minutes(day, 8 * 60),
        )
        db.session.add(run)
        db.session.flush()
        add_company(run.organisation_id, [run.id], [van_id])
        return run

    def _remove(self, visits: Sequence[Visit]) -> None:
        """Take visits out; their run remembers what it lost."""
        for visit in visits:
            lost = {
                "day": visit.day.isoformat(),
                "place": visit.place.name,
                "place_id": visit.place_id,
                "arrival": format_clock(visit.arrival_at),
                "departure": format_clock(visit.departure_at),
            }
            db.session.add(
                TimetableChange(
                    organisation_id=visit.organisation_id,
                    user_id=self._user_id,
                    run_id=visit.run_id,
                    kind=ChangeKind.REMOVED,
                    before=lost,
                )
            )
            db.session.delete(visit)
        db.session.flush()

    def _retime(
        self, run: Run, changed: Sequence[Visit], joined: Collection[Visit], whole: bool
    ) -> None:
        held = held_visits(run)
        if not whole and not changed:
            retime(run, keep=held)
            return
        if not whole and len(changed) < len(held):
            for visit in changed:
                (take_in if visit in joined else refit)(run, visit)
            return
        reordered = exists().where(
            TimetableChange.run_id == run.id, TimetableChange.kind == ChangeKind.REORDERED
        )
        by_hand = db.session.scalar(select(reordered))
        retime(run, held if by_hand else sensible_order(run, held))

    def _drop_emptied(self, runs: Iterable[Run]) -> None:
        """Emptied runs go, but for those that a new date of these stops will fill again."""
        known = select(Visit.stop_id, Visit.rule_day).where(
            Visit.stop_id.in_(list(self._stops)), Visit.rule_day >= self._today
        )
        standing = {(stop_id, day) for stop_id, day in db.session.execute(known)}
        awaited = {
            (self._stops[stop_id].van_id, self._stops[stop_id].route_id, day)
            for stop_id, day in self._wanted - standing
        }
        owners = {stop.organisation_id for stop in self._stops.values()}
        coming = select(Visit.run_id).where(
            Visit.organisation_id.in_(owners), Visit.day >= self._today
        )
        filled = set(db.session.scalars(coming))
        for run in runs:
            if run.id in filled or _key_of(run) in awaited or has_facts(run):
                continue
            db.session.expire(run)
            db.session.delete(run)
        db.session.flush()


def _key_of(run: Run) -> _RunKey:
    return run.van_id, run.route_id, run.day
