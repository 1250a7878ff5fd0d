"""Plans a period: the problem's words into the search's numbers, and its best plan back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from .plan import Plan, Progress
from .problem import DayChoice, Distances, PlanningProblem, PlanningStop, PlanningVan
from .runs import RunTimer, may_serve, open_windows, plan_of_runs
from .search import (
    NO_ROUTE,
    Given,
    State,
    adopt,
    forget_prices,
    place_absent,
    place_as_planned,
    search_steps,
)

# Temperatures of the annealing in mean drives between two stops; how much is taken out at once, how
# often of one day alone, and how often near each other on any days (without that, stops with one
# visit hardly ever change places between days).
# Measured on periodic instances of 20 to 417 stops; see tests/benchmarks/pvrp.py.
WARMEST = 0.5
COLDEST = 0.005
AVERAGE_OUT = 6.0
DAY_SHARE = 0.3
ANY_DAY_SHARE = 0.4
# A worker whose plan has got no better for this share of the search is frozen: it is warmed up
# again, if there is enough time left to cool down.
FROZEN_SHARE = 0.1
LAST_WARMING = 0.8
# Until then the worse of the workers takes over the better's plan this often in a search.
SHARINGS = 12
CHUNK_SECONDS = 0.1
CHUNKS_OF_ITERATIONS = 240
# One run never holds more stops than this.
MOST_STOPS_OF_A_RUN = 120
# Price of leaving out a stop that must be served, in the longest drives of the problem.
ABSENT_IN_DRIVES = 6.0
NEAREST = 250

_ENDLESS = 1e18


def plan(
    problem: PlanningProblem,
    seconds: float = 60.0,
    seed: int = 0,
    iterations: int | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    start: Plan | None = None,
    workers: int = 2,
) -> Plan:
    """The best plan found in the time.

    Parameters
    ----------
    seconds
        Time of the search; it may be stopped at any moment and answers the best so far.
    seed, iterations
        The same problem, seed, number of ``iterations`` (instead of ``seconds``) and workers give
        the same plan.
    on_progress, should_stop
        Called a few times a second from the calling thread.
    start
        A plan to begin from; visits in it that the problem does not allow are placed anew.
    workers
        Searches side by side, one a core.

    Returns
    -------
    Plan
        Every promise held; what could not be placed is named in ``unplaced``.
    """
    begun = time.monotonic()
    given = _given(problem)
    team = [_Worker.of(problem, given, seed + number, start) for number in range(workers)]
    steps = 0
    if problem.stops and len(given.run_day):
        steps = _search(given, team, seconds, iterations, begun, on_progress, should_stop)
    best = min((worker.best for worker in team), key=_badness)
    return _plan_of(problem, given, best, seed, steps, time.monotonic() - begun)


def compile_search() -> None:
    """Compile the search where that was not done on this machine before (half a minute), so that
    the first plan need not wait for it."""
    stop = PlanningStop("", 1.0, (DayChoice((0,)),))
    van = PlanningVan("", frozenset({0}))
    nowhere = Distances(np.zeros((2, 2)), np.zeros((2, 2)))
    problem = PlanningProblem((date.min,), (stop,), (van,), nowhere)
    found = plan(problem, iterations=1, workers=1)
    plan(problem, iterations=1, workers=1, start=found)


@dataclass
class _Worker:
    """One search: where it is, and the best it saw; ``warm_since`` is the share of the whole search
    at which it began to cool down, ``lowest`` the best price since, ``lowest_at`` when."""

    state: State
    best: State
    warm_since: float = 0.0
    lowest: tuple[float, float] = (np.inf, np.inf)
    lowest_at: float = 0.0

    def temperature(self, share: float) -> float:
        """In mean drives, at that share of the whole search."""
        cooled = (share - self.warm_since) / (1.0 - self.warm_since)
        return float(WARMEST * (COLDEST / WARMEST) ** cooled)

    def warm_if_frozen(self, share: float) -> None:
        """Cool down anew, where nothing has got better for long."""
        price = _badness(self.state)
        if price < self.lowest:
            self.lowest, self.lowest_at = price, share
        elif share - self.lowest_at > FROZEN_SHARE and share < LAST_WARMING:
            self.warm_since = self.lowest_at = share
            self.lowest = (np.inf, np.inf)

    @classmethod
    def of(cls, problem: PlanningProblem, given: Given, seed: int, start: Plan | None) -> _Worker:
        state, best = _empty_state(problem, given, seed), _empty_state(problem, given, seed)
        if start is not None:
            _place_as_planned(problem, given, state, start)
        place_absent(given, state)
        adopt(given, best, state)
        return cls(state, best)


def _search(
    given: Given,
    team: Sequence[_Worker],
    seconds: float,
    iterations: int | None,
    begun: float,
    on_progress: Callable[[Progress], None] | None,
    should_stop: Callable[[], bool] | None,
) -> int:
    """Anneal until the time or the iterations are over; answers the steps taken."""
    drive = _mean_drive(team[0].state)
    shares = (AVERAGE_OUT, DAY_SHARE, ANY_DAY_SHARE)
    # Compiles where that was not done before, so that it costs none of the time.
    search_steps(given, team[0].state, team[0].best, 0, drive, *shares)
    started = time.monotonic()
    steps, chunk, shared = 0, 1_000, 0
    if iterations is not None:
        chunk = max(1, iterations // (CHUNKS_OF_ITERATIONS * len(team)))
    with ThreadPoolExecutor(len(team)) as pool:
        while True:
            elapsed = time.monotonic() - started
            share = elapsed / max(seconds, 1e-9)
            if iterations is not None:
                share = steps / max(iterations, 1)
            if share >= 1.0 or (should_stop is not None and should_stop()):
                return steps
            before = time.monotonic()
            work = [
                pool.submit(
                    search_steps,
                    given,
                    one.state,
                    one.best,
                    chunk,
                    drive * one.temperature(share),
                    *shares,
                )
                for one in team
            ]
            for steps_taken in work:
                steps_taken.result()
            steps += chunk * len(team)
            if iterations is None:
                took = max(time.monotonic() - before, 1e-4)
                # The first call may wait for the compiler.
                chunk = max(1, int(chunk * min(4.0, CHUNK_SECONDS / took)))
            if int(share * SHARINGS) > shared:
                shared = int(share * SHARINGS)
                if all(one.warm_since == 0.0 for one in team):
                    _share(given, team)
            for one in team:
                one.warm_if_frozen(share)
            _aim_at_even_shifts(given, team)
            if on_progress is not None:
                on_progress(_progress(team, begun, min(share, 1.0), steps))


def _share(given: Given, team: Sequence[_Worker]) -> None:
    """The worst worker goes on from the best one's plan."""
    best = min(team, key=lambda worker: _badness(worker.best))
    worst = max(team, key=lambda worker: _badness(worker.best))
    if best is not worst:
        adopt(given, worst.state, best.best)


def _aim_at_even_shifts(given: Given, team: Sequence[_Worker]) -> None:
    """What the runs of each van should last: the mean of those that drive."""
    if given.balance_per_minute <= 0:
        return
    for worker in team:
        for one in (worker.state, worker.best):
            one.sums[0] -= _unevenness(given, one)
            for depot in np.unique(given.run_depot):
                runs = (given.run_depot == depot) & (one.length > 0)
                if runs.any():
                    one.run_target[given.run_depot == depot] = one.work[runs].mean()
            one.sums[0] += _unevenness(given, one)
        forget_prices(worker.state)


def _unevenness(given: Given, state: State) -> float:
    driving = state.length > 0
    apart = np.abs(state.work[driving] - state.run_target[driving]).sum()
    return float(given.balance_per_minute * apart)


def _badness(state: State) -> tuple[float, float]:
    return round(float(state.sums[1]), 6), float(state.sums[0])


def _progress(team: Sequence[_Worker], begun: float, share: float, steps: int) -> Progress:
    best = min((worker.best for worker in team), key=_badness)
    return Progress(
        seconds=time.monotonic() - begun,
        share=share,
        iterations=steps,
        metres=_metres(best),
        price_m=float(best.sums[0]),
        unplaced=int((best.choice < 0).sum()),
    )


def _metres(state: State) -> float:
    driven = np.arange(state.edge.shape[1])[None, :] <= state.length[:, None]
    driven &= (state.length > 0)[:, None]
    return float(state.edge[driven].sum())


def _mean_drive(state: State) -> float:
    drives = int(state.length.sum() + (state.length > 0).sum())
    return max(_metres(state) / max(drives, 1), 1e-6)


def allowed_choices(problem: PlanningProblem, stop: PlanningStop) -> tuple[DayChoice, ...]:
    """The choices that keep the stop's locked days, on which it is open and a van may come.

    Visits that leave the present timetable are priced in.
    """
    workdays = {
        day
        for van in problem.vans
        if stop.vans is None or van.key in stop.vans
        for day in van.workdays
    }
    locked = {visit.day for visit in stop.locked}
    present = set(problem.present.get(stop.key, ()))
    moved_m = problem.weights.moved_visit_m if present else 0.0
    return tuple(
        replace(choice, price_m=choice.price_m + moved_m * len(set(choice.days) - present))
        for choice in stop.choices
        if locked <= set(choice.days)
        and all(day in workdays and stop.windows_of(day) != () for day in choice.days)
    )


def _given(problem: PlanningProblem) -> Given:
    """The problem in arrays."""
    stops, days = problem.stops, len(problem.days)
    metres = np.ascontiguousarray(problem.distances.metres, dtype=np.float64)
    minutes = np.ascontiguousarray(problem.distances.minutes, dtype=np.float64)
    runs = [
        (number, day)
        for day in range(days)
        for number, van in enumerate(problem.vans)
        if day in van.workdays
    ]
    vans = [problem.vans[number] for number, _day in runs]
    lunch = [
        (van.lunch.earliest, van.lunch.latest, van.lunch.minutes) if van.lunch else (0, 0, 0)
        for van in vans
    ]
    choices = [allowed_choices(problem, stop) for stop in stops]
    windows = [[open_windows(stop, day) for day in range(days)] for stop in stops]
    flat_windows = [w for of_stop in windows for of_day in of_stop for w in of_day]
    may = _may(problem, runs)
    number_of = {stop.key: number for number, stop in enumerate(stops)}
    partners = [_partners(problem, number_of, stop.key) for stop in stops]
    span = np.where(np.isfinite(metres), metres, 0).max() if metres.size else 1.0
    must = np.array([stop.skip_price_m is None for stop in stops], dtype=bool)
    # What is left out counts alike in the price and in what is kept as best: were they different
    # the search would go where the price is low and never come back.
    hard = np.where(must, [float(stop.weight_left_out) for stop in stops], 0.0)
    price = np.array([stop.skip_price_m or 0.0 for stop in stops], dtype=np.float64)
    prices_of_choices = max((c.price_m for of in choices for c in of), default=0.0)
    price[must] = hard[must] * (max(span, 1.0) * ABSENT_IN_DRIVES + prices_of_choices)
    timed = bool(flat_windows) or any(minutes > 0 for _e, _l, minutes in lunch)
    return Given(
        metres=metres,
        metres_into=np.ascontiguousarray(metres.T),
        minutes=minutes,
        service=np.array([stop.service_minutes for stop in stops], dtype=np.float64),
        load=np.array([stop.load for stop in stops], dtype=np.float64),
        run_day=_ints(day for _number, day in runs),
        run_depot=_ints(len(stops) + number for number, _day in runs),
        run_leaves=np.array([van.leaves_earliest for van in vans], dtype=np.float64),
        run_returns=np.array([van.returns_latest for van in vans], dtype=np.float64),
        run_shift=np.array(
            [
                _ENDLESS if van.shift_limit_minutes is None else van.shift_limit_minutes
                for van in vans
            ],
            dtype=np.float64,
        ),
        run_capacity=np.array(
            [_ENDLESS if van.capacity is None else van.capacity for van in vans], dtype=np.float64
        ),
        run_lunch=np.array(lunch, dtype=np.float64).reshape(len(runs), 3),
        run_twin=_twins(problem, runs, may),
        day_first=_firsts(sum(1 for _n, d in runs if d == day) for day in range(days)),
        day_runs=_ints(range(len(runs))),
        may=may,
        choice_first=_firsts(len(of) for of in choices),
        choice_price=np.array([c.price_m for of in choices for c in of], dtype=np.float64),
        choice_day_first=_firsts(len(c.days) for of in choices for c in of),
        choice_days=_ints(day for of in choices for c in of for day in c.days),
        window_first=_firsts(len(of_day) for of_stop in windows for of_day in of_stop),
        window_opens=np.array([w.opens for w in flat_windows], dtype=np.float64),
        window_closes=np.array([w.closes for w in flat_windows], dtype=np.float64),
        near=_near(metres, len(stops)),
        absent_price=price,
        absent_hard=hard,
        partner_first=_firsts(len(of) for of in partners),
        partner=_ints(other for of in partners for other, _shares in of),
        partner_shares=np.array(
            [shares for of in partners for _other, shares in of], dtype=np.uint8
        ),
        balance_per_minute=problem.weights.balance_m_per_hour / 60,
        timed=timed,
    )


def _may(
    problem: PlanningProblem, runs: Sequence[tuple[int, int]]
) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """[stop, run]: whether that van may serve the stop on that day."""
    may = np.ones((len(problem.stops), len(runs)), dtype=np.uint8)
    for row, stop in enumerate(problem.stops):
        if stop.vans is None and not stop.locked:
            continue
        for run, (number, day) in enumerate(runs):
            may[row, run] = may_serve(stop, problem.vans[number].key, day)
    return may


def _twins(
    problem: PlanningProblem,
    runs: Sequence[tuple[int, int]],
    may: np.ndarray[tuple[int, int], np.dtype[np.uint8]],
) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    """For each run one before it on the same day that differs in nothing, or -1."""
    depots = problem.distances
    twins = np.full(len(runs), NO_ROUTE, dtype=np.int32)
    for run in range(1, len(runs)):
        number, day = runs[run]
        before, day_before = runs[run - 1]
        if day != day_before:
            continue
        van, other = problem.vans[number], problem.vans[before]
        rows = len(problem.stops) + number, len(problem.stops) + before
        alike = (
            replace(van, key="", workdays=frozenset())
            == replace(other, key="", workdays=frozenset())
            and np.array_equal(depots.metres[rows[0]], depots.metres[rows[1]])
            and np.array_equal(depots.minutes[rows[0]], depots.minutes[rows[1]])
            and np.array_equal(may[:, run], may[:, run - 1])
        )
        twins[run] = run - 1 if alike else NO_ROUTE
    return twins


def _partners(
    problem: PlanningProblem, number_of: dict[str, int], key: str
) -> list[tuple[int, int]]:
    """Other stops that share this one's days (1) or never one of them (0)."""
    found: dict[tuple[int, int], None] = {}
    for groups, shares in ((problem.together, 1), (problem.apart, 0)):
        for group in groups:
            if key in group:
                found |= {(number_of[other], shares): None for other in sorted(group - {key})}
    return list(found)


def _near(
    metres: np.ndarray[tuple[int, int], np.dtype[np.float64]], stops: int
) -> np.ndarray[tuple[int, int], np.dtype[np.int32]]:
    """For each stop the others from near to far."""
    between = metres[:stops, :stops]
    both_ways = between + between.T
    np.fill_diagonal(both_ways, -1.0)
    order = np.argsort(both_ways, axis=1, kind="stable")[:, 1 : NEAREST + 1]
    return np.ascontiguousarray(order.astype(np.int32))


def _ints(numbers: Iterable[int]) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    return np.array(list(numbers), dtype=np.int32)


def _firsts(counts: Iterable[int]) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    """Where each one's items begin in a flat array, and where the last ones end."""
    return np.concatenate(([0], np.cumsum(list(counts)))).astype(np.int32)


def _empty_state(problem: PlanningProblem, given: Given, seed: int) -> State:
    """Nothing is placed; the absent stand in an order of the seed's."""
    stops, days, runs = len(problem.stops), len(problem.days), len(given.run_day)
    room = max(1, min(stops, MOST_STOPS_OF_A_RUN))
    rng = np.random.default_rng(seed)
    absent = rng.permutation(stops).astype(np.int32)
    absent_at = np.empty(stops, dtype=np.int32)
    absent_at[absent] = np.arange(stops, dtype=np.int32)
    return State(
        order=np.zeros((runs, room), np.int32),
        edge=np.zeros((runs, room + 1)),
        length=np.zeros(runs, np.int32),
        work=np.zeros(runs),
        filled=np.zeros(runs),
        choice=np.full(stops, -1, np.int32),
        where=np.full((stops, days), NO_ROUTE, np.int32),
        old_order=np.zeros((runs, room), np.int32),
        old_edge=np.zeros((runs, room + 1)),
        old_length=np.zeros(runs, np.int32),
        old_work=np.zeros(runs),
        old_filled=np.zeros(runs),
        touched_at=np.zeros(runs, np.int64),
        touched=np.zeros(runs, np.int32),
        ruined_at=np.zeros(runs, np.int64),
        out=np.zeros(stops + MOST_STOPS_OF_A_RUN, np.int32),
        out_choice=np.zeros(stops + MOST_STOPS_OF_A_RUN, np.int32),
        out_key=np.zeros(stops + MOST_STOPS_OF_A_RUN),
        is_out=np.zeros(stops, np.uint8),
        absent=absent,
        absent_at=absent_at,
        day_price=np.zeros(days),
        day_run=np.zeros(days, np.int32),
        day_place=np.zeros(days, np.int32),
        day_known=np.zeros(days, np.int64),
        run_target=np.zeros(runs),
        version=np.zeros(runs, np.int64),
        old_version=np.zeros(runs, np.int64),
        known_version=np.full((stops, runs), -1, np.int64),
        known_price=np.zeros((stops, runs)),
        known_place=np.zeros((stops, runs), np.int32),
        arrivals=np.zeros(room + 1),
        lunch_taken=np.zeros(2),
        random=np.array([rng.integers(1, 2**63)], np.uint64),
        sums=np.array([given.absent_price.sum(), given.absent_hard.sum()]),
        ticks=np.array([0, 0, 0, stops, 0, 0], np.int64),
    )


def _place_as_planned(problem: PlanningProblem, given: Given, state: State, start: Plan) -> None:
    """Put the visits of a plan back, as far as the problem allows them."""
    number_of = {stop.key: number for number, stop in enumerate(problem.stops)}
    run_of = {
        (problem.vans[depot - len(problem.stops)].key, int(day)): run
        for run, (depot, day) in enumerate(zip(given.run_depot, given.run_day, strict=True))
    }
    visits = [
        (run_of.get((run.van, run.day), NO_ROUTE), number_of[visit.stop])
        for run in start.runs
        for visit in run.visits
        if visit.stop in number_of
    ]
    choices = np.full(len(problem.stops), -1, np.int32)
    for number, stop in enumerate(problem.stops):
        choices[number] = _choice_on(given, number, start.days_of(stop.key))
    for run, number in visits:
        if run == NO_ROUTE or not given.may[number, run]:
            choices[number] = -1
    kept = [(run, number) for run, number in visits if choices[number] >= 0]
    runs, numbers = _ints(run for run, _n in kept), _ints(number for _run, number in kept)
    place_as_planned(given, state, runs, numbers, choices)


def _choice_on(given: Given, stop: int, days: tuple[int, ...]) -> int:
    """The stop's choice with exactly these days, or -1."""
    for choice in range(given.choice_first[stop], given.choice_first[stop + 1]):
        first, last = given.choice_day_first[choice], given.choice_day_first[choice + 1]
        if tuple(sorted(given.choice_days[first:last])) == days:
            return choice
    return -1


def _plan_of(
    problem: PlanningProblem, given: Given, best: State, seed: int, steps: int, seconds: float
) -> Plan:
    timer = RunTimer(problem)
    runs = []
    for run in np.flatnonzero(best.length):
        order = [int(stop) for stop in best.order[run, : best.length[run]]]
        van = int(given.run_depot[run]) - len(problem.stops)
        timed = timer.timed(int(given.run_day[run]), van, order)
        assert timed is not None, "the search keeps runs that hold their windows"
        runs.append(timed)
    unplaced = [problem.stops[stop].key for stop in np.flatnonzero(best.choice < 0)]
    return plan_of_runs(problem, runs, unplaced, seed, steps, seconds)
