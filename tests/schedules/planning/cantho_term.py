"""A term like Cần Thơ's: one van, schools and communes in town and far out, weekly to monthly."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from schedules.planning.day_choices import (
    AllowedDays,
    EveryWeeks,
    Frequency,
    TimesInAll,
    day_choices,
)
from schedules.planning.distances import distances_between
from schedules.planning.problem import PlanningProblem, PlanningStop, PlanningVan, Weights
from schedules.timing import Lunch, Window
from schedules.travel import GeodesicTravel, Position

FIRST = date(2026, 9, 7)
WEEKS = 18
DEPOT = Position(10.034, 105.788)
# Two for the founding of the city, one for the new year.
HOLIDAYS = frozenset({date(2026, 11, 19), date(2026, 11, 20), date(2027, 1, 1)})
EXAMS = frozenset(date(2026, 12, 21) + timedelta(days=n) for n in range(5))
SCHOOL_HOURS = (Window(450, 645), Window(810, 990))


def cantho_term(stops: int = 80, seed: int = 1) -> PlanningProblem:
    """Every promise the service knows: school hours, exams, holidays, lunch, shift, groups."""
    rng = np.random.default_rng(seed)
    first, days = FIRST, tuple(_workdays())
    positions = [
        Position(
            DEPOT.lat + float(rng.normal(0, spread)), DEPOT.lon + float(rng.normal(-0.05, spread))
        )
        for spread in rng.choice([0.02, 0.06, 0.1], stops, p=[0.4, 0.4, 0.2])
    ]
    every = tuple(_stop(number, stops, days, rng) for number in range(stops))
    van = PlanningVan(
        "xe",
        frozenset(range(len(days))),
        leaves_earliest=390,
        returns_latest=1080,
        shift_limit_minutes=600,
        lunch=Lunch(645, 780, 60),
        capacity=3_000,
    )
    assert first == days[0]
    return PlanningProblem(
        days=days,
        stops=every,
        vans=(van,),
        distances=distances_between(positions, [DEPOT], GeodesicTravel(), 5),
        together=(frozenset({every[-1].key, every[-2].key}),),
        apart=(frozenset({every[-3].key, every[-4].key}),),
        weights=Weights(balance_m_per_hour=500),
    )


def _workdays() -> list[date]:
    every = (FIRST + timedelta(days=number) for number in range(7 * WEEKS))
    return [day for day in every if day.weekday() < 5 and day not in HOLIDAYS]


def _frequency(number: int, stops: int) -> Frequency:
    if number < stops // 40:
        return EveryWeeks(1)
    if number < stops // 8:
        return EveryWeeks(2)
    return EveryWeeks(4) if number % 2 else TimesInAll(4)


def _stop(
    number: int, stops: int, days: tuple[date, ...], rng: np.random.Generator
) -> PlanningStop:
    is_school = number % 3 != 0
    allowed = AllowedDays(only=frozenset(days), off=EXAMS if is_school else frozenset())
    if number % 10 == 7:
        allowed = AllowedDays(frozenset({1, 3}), frozenset(days), allowed.off)
    return PlanningStop(
        key=f"{'school' if is_school else 'commune'} {number}",
        service_minutes=45 if is_school else 60,
        choices=day_choices(days, _frequency(number, stops), allowed, spread=number).choices,
        windows=SCHOOL_HOURS if is_school else (Window(435, 1020),),
        load=float(rng.integers(50, 300)),
        priority=int(number < 5),
    )
