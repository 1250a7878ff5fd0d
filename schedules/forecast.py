"""Where a running figure will stand at the end of its period, with an honest range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from scipy.special import stdtrit

# Fewer months tell nothing of how much months differ.
FEWEST_PARTS = 3
# Of what is forecast so often, this share ends within the range.
SHARE_WITHIN = 0.8


@dataclass(frozen=True)
class Forecast:
    """What a figure will probably be, and between what it lies in four of five cases."""

    expected: float
    low: float
    high: float


def forecast_at_end(done: float, past: Sequence[float], to_come: float) -> Forecast | None:
    """The figure at the end of its period, from what months have brought so far.

    ``done`` is the figure now, ``past`` what each of the last whole months brought, ``to_come`` how
    many months are left (a part of one, too). Months are taken as alike and independent: their sum
    to come lies around ``to_come`` times their mean by Student's t with ``len(past) - 1`` degrees
    of freedom and the standard error ``s * sqrt(m + m * m / n)`` of a sum of m new observations
    after n. A figure that only grows never ends below what it is. None where fewer than
    FEWEST_PARTS months are known.
    """
    n = len(past)
    if n < FEWEST_PARTS:
        return None
    mean = sum(past) / n
    spread = sqrt(sum((value - mean) ** 2 for value in past) / (n - 1))
    error = spread * sqrt(to_come + to_come * to_come / n)
    reach = float(stdtrit(n - 1, (1 + SHARE_WITHIN) / 2)) * error
    expected = done + mean * to_come
    return Forecast(expected, max(done, expected - reach), expected + reach)
