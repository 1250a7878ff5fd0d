"""Asking for positions gently: once each, slowly, and never where it is off."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from bus_ops.database import db
from bus_ops.places.models import GeocodedAddress, Place, PositionQuality

KNOWN = "Trường THCS Hòa Bình, Phường Ninh Kiều"


class Nominatim(BaseHTTPRequestHandler):
    """Answers like Nominatim's /search, from what it is told to know."""

    asked: ClassVar[list[tuple[float, str, str]]] = []
    known: ClassVar[set[str]] = set()
    status: ClassVar[int] = 200

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)["q"][0]
        self.asked.append((time.monotonic(), query, self.headers["User-Agent"]))
        found = [{"lat": "10.0411", "lon": "105.7805", "display_name": query}]
        body = json.dumps(found if query in self.known else []).encode()
        self.send_response(self.status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def nominatim(app: Flask) -> Iterator[type[Nominatim]]:
    """A geocoder on this machine, switched on in the app."""
    Nominatim.asked.clear()
    Nominatim.known, Nominatim.status = {KNOWN}, 200
    server = ThreadingHTTPServer(("127.0.0.1", 0), Nominatim)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    app.config["GEOCODING"] = True
    app.config["GEOCODER_URL"] = f"http://127.0.0.1:{server.server_port}"
    app.config["GEOCODER_EMAIL"] = "thuvien@example.vn"
    yield Nominatim
    server.shutdown()
    server.server_close()


def test_a_found_position_is_approximate_until_somebody_confirms_it(
    coordinator: FlaskClient, school: Place, nominatim: type[Nominatim]
) -> None:
    answer = coordinator.post(f"/places/{school.id}/geocode", follow_redirects=True)
    assert "Found. Check it on the map" in answer.get_data(as_text=True)
    assert (school.lat, school.lon) == (10.0411, 105.7805)
    assert school.position_quality == PositionQuality.APPROXIMATE
    assert "thuvien@example.vn" in nominatim.asked[0][2]


def test_the_same_question_is_asked_once_misses_too(
    coordinator: FlaskClient, school: Place, nominatim: type[Nominatim]
) -> None:
    nominatim.known = set()
    for _ in range(2):
        answer = coordinator.post(f"/places/{school.id}/geocode", follow_redirects=True)
        assert "does not know this address" in answer.get_data(as_text=True)
    questions = [query for _, query, _ in nominatim.asked]
    assert questions == list(dict.fromkeys(questions))
    kept = db.session.scalar(select(func.count()).select_from(GeocodedAddress))
    assert kept == len(questions)


def test_questions_are_at_least_a_second_apart(
    coordinator: FlaskClient, school: Place, nominatim: type[Nominatim]
) -> None:
    nominatim.known = set()
    school.address = "12 Trần Hưng Đạo"
    coordinator.post(f"/places/{school.id}/geocode")
    times = [moment for moment, _, _ in nominatim.asked]
    assert len(times) == 3
    assert min(after - before for before, after in pairwise(times)) >= 1.0


def test_a_geocoder_that_fails_is_told_in_words_and_changes_nothing(
    coordinator: FlaskClient, school: Place, nominatim: type[Nominatim]
) -> None:
    nominatim.status = 503
    answer = coordinator.post(f"/places/{school.id}/geocode", follow_redirects=True)
    assert "The geocoder did not answer." in answer.get_data(as_text=True)
    assert (school.lat, school.lon) == (10.033, 105.784)


def test_places_without_a_position_are_asked_for_together(
    coordinator: FlaskClient, school: Place, nominatim: type[Nominatim]
) -> None:
    school.lat = school.lon = None
    answer = coordinator.post("/places/geocode-next", follow_redirects=True)
    assert "1 position found of 1 asked for." in answer.get_data(as_text=True)
    assert school.lat == 10.0411


def test_where_it_is_off_no_request_leaves(
    app: Flask, coordinator: FlaskClient, school: Place, nominatim: type[Nominatim]
) -> None:
    app.config["GEOCODING"] = False
    coordinator.post(f"/places/{school.id}/geocode")
    assert nominatim.asked == []
    page = coordinator.get(f"/places/{school.id}").get_data(as_text=True)
    assert f"/places/{school.id}/geocode" not in page
