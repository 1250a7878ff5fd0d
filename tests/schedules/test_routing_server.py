"""A routing server of either kind, spoken to over a real connection, well and badly behaved."""

from __future__ import annotations

import contextlib
import json
import math
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from schedules.roads.vehicle import Vehicle
from schedules.routing_server import Patience, RoutingServer, ServerKind, ServerTravel
from schedules.travel import GeodesicTravel, Leg, Position, UnreachableError

# What the server drives by: more winding and slower than the estimate that stands in for it.
SERVED = GeodesicTravel(1.7, 20)
ESTIMATE = GeodesicTravel(1.3, 30)
ISLAND = Position(10.5, 106.5)
TYPO = Position(9.0, 104.0)
PLACES = [Position(10.0 + n / 100, 105.7 + n / 70) for n in range(5)]
MOST = 60

Answer = tuple[int, Any]


class Server:
    """Speaks both dialects; counts what it is asked and misbehaves as told."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.bodies: list[dict[str, Any]] = []
        self.troubles: list[Callable[[], Answer]] = []
        self.always: Callable[[], Answer] | None = None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._respond(lambda: outer.osrm(self.path))

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.bodies.append(body)
                self._respond(lambda: outer.valhalla(self.path, body))

            def _respond(self, well: Callable[[], Answer]) -> None:
                outer.asked.append(self.path)
                answer = outer.troubles.pop(0) if outer.troubles else outer.always or well
                status, content = answer()
                data = content if isinstance(content, bytes) else json.dumps(content).encode()
                # Who asked may have gone.
                with contextlib.suppress(ConnectionError):
                    self.send_response(status)
                    self.end_headers()
                    self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def osrm(self, address: str) -> Answer:
        parts = urlsplit(address)
        _, service, _, _, pairs = parts.path.split("/")
        points = [
            Position(float(lat), float(lon))
            for lon, lat in (pair.split(",") for pair in pairs.split(";"))
        ]
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if service == "route":
            if ISLAND in points:
                return 400, {"code": "NoRoute"}
            line = [[p.lon, p.lat] for p in (points[0], middle(*points), points[1])]
            return 200, {"code": "Ok", "routes": [{"geometry": {"coordinates": line}}]}
        if len(points) > 2 * MOST:
            return 400, {"code": "TooBig"}
        starts, ends = (
            [points[int(n)] for n in query[side].split(";")] for side in ("sources", "destinations")
        )
        cells = [[served(start, end) for end in ends] for start in starts]
        return 200, {
            "code": "Ok",
            "durations": [[leg and leg.drive_minutes * 60 for leg in row] for row in cells],
            "distances": [[leg and leg.distance_m for leg in row] for row in cells],
            "sources": [{"distance": 90_000 if p == TYPO else 5} for p in starts],
            "destinations": [{"distance": 90_000 if p == TYPO else 5} for p in ends],
        }

    def valhalla(self, path: str, body: dict[str, Any]) -> Answer:
        if path == "/route":
            points = [Position(place["lat"], place["lon"]) for place in body["locations"]]
            shape = encoded([points[0], middle(*points), points[1]])
            return 200, {"trip": {"legs": [{"shape": shape}]}}
        sides = [
            [Position(place["lat"], place["lon"]) for place in body[side]]
            for side in ("sources", "targets")
        ]
        if any(TYPO in side for side in sides):
            return 400, {"error_code": 171, "error": "No suitable edges near location"}
        cells = [[served(start, end) for end in sides[1]] for start in sides[0]]
        return 200, {
            "sources_to_targets": [
                [
                    {
                        "time": leg and leg.drive_minutes * 60,
                        "distance": leg and leg.distance_m / 1000,
                    }
                    for leg in row
                ]
                for row in cells
            ]
        }


def served(start: Position, end: Position) -> Leg | None:
    return None if start != end and ISLAND in (start, end) else SERVED.leg(start, end)


def middle(one: Position, other: Position) -> Position:
    return Position(round((one.lat + other.lat) / 2, 6), round((one.lon + other.lon) / 2, 6))


def encoded(line: list[Position]) -> str:
    """A polyline of six decimals, as Valhalla writes it."""
    text, before = "", (0, 0)
    for point in line:
        now = round(point.lat * 1e6), round(point.lon * 1e6)
        for value in (now[0] - before[0], now[1] - before[1]):
            rest = ~(value << 1) if value < 0 else value << 1
            while rest >= 32:
                text += chr((32 | (rest & 31)) + 63)
                rest >>= 5
            text += chr(rest + 63)
        before = now
    return text


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


@pytest.fixture(params=list(ServerKind), ids=lambda kind: kind.value)
def kind(request: pytest.FixtureRequest) -> ServerKind:
    return ServerKind(request.param)


QUICK = Patience(timeout_s=5, tries=3, pause_s=0.5, rest_s=60)


def asking(
    server: Server, kind: ServerKind, patience: Patience = QUICK, pauses: list[float] | None = None
) -> RoutingServer:
    slept = [] if pauses is None else pauses
    return RoutingServer(server.url, kind, patience=patience, sleep=slept.append)


def test_figures_are_the_servers_in_minutes_and_metres(server: Server, kind: ServerKind) -> None:
    travel = ServerTravel(asking(server, kind), ESTIMATE)
    for row, start in zip(travel.matrix(PLACES), PLACES, strict=True):
        for leg, end in zip(row, PLACES, strict=True):
            wanted = SERVED.leg(start, end)
            assert leg.drive_minutes == pytest.approx(wanted.drive_minutes, abs=0.001)
            assert leg.distance_m == pytest.approx(wanted.distance_m, abs=1)
    assert (travel.name, travel.is_estimate) == (kind.value, False)


def test_what_was_foreseen_is_answered_without_asking_again(
    server: Server, kind: ServerKind
) -> None:
    travel = ServerTravel(asking(server, kind), ESTIMATE)
    travel.foresee(PLACES)
    assert len(server.asked) == 1
    matrix = travel.matrix(PLACES)
    legs = [[travel.leg(start, end) for end in PLACES] for start in PLACES]
    assert legs == [list(row) for row in matrix]
    assert len(server.asked) == 1


def test_a_large_table_is_asked_for_in_blocks(server: Server) -> None:
    many = [Position(round(10 + n / 1000, 6), 105.7) for n in range(120)]
    travel = ServerTravel(asking(server, ServerKind.OSRM), ESTIMATE)
    table = travel.table(many)
    assert len(server.asked) == 9
    assert table.metres[3, 117] == pytest.approx(SERVED.leg(many[3], many[117]).distance_m, abs=1)


def test_a_server_that_takes_smaller_tables_gets_smaller_ones(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), "MOST", 3)
    table = ServerTravel(asking(server, ServerKind.OSRM), ESTIMATE).table(PLACES)
    assert len(server.asked) > 1
    assert table.metres[0, 4] == pytest.approx(SERVED.leg(PLACES[0], PLACES[4]).distance_m, abs=1)


def test_ways_are_drawn_along_the_servers_roads(server: Server, kind: ServerKind) -> None:
    travel = ServerTravel(asking(server, kind), ESTIMATE)
    start, end = PLACES[0], PLACES[3]
    path = travel.path(start, end)
    assert (path[0], path[-1]) == (start, end)
    between = middle(start, end)
    assert any(
        point.lat == pytest.approx(between.lat) and point.lon == pytest.approx(between.lon)
        for point in path
    )
    travel.path(start, end)
    assert len(server.asked) == 1


@pytest.mark.parametrize("place", [ISLAND, TYPO], ids=["island", "typo"])
def test_a_position_that_no_road_leads_to_is_named(
    server: Server, kind: ServerKind, place: Position
) -> None:
    travel = ServerTravel(asking(server, kind), ESTIMATE)
    assert [one.position for one in travel.unreachable([*PLACES, place])] == [place]
    with pytest.raises(UnreachableError) as caught:
        travel.leg(PLACES[0], place)
    assert place in {one.position for one in caught.value.positions}
    minutes = travel.table([PLACES[0], place, PLACES[1]]).minutes
    assert minutes[0, 1] == math.inf
    assert math.isfinite(minutes[0, 2])
    assert not travel.is_estimate


def test_a_failure_is_tried_again_after_growing_pauses(server: Server, kind: ServerKind) -> None:
    server.troubles = [lambda: (503, b"busy"), lambda: (200, b"<html>not json")]
    pauses: list[float] = []
    travel = ServerTravel(asking(server, kind, pauses=pauses), ESTIMATE)
    leg = travel.leg(PLACES[0], PLACES[1])
    assert leg.distance_m == pytest.approx(SERVED.leg(PLACES[0], PLACES[1]).distance_m, abs=1)
    assert pauses == [0.5, 1.0]
    assert not travel.is_estimate


@pytest.mark.parametrize(
    "trouble",
    [
        lambda: (500, b"broken"),
        lambda: (200, b"<html>a login page</html>"),
        lambda: (200, {"answer": 42}),
        lambda: (404, b"nothing here"),
        lambda: (400, {"code": "InvalidUrl"}),
        lambda: (200, {"durations": [[1]], "distances": [[1]], "sources_to_targets": [[]]}),
    ],
)
def test_where_the_server_gives_no_answer_the_estimate_stands_in_and_the_name_says_so(
    server: Server, kind: ServerKind, trouble: Callable[[], Answer]
) -> None:
    server.always = trouble
    travel = ServerTravel(asking(server, kind), ESTIMATE)
    assert travel.matrix(PLACES) == ESTIMATE.matrix(PLACES)
    assert travel.path(PLACES[0], PLACES[1]) == (PLACES[0], PLACES[1])
    assert (travel.name, travel.is_estimate) == (f"{kind.value} +geodesic", True)


def test_a_server_that_hangs_is_not_waited_for_longer_than_said(server: Server) -> None:
    released = threading.Event()

    def hang() -> Answer:
        released.wait(5)
        return 200, {}

    server.always = hang
    patience = Patience(timeout_s=0.1, tries=2, pause_s=0.01, rest_s=60)
    travel = ServerTravel(asking(server, ServerKind.OSRM, patience), ESTIMATE)
    began = time.monotonic()
    assert travel.leg(PLACES[0], PLACES[1]) == ESTIMATE.leg(PLACES[0], PLACES[1])
    assert time.monotonic() - began < 2
    released.set()


def test_a_server_that_failed_is_left_alone_for_a_while_then_asked_again(server: Server) -> None:
    server.always = lambda: (500, b"broken")
    patience = Patience(timeout_s=5, tries=2, pause_s=0, rest_s=0.2)
    shared = asking(server, ServerKind.OSRM, patience)
    for start in PLACES[1:]:
        ServerTravel(shared, ESTIMATE).leg(start, PLACES[0])
    assert len(server.asked) == 2
    time.sleep(0.25)
    server.always = None
    travel = ServerTravel(shared, ESTIMATE)
    leg = travel.leg(PLACES[1], PLACES[0])
    assert leg.distance_m == pytest.approx(SERVED.leg(PLACES[1], PLACES[0]).distance_m, abs=1)
    assert travel.name == "osrm"


def test_a_server_that_is_not_there_is_estimated_without() -> None:
    server = RoutingServer("http://127.0.0.1:9", ServerKind.OSRM, patience=Patience(1, 1))
    travel = ServerTravel(server, ESTIMATE)
    travel.foresee(PLACES)
    assert travel.leg(PLACES[0], PLACES[1]) == ESTIMATE.leg(PLACES[0], PLACES[1])
    assert travel.is_estimate


def test_valhalla_is_told_how_large_the_van_is(server: Server) -> None:
    vehicle = Vehicle(height_m=3.1, weight_t=7.5)
    shared = RoutingServer(server.url, ServerKind.VALHALLA, vehicle)
    ServerTravel(shared, ESTIMATE).leg(PLACES[0], PLACES[1])
    assert server.bodies[0]["costing"] == "truck"
    assert server.bodies[0]["costing_options"] == {"truck": {"height": 3.1, "weight": 7.5}}


@pytest.mark.parametrize("url", ["file:///etc/passwd", "localhost:5000", ""])
def test_only_addresses_of_web_servers_are_taken(url: str) -> None:
    with pytest.raises(ValueError, match="not the address"):
        RoutingServer(url, ServerKind.OSRM)
