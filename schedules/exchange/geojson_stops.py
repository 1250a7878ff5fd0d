"""Stops as GeoJSON (RFC 7946): points in WGS 84, longitude first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

# About 10 cm: more digits than anybody's position has.
_DIGITS = 6


@dataclass(frozen=True)
class StopPoint:
    """A stop with what is told of it; without a position it has no geometry."""

    key: int
    lat: float | None
    lon: float | None
    properties: Mapping[str, Any]


def feature_collection(stops: Iterable[StopPoint]) -> dict[str, Any]:
    """The stops as a FeatureCollection, for ``json.dumps``."""
    return {"type": "FeatureCollection", "features": [_feature(stop) for stop in stops]}


def _feature(stop: StopPoint) -> dict[str, Any]:
    geometry = None
    if stop.lat is not None and stop.lon is not None:
        at = [round(stop.lon, _DIGITS), round(stop.lat, _DIGITS)]
        geometry = {"type": "Point", "coordinates": at}
    return {
        "type": "Feature",
        "id": stop.key,
        "geometry": geometry,
        "properties": dict(stop.properties),
    }
