"""What every test may ask for: real input, an app on SQLite or PostgreSQL, signed-in clients."""

from __future__ import annotations

import contextvars
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask, has_app_context
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, settings
from sqlalchemy import event, make_url
from werkzeug.test import TestResponse

from bus_ops import create_app
from bus_ops.accounts import passwords
from bus_ops.accounts.limits import limiter
from bus_ops.accounts.models import Organisation, Role, User
from bus_ops.accounts.passwords import hash_password
from bus_ops.config import flask_settings, settings_from_environment
from bus_ops.database import db
from tests.postgres import PostgresServer

settings.register_profile(
    "bus-ops",
    deadline=None,
    max_examples=60,
    # Explaining a failure traces every line, for minutes.
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.target, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("bus-ops")

REAL_INPUT_MISSING = "the folder of real input is not here"
PASSWORD = "sông Hậu chảy hiền"
REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real input that stands beside the project and is not part of it."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"{REAL_INPUT_MISSING}: {folder}")
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first: begun last, it would keep one worker while others wait."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A clone without the real input passes; what that left out is said, not hidden."""
    skipped = terminalreporter.stats.get("skipped", [])
    missing = [r.nodeid for r in skipped if REAL_INPUT_MISSING in str(r.longrepr)]
    if not missing:
        return
    terminalreporter.section("LEFT OUT: real input", sep="!", red=True)
    terminalreporter.line(
        f"{len(missing)} tests read files that stand beside the project and are not part of it"
        f" ({REPOSITORY.parent / 'shared' / 'data'}). They were not run:"
    )
    for name in missing:
        terminalreporter.line(f"  {name}")
    terminalreporter.line("The files of tests/data went through the same imports instead.")


# argon2 is slow on purpose; hundreds of tests sign in. Its real parameters have their own test.
REAL_HASHER = passwords.hasher
passwords.hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def made_once(
    tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]
) -> Path:
    """A folder that the first worker which asks for it makes; the others wait and copy from it."""
    base = tmp_path_factory.getbasetemp()
    # Each worker's own folder lies in one that all of them share.
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    made = folder.with_suffix(".made")
    try:
        folder.mkdir()
    except FileExistsError:
        until = time.monotonic() + 180
        while not made.exists():
            assert time.monotonic() < until, f"the worker that makes {folder} did not finish"
            time.sleep(0.1)
        return folder
    make(folder)
    made.touch()
    return folder


@pytest.fixture(scope="session")
def password_hash() -> str:
    """The tests' password, hashed."""
    return hash_password(PASSWORD)


def app_settings(data_folder: Path, database_url: str) -> dict[str, Any]:
    """Settings of a test: nothing leaves the machine, no attempt is limited."""
    return {
        "TESTING": True,
        "DATA_FOLDER": data_folder,
        "DATABASE_URL": database_url,
        "SECRET_KEY": "only for tests",
        "SERVER_NAME": None,
        "GEOCODING": False,
        "TILE_URL": "",
        "WTF_CSRF_ENABLED": False,
        "RATELIMIT_ENABLED": False,
        # Tests share one app and change what it shows.
        "PUBLIC_CACHE_SECONDS": 0,
    }


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with all tables, made once and copied for each test."""
    folder = tmp_path_factory.mktemp("empty")
    path = folder / "empty.sqlite3"
    app = create_app(app_settings(folder, f"sqlite:///{path}"))
    with app.app_context():
        db.create_all()
        db.session.remove()
        db.engine.dispose()
    return path


@pytest.fixture
def sqlite_url(empty_sqlite: Path, tmp_path: Path) -> str:
    """A fresh SQLite database with all tables."""
    copy = tmp_path / "test.sqlite3"
    shutil.copy(empty_sqlite, copy)
    return f"sqlite:///{copy}"


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A real PostgreSQL server of this test run's own; its absence is a failure with a remedy."""
    server = PostgresServer.start()
    try:
        app = create_app(
            app_settings(tmp_path_factory.mktemp("pg"), server.new_database("all_tables"))
        )
        with app.app_context():
            db.create_all()
            db.session.remove()
            db.engine.dispose()
        yield server
    finally:
        server.stop()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> str:
    """A fresh PostgreSQL database with all tables."""
    return postgres_server.new_database(template="all_tables")


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)],
)
def each_database_url(request: pytest.FixtureRequest) -> str:
    """Both databases in turn: storage tests pass on each."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url: str = request.getfixturevalue(name)
    return url


class SeparateClient(FlaskClient):
    """Each request runs in a context of its own, as on a server; the test then sees what it wrote.

    Within the test's own context, one request would inherit the person of the one before.
    """

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send a request and read its whole answer."""
        kwargs.setdefault("buffered", True)
        if not has_app_context():
            return super().open(*args, **kwargs)
        db.session.commit()
        try:
            return contextvars.Context().run(super().open, *args, **kwargs)
        finally:
            db.session.rollback()


class TestedApp:
    """One application that many tests use in turn, each with settings and a database of its own.

    Making the application, its templates and its statements ready takes far longer than most tests
    do. It is made anew where a test changed what cannot be put back.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        self.app = create_app(settings)
        self.app.test_client_class = SeparateClient
        self._url = make_url(self.app.config["SQLALCHEMY_DATABASE_URI"])
        with self.app.app_context():
            event.listen(db.engine, "do_connect", self._to_the_tests_database)
        self._config = dict(self.app.config)
        self._made = self._shape()

    def use(self, settings: dict[str, Any]) -> None:
        """The next test's settings and database."""
        self.app.config.clear()
        # With what the extensions noted for themselves.
        self.app.config.update(self._config)
        self.app.config.update(flask_settings({**settings_from_environment(), **settings}))
        self._url = make_url(self.app.config["SQLALCHEMY_DATABASE_URI"])
        # One for all applications: a test of limits leaves it on.
        limiter.enabled = self.app.config["RATELIMIT_ENABLED"]

    @property
    def is_as_made(self) -> bool:
        """Whether the last test left it as it was."""
        return self._shape() == self._made

    def _shape(self) -> tuple[object, ...]:
        app = self.app
        return (
            tuple(app.url_map.iter_rules()),
            dict(app.view_functions),
            dict(app.extensions),
            {key: tuple(of) for key, of in app.before_request_funcs.items()},
            {key: dict(of) for key, of in app.error_handler_spec.items()},
        )

    def _to_the_tests_database(
        self, _dialect: object, _record: object, arguments: list[Any], named: dict[str, Any]
    ) -> None:
        if self._url.get_backend_name() == "sqlite":
            arguments[0] = self._url.database
        else:
            named["dbname"] = self._url.database


_tested_apps: dict[str, TestedApp] = {}


def running_app(url: str, tmp_path: Path, own: bool = False) -> Iterator[Flask]:
    """The application on a database, inside its application context; ``own``: of this test only."""
    settings = app_settings(tmp_path, url)
    kind = url.partition(":")[0]
    tested = None if own else _tested_apps.get(kind)
    if tested is None:
        tested = TestedApp(settings)
        if not own:
            _tested_apps[kind] = tested
    tested.use(settings)
    with tested.app.app_context():
        yield tested.app
        db.session.remove()
        db.engine.dispose()
    if not own and not tested.is_as_made:
        del _tested_apps[kind]


@pytest.fixture
def app(request: pytest.FixtureRequest, sqlite_url: str, tmp_path: Path) -> Iterator[Flask]:
    """The application on a fresh SQLite database, inside its application context."""
    yield from running_app(sqlite_url, tmp_path, wants_own_app(request))


@pytest.fixture
def app_on_each(
    request: pytest.FixtureRequest, each_database_url: str, tmp_path: Path
) -> Iterator[Flask]:
    """The application on SQLite and on PostgreSQL."""
    yield from running_app(each_database_url, tmp_path, wants_own_app(request))


def wants_own_app(request: pytest.FixtureRequest) -> bool:
    """Whether the test is marked ``own_app``: it changes or asks what others share."""
    return request.node.get_closest_marker("own_app") is not None


def add_organisation(name: str = "Thư viện thử nghiệm") -> Organisation:
    """A library, flushed so that it has its id."""
    organisation = Organisation(name=name)
    db.session.add(organisation)
    db.session.flush()
    return organisation


def _app_fixture(request: pytest.FixtureRequest) -> str:
    return "app_on_each" if "app_on_each" in request.fixturenames else "app"


@pytest.fixture
def organisation(request: pytest.FixtureRequest) -> Organisation:
    """A library in the database of the test's app."""
    request.getfixturevalue(_app_fixture(request))
    library = add_organisation()
    db.session.commit()
    return library


SignIn = Callable[[Role], FlaskClient]


@pytest.fixture
def sign_in(
    request: pytest.FixtureRequest, organisation: Organisation, password_hash: str
) -> SignIn:
    """A client of the test's app, signed in as a person of the role (username = role)."""
    app: Flask = request.getfixturevalue(_app_fixture(request))

    def client_of(role: Role) -> FlaskClient:
        account = User(
            organisation_id=organisation.id,
            username=role.value,
            full_name=f"Người {role.value}",
            role=role,
            password_hash=password_hash,
            language="en",
        )
        db.session.add(account)
        db.session.commit()
        client = app.test_client()
        answer = client.post(
            "/accounts/sign-in", data={"username": role.value, "password": PASSWORD}
        )
        assert answer.status_code == 302, answer.get_data(as_text=True)
        return client

    return client_of
