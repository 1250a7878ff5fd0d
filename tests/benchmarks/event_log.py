"""Takes a tablet's batch into a log that is full already: seconds, and the ratio to bare inserts.

    .venv/bin/python -m tests.benchmarks.event_log [events]

A day of a busy van (1,000 facts) arrives in one batch at a library that holds a year of facts, on
SQLite with ``synchronous=FULL``. The reference, measured in the same run, is what no log can do
without: inserting the same rows into the same table and committing them. Replaying everything is
timed, too.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from flask_migrate import upgrade
from sqlalchemy import delete, insert, select

from bus_ops import create_app
from bus_ops.accounts.models import Organisation
from bus_ops.circulation.models import Copy, Title
from bus_ops.database import db, now
from bus_ops.i18n import today
from bus_ops.tablet.events import read_event
from bus_ops.tablet.log import replay, store_events, web_tablet
from bus_ops.tablet.models import Event
from bus_ops.timetable.models import Audience, Visit
from tests.conftest import app_settings
from tests.small_service import SmallService, small_service

ROUNDS = 5
WEEKS_BEFORE = 50
COPIES = 4_000
FACTS_BEFORE = 40_000


def main() -> None:
    """Print one line a figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("events", nargs="?", type=int, default=1_000)
    how_many = parser.parse_args().events
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        app = create_app(app_settings(path, f"sqlite:///{path / 'benchmark.sqlite3'}"))
        with app.app_context():
            upgrade(directory=app.extensions["migrate"].directory)
            measure(prepared_service(), how_many)
            db.session.remove()
            db.engine.dispose()


def measure(service: SmallService, how_many: int) -> None:
    """Time taking a batch, inserting the same rows, and replaying the whole log."""
    rng = Random(7)
    organisation_id, tablet = service.organisation.id, web_tablet(service.user)
    past = [visit for visit in service.visits() + service.visits(1) if visit.day < today()]
    for _ in range(FACTS_BEFORE // 2_000):
        batch = list(facts(rng, past, 2_000))
        store_events(organisation_id, tablet, service.user.id, batch)
    day = [visit for visit in past if visit.day == max(visit.day for visit in past)]
    bare, taken = [], []
    for _ in range(ROUNDS):
        batch = list(facts(rng, day, how_many))
        bare.append(seconds_of(lambda batch=batch: insert_only(service, batch)))
        forget(batch)
        taken.append(
            seconds_of(
                lambda batch=batch: store_events(organisation_id, tablet, service.user.id, batch)
            )
        )
    reference, figure = statistics.median(bare), statistics.median(taken)
    print(
        f"event log: {how_many} facts to durable commit in {figure:.2f} s"
        f" = {figure / reference:.1f} × inserting the same rows ({reference:.3f} s),"
        f" beside {FACTS_BEFORE} facts held before"
    )
    held: list[int] = []
    replaying = seconds_of(lambda: held.append(replay(organisation_id)))
    print(f"event log: {held[0]} facts replayed in {replaying:.1f} s")


def prepared_service() -> SmallService:
    """A year of weekly visits to two schools, and a van full of books."""
    organisation = Organisation(name="Benchmark")
    db.session.add(organisation)
    db.session.flush()
    service = small_service(organisation, today() - timedelta(weeks=WEEKS_BEFORE), WEEKS_BEFORE + 4)
    title = db.session.scalars(select(Title)).one()
    rows = [
        {"organisation_id": organisation.id, "title_id": title.id, "barcode": f"K{number:05d}"}
        for number in range(COPIES)
    ]
    db.session.execute(insert(Copy), rows)
    db.session.commit()
    return service


def facts(rng: Random, visits: list[Visit], how_many: int) -> Iterator[dict[str, Any]]:
    """Counts, loans and returns as a van brings them home."""
    for number in range(how_many):
        visit = rng.choice(visits)
        kind = rng.choice(("attendance", "lent", "lent", "returned", "used_on_site", "activity"))
        barcode = f"K{rng.randrange(COPIES):05d}"
        payloads: dict[str, dict[str, Any]] = {
            "attendance": {"audience": rng.choice(list(Audience)).value, "people": 1},
            "lent": {"barcode": barcode, "card_number": f"T{rng.randrange(1, 4)}"},
            "returned": {"barcode": barcode},
            "used_on_site": {"items": 3},
            "activity": {"kind": "film", "count": 20},
        }
        at = visit.arrival_at + timedelta(seconds=rng.randrange(5_000))
        yield {
            "id": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
            "kind": kind,
            "sequence": number,
            "run": visit.run_id,
            "visit": visit.id,
            "recorded_at": at.isoformat(),
            "payload": payloads[kind],
        }


def insert_only(service: SmallService, batch: list[dict[str, Any]]) -> None:
    """The same rows, without checking, folding or answering."""
    tablet_id, moment = web_tablet(service.user).id, now()
    rows = []
    for raw in batch:
        fact = read_event(raw, tablet_id, service.user.id, moment)
        columns = {name: getattr(fact, name) for name in fact.__dataclass_fields__}
        rows.append({**columns, "organisation_id": service.organisation.id})
    db.session.execute(insert(Event), rows)
    db.session.commit()


def forget(batch: list[dict[str, Any]]) -> None:
    """Take the bare rows out again, so that the log meets them for the first time."""
    ids = [uuid.UUID(raw["id"]) for raw in batch]
    for start in range(0, len(ids), 500):
        db.session.execute(delete(Event).where(Event.id.in_(ids[start : start + 500])))
    db.session.commit()


def seconds_of(work: Callable[[], object]) -> float:
    """How long the work takes once."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
