"""Settings: where data lives, which database, which outside services may be asked.

Every setting can be given as an environment variable with the prefix ``BUS_OPS_``
(``DATABASE_URL`` also without it). Secrets are never in code: the session key is made once and
kept in the data folder, readable by its owner only.
"""

from __future__ import annotations

import os
import secrets
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import platformdirs
from geopy.geocoders import SERVICE_TO_GEOCODER

from schedules.roads.tags import RoadClass

TIMEZONE = "Asia/Ho_Chi_Minh"
LANGUAGES = ("vi", "en")


class TravelChoice(Enum):
    """Where minutes and metres come from; without a choice roads where a network was built."""

    BEST = ""
    ESTIMATE = "estimate"
    ROADS = "roads"
    OSRM = "osrm"
    VALHALLA = "valhalla"


class NotAWholeNumberError(ValueError):
    """A variable that must be a whole number holds something else."""

    def __init__(self, variable: str, text: str) -> None:
        super().__init__(f"{variable} must be a whole number, not {text!r}")
        self.variable = variable
        self.text = text


_INTEGERS = {
    "UPLOAD_LIMIT_MB",
    "HORIZON_DAYS",
    "BACKUP_KEEP_DAYS",
    "SIGN_IN_HOURS",
    "PUBLIC_CACHE_SECONDS",
    "SMTP_PORT",
}
# Positive figures, empty where nothing is said.
_FIGURES = {"VAN_HEIGHT_M", "VAN_WEIGHT_T", "VAN_WIDTH_M", "FERRY_WAIT_MINUTES"}
_SMTP_SECURITY = ("starttls", "tls", "none")
_ADDRESSES = {"PUBLIC_URL", "GATEWAY_URL"}
_WEB = ("https", "http")
_BOOLEANS = {"GEOCODING", "SECURE_COOKIES", "BEHIND_PROXY"}


def default_settings() -> dict[str, Any]:
    """Settings before any environment variable or argument is looked at."""
    return {
        "DATA_FOLDER": platformdirs.user_data_path("bus-ops"),
        "UPLOAD_LIMIT_MB": 20,
        # How far ahead dated runs are kept filled.
        "HORIZON_DAYS": 366,
        "BACKUP_KEEP_DAYS": 30,
        "SIGN_IN_HOURS": 12,
        "SECURE_COOKIES": False,
        "BEHIND_PROXY": False,
        # Leaflet's tile address; empty draws the map without tiles.
        "TILE_URL": "https://tile.openstreetmap.org/{z}/{x}/{y}.png",
        "TILE_ATTRIBUTION": "© OpenStreetMap contributors",
        # Opens the way to a stop where a device knows no geo: addresses; asked only on a tap.
        "NAVIGATION_URL": "https://www.google.com/maps/dir/?api=1&destination={lat},{lon}",
        "GEOCODING": True,
        # A geocoder by geopy's name for it; its address and key where it needs them.
        "GEOCODER": "nominatim",
        "GEOCODER_URL": "",
        "GEOCODER_KEY": "",
        "GEOCODER_EMAIL": "",
        # Added to each question ("Cần Thơ, Việt Nam"), and the countries that answers lie in.
        "GEOCODER_REGION": "Việt Nam",
        "GEOCODER_COUNTRIES": "vn",
        # Where minutes and metres come from: a TravelChoice.
        "TRAVEL": "",
        # The network that `bus-ops roads build` made; empty: roads/roads.npz in the data folder.
        "ROADS": "",
        # A routing server's address, without its service and version.
        "ROUTING_URL": "",
        # The largest van, for roads with limits; empty: what the network was built for.
        "VAN_HEIGHT_M": None,
        "VAN_WEIGHT_T": None,
        "VAN_WIDTH_M": None,
        # At landings of ferries that do not say how often they go.
        "FERRY_WAIT_MINUTES": 15.0,
        # Average speeds (km/h) by class of road, such as "primary=40, residential=18".
        "ROAD_SPEEDS": "",
        # A GeoJSON file of areas with a detour_factor and speed_kmh of their own, for estimates.
        "TRAVEL_AREAS": "",
        # Counts of sign-ins are kept by each process: one serves unless gunicorn runs several
        # workers, which then need a common store (redis://…) or each allow the whole limit.
        "RATELIMIT_STORAGE_URI": "memory://",
        # Tries at one account from one address; and failures at all names from one address.
        "SIGN_IN_LIMIT": "10 per minute; 60 per hour",
        "SIGN_IN_ADDRESS_LIMIT": "30 per minute; 200 per hour",
        # Requests and answers on pages without signing in, from one address.
        "ASKING_LIMIT": "10 per hour; 30 per day",
        "DEMO_MODE": False,
        # The address at which people reach this installation, for links in messages, such as
        # https://van.example.org; without it messages hold no links.
        "PUBLIC_URL": "",
        # The mail server; without it messages stay in the outbox.
        "SMTP_HOST": "",
        "SMTP_PORT": 587,
        # starttls, tls or none.
        "SMTP_SECURITY": "starttls",
        "SMTP_USER": "",
        "SMTP_PASSWORD": "",
        "MAIL_FROM": "",
        # A gateway for SMS or Zalo, and the secret that signs what it is sent.
        "GATEWAY_URL": "",
        "GATEWAY_SECRET": "",
        # How long public pages and feeds are handed out as they were made.
        "PUBLIC_CACHE_SECONDS": 60,
    }


def settings_from_environment(environment: dict[str, str] | None = None) -> dict[str, Any]:
    """Defaults overridden by ``BUS_OPS_*`` variables; raises ValueError naming a bad variable."""
    environment = dict(os.environ) if environment is None else environment
    settings = default_settings()
    for name in list(settings):
        text = environment.get(f"BUS_OPS_{name}")
        if text is not None:
            settings[name] = _parsed(name, text)
    database_url = environment.get("BUS_OPS_DATABASE_URL") or environment.get("DATABASE_URL")
    if database_url:
        settings["DATABASE_URL"] = database_url
    secret_key = environment.get("BUS_OPS_SECRET_KEY")
    if secret_key:
        settings["SECRET_KEY"] = secret_key
    return settings


def flask_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings Flask and its extensions read, derived from ours."""
    data_folder = Path(settings["DATA_FOLDER"])
    database_url = settings.get("DATABASE_URL") or f"sqlite:///{data_folder / 'bus-ops.sqlite3'}"
    derived = {
        "SQLALCHEMY_DATABASE_URI": normalised_database_url(database_url),
        "SECRET_KEY": settings.get("SECRET_KEY") or stored_secret_key(data_folder),
        "MAX_CONTENT_LENGTH": settings["UPLOAD_LIMIT_MB"] * 1024 * 1024,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": settings["SECURE_COOKIES"],
        "SESSION_COOKIE_NAME": "bus_ops_demo" if settings["DEMO_MODE"] else "bus_ops",
        "PERMANENT_SESSION_LIFETIME": timedelta(hours=settings["SIGN_IN_HOURS"]),
        "WTF_CSRF_TIME_LIMIT": None,
        "BABEL_DEFAULT_LOCALE": LANGUAGES[0],
        "BABEL_DEFAULT_TIMEZONE": TIMEZONE,
        "RATELIMIT_HEADERS_ENABLED": True,
    }
    return {**settings, **derived, **{k: v for k, v in settings.items() if k in derived}}


def normalised_database_url(url: str) -> str:
    """``postgres://`` and ``postgresql://`` name the psycopg 3 driver that is installed."""
    for prefix in ("postgres://", "postgresql://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url[len(prefix) :]
    return url


def stored_secret_key(data_folder: Path) -> str:
    """The session key of this installation, made at the first start and kept private."""
    data_folder.mkdir(parents=True, exist_ok=True)
    path = data_folder / "secret_key"
    if path.exists():
        return path.read_text("ascii").strip()
    key = secrets.token_hex(32)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(key)
    return key


def _parsed(name: str, text: str) -> Any:
    if name in _BOOLEANS:
        return text.strip().lower() in {"1", "true", "yes", "on"}
    if name in _INTEGERS:
        try:
            return int(text)
        except ValueError:
            raise NotAWholeNumberError(f"BUS_OPS_{name}", text) from None
    if name in _FIGURES:
        return _figure(name, text)
    if name == "ROAD_SPEEDS":
        _check_speeds(text)
    if name == "DATA_FOLDER":
        return Path(text)
    if name == "TRAVEL":
        choices = [choice.value for choice in TravelChoice]
        if text.strip().lower() not in choices:
            known = ", ".join(filter(None, choices))
            raise ValueError(f"BUS_OPS_TRAVEL must be one of {known}, not {text!r}")
        return text.strip().lower()
    if name == "SMTP_SECURITY" and text.strip().lower() not in _SMTP_SECURITY:
        known = ", ".join(_SMTP_SECURITY)
        raise ValueError(f"BUS_OPS_SMTP_SECURITY must be one of {known}, not {text!r}")
    if name == "SMTP_SECURITY":
        return text.strip().lower()
    if name in _ADDRESSES and text.strip() and urlsplit(text.strip()).scheme not in _WEB:
        raise ValueError(f"BUS_OPS_{name} must begin with https:// or http://, not {text!r}")
    if name == "GEOCODER" and text.strip().lower() not in SERVICE_TO_GEOCODER:
        known = ", ".join(sorted(SERVICE_TO_GEOCODER))
        raise ValueError(f"BUS_OPS_GEOCODER must be one of {known}, not {text!r}")
    return text


def _figure(name: str, text: str) -> float | None:
    if not text.strip():
        return default_settings()[name]
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1000:
        raise ValueError(f"BUS_OPS_{name} must be a number, not {text!r}")
    return value


def _check_speeds(text: str) -> None:
    known = {road_class.name.lower() for road_class in RoadClass}
    for part in filter(str.strip, text.replace(";", ",").split(",")):
        name, _, speed = part.partition("=")
        if name.strip().lower() not in known:
            classes = ", ".join(sorted(known))
            raise ValueError(f"BUS_OPS_ROAD_SPEEDS knows {classes}, not {name.strip()!r}")
        if not (speed.strip().replace(".", "", 1).isdigit() and 1 <= float(speed) <= 150):
            raise ValueError(f"BUS_OPS_ROAD_SPEEDS: {part.strip()!r} gives no speed in km/h")
