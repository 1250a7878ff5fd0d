"""Minutes and metres from a routing server: OSRM's or Valhalla's interface over HTTP.

For fleets that run a server of their own. Whole tables are asked for in blocks, answers are
remembered, failures are tried again after growing pauses, and where the server gives no answer the
estimate stands in, which the name of the source then says.

The addresses and fields are those of https://project-osrm.org/docs/v5.24.0/api/ and
https://valhalla.github.io/valhalla/api/.
"""

from __future__ import annotations

import json
import math
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

import numpy as np

from .roads.vehicle import Vehicle
from .travel import (
    Leg,
    Position,
    Table,
    TravelSource,
    Unreachable,
    UnreachableError,
    Why,
    marked_as_estimated,
    table_of,
)

T = TypeVar("T")

Pair = tuple[Position, Position]
Block = list[list[Leg | None]]

_NO_WAY = Leg(math.inf, math.inf)
# A server answers at most so many positions a side in one table; both have about this as default.
_BLOCK = 50
# A position farther from every road cannot be driven to.
_FARTHEST_M = 1000.0
_REMEMBERED = 500_000
_REMEMBERED_PATHS = 5_000


class ServerKind(Enum):
    """Whose interface a server speaks."""

    OSRM = "osrm"
    VALHALLA = "valhalla"


@dataclass(frozen=True)
class Patience:
    """How long a server is waited for.

    Attributes
    ----------
    timeout_s
        For one answer.
    tries
        Of one question.
    pause_s
        Before the second try; doubled before each further one.
    rest_s
        After a question that failed for good the server is left alone for so long.
    """

    timeout_s: float = 5.0
    tries: int = 3
    pause_s: float = 0.5
    rest_s: float = 60.0


class ServerDownError(Exception):
    """The server gave no answer that could be used."""


class _RefusedError(Exception):
    """The server understood and found no road, or was asked too much at once."""


class _Dialect(Protocol):
    """How a kind of server is asked."""

    def table(self, starts: Sequence[Position], ends: Sequence[Position]) -> Block:
        """Legs from each start to each end; None where there is no way."""
        ...

    def path(self, start: Position, end: Position) -> tuple[Position, ...]:
        """The line of the quickest way."""
        ...


class RoutingServer:
    """One server, its answers so far, and whether it is worth asking; shared by many sources."""

    def __init__(
        self,
        url: str,
        kind: ServerKind,
        vehicle: Vehicle | None = None,
        patience: Patience | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Raises ValueError where the address is none of a web server's."""
        if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).netloc:
            raise ValueError(f"not the address of a server: {url!r}")
        self.kind = kind
        self._patience = patience or Patience()
        self._sleep = sleep
        self._asleep_until = 0.0
        ask = _Asking(url.rstrip("/"), self._patience.timeout_s, self._answered)
        dialects: dict[ServerKind, Callable[[], _Dialect]] = {
            ServerKind.OSRM: lambda: _Osrm(ask),
            ServerKind.VALHALLA: lambda: _Valhalla(ask, vehicle or Vehicle()),
        }
        self._dialect = dialects[kind]()
        self._legs: dict[Pair, Leg] = {}
        self._paths: dict[Pair, tuple[Position, ...]] = {}
        self._lock = threading.Lock()

    def legs(self, starts: Sequence[Position], ends: Sequence[Position]) -> dict[Pair, Leg]:
        """Legs from each start to each end; infinite where there is no way.

        Raises ServerDownError where the server does not answer.
        """
        wanted = [(start, end) for start in starts for end in ends]
        known = {pair: self._legs[pair] for pair in wanted if pair in self._legs}
        for first in range(0, len(starts), _BLOCK):
            for last in range(0, len(ends), _BLOCK):
                rows, columns = starts[first : first + _BLOCK], ends[last : last + _BLOCK]
                if any((row, column) not in known for row in rows for column in columns):
                    known.update(self._block(rows, columns))
        with self._lock:
            if len(self._legs) + len(known) > _REMEMBERED:
                self._legs.clear()
            self._legs.update(known)
        return known

    def path(self, start: Position, end: Position) -> tuple[Position, ...]:
        """The line from start to end; empty where there is no way."""
        if (start, end) not in self._paths:
            try:
                line = self._dialect.path(start, end)
            except _RefusedError:
                line = ()
            with self._lock:
                if len(self._paths) >= _REMEMBERED_PATHS:
                    self._paths.clear()
                self._paths[(start, end)] = line
        return self._paths[(start, end)]

    def _block(self, starts: Sequence[Position], ends: Sequence[Position]) -> dict[Pair, Leg]:
        """One table; a refused one is asked for in halves, until single pairs are left."""
        try:
            rows = self._dialect.table(starts, ends)
        except _RefusedError:
            if len(starts) == len(ends) == 1:
                return {(starts[0], ends[0]): _same_or_no_way(starts[0], ends[0])}
            if len(starts) >= len(ends):
                half = len(starts) // 2
                parts = [(starts[:half], ends), (starts[half:], ends)]
            else:
                half = len(ends) // 2
                parts = [(starts, ends[:half]), (starts, ends[half:])]
            return {pair: leg for part in parts for pair, leg in self._block(*part).items()}
        if len(rows) != len(starts) or any(len(row) != len(ends) for row in rows):
            raise ServerDownError("a table of another size was answered")
        return {
            (start, end): leg or _same_or_no_way(start, end)
            for start, row in zip(starts, rows, strict=True)
            for end, leg in zip(ends, row, strict=True)
        }

    def _answered(self, request: urllib.request.Request) -> Any:
        """The JSON that the server answers, after some tries."""
        if time.monotonic() < self._asleep_until:
            raise ServerDownError("left alone after it failed")
        reason = ""
        for attempt in range(self._patience.tries):
            if attempt:
                self._sleep(self._patience.pause_s * 2 ** (attempt - 1))
            try:
                # The scheme was checked when the server was named.
                with urllib.request.urlopen(  # noqa: S310
                    request, timeout=self._patience.timeout_s
                ) as answer:
                    return json.loads(answer.read())
            except urllib.error.HTTPError as error:
                if error.code not in {408, 425, 429} and error.code < 500:
                    raise _refusal(error) from error
                reason = f"status {error.code}"
            except (OSError, ValueError) as error:
                reason = str(error)
        self._asleep_until = time.monotonic() + self._patience.rest_s
        raise ServerDownError(reason)


class ServerTravel:
    """What a routing server knows, and the estimate where it does not answer.

    Make one for each piece of work: whether its figures hold estimates is its own memory.
    """

    def __init__(self, server: RoutingServer, estimate: TravelSource) -> None:
        self._server = server
        self._estimate = estimate
        self._estimated = False

    @property
    def name(self) -> str:
        """The server's kind, with a mark where figures were estimated."""
        name = self._server.kind.value
        return marked_as_estimated(name) if self._estimated else name

    @property
    def is_estimate(self) -> bool:
        """Whether figures had to be estimated."""
        return self._estimated

    def leg(self, start: Position, end: Position) -> Leg:
        """As the server says, else estimated; raises UnreachableError where it knows no way."""
        if start == end:
            return Leg(0.0, 0.0)
        try:
            leg = self._server.legs([start], [end])[(start, end)]
        except ServerDownError:
            self._estimated = True
            return self._estimate.leg(start, end)
        if not math.isfinite(leg.drive_minutes):
            raise _no_way(start, end)
        return leg

    def table(self, positions: Sequence[Position]) -> Table:
        """As the server says; all estimated where it does not answer, never a mixture."""
        try:
            legs = self._server.legs(positions, positions)
        except ServerDownError:
            self._estimated = True
            return table_of(self._estimate, positions)
        rows = [[legs[start, end] for end in positions] for start in positions]
        size = (len(positions), len(positions))
        minutes = np.array([[leg.drive_minutes for leg in row] for row in rows]).reshape(size)
        metres = np.array([[leg.distance_m for leg in row] for row in rows]).reshape(size)
        return Table(minutes.astype(np.float64), metres.astype(np.float64))

    def matrix(self, positions: Sequence[Position]) -> tuple[tuple[Leg, ...], ...]:
        """Every pair's leg, as ``table``."""
        return self.table(positions).legs()

    def path(self, start: Position, end: Position) -> tuple[Position, ...]:
        """Along the server's roads, else the estimate's line."""
        if start == end:
            return (start, end)
        try:
            line = self._server.path(start, end)
        except ServerDownError:
            return self._estimate.path(start, end)
        if not line:
            raise _no_way(start, end)
        return (start, *line, end)

    def foresee(self, positions: Sequence[Position]) -> None:
        """Ask for all legs at once; a server that does not answer is asked again leg by leg."""
        try:
            self._server.legs(positions, positions)
        except ServerDownError:
            self._estimated = True

    def unreachable(self, positions: Sequence[Position]) -> tuple[Unreachable, ...]:
        """Positions without a way from and to most of the others."""
        both_ways = np.isfinite(minutes := self.table(positions).minutes) & np.isfinite(minutes.T)
        hub = int(both_ways.sum(axis=1).argmax()) if len(positions) else 0
        return tuple(
            Unreachable(position, Why.CUT_OFF, math.inf)
            for n, position in enumerate(positions)
            if n != hub and not both_ways[hub, n]
        )


def _no_way(start: Position, end: Position) -> UnreachableError:
    """A server does not say which of the two it knows no road at."""
    return UnreachableError([Unreachable(one, Why.CUT_OFF, math.inf) for one in (start, end)])


@dataclass(frozen=True)
class _Asking:
    """Asks questions of one address."""

    url: str
    timeout_s: float
    answered: Callable[[urllib.request.Request], Any]

    def get(self, path: str) -> Any:
        return self.answered(self._request(path, None))

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        return self.answered(self._request(path, json.dumps(body).encode()))

    def _request(self, path: str, body: bytes | None) -> urllib.request.Request:
        headers = {"Accept": "application/json", "User-Agent": "bus-ops"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        return urllib.request.Request(self.url + path, body, headers)  # noqa: S310


class _Osrm:
    """OSRM's table and route services."""

    def __init__(self, ask: _Asking) -> None:
        self._ask = ask

    def table(self, starts: Sequence[Position], ends: Sequence[Position]) -> Block:
        sources = ";".join(str(n) for n in range(len(starts)))
        destinations = ";".join(str(len(starts) + n) for n in range(len(ends)))
        answer = self._ask.get(
            f"/table/v1/driving/{_lonlats([*starts, *ends])}"
            f"?sources={sources}&destinations={destinations}&annotations=duration,distance"
        )
        return _expected(lambda: _osrm_rows(answer))

    def path(self, start: Position, end: Position) -> tuple[Position, ...]:
        answer = self._ask.get(
            f"/route/v1/driving/{_lonlats([start, end])}?overview=full&geometries=geojson"
        )
        return _expected(
            lambda: tuple(
                Position(float(lat), float(lon))
                for lon, lat in answer["routes"][0]["geometry"]["coordinates"]
            )
        )


class _Valhalla:
    """Valhalla's matrix and route services, with the vehicle's size."""

    def __init__(self, ask: _Asking, vehicle: Vehicle) -> None:
        self._ask = ask
        sizes = {"height": vehicle.height_m, "weight": vehicle.weight_t, "width": vehicle.width_m}
        options = {name: size for name, size in sizes.items() if size}
        costing = "truck" if options else "auto"
        self._costing = {"costing": costing, "costing_options": {costing: options}}

    def table(self, starts: Sequence[Position], ends: Sequence[Position]) -> Block:
        question = {
            "sources": [_lat_lon(position) for position in starts],
            "targets": [_lat_lon(position) for position in ends],
            "units": "kilometers",
            **self._costing,
        }
        found = self._ask.post("/sources_to_targets", question)
        return _expected(lambda: _valhalla_rows(found["sources_to_targets"]))

    def path(self, start: Position, end: Position) -> tuple[Position, ...]:
        question = {"locations": [_lat_lon(start), _lat_lon(end)], **self._costing}
        answer = self._ask.post("/route", question)
        return _expected(lambda: _decoded(answer["trip"]["legs"][0]["shape"]))


def _osrm_rows(answer: Any) -> Block:
    """Legs of a table; none from and to positions far from every road, which OSRM moves there."""
    far_starts, far_ends = (
        [place is not None and place.get("distance", 0.0) > _FARTHEST_M for place in answer[side]]
        if side in answer
        else None
        for side in ("sources", "destinations")
    )
    return [
        [
            None if (far_starts and far_starts[row]) or (far_ends and far_ends[column]) else leg
            for column, leg in enumerate(_leg(*both) for both in zip(seconds, metres, strict=True))
        ]
        for row, (seconds, metres) in enumerate(
            zip(answer["durations"], answer["distances"], strict=True)
        )
    ]


def _valhalla_rows(found: Any) -> Block:
    """Both shapes that its versions answer in; kilometres become metres."""
    if isinstance(found, Mapping):
        return [
            [_leg(*_in_metres(*figures)) for figures in zip(seconds, km, strict=True)]
            for seconds, km in zip(found["durations"], found["distances"], strict=True)
        ]
    return [[_leg(*_in_metres(cell["time"], cell["distance"])) for cell in row] for row in found]


def _in_metres(seconds: float | None, km: float | None) -> tuple[float | None, float | None]:
    return seconds, None if km is None else km * 1000


def _leg(seconds: float | None, metres: float | None) -> Leg | None:
    if seconds is None or metres is None:
        return None
    return Leg(float(seconds) / 60, float(metres))


def _same_or_no_way(start: Position, end: Position) -> Leg:
    return Leg(0.0, 0.0) if start == end else _NO_WAY


def _expected(read: Callable[[], T]) -> T:
    """What is read from an answer; an answer of another shape is as good as none."""
    try:
        return read()
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise ServerDownError(f"an answer of another shape ({error})") from error


def _refusal(error: urllib.error.HTTPError) -> Exception:
    """Why a question was refused: for its positions, or because nobody there understands it."""
    try:
        answer = json.loads(error.read())
        code = str(answer.get("code") or answer.get("error_code"))
    except (OSError, ValueError, AttributeError):
        return ServerDownError(f"status {error.code}")
    # No segment or way near, and too many positions at once.
    if code in {"NoSegment", "NoRoute", "NoTable", "TooBig", "150", "154", "171", "442"}:
        return _RefusedError(code)
    return ServerDownError(f"status {error.code}, {code}")


def _lonlats(positions: Sequence[Position]) -> str:
    return ";".join(f"{position.lon:.6f},{position.lat:.6f}" for position in positions)


def _lat_lon(position: Position) -> dict[str, float]:
    return {"lat": position.lat, "lon": position.lon}


def _decoded(shape: str) -> tuple[Position, ...]:
    """An encoded polyline of six decimals."""
    values: list[int] = []
    value = shift = 0
    for sign in shape:
        part = ord(sign) - 63
        value |= (part & 31) << shift
        shift += 5
        if part < 32:
            values.append(~(value >> 1) if value & 1 else value >> 1)
            value = shift = 0
    lats = np.cumsum(values[::2]) / 1e6
    lons = np.cumsum(values[1::2]) / 1e6
    return tuple(Position(float(lat), float(lon)) for lat, lon in zip(lats, lons, strict=True))
