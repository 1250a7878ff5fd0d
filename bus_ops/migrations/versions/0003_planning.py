"""planning of terms."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bus_ops import database

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "planning",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("term_id", sa.Integer(), nullable=False),
        sa.Column("running_term_id", sa.Integer(), nullable=True),
        sa.Column("base_id", sa.Integer(), nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "running",
                "done",
                "failed",
                "cancelled",
                name="planningstate",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("moved_visit_m", sa.Integer(), nullable=False),
        sa.Column("asked_at", database.UTCDateTime(timezone=True), nullable=False),
        sa.Column("seen_at", database.UTCDateTime(timezone=True), nullable=False),
        sa.Column("finished_at", database.UTCDateTime(timezone=True), nullable=True),
        sa.Column("published_at", database.UTCDateTime(timezone=True), nullable=True),
        sa.Column("stop_asked", sa.Boolean(), nullable=False),
        sa.Column("progress", sa.JSON(), nullable=False),
        sa.Column(
            "failure",
            sa.Enum(
                "gone",
                "nothing_to_plan",
                "error",
                name="failure",
                native_enum=False,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("present", sa.JSON(), nullable=True),
        sa.Column("plan", sa.JSON(), nullable=True),
        sa.Column("explanation", sa.JSON(), nullable=False),
        sa.Column("locks", sa.JSON(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["base_id"], ["planning.id"], name=op.f("fk_planning_base_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_planning_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["term_id"], ["term.id"], name=op.f("fk_planning_term_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_planning_user_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_planning")),
        sa.UniqueConstraint("running_term_id", name=op.f("uq_planning_running_term_id")),
    )
    with op.batch_alter_table("planning", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_planning_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_planning_term_id"), ["term_id"], unique=False)

    with op.batch_alter_table("stop", schema=None) as batch_op:
        batch_op.add_column(sa.Column("planned", sa.JSON(), nullable=True))
        batch_op.add_column(
            sa.Column("plan_weekdays", sa.JSON(), nullable=False, server_default=sa.text("'[]'"))
        )
        batch_op.add_column(sa.Column("plan_times", sa.Integer(), nullable=True))
        batch_op.add_column(
            sa.Column("plan_any_van", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        batch_op.add_column(
            sa.Column("plan_fixed", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        batch_op.add_column(
            sa.Column("priority", sa.Integer(), nullable=False, server_default=sa.text("0"))
        )
        batch_op.add_column(
            sa.Column("load_books", sa.Integer(), nullable=False, server_default=sa.text("0"))
        )
        batch_op.add_column(
            sa.Column("together", sa.String(length=40), nullable=False, server_default="")
        )
        batch_op.add_column(
            sa.Column("apart", sa.String(length=40), nullable=False, server_default="")
        )

    with op.batch_alter_table("van", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "weekdays",
                sa.JSON(),
                nullable=False,
                server_default=sa.text("'[0, 1, 2, 3, 4, 5]'"),
            )
        )

    op.create_table(
        "repair",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("term_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column(
            "mishap",
            sa.Enum(
                "day_lost", "visit_refused", "request", name="mishap", native_enum=False, length=40
            ),
            nullable=False,
        ),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("stop_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("asked_at", database.UTCDateTime(timezone=True), nullable=False),
        sa.Column("offers", sa.JSON(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=True),
        sa.Column("accepted_at", database.UTCDateTime(timezone=True), nullable=True),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_repair_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["stop_id"], ["stop.id"], name=op.f("fk_repair_stop_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["term_id"], ["term.id"], name=op.f("fk_repair_term_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_repair_user_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repair")),
    )
    with op.batch_alter_table("repair", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_repair_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_repair_term_id"), ["term_id"], unique=False)


def downgrade() -> None:
    op.drop_table("repair")
    with op.batch_alter_table("van", schema=None) as batch_op:
        batch_op.drop_column("weekdays")

    with op.batch_alter_table("stop", schema=None) as batch_op:
        batch_op.drop_column("apart")
        batch_op.drop_column("together")
        batch_op.drop_column("load_books")
        batch_op.drop_column("priority")
        batch_op.drop_column("plan_fixed")
        batch_op.drop_column("plan_any_van")
        batch_op.drop_column("plan_times")
        batch_op.drop_column("plan_weekdays")
        batch_op.drop_column("planned")

    op.drop_table("planning")
