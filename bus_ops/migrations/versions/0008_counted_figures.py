"""Counted figures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "stale_run",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stale_run")),
    )
    op.create_table(
        "figure_sums",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("grain", sa.String(length=5), nullable=False),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("audience", sa.String(length=40), nullable=False),
        sa.Column("van_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("place_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("planned", sa.Integer(), server_default="0", nullable=False),
        sa.Column("served", sa.Integer(), server_default="0", nullable=False),
        sa.Column("cancelled", sa.Integer(), server_default="0", nullable=False),
        sa.Column("missed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attendance", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attendance_kindergarten", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attendance_primary", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attendance_lower_secondary", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attendance_upper_secondary", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attendance_adults", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attendance_seniors", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attendance_teachers", sa.Integer(), server_default="0", nullable=False),
        sa.Column("loans", sa.Integer(), server_default="0", nullable=False),
        sa.Column("renewals", sa.Integer(), server_default="0", nullable=False),
        sa.Column("returns", sa.Integer(), server_default="0", nullable=False),
        sa.Column("on_site", sa.Integer(), server_default="0", nullable=False),
        sa.Column("items_served", sa.Integer(), server_default="0", nullable=False),
        sa.Column("activities", sa.Integer(), server_default="0", nullable=False),
        sa.Column("activity_people", sa.Integer(), server_default="0", nullable=False),
        sa.Column("cards", sa.Integer(), server_default="0", nullable=False),
        sa.Column("van_cards", sa.Integer(), server_default="0", nullable=False),
        sa.Column("child_cards", sa.Integer(), server_default="0", nullable=False),
        sa.Column("service_minutes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("timed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("on_time", sa.Integer(), server_default="0", nullable=False),
        sa.Column("late_minutes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("drive_minutes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("km_driven", sa.Integer(), server_default="0", nullable=False),
        sa.Column("km", sa.Integer(), server_default="0", nullable=False),
        sa.Column("runs", sa.Integer(), server_default="0", nullable=False),
        sa.Column("odometer_runs", sa.Integer(), server_default="0", nullable=False),
        sa.Column("by_odometer", sa.Integer(), server_default="0", nullable=False),
        sa.Column("times_reading_on_site", sa.Integer(), server_default="0", nullable=False),
        sa.Column("count_reading_on_site", sa.Integer(), server_default="0", nullable=False),
        sa.Column("times_computers", sa.Integer(), server_default="0", nullable=False),
        sa.Column("count_computers", sa.Integer(), server_default="0", nullable=False),
        sa.Column("times_internet", sa.Integer(), server_default="0", nullable=False),
        sa.Column("count_internet", sa.Integer(), server_default="0", nullable=False),
        sa.Column("times_film", sa.Integer(), server_default="0", nullable=False),
        sa.Column("count_film", sa.Integer(), server_default="0", nullable=False),
        sa.Column("times_storytelling", sa.Integer(), server_default="0", nullable=False),
        sa.Column("count_storytelling", sa.Integer(), server_default="0", nullable=False),
        sa.Column("times_book_talk", sa.Integer(), server_default="0", nullable=False),
        sa.Column("count_book_talk", sa.Integer(), server_default="0", nullable=False),
        sa.Column("times_contest", sa.Integer(), server_default="0", nullable=False),
        sa.Column("count_contest", sa.Integer(), server_default="0", nullable=False),
        sa.Column("times_ebook_accounts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("count_ebook_accounts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("times_book_gift", sa.Integer(), server_default="0", nullable=False),
        sa.Column("count_book_gift", sa.Integer(), server_default="0", nullable=False),
        sa.Column("times_training", sa.Integer(), server_default="0", nullable=False),
        sa.Column("count_training", sa.Integer(), server_default="0", nullable=False),
        sa.Column("times_other", sa.Integer(), server_default="0", nullable=False),
        sa.Column("count_other", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_figure_sums_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "organisation_id",
            "grain",
            "first_on",
            "audience",
            "van_id",
            "place_id",
            name=op.f("pk_figure_sums"),
        ),
    )
    with op.batch_alter_table("figure_sums", schema=None) as batch_op:
        batch_op.create_index("ix_figure_sums_place", ["place_id", "first_on"], unique=False)

    op.create_table(
        "reading_sums",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("van_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("audience", sa.String(length=40), nullable=False),
        sa.Column("loans", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_reading_sums_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "organisation_id",
            "first_on",
            "van_id",
            "subject",
            "audience",
            name=op.f("pk_reading_sums"),
        ),
    )
    op.create_table(
        "run_reading",
        sa.Column("run_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("audience", sa.String(length=40), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("van_id", sa.Integer(), nullable=False),
        sa.Column("loans", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_run_reading_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("run_id", "subject", "audience", name=op.f("pk_run_reading")),
    )
    with op.batch_alter_table("run_reading", schema=None) as batch_op:
        batch_op.create_index("ix_run_reading_owner_day", ["organisation_id", "day"], unique=False)
        batch_op.create_index("ix_run_reading_van_day", ["van_id", "day"], unique=False)

    op.create_table(
        "visit_figures",
        sa.Column("visit_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("van_id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("planned", sa.Integer(), server_default="0", nullable=False),
        sa.Column("served", sa.Integer(), server_default="0", nullable=False),
        sa.Column("cancelled", sa.Integer(), server_default="0", nullable=False),
        sa.Column("missed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attendance", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attendance_kindergarten", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attendance_primary", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attendance_lower_secondary", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attendance_upper_secondary", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attendance_adults", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attendance_seniors", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attendance_teachers", sa.Integer(), server_default="0", nullable=False),
        sa.Column("loans", sa.Integer(), server_default="0", nullable=False),
        sa.Column("renewals", sa.Integer(), server_default="0", nullable=False),
        sa.Column("returns", sa.Integer(), server_default="0", nullable=False),
        sa.Column("on_site", sa.Integer(), server_default="0", nullable=False),
        sa.Column("items_served", sa.Integer(), server_default="0", nullable=False),
        sa.Column("activities", sa.Integer(), server_default="0", nullable=False),
        sa.Column("activity_people", sa.Integer(), server_default="0", nullable=False),
        sa.Column("cards", sa.Integer(), server_default="0", nullable=False),
        sa.Column("van_cards", sa.Integer(), server_default="0", nullable=False),
        sa.Column("child_cards", sa.Integer(), server_default="0", nullable=False),
        sa.Column("service_minutes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("timed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("on_time", sa.Integer(), server_default="0", nullable=False),
        sa.Column("late_minutes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("drive_minutes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("km_driven", sa.Integer(), server_default="0", nullable=False),
        sa.Column("km", sa.Integer(), server_default="0", nullable=False),
        sa.Column("runs", sa.Integer(), server_default="0", nullable=False),
        sa.Column("odometer_runs", sa.Integer(), server_default="0", nullable=False),
        sa.Column("by_odometer", sa.Integer(), server_default="0", nullable=False),
        sa.Column("times_reading_on_site", sa.Integer(), server_default="0", nullable=False),
        sa.Column("count_reading_on_site", sa.Integer(), server_default="0", nullable=False),
        sa.Column("times_computers", sa.Integer(), server_default="0", nullable=False),
        sa.Column("count_computers", sa.Integer(), server_default="0", nullable=False),
        sa.Column("times_internet", sa.Integer(), server_default="0", nullable=False),
        sa.Column("count_internet", sa.Integer(), server_default="0", nullable=False),
        sa.Column("times_film", sa.Integer(), server_default="0", nullable=False),
        sa.Column("count_film", sa.Integer(), server_default="0", nullable=False),
        sa.Column("times_storytelling", sa.Integer(), server_default="0", nullable=False),
        sa.Column("count_storytelling", sa.Integer(), server_default="0", nullable=False),
        sa.Column("times_book_talk", sa.Integer(), server_default="0", nullable=False),
        sa.Column("count_book_talk", sa.Integer(), server_default="0", nullable=False),
        sa.Column("times_contest", sa.Integer(), server_default="0", nullable=False),
        sa.Column("count_contest", sa.Integer(), server_default="0", nullable=False),
        sa.Column("times_ebook_accounts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("count_ebook_accounts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("times_book_gift", sa.Integer(), server_default="0", nullable=False),
        sa.Column("count_book_gift", sa.Integer(), server_default="0", nullable=False),
        sa.Column("times_training", sa.Integer(), server_default="0", nullable=False),
        sa.Column("count_training", sa.Integer(), server_default="0", nullable=False),
        sa.Column("times_other", sa.Integer(), server_default="0", nullable=False),
        sa.Column("count_other", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_visit_figures_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("visit_id", name=op.f("pk_visit_figures")),
    )
    with op.batch_alter_table("visit_figures", schema=None) as batch_op:
        batch_op.create_index(
            "ix_visit_figures_owner_day", ["organisation_id", "day"], unique=False
        )
        batch_op.create_index("ix_visit_figures_place_day", ["place_id", "day"], unique=False)
        batch_op.create_index(batch_op.f("ix_visit_figures_run_id"), ["run_id"], unique=False)
        batch_op.create_index("ix_visit_figures_van_day", ["van_id", "day"], unique=False)

    with op.batch_alter_table("loan", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "audience",
                sa.Enum(
                    "kindergarten",
                    "primary",
                    "lower_secondary",
                    "upper_secondary",
                    "adults",
                    "seniors",
                    "teachers",
                    name="audience",
                    native_enum=False,
                    length=40,
                ),
                nullable=True,
            )
        )

    op.execute(
        "UPDATE loan SET audience = (SELECT reader.audience FROM reader JOIN card"
        " ON card.reader_id = reader.id WHERE card.id = loan.card_id)"
    )
    # What was logged before is counted with the first commit.
    op.execute("INSERT INTO stale_run (run_id) SELECT id FROM run")


def downgrade() -> None:
    with op.batch_alter_table("loan", schema=None) as batch_op:
        batch_op.drop_column("audience")

    with op.batch_alter_table("visit_figures", schema=None) as batch_op:
        batch_op.drop_index("ix_visit_figures_van_day")
        batch_op.drop_index(batch_op.f("ix_visit_figures_run_id"))
        batch_op.drop_index("ix_visit_figures_place_day")
        batch_op.drop_index("ix_visit_figures_owner_day")

    op.drop_table("visit_figures")
    with op.batch_alter_table("run_reading", schema=None) as batch_op:
        batch_op.drop_index("ix_run_reading_van_day")
        batch_op.drop_index("ix_run_reading_owner_day")

    op.drop_table("run_reading")
    op.drop_table("reading_sums")
    with op.batch_alter_table("figure_sums", schema=None) as batch_op:
        batch_op.drop_index("ix_figure_sums_place")

    op.drop_table("figure_sums")
    op.drop_table("stale_run")
