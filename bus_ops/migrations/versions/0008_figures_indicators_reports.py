"""Counted figures, indicators, reports, and what privacy asks for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bus_ops import database

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
        "department_report",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=160), nullable=False),
        sa.Column(
            "period",
            sa.Enum(
                "day",
                "week",
                "month",
                "quarter",
                "half_year",
                "nine_months",
                "year",
                "school_year",
                "custom",
                name="periodkind",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("closing_day", sa.Integer(), nullable=True),
        sa.Column("grouping", sa.String(length=20), nullable=False),
        sa.Column("template", sa.LargeBinary(), nullable=True),
        sa.Column("template_name", sa.String(length=200), nullable=False),
        sa.Column("created_at", database.UTCDateTime(timezone=True), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_department_report_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_department_report")),
        sa.UniqueConstraint(
            "organisation_id", "name", name=op.f("uq_department_report_organisation_id_name")
        ),
    )
    with op.batch_alter_table("department_report", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_department_report_organisation_id"), ["organisation_id"], unique=False
        )

    op.create_table(
        "figure_sums",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("grain", sa.String(length=5), nullable=False),
        sa.Column("audience", sa.String(length=40), nullable=False),
        sa.Column("first_on", sa.Date(), nullable=False),
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
            "audience",
            "first_on",
            "van_id",
            "place_id",
            name=op.f("pk_figure_sums"),
        ),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("figure_sums", schema=None) as batch_op:
        batch_op.create_index("ix_figure_sums_place", ["place_id", "first_on"], unique=False)

    op.create_table(
        "reading_sums",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("grain", sa.String(length=5), nullable=False),
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
            "grain",
            "first_on",
            "van_id",
            "subject",
            "audience",
            name=op.f("pk_reading_sums"),
        ),
        sqlite_with_rowid=False,
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
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("visit_id", sa.Integer(), autoincrement=False, nullable=False),
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
        sa.PrimaryKeyConstraint(
            "organisation_id", "day", "visit_id", name=op.f("pk_visit_figures")
        ),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("visit_figures", schema=None) as batch_op:
        batch_op.create_index(
            "ix_visit_figures_cancelled",
            ["organisation_id", "day"],
            unique=False,
            sqlite_where=sa.text("cancelled > 0"),
            postgresql_where=sa.text("cancelled > 0"),
        )
        batch_op.create_index("ix_visit_figures_place_day", ["place_id", "day"], unique=False)
        batch_op.create_index(batch_op.f("ix_visit_figures_run_id"), ["run_id"], unique=False)
        batch_op.create_index("ix_visit_figures_van_day", ["van_id", "day"], unique=False)
        batch_op.create_index(batch_op.f("ix_visit_figures_visit_id"), ["visit_id"], unique=False)

    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", database.UTCDateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "exported",
                "looked",
                "erased",
                "sent",
                name="auditkind",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("what", sa.String(length=500), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_audit_entry_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["user_account.id"],
            name=op.f("fk_audit_entry_user_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.create_index("ix_audit_entry_at", ["organisation_id", "at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_audit_entry_organisation_id"), ["organisation_id"], unique=False
        )

    op.create_table(
        "indicator_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("indicator", sa.String(length=40), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.Column("example", sa.Boolean(), nullable=False),
        sa.Column("entered_by_id", sa.Integer(), nullable=True),
        sa.Column("entered_at", database.UTCDateTime(timezone=True), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["entered_by_id"],
            ["user_account.id"],
            name=op.f("fk_indicator_entry_entered_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_indicator_entry_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["unit_id"],
            ["administrative_unit.id"],
            name=op.f("fk_indicator_entry_unit_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_indicator_entry")),
    )
    with op.batch_alter_table("indicator_entry", schema=None) as batch_op:
        batch_op.create_index(
            "ix_indicator_entry", ["organisation_id", "indicator", "on"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_indicator_entry_organisation_id"), ["organisation_id"], unique=False
        )

    op.create_table(
        "saved_report",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column(
            "rows",
            sa.Enum("groups", "visits", "loans", name="rows", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("grouping", sa.String(length=20), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("filters", sa.JSON(), nullable=False),
        sa.Column(
            "period",
            sa.Enum(
                "day",
                "week",
                "month",
                "quarter",
                "half_year",
                "nine_months",
                "year",
                "school_year",
                "custom",
                name="periodkind",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("whole_only", sa.Boolean(), nullable=False),
        sa.Column("file_format", sa.String(length=10), nullable=False),
        sa.Column(
            "cadence",
            sa.Enum("never", "weekly", "monthly", name="cadence", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("recipients", sa.String(length=1000), nullable=False),
        sa.Column("to_folder", sa.Boolean(), nullable=False),
        sa.Column("delivered_for", sa.Date(), nullable=True),
        sa.Column("created_at", database.UTCDateTime(timezone=True), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_saved_report_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["user_account.id"],
            name=op.f("fk_saved_report_owner_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_report")),
        sa.UniqueConstraint(
            "organisation_id", "name", name=op.f("uq_saved_report_organisation_id_name")
        ),
    )
    with op.batch_alter_table("saved_report", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_saved_report_organisation_id"), ["organisation_id"], unique=False
        )

    op.create_table(
        "target",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("indicator", sa.String(length=40), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("first_year", sa.Integer(), nullable=False),
        sa.Column("last_year", sa.Integer(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("example", sa.Boolean(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_target_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["unit_id"],
            ["administrative_unit.id"],
            name=op.f("fk_target_unit_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_target")),
        sa.UniqueConstraint(
            "organisation_id",
            "indicator",
            "unit_id",
            "first_year",
            "last_year",
            name=op.f("uq_target_organisation_id_indicator_unit_id_first_year_last_year"),
        ),
    )
    with op.batch_alter_table("target", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_target_organisation_id"), ["organisation_id"], unique=False
        )

    op.create_table(
        "borrower_mark",
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("mark", sa.String(length=32), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_borrower_mark_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["place_id"], ["place.id"], name=op.f("fk_borrower_mark_place_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("place_id", "year", "mark", name=op.f("pk_borrower_mark")),
    )
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
        batch_op.create_index(
            "ix_loan_remembered",
            ["organisation_id", "returned_at"],
            unique=False,
            sqlite_where=sa.text("card_number NOT LIKE '~%'"),
            postgresql_where=sa.text("card_number NOT LIKE '~%'"),
        )

    with op.batch_alter_table("organisation", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("fuel_litres_per_100km", sa.Double(), server_default="14", nullable=False)
        )
        batch_op.add_column(
            sa.Column("fuel_price_vnd", sa.Integer(), server_default="20000", nullable=False)
        )
        batch_op.add_column(
            sa.Column("crew_hour_vnd", sa.Integer(), server_default="150000", nullable=False)
        )
        batch_op.add_column(
            sa.Column("parent_body", sa.String(length=200), server_default="", nullable=False)
        )
        batch_op.add_column(
            sa.Column("seat", sa.String(length=80), server_default="", nullable=False)
        )
        batch_op.add_column(
            sa.Column("document_sign", sa.String(length=40), server_default="", nullable=False)
        )
        batch_op.add_column(
            sa.Column("addressee", sa.String(length=200), server_default="", nullable=False)
        )
        batch_op.add_column(
            sa.Column("signatory_title", sa.String(length=120), server_default="", nullable=False)
        )
        batch_op.add_column(
            sa.Column("signatory_name", sa.String(length=120), server_default="", nullable=False)
        )
        batch_op.add_column(
            sa.Column("forget_readers_after", sa.Integer(), server_default="30", nullable=False)
        )
        batch_op.add_column(
            sa.Column("smallest_group", sa.Integer(), server_default="0", nullable=False)
        )

    with op.batch_alter_table("outbox_message", schema=None) as batch_op:
        batch_op.add_column(sa.Column("attachment", sa.LargeBinary(), nullable=True))
        batch_op.add_column(
            sa.Column("attachment_name", sa.String(length=200), server_default="", nullable=False)
        )
        batch_op.add_column(
            sa.Column("attachment_type", sa.String(length=120), server_default="", nullable=False)
        )

    op.execute(
        "UPDATE loan SET audience = (SELECT reader.audience FROM reader JOIN card"
        " ON card.reader_id = reader.id WHERE card.id = loan.card_id)"
    )
    # What was logged before is counted with the first commit.
    op.execute("INSERT INTO stale_run (run_id) SELECT id FROM run")


def downgrade() -> None:
    with op.batch_alter_table("outbox_message", schema=None) as batch_op:
        batch_op.drop_column("attachment_type")
        batch_op.drop_column("attachment_name")
        batch_op.drop_column("attachment")

    with op.batch_alter_table("organisation", schema=None) as batch_op:
        batch_op.drop_column("smallest_group")
        batch_op.drop_column("forget_readers_after")
        batch_op.drop_column("signatory_name")
        batch_op.drop_column("signatory_title")
        batch_op.drop_column("addressee")
        batch_op.drop_column("document_sign")
        batch_op.drop_column("seat")
        batch_op.drop_column("parent_body")
        batch_op.drop_column("crew_hour_vnd")
        batch_op.drop_column("fuel_price_vnd")
        batch_op.drop_column("fuel_litres_per_100km")

    with op.batch_alter_table("loan", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_loan_remembered",
            sqlite_where=sa.text("card_number NOT LIKE '~%'"),
            postgresql_where=sa.text("card_number NOT LIKE '~%'"),
        )
        batch_op.drop_column("audience")

    op.drop_table("borrower_mark")
    with op.batch_alter_table("target", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_target_organisation_id"))

    op.drop_table("target")
    with op.batch_alter_table("saved_report", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_saved_report_organisation_id"))

    op.drop_table("saved_report")
    with op.batch_alter_table("indicator_entry", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_indicator_entry_organisation_id"))
        batch_op.drop_index("ix_indicator_entry")

    op.drop_table("indicator_entry")
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_entry_organisation_id"))
        batch_op.drop_index("ix_audit_entry_at")

    op.drop_table("audit_entry")
    with op.batch_alter_table("visit_figures", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_visit_figures_visit_id"))
        batch_op.drop_index("ix_visit_figures_van_day")
        batch_op.drop_index(batch_op.f("ix_visit_figures_run_id"))
        batch_op.drop_index("ix_visit_figures_place_day")
        batch_op.drop_index(
            "ix_visit_figures_cancelled",
            sqlite_where=sa.text("cancelled > 0"),
            postgresql_where=sa.text("cancelled > 0"),
        )

    op.drop_table("visit_figures")
    with op.batch_alter_table("run_reading", schema=None) as batch_op:
        batch_op.drop_index("ix_run_reading_van_day")
        batch_op.drop_index("ix_run_reading_owner_day")

    op.drop_table("run_reading")
    op.drop_table("reading_sums")
    with op.batch_alter_table("figure_sums", schema=None) as batch_op:
        batch_op.drop_index("ix_figure_sums_place")

    op.drop_table("figure_sums")
    with op.batch_alter_table("department_report", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_department_report_organisation_id"))

    op.drop_table("department_report")
    op.drop_table("stale_run")
