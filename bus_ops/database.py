"""The database: one SQLAlchemy session, typed columns, and the rule that rows have an owner.

SQLite is the embedded default (write-ahead log, foreign keys, every commit durable), PostgreSQL
serves where several processes or hosts do; both run the same models and migrations.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

import uuid_utils.compat
from flask import abort, g
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    DateTime,
    Dialect,
    Enum,
    ForeignKey,
    MetaData,
    Select,
    Table,
    event,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import Engine
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column
from sqlalchemy.types import TypeDecorator

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Root of all tables; names every constraint so that migrations can drop it again."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)


db = SQLAlchemy(model_class=Base)
migrate = Migrate()


class UTCDateTime(TypeDecorator[datetime]):
    """An aware datetime, stored in UTC on every database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time needs its zone before it is stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def enum_column(kind: type[StrEnum]) -> Enum:
    """A StrEnum stored by its value as plain text, so that a new kind needs no migration."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=False,
        length=40,
        values_callable=lambda members: [member.value for member in members],
    )


class OwnedByOrganisation:
    """Mixin: the row belongs to one library, and every query of a page asks for its own only."""

    @declared_attr
    def organisation_id(cls) -> Mapped[int]:
        return mapped_column(ForeignKey("organisation.id", ondelete="CASCADE"), index=True)


Model = TypeVar("Model", bound=OwnedByOrganisation)


def now() -> datetime:
    """This moment, aware, in UTC."""
    return datetime.now(UTC)


def new_uuid() -> Any:
    """A UUIDv7: ordered by time, so indexes stay compact and logs read in order."""
    return uuid_utils.compat.uuid7()


def current_organisation_id() -> int:
    """The library of the signed-in person (set once a request by the accounts slice)."""
    organisation_id: int | None = g.get("organisation_id")
    if organisation_id is None:
        abort(403)
    return organisation_id


def owned(model: type[Model]) -> Select[tuple[Model]]:
    """Select rows of ``model`` that belong to the current library."""
    return select(model).where(model.organisation_id == current_organisation_id())


def owned_or_404(model: type[Model], identity: Any) -> Model:
    """The row with this key if the current library owns it; otherwise a 404, never a hint."""
    row = db.session.get(model, identity)
    if row is None or row.organisation_id != current_organisation_id():
        abort(404)
    return row


def insert_or_nothing(table: Table, columns: Sequence[Any]) -> Any:
    """An insert that passes over rows whose ``columns`` stand there already."""
    dialect = db.session.get_bind().dialect.name
    make = postgresql_insert if dialect == "postgresql" else sqlite_insert
    return make(table).on_conflict_do_nothing(index_elements=[c.name for c in columns])


def lock_library(organisation_id: int) -> None:
    """One writer of a library's visits and of its log at a time, until the commit.

    To be called before any of their rows is written: who held a row and waited for the lock would
    wait for ever where the other waits for the row. SQLite has one writer anyway, from the first
    write on: so the first statement is a write.
    """
    with db.session.no_autoflush:
        if db.session.get_bind().dialect.name == "postgresql":
            lock = text("SELECT pg_advisory_xact_lock(7301, :o)")
            db.session.execute(lock, {"o": organisation_id})
            return
        db.session.execute(text("UPDATE organisation SET name = name WHERE id IS NULL"))


@event.listens_for(Engine, "connect")
def _prepare_sqlite(connection: Any, _record: Any) -> None:
    if not isinstance(connection, sqlite3.Connection):
        return
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    # FULL: a commit that was answered for must survive a power cut.
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA busy_timeout=10000")
    # Up to 64 MiB of pages, taken as they are read: years of figures are read more than once.
    cursor.execute("PRAGMA cache_size=-65536")
    cursor.close()
