"""The small files of real schools and sites that the demonstration stands on."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.resources import files

_FOLDER = files(__package__) / "data"


@dataclass(frozen=True)
class CarriedPlace:
    """A school or site with a position from OpenStreetMap."""

    name: str
    kind: str
    commune_code: str
    lat: float
    lon: float


def schools() -> list[CarriedPlace]:
    """Schools; ``kind`` is the level, joined with + where a school has several."""
    return [_place(row, "level") for row in _rows("schools.csv")]


def sites() -> list[CarriedPlace]:
    """Committees, cultural houses, markets, post offices and health stations."""
    return [_place(row, "kind") for row in _rows("sites.csv")]


def _place(row: dict[str, str], kind: str) -> CarriedPlace:
    return CarriedPlace(
        row["name"], row[kind], row["commune_code"], float(row["lat"]), float(row["lon"])
    )


def _rows(name: str) -> list[dict[str, str]]:
    text = (_FOLDER / name).read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))
