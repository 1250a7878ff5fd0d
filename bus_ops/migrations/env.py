"""Alembic's environment: runs migrations on the app's own engine and models."""

from __future__ import annotations

from alembic import context
from sqlalchemy import inspect

from bus_ops.counting.models import STALE_RUN, drop_triggers, write_triggers
from bus_ops.database import db
from bus_ops.schema import Base

target_metadata = Base.metadata


def run_migrations() -> None:
    """Upgrade or downgrade the app's database; batches let SQLite alter its tables."""
    with db.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            # A table that is made anew is dropped first: what refers to it must not go with it.
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.commit()
        context.configure(
            connection=connection,
            target_metadata=target_metadata,
            render_as_batch=True,
            compare_type=True,
            user_module_prefix="database.",
        )
        with context.begin_transaction():
            # SQLite renames no table that a trigger speaks of.
            drop_triggers(connection)
            context.run_migrations()
            if inspect(connection).has_table(STALE_RUN.name):
                write_triggers(connection)
        if connection.dialect.name == "sqlite":
            # The connection goes back to the pool.
            connection.commit()
            connection.exec_driver_sql("PRAGMA foreign_keys=ON")
            connection.commit()


run_migrations()
