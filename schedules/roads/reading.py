"""Reads OpenStreetMap extracts: ``.osm.pbf``, ``.osm`` and what else osmium knows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import osmium
from numpy.typing import NDArray

from ..outlines import Box
from .source import Progress, Restriction, RoadFileError, RoadSource, SourceWay, Stage, silent
from .tags import Limits, barrier_limits, way_facts

# Between two words of progress.
_TELL_EVERY = 10_000
_EMPTY_LIMITS = Limits()
# Vehicles that ``restriction:hgv`` and the like may name.
_RESTRICTED = ("motor_vehicle", "motorcar", "goods", "hgv")


def read_osm(path: Path, box: Box | None = None, progress: Progress = silent) -> RoadSource:
    """Ways that vans may use, with their obstacles and turn restrictions.

    Parameters
    ----------
    path
        The extract; its nodes may stand behind its ways.
    box
        Only what lies in it is kept; ways are cut where they leave it.

    Raises
    ------
    RoadFileError
        The file is not there, is damaged, or holds no road.
    """
    try:
        ways, restrictions = _ways(path, progress)
        if not ways:
            raise RoadFileError(str(path), "no roads")
        node_ids = np.unique(np.concatenate([way.nodes for way in ways]))
        lats, lons, obstacles = _nodes(path, node_ids, box, progress)
        dated = _dated(path)
    except (RuntimeError, OSError) as error:
        raise RoadFileError(str(path), str(error)) from error
    if np.isnan(lats).all():
        raise RoadFileError(str(path), "no roads")
    name = path.name.removesuffix(".pbf").removesuffix(".osm")
    return RoadSource(name, ways, node_ids, lats, lons, obstacles, restrictions, dated)


def _ways(path: Path, progress: Progress) -> tuple[list[SourceWay], list[Restriction]]:
    ways: list[SourceWay] = []
    restrictions: list[Restriction] = []
    kinds = osmium.osm.WAY | osmium.osm.RELATION
    keys = ("highway", "route", "restriction", *(f"restriction:{kind}" for kind in _RESTRICTED))
    keyed = osmium.filter.KeyFilter(*keys)
    for found in osmium.FileProcessor(str(path), kinds).with_filter(keyed):
        tags = {tag.k: tag.v for tag in found.tags}
        if isinstance(found, osmium.osm.Way):
            facts = way_facts(tags)
            if facts is not None and len(found.nodes) > 1:
                refs = (node.ref for node in found.nodes)
                nodes = np.fromiter(refs, np.int64, len(found.nodes))
                ways.append(SourceWay(found.id, nodes, facts))
                if len(ways) % _TELL_EVERY == 0:
                    progress(Stage.WAYS, len(ways))
        elif isinstance(found, osmium.osm.Relation) and tags.get("type") == "restriction":
            restrictions += _restrictions(tags, found.members)
    progress(Stage.WAYS, len(ways))
    return ways, restrictions


def _restrictions(tags: dict[str, str], members: Any) -> Iterator[Restriction]:
    roles: dict[tuple[str, str], list[int]] = {}
    for member in members:
        roles.setdefault((member.role, member.type), []).append(member.ref)
    from_ways, to_ways = roles.get(("from", "w"), []), roles.get(("to", "w"), [])
    via_nodes, via_ways = roles.get(("via", "n"), []), roles.get(("via", "w"), [])
    if not from_ways or not to_ways or bool(via_ways) == (len(via_nodes) == 1):
        return
    excepted = frozenset(word.strip() for word in tags.get("except", "").split(";")) - {""}
    said = [(tags.get("restriction", ""), frozenset[str]())]
    said += [(tags.get(f"restriction:{kind}", ""), frozenset({kind})) for kind in _RESTRICTED]
    for kind, only_for in said:
        if kind.startswith(("no_", "only_")):
            yield Restriction(
                kind.startswith("only_"),
                tuple(from_ways),
                via_nodes[0] if via_nodes else None,
                tuple(via_ways),
                tuple(to_ways),
                excepted,
                only_for,
            )


def _nodes(
    path: Path, node_ids: NDArray[np.int64], box: Box | None, progress: Progress
) -> tuple[NDArray[np.float64], NDArray[np.float64], dict[int, Limits | None]]:
    lats = np.full(len(node_ids), np.nan)
    lons = np.full(len(node_ids), np.nan)
    obstacles: dict[int, Limits | None] = {}
    ids: list[int] = []
    found_lats: list[float] = []
    found_lons: list[float] = []
    wanted = osmium.filter.IdFilter(node_ids.tolist())
    for node in osmium.FileProcessor(str(path), osmium.osm.NODE).with_filter(wanted):
        if not isinstance(node, osmium.osm.Node) or not node.location.valid():
            continue
        lat, lon = node.location.lat, node.location.lon
        if box is not None and not (box.south <= lat <= box.north and box.west <= lon <= box.east):
            continue
        ids.append(node.id)
        found_lats.append(lat)
        found_lons.append(lon)
        if len(ids) % _TELL_EVERY == 0:
            progress(Stage.POSITIONS, len(ids))
        if len(node.tags):
            limits = barrier_limits({tag.k: tag.v for tag in node.tags})
            if limits != _EMPTY_LIMITS:
                obstacles[node.id] = limits
    at = np.searchsorted(node_ids, np.asarray(ids, np.int64))
    lats[at], lons[at] = found_lats, found_lons
    progress(Stage.POSITIONS, len(ids))
    return lats, lons, obstacles


def _dated(path: Path) -> str:
    """The day of the data (yyyy-mm-dd), if the file tells it."""
    with osmium.io.Reader(str(path), osmium.osm.NOTHING) as reader:
        return reader.header().get("osmosis_replication_timestamp")[:10]
