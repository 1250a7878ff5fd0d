"""Answers a second of the open timetable, kept and made anew, beside a bare Flask page.

    .venv/bin/python -m tests.benchmarks.open_timetable

One core, through WSGI without a socket: what a server adds is the same for both.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask
from flask_migrate import upgrade
from werkzeug.test import EnvironBuilder

from bus_ops import create_app
from bus_ops.database import db, now
from bus_ops.demo import build_demo
from tests.conftest import app_settings

PAGES = ("/public/vi/", "/public/vi/stops.geojson", "/public/vi/api/visits")


def main() -> None:
    """Print one line a page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0, help="for each figure")
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as folder:
        app = _app(Path(folder))
        _measure(app, seconds)
        with app.app_context():
            db.engine.dispose()


def _app(folder: Path) -> Flask:
    """The demonstration's service."""
    url = f"sqlite:///{folder / 'benchmark.sqlite3'}"
    app = create_app({**app_settings(folder, url), "DEMO_MODE": True})
    with app.app_context():
        upgrade(directory=app.extensions["migrate"].directory)
        build_demo(now())
    return app


def _measure(app: Flask, seconds: float) -> None:
    bare = Flask("bare")

    @bare.get("/")
    def page() -> str:
        return "<!doctype html><title>A page</title>"

    reference = _answers_a_second(bare, "/", seconds)
    print(f"{'bare Flask page':31}{reference:9.0f} a second")
    for path in PAGES:
        for kept in (True, False):
            app.config["PUBLIC_CACHE_SECONDS"] = 3600 if kept else 0
            found = _answers_a_second(app, path, seconds)
            how = "kept" if kept else "made"
            print(
                f"{path:24}{how:4}{found:9.0f} a second, {found / reference:6.2f} of the bare one"
            )


def _answers_a_second(app: Flask, path: str, seconds: float) -> float:
    environ = EnvironBuilder(path=path).get_environ()

    def ask() -> None:
        answer = app.wsgi_app(dict(environ), _ignore)
        b"".join(answer)
        close: Callable[[], Any] | None = getattr(answer, "close", None)
        if close is not None:
            close()

    ask()
    count, until = 0, time.perf_counter() + seconds
    begun = time.perf_counter()
    while time.perf_counter() < until:
        ask()
        count += 1
    return count / (time.perf_counter() - begun)


def _ignore(_status: str, _headers: Any, _error: Any = None) -> Callable[[bytes], object]:
    return lambda _text: None


if __name__ == "__main__":
    main()
