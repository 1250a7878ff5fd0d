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

from bus_ops.config import settings_from_environment
from bus_ops.database import db
from bus_ops.places.models import GeocodedAddress, Place, PositionQuality

KNOWN = "Trường THCS Hòa Bình, Phường Ninh Kiều, Việt Nam"


class Nominatim(BaseHTTPRequestHandler):
    """Answers like Nominatim's /search, from what it is told to know."""

    asked: ClassVar[list[tuple[float, str, str]]] = []
    known: ClassVar[set[str]] = set()
    status: ClassVar[int] = 200
    where: ClassVar[tuple[str, str]] = ("10.0411", "105.7805")
    narrowed: ClassVar[list[dict[str, list[str]]]] = []

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        query = asked["q"][0]
        self.narrowed.append(asked)
        self.asked.append((time.monotonic(), query, self.headers["User-Agent"]))
        found = [{"lat": self.where[0], "lon": self.where[1], "display_name": query}]
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
    Nominatim.narrowed.clear()
    Nominatim.where = ("10.0411", "105.7805")
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
    assert "1 position found of 1 asked for; 0 wait." in answer.get_data(as_text=True)
    assert school.lat == 10.0411


def test_where_it_is_off_no_request_leaves(
    app: Flask, coordinator: FlaskClient, school: Place, nominatim: type[Nominatim]
) -> None:
    app.config["GEOCODING"] = False
    coordinator.post(f"/places/{school.id}/geocode")
    assert nominatim.asked == []
    page = coordinator.get(f"/places/{school.id}").get_data(as_text=True)
    assert f"/places/{school.id}/geocode" not in page


def test_a_question_names_its_region_and_stays_near_the_librarys_communes(
    coordinator: FlaskClient, school: Place, nominatim: type[Nominatim]
) -> None:
    coordinator.post(f"/places/{school.id}/geocode")
    (asked,) = nominatim.narrowed
    assert asked["q"] == [KNOWN]
    assert asked["countrycodes"] == ["vn"]
    west, south, east, north = map(float, asked["viewbox"][0].split(","))
    assert west < 105.556 < 105.784 < east
    assert south < 10.033 < 10.066 < north


def test_an_answer_far_away_is_not_taken(
    coordinator: FlaskClient, school: Place, nominatim: type[Nominatim]
) -> None:
    nominatim.where = ("21.0285", "105.8542")
    answer = coordinator.post(f"/places/{school.id}/geocode", follow_redirects=True)
    assert "does not know this address" in answer.get_data(as_text=True)
    assert (school.lat, school.lon) == (10.033, 105.784)


def test_an_answer_of_another_commune_is_not_taken_and_one_beside_the_own_is_doubted(
    coordinator: FlaskClient, school: Place, nominatim: type[Nominatim]
) -> None:
    ring = [[105.77, 10.03], [105.79, 10.03], [105.79, 10.04], [105.77, 10.04], [105.77, 10.03]]
    assert school.commune is not None
    school.commune.outline = {"type": "Polygon", "coordinates": [ring]}
    nominatim.where = ("10.066", "105.556")
    coordinator.post(f"/places/{school.id}/geocode")
    assert school.lat == 10.033
    school.name, nominatim.where = "Trường THCS Hòa Bình 2", ("10.0460", "105.7805")
    nominatim.known = {KNOWN.replace("Hòa Bình", "Hòa Bình 2")}
    answer = coordinator.post(f"/places/{school.id}/geocode", follow_redirects=True)
    assert "0.7 km outside Phường Ninh Kiều" in answer.get_data(as_text=True)
    assert school.lat == 10.046


def test_any_geocoder_that_geopy_knows_can_be_chosen(
    app: Flask, coordinator: FlaskClient, school: Place, nominatim: type[Nominatim]
) -> None:
    app.config["GEOCODER"] = "opencage"
    answer = coordinator.post(f"/places/{school.id}/geocode", follow_redirects=True)
    assert "The geocoder did not answer." in answer.get_data(as_text=True), "its key is missing"
    app.config["GEOCODER"] = "photon"
    answer = coordinator.post(f"/places/{school.id}/geocode", follow_redirects=True)
    assert "bbox" in nominatim.narrowed[-1]
    assert "The geocoder did not answer." in answer.get_data(as_text=True), "not in its words"


def test_a_geocoder_that_geopy_does_not_know_is_named_at_the_start() -> None:
    with pytest.raises(ValueError, match=r"BUS_OPS_GEOCODER must be one of .*nominatim"):
        settings_from_environment({"BUS_OPS_GEOCODER": "atlas"})
    assert settings_from_environment({"BUS_OPS_GEOCODER": "photon"})["GEOCODER"] == "photon"


def test_looking_up_goes_on_with_the_next_places_and_tells_how_many_wait(
    app: Flask, coordinator: FlaskClient, school: Place, nominatim: type[Nominatim]
) -> None:
    """Misses fill no places of the next ten; those at their commune's point are asked for too."""
    nominatim.known = {"Trạm 12, Phường Ninh Kiều, Việt Nam"}
    school.position_source = "commune: Phường Ninh Kiều"
    for number in range(1, 13):
        place = Place(organisation_id=school.organisation_id, name=f"Trạm {number}")
        place.commune_id = school.commune_id
        db.session.add(place)
        # What is known not to be found takes no second of the test.
        query = f"Trạm {number}, Phường Ninh Kiều, Việt Nam"
        for asked in (query, "Phường Ninh Kiều, Việt Nam", KNOWN):
            kept = GeocodedAddress(organisation_id=school.organisation_id, query=asked)
            kept.provider = f"nominatim {app.config['GEOCODER_URL']} vn"
            if number == 1 or (asked == query and number < 12):
                db.session.add(kept)
    db.session.commit()
    page = coordinator.get("/places/?quality=missing").get_data(as_text=True)
    assert "13 places wait to be looked up." in page
    assert "Look up the next 10" in page
    first = coordinator.post("/places/geocode-next", follow_redirects=True).get_data(as_text=True)
    assert "0 positions found of 10 asked for; 3 wait." in first
    assert "Look up the next 3" in first
    second = coordinator.post("/places/geocode-next", follow_redirects=True).get_data(as_text=True)
    assert "1 position found of 3 asked for; 0 wait." in second
    assert "/places/geocode-next" not in second
    fields = {"name": "THCS khác", "kind": "school", "level": "", "enabled": "y"}
    fields["commune_id"] = str(school.commune_id)
    coordinator.post(f"/places/{school.id}/edit", data=fields)
    page = coordinator.get("/places/?quality=approximate").get_data(as_text=True)
    assert "1 place waits to be looked up." in page, "a corrected place is asked for again"


def test_where_it_is_off_no_list_offers_to_look_up(
    app: Flask, coordinator: FlaskClient, school: Place
) -> None:
    school.lat = school.lon = None
    school.position_quality = PositionQuality.MISSING
    page = coordinator.get("/places/?quality=missing").get_data(as_text=True)
    assert "geocode-next" not in page
    answer = coordinator.post("/places/geocode-next", follow_redirects=True)
    assert "switched off in the settings" in answer.get_data(as_text=True)
