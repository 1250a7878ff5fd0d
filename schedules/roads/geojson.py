"""Reads roads from GeoJSON lines that meet at equal coordinates.

Properties may be OpenStreetMap's tags, or ``road_class`` (a class of OpenStreetMap, or national,
provincial and local) with ``oneway``, ``maxspeed``, ``name``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .source import RoadFileError, RoadSource, SourceWay
from .tags import way_facts

# Classes of countries' own inventories, in OpenStreetMap's words.
_INVENTORY = {"national": "primary", "provincial": "secondary", "local": "unclassified"}
# OpenStreetMap's own precision; ends closer than that are one.
_PLACES = 7

Point = tuple[float, float]


def read_geojson(path: Path) -> RoadSource:
    """The lines of a FeatureCollection as ways; raises RoadFileError where there is none."""
    try:
        document = json.loads(path.read_text("utf-8"))
        features = document["features"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RoadFileError(str(path), f"not a GeoJSON FeatureCollection ({error})") from error
    numbers: dict[Point, int] = {}
    ways: list[SourceWay] = []
    for index, feature in enumerate(features):
        facts = way_facts(_tags(feature.get("properties") or {}))
        if facts is None:
            continue
        for line in _lines(feature.get("geometry") or {}):
            nodes = tuple(numbers.setdefault(point, len(numbers)) for point in line)
            if len(nodes) > 1:
                ways.append(SourceWay(index, nodes, facts))
    if not ways:
        raise RoadFileError(str(path), "no roads")
    points = np.array(list(numbers), dtype=np.float64)
    ids = np.arange(len(numbers), dtype=np.int64)
    name = path.name.removesuffix(".geojson")
    return RoadSource(name, ways, ids, points[:, 1], points[:, 0], is_osm=False)


def _tags(properties: Mapping[str, Any]) -> dict[str, str]:
    tags = {
        key: _word(value)
        for key, value in properties.items()
        if isinstance(value, str | int | float) and value != ""
    }
    if "highway" not in tags and "route" not in tags:
        road_class = tags.get("road_class", "unclassified")
        tags["highway"] = _INVENTORY.get(road_class, road_class)
    return tags


def _word(value: str | float) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _lines(geometry: Mapping[str, Any]) -> Iterator[list[Point]]:
    kind, coordinates = geometry.get("type"), geometry.get("coordinates") or []
    if kind == "LineString":
        yield list(_points(coordinates))
    elif kind == "MultiLineString":
        for line in coordinates:
            yield list(_points(line))


def _points(line: Sequence[Sequence[float]]) -> Iterator[Point]:
    last: Point | None = None
    for point in line:
        rounded = (round(float(point[0]), _PLACES), round(float(point[1]), _PLACES))
        if rounded != last and all(math.isfinite(part) for part in rounded):
            yield rounded
        last = rounded
