"""The small files of real communes, schools and sites that the demonstration stands on."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from ..places.units import CommuneRow, FormerRow

_FOLDER = files(__package__) / "data"


@dataclass(frozen=True)
class CarriedPlace:
    """A school or site with a position from OpenStreetMap."""

    name: str
    kind: str
    commune_code: str
    lat: float
    lon: float


def communes() -> list[CommuneRow]:
    """Today's communes and wards."""
    return [
        CommuneRow(row["code"], row["name"], row["full_name"], *_point(row))
        for row in _rows("communes.csv")
    ]


def outlines() -> dict[str, dict[str, Any]]:
    """Simplified outlines (GeoJSON geometries) by commune code."""
    collection = json.loads((_FOLDER / "communes.geojson").read_text("utf-8"))
    return {f["properties"]["code"]: f["geometry"] for f in collection["features"]}


def former_units() -> list[FormerRow]:
    """Units before the reform of 2025."""
    return [
        FormerRow(
            row["code"],
            row["name"],
            row["full_name"],
            row["district_code"],
            row["district"],
            *_point(row),
            row["new_commune_code"],
        )
        for row in _rows("former_units.csv")
    ]


def schools() -> list[CarriedPlace]:
    """Schools; ``kind`` is the level, joined with + where a school has several."""
    return [_place(row, "level") for row in _rows("schools.csv")]


def sites() -> list[CarriedPlace]:
    """Committees, cultural houses, markets, post offices and health stations."""
    return [_place(row, "kind") for row in _rows("sites.csv")]


def _place(row: dict[str, str], kind: str) -> CarriedPlace:
    return CarriedPlace(row["name"], row[kind], row["commune_code"], *_point(row))


def _point(row: dict[str, str]) -> tuple[float, float]:
    return float(row["lat"]), float(row["lon"])


def _rows(name: str) -> list[dict[str, str]]:
    text = (_FOLDER / name).read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))
