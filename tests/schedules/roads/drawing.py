"""Draws small OpenStreetMap files for tests: nodes in metres from a corner, ways with tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement

import numpy as np

from schedules.roads.building import build_roads
from schedules.roads.driving import RoadTravel
from schedules.roads.earth import metres_per_degree
from schedules.roads.tags import RoadClass
from schedules.roads.vehicle import Driving, Vehicle
from schedules.travel import Position

CORNER = Position(10.0, 105.7)
_NORTH, _EAST = (float(m) for m in metres_per_degree(np.array(CORNER.lat)))

# 36 km/h is 10 m in a second: 600 m in a minute.
ROUND_SPEEDS = dict.fromkeys(RoadClass, 36.0)

Tags = Mapping[str, str]


def at(east_m: float, north_m: float) -> Position:
    """A position in metres from the corner of the drawing."""
    return Position(round(CORNER.lat + north_m / _NORTH, 7), round(CORNER.lon + east_m / _EAST, 7))


def metres_to(lat: float, lon: float) -> tuple[float, float]:
    """East and north from the corner to a position in degrees."""
    return (lon - CORNER.lon) * _EAST, (lat - CORNER.lat) * _NORTH


@dataclass
class Drawing:
    """An OpenStreetMap file in the making; nodes are named by letters."""

    nodes: dict[str, tuple[float, float]]
    node_tags: dict[str, Tags] = field(default_factory=dict)
    ways: dict[str, tuple[str, Tags]] = field(default_factory=dict)
    relations: list[tuple[Tags, Sequence[tuple[str, str]]]] = field(default_factory=list)

    def way(self, nodes: str, **tags: str) -> Drawing:
        """A road along the letters, named by them; underscores in keys stand for colons."""
        tags.setdefault("highway", "tertiary")
        self.ways[nodes] = (nodes, {key.replace("_", ":"): value for key, value in tags.items()})
        return self

    def ferry(self, nodes: str, **tags: str) -> Drawing:
        """A ferry line along the letters."""
        self.ways[nodes] = (nodes, {"route": "ferry", **tags})
        return self

    def tagged(self, node: str, **tags: str) -> Drawing:
        """Tags of a node."""
        self.node_tags[node] = tags
        return self

    def restricted(
        self, kind: str, start: str, via: str, end: str, key: str = "restriction", **tags: str
    ) -> Drawing:
        """A turn restriction; ``via`` is a node's letter or the letters of ways, by spaces."""
        members = [("from", start), *(("via", part) for part in via.split()), ("to", end)]
        if "except_" in tags:
            tags["except"] = tags.pop("except_")
        self.relations.append(({"type": "restriction", key: kind, **tags}, members))
        return self

    def position(self, node: str) -> Position:
        """Where a node is."""
        return at(*self.nodes[node])

    def save(self, path: Path) -> Path:
        """Write it as OpenStreetMap's XML."""
        root = Element("osm", version="0.6", generator="by hand")
        numbers = {name: str(number) for number, name in enumerate(self.nodes, 1)}
        for name, number in numbers.items():
            place = self.position(name)
            element = SubElement(
                root, "node", id=number, version="1", lat=str(place.lat), lon=str(place.lon)
            )
            _add_tags(element, self.node_tags.get(name, {}))
        way_numbers = {name: str(number) for number, name in enumerate(self.ways, 1)}
        for name, (nodes, tags) in self.ways.items():
            element = SubElement(root, "way", id=way_numbers[name], version="1")
            for letter in nodes:
                SubElement(element, "nd", ref=numbers[letter])
            _add_tags(element, tags)
        for number, (tags, members) in enumerate(self.relations, 1):
            element = SubElement(root, "relation", id=str(number), version="1")
            for role, name in members:
                is_way = name in way_numbers
                ref = way_numbers[name] if is_way else numbers[name]
                kind = "way" if is_way else "node"
                SubElement(element, "member", type=kind, ref=ref, role=role)
            _add_tags(element, tags)
        ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
        return path

    def travel(self, folder: Path, vehicle: Vehicle | None = None, **driving: object) -> RoadTravel:
        """Driving on the drawing at 600 m a minute on every road."""
        network = build_roads(self.save(folder / "drawing.osm"))
        settings = {"speeds_kmh": ROUND_SPEEDS, **driving}
        return RoadTravel(network, Driving(vehicle or Vehicle(), **settings))  # type: ignore[arg-type]


def _add_tags(element: Element, tags: Tags) -> None:
    for key, value in tags.items():
        SubElement(element, "tag", k=key, v=value)


def square() -> Drawing:
    """Four corners of a square of 600 m, a minute each side, and a lane to the north of each.

    ::

        D--C
        |  |
        A--B
    """
    return Drawing({"A": (0, 0), "B": (600, 0), "C": (600, 600), "D": (0, 600)})
