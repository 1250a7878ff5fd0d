"""In words: why a stop stands on its days in a plan, what keeps one out, what wishes cost.

What there is to say was found out by the search's process, see ``explanations``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from schedules.travel import unreachable_among

from ..fleet.queries import works_on
from ..i18n import format_day, format_duration, format_km, format_number
from ..timetable.models import Stop
from ..timetable.promises import day_off_in_words
from ..timetable.retiming import depot_position, opening_on
from ..travel_sources import unreachable_in_words
from .ground import Ground, service_minutes

# As many days of a set are named; the rest are counted.
DAYS_NAMED = 4
WISHES = {
    "windows": _l("Its time windows"),
    "days": _l("Its days and how often it is visited"),
    "vans": _l("Its own van"),
    "locked": _l("Locked visits"),
    "together": _l("Sharing its days with others"),
    "apart": _l("Sharing no day with others"),
}


@dataclass(frozen=True)
class Wish:
    """What a wish of a stop costs in driving."""

    stop_id: int
    name: str
    distance_m: int
    drive_minutes: int


def wishes_in_words(explanation: Mapping[str, Any]) -> list[Wish]:
    """What wishes cost, the dearest first; empty until that is found out."""
    return [
        Wish(int(one["stop"]), str(WISHES[one["kind"]]), one["metres"], one["minutes"])
        for one in explanation.get("wishes", [])
    ]


def why_in_words(explanation: Mapping[str, Any], stop_id: int, days: Sequence[date]) -> list[str]:
    """Why the stop has these days; nothing where it was moved since."""
    why = explanation.get("why", {}).get(str(stop_id))
    if why is None or [day.isoformat() for day in days] != why["days"]:
        return []
    told = [
        _(
            "Its visits add %(km)s and %(time)s of driving to these days in all.",
            km=format_km(why["metres"]),
            time=format_duration(why["minutes"]),
        )
    ]
    for other in why["next_best"]:
        days_named = days_in_words(other["days"])
        if other["metres"] >= 0:
            told.append(
                _("On %(days)s: %(km)s more.", days=days_named, km=format_km(other["metres"]))
            )
        else:
            # It is no better all the same: less even, or further from the present timetable.
            told.append(
                _(
                    "On %(days)s: %(km)s less, but less even or further from the present days.",
                    days=days_named,
                    km=format_km(-other["metres"]),
                )
            )
    if why["not_fitting"]:
        told.append(
            ngettext(
                "%(num)s other set of days has no room beside the other visits.",
                "%(num)s other sets of days have no room beside the other visits.",
                why["not_fitting"],
            )
        )
    return told


def days_in_words(days: Sequence[str]) -> str:
    """05/10, 19/10, 02/11, 16/11 and 3 more."""
    named = ", ".join(date.fromisoformat(day).strftime("%d/%m") for day in days[:DAYS_NAMED])
    more = len(days) - DAYS_NAMED
    return _("%(days)s and %(more)s more", days=named, more=more) if more > 0 else named


def obstacle_on(ground: Ground, stop: Stop, day: date) -> str | None:
    """Why the stop cannot be served on a day at all; None where it can."""
    if ground.may_be_served(stop, day):
        return None
    calendar = ground.calendar_of(stop)
    off = calendar.day_off(day) if calendar is not None else None
    if off is not None:
        return day_off_in_words(off)
    if stop.plan_weekdays and day.weekday() not in stop.plan_weekdays:
        return _("Not one of the stop's weekdays.")
    if not stop.plan_any_van and not works_on(stop.van, day):
        return _("The van does not work on this day.")
    if opening_on(stop.place.opening_windows, day) == ():
        return _("The place is closed on this weekday.")
    windows = ground.windows(stop, day)
    if windows and all(w.closes - w.opens < service_minutes(stop) for w in windows):
        return _("No time window is as long as the visit.")
    return _("Outside the stop's first and last day, or one of its exceptions.")


def what_keeps_out(
    ground: Ground, explanation: Mapping[str, Any], stop_id: int, first: date, last: date
) -> str:
    """What keeps a stop out of the plan, and the smallest change that would let it in."""
    stop = ground.stops.get(stop_id)
    if stop is None:
        return _("It is not in service any more.")
    no_road = _no_road(ground, stop)
    if no_road:
        return no_road
    every = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    if not any(ground.may_be_served(stop, day) for day in every):
        return _no_day_at_all(ground, stop, every)
    left_out = explanation.get("left_out", {}).get(str(stop_id))
    if left_out is None:
        return _("Its days are full.")
    change = left_out["change"]
    if change is None:
        return _("Its days are full, and no single change makes room. Plan fewer visits there.")
    return _change_in_words(change, ground)


def _change_in_words(change: Mapping[str, Any], ground: Ground) -> str:
    """The smallest change that lets a stop in, as advice."""
    sentence = _CHANGES[change["kind"]]
    van = ground.vans.get(change["van"] or 0)
    figures = {
        "minutes": format_duration(change["minutes"]),
        "books": format_number(change["load"]),
        "van": van.display_name if van else "",
        "day": format_day(date.fromisoformat(change["day"])) if change["day"] else "",
        "price": format_km(change["skip_price_m"]),
        "fewer": change["fewer"],
        "days": days_in_words(change["days"]),
        "km": format_km(change["metres"]),
    }
    return str(sentence) % figures


_CHANGES = {
    "nothing": _l("There is room on %(days)s (%(km)s of driving): plan again, and longer."),
    "open_earlier": _l(
        "It fits if the place opens %(minutes)s earlier: %(days)s (%(km)s of driving)."
    ),
    "close_later": _l(
        "It fits if the place closes %(minutes)s later: %(days)s (%(km)s of driving)."
    ),
    "longer_shift": _l(
        "It fits if the van's day may last %(minutes)s longer: %(days)s (%(km)s of driving)."
    ),
    "another_van": _l("It fits if any van may come: %(days)s (%(km)s of driving)."),
    "more_room": _l("It fits if the van holds %(books)s books more: %(days)s (%(km)s of driving)."),
    "other_days": _l("It fits if other days are allowed: %(days)s (%(km)s of driving)."),
    "unlock": _l("It fits if its locked visits are let go: %(days)s (%(km)s of driving)."),
    "leave_group": _l(
        "It fits if it need not share, or may share, days with others: %(days)s (%(km)s of"
        " driving)."
    ),
    "fewer_visits": _l("It fits with %(fewer)s visits fewer: %(days)s (%(km)s of driving)."),
    "more_van_day": _l(
        "It fits if %(van)s drives once more on %(day)s: %(days)s (%(km)s of driving)."
    ),
    "higher_skip_price": _l(
        "Leaving it out costs less than driving there: %(price)s or more would bring it in."
    ),
}


def _no_road(ground: Ground, stop: Stop) -> str:
    """Why no road leads to the stop from where the vans start; empty if one does."""
    position = ground.whereabouts(stop)
    if position is None:
        return ""
    depots = [depot for van in ground.vans.values() if (depot := depot_position(van)) is not None]
    found = unreachable_among(ground.travel, [*dict.fromkeys(depots), position])
    return next((unreachable_in_words(one) for one in found if one.position == position), "")


def _no_day_at_all(ground: Ground, stop: Stop, days: Sequence[date]) -> str:
    """The obstacle that stands in the way of most days."""
    reasons = [reason for day in days if (reason := obstacle_on(ground, stop, day)) is not None]
    if not reasons:
        return _("Its days are full.")
    most = max(dict.fromkeys(reasons), key=reasons.count)
    return _("No day suits it. On most days: %(reason)s", reason=most)
