"""Administrative units that come with the app: each region's two maps, ready to be added.

A region's files, with their sources and licences, stand in the folder of its name.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import Any

from ..units import AddedUnits, CommuneRow, FormerRow, add_units, place_in_units


@dataclass(frozen=True)
class Region:
    """A province or city; ``reform_day`` is the first day of its present map."""

    key: str
    label: str
    reform_day: date

    def communes(self) -> list[CommuneRow]:
        """Today's communes and wards."""
        return [
            CommuneRow(row["code"], row["name"], row["full_name"], *_point(row))
            for row in self._rows("communes.csv")
        ]

    def outlines(self) -> dict[str, dict[str, Any]]:
        """Simplified outlines (GeoJSON geometries) by commune code."""
        collection = json.loads(self._text("communes.geojson"))
        return {f["properties"]["code"]: f["geometry"] for f in collection["features"]}

    def former_units(self) -> list[FormerRow]:
        """Units before the reform."""
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
            for row in self._rows("former_units.csv")
        ]

    def _rows(self, name: str) -> list[dict[str, str]]:
        return list(csv.DictReader(self._text(name).splitlines()))

    def _text(self, name: str) -> str:
        return (files(__package__) / self.key / name).read_text("utf-8")


CANTHO = Region("cantho", "Cần Thơ", date(2025, 7, 1))
REGIONS = {region.key: region for region in (CANTHO,)}


def add_region(organisation_id: int, region: Region) -> AddedUnits:
    """Add the region's units to the library; those it has already stay as they are.

    Places that stood on the map before its communes were known are put into them.
    """
    added = add_units(
        organisation_id,
        region.communes(),
        region.outlines(),
        region.former_units(),
        region.reform_day,
    )
    if added.count:
        place_in_units(organisation_id)
    return added


def _point(row: dict[str, str]) -> tuple[float, float]:
    return float(row["lat"]), float(row["lon"])
