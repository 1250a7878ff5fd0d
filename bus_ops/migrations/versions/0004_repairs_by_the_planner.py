"""repairs are looked for outside the request, and may be about a van's days."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STATES = ("running", "done", "failed", "cancelled")
FAILURES = ("gone", "nothing_to_plan", "error")


def upgrade() -> None:
    with op.batch_alter_table("repair", schema=None) as batch_op:
        batch_op.add_column(sa.Column("last_day", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("van_id", sa.Integer(), nullable=True))
        batch_op.add_column(
            sa.Column(
                "state",
                sa.Enum(*STATES, name="planningstate", native_enum=False, length=40),
                nullable=False,
                server_default="done",
            )
        )
        batch_op.add_column(
            sa.Column(
                "failure",
                sa.Enum(*FAILURES, name="failure", native_enum=False, length=40),
                nullable=True,
            )
        )
        batch_op.add_column(sa.Column("message", sa.Text(), nullable=False, server_default=""))
        batch_op.create_foreign_key(
            batch_op.f("fk_repair_van_id"), "van", ["van_id"], ["id"], ondelete="SET NULL"
        )


def downgrade() -> None:
    with op.batch_alter_table("repair", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_repair_van_id"), type_="foreignkey")
        for name in ("message", "failure", "state", "van_id", "last_day"):
            batch_op.drop_column(name)
