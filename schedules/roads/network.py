"""The stored road network: junctions, the roads between them with their shapes, limits, turns."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .source import RoadFileError
from .vehicle import Vehicle

FORMAT = 1
DEGREES_STORED = 1e7

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Network:
    """Roads between junctions; road r leads from ``starts[r]`` to ``ends[r]``.

    An *arc* is a road in one direction: number 2 r along its shape, 2 r + 1 against it.

    Attributes
    ----------
    name, dated
        The file it was built from, and the day of its data if known.
    node_count
        Junctions, dead ends and both sides of obstacles.
    starts, ends
        Junctions of each road.
    shape_offsets, shape_lats, shape_lons
        Road r is drawn by the points ``shape_offsets[r]:shape_offsets[r + 1]``, in 1e-7 degrees.
    lengths_m
        Metres of each road.
    classes
        ``tags.RoadClass`` of each road.
    way_ids
        The way of the file that each road was cut from.
    open_arcs
        Whether each arc may be driven at all.
    arc_speeds_kmh
        What signs allow; infinite where nothing is known.
    heights_m, weights_t, widths_m
        The largest vehicle that may pass each road; infinite where there is no limit.
    ferry_s, ferry_interval_s
        How long a ferry's part takes and how often it goes; NaN where unknown or no ferry.
    turn_offsets, turn_arcs
        Sequences of arcs that may not be driven one after the other.
    turn_excepted, turn_only_for
        For each sequence the vehicles it does not bind, and those it alone binds (none: all),
        separated by semicolons.
    unread_restrictions
        How many turn restrictions could not be understood.
    is_osm
        Whether the data are OpenStreetMap's, which asks for a credit.
    vehicle
        Height (m), weight (t) and width (m) it was built for, unless others are asked for.
    """

    name: str
    dated: str
    node_count: int
    starts: NDArray[np.int32]
    ends: NDArray[np.int32]
    shape_offsets: NDArray[np.int64]
    shape_lats: NDArray[np.int32]
    shape_lons: NDArray[np.int32]
    lengths_m: Floats
    classes: NDArray[np.uint8]
    way_ids: NDArray[np.int64]
    open_arcs: NDArray[np.bool_]
    arc_speeds_kmh: NDArray[np.float32]
    heights_m: NDArray[np.float32]
    weights_t: NDArray[np.float32]
    widths_m: NDArray[np.float32]
    ferry_s: NDArray[np.float32]
    ferry_interval_s: NDArray[np.float32]
    turn_offsets: NDArray[np.int64]
    turn_arcs: NDArray[np.int64]
    turn_excepted: NDArray[np.str_]
    turn_only_for: NDArray[np.str_]
    unread_restrictions: int = 0
    is_osm: bool = True
    vehicle: Sequence[float] = (0.0, 0.0, 0.0)

    @cached_property
    def fingerprint(self) -> str:
        """Names the content: what was made from another network does not fit this one."""
        digest = hashlib.sha256()
        for field in fields(self):
            value = getattr(self, field.name)
            digest.update(value.tobytes() if isinstance(value, np.ndarray) else b"")
        return digest.hexdigest()[:16]

    @property
    def road_count(self) -> int:
        """How many roads there are between junctions."""
        return len(self.starts)

    @property
    def total_km(self) -> float:
        """Kilometres of road, each counted once."""
        return float(self.lengths_m.sum()) / 1000

    @property
    def turn_count(self) -> int:
        """How many sequences of arcs are forbidden."""
        return len(self.turn_offsets) - 1

    def arc_tails(self) -> NDArray[np.int32]:
        """The junction where each arc begins."""
        return np.stack([self.starts, self.ends], axis=1).ravel()

    def arc_heads(self) -> NDArray[np.int32]:
        """The junction where each arc ends."""
        return np.stack([self.ends, self.starts], axis=1).ravel()

    def shape(self, road: int) -> tuple[Floats, Floats]:
        """Latitudes and longitudes of a road's line, in degrees."""
        part = slice(self.shape_offsets[road], self.shape_offsets[road + 1])
        return self.shape_lats[part] / DEGREES_STORED, self.shape_lons[part] / DEGREES_STORED

    def save(self, path: Path) -> None:
        """Keep the network in a file, whole or not at all."""
        plain = {f.name: getattr(self, f.name) for f in fields(self)}
        arrays = {name: value for name, value in plain.items() if isinstance(value, np.ndarray)}
        head = {name: value for name, value in plain.items() if name not in arrays}
        save_arrays(path, {**arrays, "head": np.array(json.dumps({**head, "format": FORMAT}))})

    @classmethod
    def load(cls, path: Path) -> Network:
        """A network kept before; raises RoadFileError where the file is none, or an older one."""
        arrays = load_arrays(path)
        head = json.loads(str(arrays.pop("head", "{}")))
        if head.pop("format", None) != FORMAT:
            raise RoadFileError(str(path), "built by another version; build it again")
        return cls(**head, **arrays)


def built_for(path: Path) -> Vehicle:
    """The vehicle that the network kept in a file was built for; any vehicle where there is none.

    Only that is read of the file.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            return Vehicle(*json.loads(str(stored["head"]))["vehicle"])
    except (OSError, ValueError, EOFError, KeyError, TypeError, zipfile.BadZipFile):
        return Vehicle()


def save_arrays(path: Path, arrays: dict[str, Any]) -> None:
    """Write arrays to one file that is never seen half written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            np.savez(file, **arrays)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def load_arrays(path: Path) -> dict[str, Any]:
    """Arrays written by ``save_arrays``; raises RoadFileError where the file holds none."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise RoadFileError(str(path), "not a built road network") from error
