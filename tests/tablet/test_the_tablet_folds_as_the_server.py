"""What the tablet shows of its facts is what the server will count: two languages, one rule."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bus_ops.tablet.events import Fact, read_event
from bus_ops.tablet.folding import PlannedVisit, effective, fold_copy, fold_visit
from tests.conftest import REPOSITORY

FRONTEND = REPOSITORY / "bus_ops" / "frontend"
VISITS = (11, 12)
BARCODES = ("B1", "B2", "B3")
CARDS = ("C1", "C2")
TABLETS = (str(uuid.UUID(int=1)), str(uuid.UUID(int=2)))
BEGIN = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
ASKING = """
import { foldRun, effective } from "./fold";
import { readFileSync } from "node:fs";
const logs = JSON.parse(readFileSync(0, "utf8"));
const answers = logs.map((log) => ({
  effective: effective(log).map((fact) => fact.id),
  visits: Object.fromEntries([...foldRun(log).visits].map(([id, visit]) => [id, {
    people: Object.fromEntries(visit.people), lent: visit.lent, returned: visit.returned,
    renewed: visit.renewed, onSite: visit.onSite, cards: visit.cards, note: visit.note,
    arrivedAt: visit.arrivedAt, departedAt: visit.departedAt, classes: visit.classes.length,
  }])),
}));
console.log(JSON.stringify(answers));
"""


@pytest.fixture(scope="module")
def tablet_folds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tablet's folding as a script for Node."""
    esbuild = next((FRONTEND / "node_modules" / "@esbuild").glob("*/bin/esbuild"), None)
    if shutil.which("node") is None or esbuild is None:
        pytest.skip("Node or esbuild is not here; they ask the tablet's code what it counts")
    script = tmp_path_factory.mktemp("fold") / "fold.mjs"
    options = ["--bundle", "--platform=node", "--format=esm", "--loader=ts", "--log-level=error"]
    subprocess.run(
        [str(esbuild), *options, "--sourcefile=ask.ts", f"--outfile={script}"],
        input=ASKING,
        cwd=FRONTEND / "src" / "tablet",
        check=True,
        text=True,
    )
    return script


def random_log(chance: random.Random) -> list[dict[str, Any]]:
    """A few dozen facts of two tablets at two visits, with undos of anything, undos included."""
    log: list[dict[str, Any]] = []
    for number in range(chance.randint(0, 40)):
        kind, payload = _random_fact(chance, log)
        log.append(
            {
                "id": str(uuid.UUID(int=chance.getrandbits(128))),
                "tablet": chance.choice(TABLETS),
                "sequence": number,
                "version": 1,
                "kind": kind,
                "run": 1,
                "visit": chance.choice(VISITS),
                "user": None,
                "recorded_at": _iso(BEGIN + timedelta(seconds=chance.randint(0, 300))),
                "clock_offset": chance.choice([0, 0, 1500, -90_000]),
                "payload": payload,
                "seen": {"wasOut": False, "knownCopy": True, "knownCard": True},
            }
        )
    chance.shuffle(log)
    return log


def _random_fact(chance: random.Random, log: list[dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("attendance", {"audience": "primary", "people": chance.choice([-1, 1, 5, 30])}),
        ("attendance", {"audience": "adults", "people": chance.choice([-5, 1])}),
        ("class_visit", {"audience": "primary", "people": 32, "teachers": 1}),
        ("lent", {"barcode": chance.choice(BARCODES), "card_number": chance.choice(CARDS)}),
        ("lent", {"barcode": chance.choice(BARCODES), "card_number": chance.choice(CARDS)}),
        ("returned", {"barcode": chance.choice(BARCODES)}),
        ("renewed", {"barcode": chance.choice(BARCODES)}),
        ("used_on_site", {"items": chance.randint(1, 9)}),
        ("card_issued", {"kind": "van", "cards": 2}),
        ("note", {"text": f"note {chance.random()}"}),
        ("arrived", {}),
        ("departed", {}),
    ]
    if log and chance.random() < 0.3:
        return "undo", {"undoes": chance.choice(log)["id"]}
    return chance.choice(kinds)


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_tablet_and_server_count_alike(tablet_folds: Path) -> None:
    chance = random.Random(20261124)
    logs = [random_log(chance) for _ in range(300)]
    answer = subprocess.run(
        ["node", str(tablet_folds)], input=json.dumps(logs), capture_output=True, text=True
    )
    assert answer.returncode == 0, answer.stderr
    for log, told in zip(logs, json.loads(answer.stdout), strict=True):
        facts = effective(read_event(raw, uuid.UUID(raw["tablet"]), None, BEGIN) for raw in log)
        assert told["effective"] == [str(fact.id) for fact in facts]
        for visit in VISITS:
            here = told["visits"].get(str(visit), _counted(facts, -1))
            assert here == _counted(facts, visit), log


def _counted(facts: list[Fact], visit_id: int) -> dict[str, Any]:
    here = [fact for fact in facts if fact.visit_id == visit_id]
    folded = fold_visit(here, PlannedVisit(BEGIN.date(), False, 1), visit_id)
    copies = [
        fold_copy([f for f in facts if f.barcode == code], code, True, CARDS, VISITS)
        for code in BARCODES
    ]
    loans = [loan for copy in copies for loan in copy.loans]
    return {
        "people": {audience.value: people for audience, people in folded.attendance.items()},
        "lent": sum(loan.visit_id == visit_id for loan in loans),
        "returned": sum(
            loan.return_visit_id == visit_id and _brought_back(loan.return_event_id, facts)
            for loan in loans
        ),
        "renewed": sum(line.visit_id == visit_id for copy in copies for line in copy.renewals),
        "onSite": sum(line.items for line in folded.on_site),
        "cards": sum(line.cards for line in folded.cards),
        "note": folded.note,
        "arrivedAt": _milliseconds(folded.arrived_at),
        "departedAt": _milliseconds(folded.departed_at),
        "classes": len(folded.classes),
    }


def _brought_back(event_id: uuid.UUID | None, facts: list[Fact]) -> bool:
    return any(fact.id == event_id and fact.kind == "returned" for fact in facts)


def _milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1000)
