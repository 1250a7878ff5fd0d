"""a stop may be left out where it costs too much driving."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("stop", schema=None) as batch_op:
        batch_op.add_column(sa.Column("skip_price_m", sa.Integer(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("stop", schema=None) as batch_op:
        batch_op.drop_column("skip_price_m")
