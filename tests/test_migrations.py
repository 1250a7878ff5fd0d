"""Migrations: an empty database goes up to today's tables and back down to nothing."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect, text

from bus_ops import create_app
from bus_ops.database import db
from bus_ops.schema import Base
from tests.conftest import app_settings
from tests.postgres import PostgresServer


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def app_without_tables(request: pytest.FixtureRequest, tmp_path: Path) -> Flask:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'empty.sqlite3'}"
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = server.new_database()
    return create_app(app_settings(tmp_path, url))


def test_rows_of_an_older_version_stay_when_their_tables_are_made_anew(
    app_without_tables: Flask,
) -> None:
    tablet, fact, moment = uuid.uuid4(), uuid.uuid4(), "2026-11-24 03:00:00+00:00"
    with app_without_tables.app_context():
        upgrade(revision="0001")
        as_text = db.engine.dialect.name == "sqlite"
        keys = {"t": tablet.hex if as_text else tablet, "e": fact.hex if as_text else fact}
        with db.engine.begin() as connection:
            for statement in (
                "INSERT INTO organisation (id, name, created_at, drive_speed_kmh, detour_factor)"
                " VALUES (1, 'Thư viện', :m, 30, 1.3)",
                "INSERT INTO tablet (id, name, credential_hash, enrolled_at, organisation_id)"
                " VALUES (:t, 'Máy 1', '', :m, 1)",
                "INSERT INTO event (id, organisation_id, tablet_id, sequence, kind, version,"
                " recorded_at, clock_offset_ms, happened_at, received_at, payload)"
                " VALUES (:e, 1, :t, 1, 'note', 1, :m, 0, :m, :m, '{}')",
            ):
                connection.execute(text(statement), {**keys, "m": moment})
        upgrade()
        with db.engine.connect() as connection:
            held = connection.execute(text("SELECT count(*) FROM event")).scalar()
            name = connection.execute(text("SELECT name, app_version FROM tablet")).one()
        assert (held, *name) == (1, "Máy 1", "")
        db.engine.dispose()


def test_an_empty_database_is_upgraded_to_the_models_and_down_again(
    app_without_tables: Flask,
) -> None:
    with app_without_tables.app_context():
        upgrade()
        with db.engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, Base.metadata) == []
        downgrade(revision="base")
        assert set(inspect(db.engine).get_table_names()) <= {"alembic_version"}
        db.engine.dispose()
