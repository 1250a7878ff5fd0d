"""The catalogue of measures: name, unit and definition, each in one place.

Counted as ISO 2789:2013 (TCVN 12843:2019) does: a visitor counts each time they come, a renewal is
a loan shown apart, use on the spot is apart from loans, trips and stops and places are separate.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from ..timetable.models import Audience


@dataclass(frozen=True)
class Measure:
    """A figure with its definition; ``headline`` ones lead the page."""

    key: str
    name: LazyString
    unit: LazyString
    definition: LazyString
    headline: bool = False


# A van that comes this much later than promised still counts as on time.
ON_TIME_MINUTES = 10

_VISITS, _RUNS, _PEOPLE, _ITEMS = _l("visits"), _l("runs"), _l("people"), _l("items")


def attendance_key(audience: Audience) -> str:
    """Key of the measure that counts the people of one audience group."""
    return f"attendance_{audience.value}"


def _attendance_of(audience: Audience) -> Measure:
    return Measure(
        attendance_key(audience),
        _l("Attendance: %(group)s", group=audience.label),
        _PEOPLE,
        _l("The part of the attendance that was counted in this group."),
    )


MEASURES = (
    Measure(
        "planned",
        _l("Visits planned"),
        _VISITS,
        _l("Visits that stood in the timetable of the period, cancelled ones included."),
        headline=True,
    ),
    Measure(
        "served",
        _l("Visits served"),
        _VISITS,
        _l("Visits at which the crew logged that the van arrived or left."),
        headline=True,
    ),
    Measure(
        "cancelled",
        _l("Visits cancelled"),
        _VISITS,
        _l("Visits cancelled with a reason and not served all the same."),
        headline=True,
    ),
    Measure(
        "missed",
        _l("Visits missed"),
        _VISITS,
        _l("Past visits that were neither cancelled nor logged."),
    ),
    Measure(
        "runs",
        _l("Runs"),
        _RUNS,
        _l(
            "Runs on which at least one visit was served; two runs of a van on one day are two. A"
            " run that served two places counts once in all and once for each place."
        ),
    ),
    Measure(
        "places",
        _l("Places served"),
        _l("places"),
        _l("Different places with at least one served visit; a place served often counts once."),
    ),
    Measure(
        "attendance",
        _l("Attendance"),
        _PEOPLE,
        _l(
            "People who came to the van or were served beside it, teachers included. Somebody who"
            " comes twice counts twice (ISO 2789: visits)."
        ),
        headline=True,
    ),
    *(_attendance_of(audience) for audience in Audience),
    Measure(
        "loans",
        _l("Loans"),
        _ITEMS,
        _l("Items lent for use elsewhere; renewals are shown apart (ISO 2789: loans)."),
        headline=True,
    ),
    Measure("renewals", _l("Renewals"), _ITEMS, _l("Loans prolonged at a visit.")),
    Measure("returns", _l("Returns"), _ITEMS, _l("Items taken back at a visit.")),
    Measure(
        "on_site",
        _l("Read on the spot"),
        _ITEMS,
        _l("Items used at the van and put back, apart from loans (ISO 2789: in-house use)."),
        headline=True,
    ),
    Measure(
        "items_served",
        _l("Items served"),
        _ITEMS,
        _l("Loans and items read on the spot together."),
    ),
    Measure(
        "activities",
        _l("Activities"),
        _l("activities"),
        _l("Films, storytelling, talks, contests and others held, each logged activity once."),
        headline=True,
    ),
    Measure(
        "activity_people",
        _l("People at activities"),
        _PEOPLE,
        _l(
            "The counts of reading, computers, film, storytelling, talks, contests and others added"
            " up; somebody who takes part in two counts twice."
        ),
    ),
    Measure(
        "internet",
        _l("Free internet sessions"),
        _l("sessions"),
        _l("Sessions of free internet use at the van."),
    ),
    Measure(
        "ebook_accounts",
        _l("E-book accounts"),
        _l("accounts"),
        _l("Accounts for e-books opened at the van."),
        headline=True,
    ),
    Measure("cards", _l("New cards"), _l("cards"), _l("Cards of all kinds made at a visit."), True),
    Measure("van_cards", _l("New cards: van"), _l("cards"), _l("Van cards made at a visit.")),
    Measure(
        "child_cards",
        _l("New cards: children"),
        _l("cards"),
        _l("Children's cards made at a visit."),
    ),
    Measure(
        "books_given",
        _l("Books given"),
        _l("books"),
        _l("Books given away at visits, such as to a class's shelf."),
    ),
    Measure(
        "trained",
        _l("Librarians trained"),
        _PEOPLE,
        _l("Librarians of communes trained at visits."),
    ),
    Measure(
        "service_minutes",
        _l("Open minutes"),
        _l("minutes"),
        _l("Minutes from arrival to departure as logged; driving time is not opening time."),
    ),
    Measure(
        "timed",
        _l("Arrivals logged"),
        _VISITS,
        _l("Served visits at which the crew logged the arrival, so that it can be compared."),
    ),
    Measure(
        "on_time",
        _l("Arrivals on time"),
        _VISITS,
        _l(
            "Of the arrivals logged, those at most %(minutes)s minutes after the time in the"
            " timetable; coming early is on time.",
            minutes=ON_TIME_MINUTES,
        ),
    ),
    Measure(
        "late_minutes",
        _l("Minutes late"),
        _l("minutes"),
        _l("Minutes from the timetable's arrival to the logged one, of the arrivals logged."),
    ),
    Measure(
        "drive_minutes",
        _l("Driving minutes"),
        _l("minutes"),
        _l(
            "Planned driving minutes of runs on which at least one visit was served, the way back"
            " included, shared equally among their served visits."
        ),
    ),
    Measure(
        "km_driven",
        _l("Kilometres driven"),
        _l("km"),
        _l(
            "By the odometer, from leaving to coming back, of runs on which at least one visit was"
            " served; where a reading is missing or cannot be right, the planned kilometres of the"
            " run. The served visits of a run share its kilometres equally, so that parts add up."
        ),
        headline=True,
    ),
    Measure(
        "km",
        _l("Kilometres planned"),
        _l("km"),
        _l(
            "Planned kilometres of the same runs, the way back included (an estimate), shared among"
            " their served visits in the same way."
        ),
    ),
    Measure(
        "odometer_runs",
        _l("Runs with odometer"),
        _RUNS,
        _l("Of the runs, those whose driven kilometres come from two odometer readings."),
    ),
)
BY_KEY = {measure.key: measure for measure in MEASURES}
HEADLINES = tuple(measure for measure in MEASURES if measure.headline)
# Counted from sets: their parts do not add up, and a single visit has none.
DISTINCT = frozenset({"places", "runs", "odometer_runs"})
