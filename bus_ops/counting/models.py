"""Tables of counted figures: one row a visit, and sums of them; kept by ``counting.upkeep``.

They hold nothing of their own: every number follows from the timetable and the event log's
projections. Whoever writes those, in whatever way, leaves the run's key in ``stale_run`` by a
trigger; before the commit these runs are counted anew.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    event,
    inspect,
    text,
)

from ..database import Base
from ..timetable.models import ActivityKind
from .definitions import DISTINCT, MEASURES

# Kilometres are kept in tenths: sums of whole numbers are exact on every database.
IN_TENTHS = frozenset({"km", "km_driven"})
# Measures that are the count of one kind of activity.
OF_ONE_ACTIVITY = {
    "internet": ActivityKind.INTERNET,
    "ebook_accounts": ActivityKind.EBOOK_ACCOUNTS,
    "books_given": ActivityKind.BOOK_GIFT,
    "trained": ActivityKind.TRAINING,
}


def times_column(kind: ActivityKind) -> str:
    """Column of how often a kind of activity was logged."""
    return f"times_{kind.value}"


def count_column(kind: ActivityKind) -> str:
    """Column of a kind of activity's counts added up."""
    return f"count_{kind.value}"


# Measures with a column of their own.
COUNTED = tuple(
    measure.key
    for measure in MEASURES
    if measure.key not in DISTINCT and measure.key not in OF_ONE_ACTIVITY
)
# The first served visit of a run counts it: these add up where no places and audiences matter.
OF_FIRST_VISIT = ("runs", "odometer_runs")
# Of each served visit: whether its run's kilometres come from the odometer.
BY_ODOMETER = "by_odometer"
OF_ACTIVITIES = tuple(
    column for kind in ActivityKind for column in (times_column(kind), count_column(kind))
)
NUMBERS = (*COUNTED, *OF_FIRST_VISIT, BY_ODOMETER, *OF_ACTIVITIES)
# Column of each measure that adds up over visits.
COLUMN_OF = {
    **{key: key for key in COUNTED},
    **{key: count_column(kind) for key, kind in OF_ONE_ACTIVITY.items()},
}

YEAR, MONTH = "year", "month"


def _numbers() -> list[Column[int]]:
    return [Column(name, Integer, nullable=False, server_default="0") for name in NUMBERS]


def _owner() -> Column[int]:
    return Column("organisation_id", ForeignKey("organisation.id", ondelete="CASCADE"))


VISIT_FIGURES = Table(
    "visit_figures",
    Base.metadata,
    # In order of day, which most questions ask for, on the disk, too.
    Column("organisation_id", ForeignKey("organisation.id", ondelete="CASCADE"), primary_key=True),
    Column("day", Date, primary_key=True),
    # No foreign keys: a visit that is gone leaves its row until its run is counted anew.
    Column("visit_id", Integer, primary_key=True, autoincrement=False, index=True),
    Column("run_id", Integer, nullable=False, index=True),
    Column("van_id", Integer, nullable=False),
    Column("place_id", Integer, nullable=False),
    *_numbers(),
    Index("ix_visit_figures_place_day", "place_id", "day"),
    Index("ix_visit_figures_van_day", "van_id", "day"),
    # Few are cancelled: they are found without reading the others.
    Index(
        "ix_visit_figures_cancelled",
        "organisation_id",
        "day",
        sqlite_where=text("cancelled > 0"),
        postgresql_where=text("cancelled > 0"),
    ),
    sqlite_with_rowid=False,
)

FIGURE_SUMS = Table(
    "figure_sums",
    Base.metadata,
    Column("organisation_id", ForeignKey("organisation.id", ondelete="CASCADE"), primary_key=True),
    # YEAR: by van and place; MONTH: by van, of all places (place_id 0).
    Column("grain", String(5), primary_key=True),
    # Empty: of all visits; otherwise of those to which this audience came, and its part of them.
    Column("audience", String(40), primary_key=True),
    Column("first_on", Date, primary_key=True),
    Column("van_id", Integer, primary_key=True, autoincrement=False),
    Column("place_id", Integer, primary_key=True, autoincrement=False),
    *_numbers(),
    Index("ix_figure_sums_place", "place_id", "first_on"),
    sqlite_with_rowid=False,
)

# What was lent, by subject and the group of who borrowed: of a run, of a van's month and year.
RUN_READING = Table(
    "run_reading",
    Base.metadata,
    Column("run_id", Integer, primary_key=True, autoincrement=False),
    Column("subject", String(120), primary_key=True),
    Column("audience", String(40), primary_key=True),
    _owner(),
    Column("day", Date, nullable=False),
    Column("van_id", Integer, nullable=False),
    Column("loans", Integer, nullable=False),
    Index("ix_run_reading_owner_day", "organisation_id", "day"),
    Index("ix_run_reading_van_day", "van_id", "day"),
)
READING_SUMS = Table(
    "reading_sums",
    Base.metadata,
    Column("organisation_id", ForeignKey("organisation.id", ondelete="CASCADE"), primary_key=True),
    Column("grain", String(5), primary_key=True),
    Column("first_on", Date, primary_key=True),
    Column("van_id", Integer, primary_key=True, autoincrement=False),
    Column("subject", String(120), primary_key=True),
    Column("audience", String(40), primary_key=True),
    Column("loans", Integer, nullable=False),
    sqlite_with_rowid=False,
)

# Somebody borrowed at a place in a year: a mark that leads to no card and to no loan.
BORROWER_MARK = Table(
    "borrower_mark",
    Base.metadata,
    Column("place_id", ForeignKey("place.id", ondelete="CASCADE"), primary_key=True),
    Column("year", Integer, primary_key=True, autoincrement=False),
    Column("mark", String(32), primary_key=True),
    _owner(),
)

# Runs to be counted anew. A key may stand here often: nobody waits for anybody to write it.
STALE_RUN = Table(
    "stale_run",
    Base.metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("run_id", Integer, nullable=False),
)

# Of a table: which runs a written row concerns ({row} is the row), and the columns that matter.
_OF_VISIT = "SELECT run_id FROM visit WHERE id = {row}.visit_id"
_CONCERNED = {
    "visit": ("SELECT {row}.run_id", ()),
    "run": ("SELECT {row}.id", ("van_id", "day", "distance_m", "drive_minutes")),
    "run_record": ("SELECT {row}.run_id", ()),
    "visit_record": (_OF_VISIT, ()),
    "attendance": (_OF_VISIT, ()),
    "activity_record": (_OF_VISIT, ()),
    "on_site_use": (_OF_VISIT, ()),
    "issued_card": (_OF_VISIT, ()),
    "renewal": (_OF_VISIT, ()),
    "loan": (
        "SELECT run_id FROM visit WHERE id IN ({row}.visit_id, {row}.return_visit_id)",
        ("visit_id", "return_visit_id", "copy_id", "audience"),
    ),
    "stop": ("SELECT run_id FROM visit WHERE stop_id = {row}.id", ("kind",)),
    "copy": (
        "SELECT visit.run_id FROM loan JOIN visit ON visit.id = loan.visit_id"
        " WHERE loan.copy_id = {row}.id",
        ("title_id",),
    ),
    "title": (
        "SELECT visit.run_id FROM loan JOIN copy ON copy.id = loan.copy_id"
        " JOIN visit ON visit.id = loan.visit_id WHERE copy.title_id = {row}.id",
        ("subject",),
    ),
}
# Nothing was counted of them when they come.
_UPDATED_ONLY = frozenset({"stop", "copy", "title"})
_ROWS = {"INSERT": ("NEW",), "UPDATE": ("OLD", "NEW"), "DELETE": ("OLD",)}


def write_triggers(connection: Connection) -> None:
    """Make the triggers that fill ``stale_run``, in place of those that are there."""
    drop_triggers(connection)
    for trigger in _triggers(connection.dialect.name):
        for statement in trigger.statements:
            connection.execute(text(statement))


def drop_triggers(connection: Connection) -> None:
    """Take the triggers away, where tables are made anew or millions of rows are written."""
    there = set(inspect(connection).get_table_names())
    for trigger in _triggers(connection.dialect.name):
        if trigger.table in there:
            connection.execute(text(trigger.drop))


@dataclass(frozen=True)
class _Trigger:
    table: str
    drop: str
    statements: tuple[str, ...]


def _triggers(dialect: str) -> list[_Trigger]:
    made = []
    for table, (concerned, columns) in _CONCERNED.items():
        for operation, rows in _ROWS.items():
            if table in _UPDATED_ONLY and operation != "UPDATE":
                continue
            name = f"stale_{table}_{operation.lower()}"
            of = f" OF {', '.join(columns)}" if columns and operation == "UPDATE" else ""
            body = " ".join(
                f"INSERT INTO stale_run (run_id) {concerned.format(row=row)};" for row in rows
            )
            head = f"CREATE TRIGGER {name} AFTER {operation}{of} ON {table} FOR EACH ROW"
            drop = f"DROP TRIGGER IF EXISTS {name}"
            if dialect == "postgresql":
                function = (
                    f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger AS $$ BEGIN {body}"
                    " RETURN NULL; END $$ LANGUAGE plpgsql"
                )
                run = f"{head} EXECUTE FUNCTION {name}()"
                made.append(_Trigger(table, f"{drop} ON {table}", (function, run)))
            else:
                made.append(_Trigger(table, drop, (f"{head} BEGIN {body} END",)))
    return made


@event.listens_for(Base.metadata, "after_create")
def _with_tables(_metadata: object, connection: Connection, **_options: object) -> None:
    write_triggers(connection)
