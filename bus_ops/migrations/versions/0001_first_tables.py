"""first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bus_ops import database

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "job_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job", sa.String(length=60), nullable=False),
        sa.Column("due_at", database.UTCDateTime(timezone=True), nullable=False),
        sa.Column("started_at", database.UTCDateTime(timezone=True), nullable=False),
        sa.Column("finished_at", database.UTCDateTime(timezone=True), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "running",
                "done",
                "failed",
                name="workstate",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("by_hand", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_run")),
        sa.UniqueConstraint("job", "due_at", name=op.f("uq_job_run_job_due_at")),
    )
    with op.batch_alter_table("job_run", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_job_run_job"), ["job"], unique=False)

    op.create_table(
        "organisation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("created_at", database.UTCDateTime(timezone=True), nullable=False),
        sa.Column("drive_speed_kmh", sa.Double(), nullable=False),
        sa.Column("detour_factor", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation")),
        sa.UniqueConstraint("name", name=op.f("uq_organisation_name")),
    )
    op.create_table(
        "administrative_unit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("full_name", sa.String(length=160), nullable=False),
        sa.Column(
            "level",
            sa.Enum(
                "province", "district", "commune", name="unitlevel", native_enum=False, length=40
            ),
            nullable=False,
        ),
        sa.Column("search_key", sa.String(length=200), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("successor_id", sa.Integer(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("outline", sa.JSON(), nullable=True),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_administrative_unit_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["administrative_unit.id"], name=op.f("fk_administrative_unit_parent_id")
        ),
        sa.ForeignKeyConstraint(
            ["successor_id"],
            ["administrative_unit.id"],
            name=op.f("fk_administrative_unit_successor_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_administrative_unit")),
        sa.UniqueConstraint(
            "organisation_id",
            "code",
            "level",
            "valid_from",
            name=op.f("uq_administrative_unit_organisation_id_code_level_valid_from"),
        ),
    )
    with op.batch_alter_table("administrative_unit", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_administrative_unit_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index("ix_unit_search", ["organisation_id", "search_key"], unique=False)

    op.create_table(
        "column_mapping",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("header_mark", sa.String(length=64), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("used_at", database.UTCDateTime(timezone=True), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_column_mapping_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_column_mapping")),
        sa.UniqueConstraint(
            "organisation_id",
            "header_mark",
            name=op.f("uq_column_mapping_organisation_id_header_mark"),
        ),
    )
    with op.batch_alter_table("column_mapping", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_column_mapping_organisation_id"), ["organisation_id"], unique=False
        )

    op.create_table(
        "contradiction",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "lent_twice",
                "returned_not_lent",
                "renewed_not_lent",
                "unknown_card",
                "unknown_copy",
                "card_exists",
                "visit_cancelled",
                "unknown_visit",
                "clock_wrong",
                "departed_before_arrived",
                "count_below_zero",
                "other_run",
                name="contradictionkind",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("other_event_id", sa.Uuid(), nullable=True),
        sa.Column("visit_id", sa.Integer(), nullable=True),
        sa.Column("barcode", sa.String(length=40), nullable=True),
        sa.Column("card_number", sa.String(length=40), nullable=True),
        sa.Column("found_at", database.UTCDateTime(timezone=True), nullable=False),
        sa.Column("settled_by_id", sa.Uuid(), nullable=True),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_contradiction_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("event_id", "kind", name=op.f("pk_contradiction")),
    )
    with op.batch_alter_table("contradiction", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_contradiction_settled_by_id"), ["settled_by_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_contradiction_visit_id"), ["visit_id"], unique=False)

    op.create_table(
        "depot",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("address", sa.String(length=300), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_depot_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_depot")),
        sa.UniqueConstraint("organisation_id", "name", name=op.f("uq_depot_organisation_id_name")),
    )
    with op.batch_alter_table("depot", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_depot_organisation_id"), ["organisation_id"], unique=False
        )

    op.create_table(
        "geocoded_address",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=200), nullable=False),
        sa.Column("query", sa.String(length=500), nullable=False),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("label", sa.String(length=500), nullable=False),
        sa.Column("asked_at", database.UTCDateTime(timezone=True), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_geocoded_address_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_geocoded_address")),
        sa.UniqueConstraint(
            "organisation_id",
            "provider",
            "query",
            name=op.f("uq_geocoded_address_organisation_id_provider_query"),
        ),
    )
    with op.batch_alter_table("geocoded_address", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_geocoded_address_organisation_id"), ["organisation_id"], unique=False
        )

    op.create_table(
        "service_calendar",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("weekdays", sa.JSON(), nullable=False),
        sa.Column(
            "proposed_for",
            sa.Enum(
                "staff",
                "kindergarten",
                "primary",
                "secondary",
                name="calendaruse",
                native_enum=False,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_service_calendar_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_calendar")),
        sa.UniqueConstraint(
            "organisation_id", "name", name=op.f("uq_service_calendar_organisation_id_name")
        ),
    )
    with op.batch_alter_table("service_calendar", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_service_calendar_organisation_id"), ["organisation_id"], unique=False
        )

    op.create_table(
        "term",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=160), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column(
            "status",
            sa.Enum("draft", "published", name="termstatus", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("published_at", database.UTCDateTime(timezone=True), nullable=True),
        sa.Column("filled_until", sa.Date(), nullable=True),
        sa.Column("leaves_depot_at", sa.Integer(), nullable=True),
        sa.Column("lunch_earliest", sa.Integer(), nullable=True),
        sa.Column("lunch_latest", sa.Integer(), nullable=True),
        sa.Column("lunch_minutes", sa.Integer(), nullable=False),
        sa.Column("buffer_minutes", sa.Integer(), nullable=False),
        sa.Column("shift_limit_minutes", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("import_key", sa.String(length=80), nullable=True),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_term_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_term")),
        sa.UniqueConstraint(
            "organisation_id", "import_key", name=op.f("uq_term_organisation_id_import_key")
        ),
        sa.UniqueConstraint("organisation_id", "name", name=op.f("uq_term_organisation_id_name")),
    )
    with op.batch_alter_table("term", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_term_organisation_id"), ["organisation_id"], unique=False
        )

    op.create_table(
        "title",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("author", sa.String(length=200), nullable=False),
        sa.Column("search_key", sa.String(length=500), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("isbn", sa.String(length=20), nullable=False),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_title_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_title")),
    )
    with op.batch_alter_table("title", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_title_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_title_search_key"), ["search_key"], unique=False)

    op.create_table(
        "user_account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("username", sa.String(length=80), nullable=False),
        sa.Column("full_name", sa.String(length=200), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "crew",
                "coordinator",
                "reporter",
                "administrator",
                name="role",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", database.UTCDateTime(timezone=True), nullable=False),
        sa.Column("last_signed_in_at", database.UTCDateTime(timezone=True), nullable=True),
        sa.Column("session_mark", sa.String(length=32), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_user_account_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
        sa.UniqueConstraint("username", name=op.f("uq_user_account_username")),
    )
    with op.batch_alter_table("user_account", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_user_account_organisation_id"), ["organisation_id"], unique=False
        )

    op.create_table(
        "calendar_closure",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("calendar_id", sa.Integer(), nullable=False),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("opens", sa.Boolean(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["calendar_id"],
            ["service_calendar.id"],
            name=op.f("fk_calendar_closure_calendar_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_calendar_closure_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_closure")),
    )
    with op.batch_alter_table("calendar_closure", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_calendar_closure_calendar_id"), ["calendar_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_calendar_closure_organisation_id"), ["organisation_id"], unique=False
        )

    op.create_table(
        "calendar_period",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("calendar_id", sa.Integer(), nullable=False),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["calendar_id"],
            ["service_calendar.id"],
            name=op.f("fk_calendar_period_calendar_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_calendar_period_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_period")),
    )
    with op.batch_alter_table("calendar_period", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_calendar_period_calendar_id"), ["calendar_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_calendar_period_organisation_id"), ["organisation_id"], unique=False
        )

    op.create_table(
        "copy",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("title_id", sa.Integer(), nullable=False),
        sa.Column("barcode", sa.String(length=40), nullable=False),
        sa.Column("added_on", sa.Date(), nullable=True),
        sa.Column("withdrawn_on", sa.Date(), nullable=True),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_copy_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["title_id"], ["title.id"], name=op.f("fk_copy_title_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_copy")),
        sa.UniqueConstraint(
            "organisation_id", "barcode", name=op.f("uq_copy_organisation_id_barcode")
        ),
    )
    with op.batch_alter_table("copy", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_copy_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_copy_title_id"), ["title_id"], unique=False)

    op.create_table(
        "crew_member",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("full_name", sa.String(length=200), nullable=False),
        sa.Column(
            "duty",
            sa.Enum("operator", "librarian", name="duty", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_crew_member_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["user_account.id"],
            name=op.f("fk_crew_member_user_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_crew_member")),
    )
    with op.batch_alter_table("crew_member", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_crew_member_organisation_id"), ["organisation_id"], unique=False
        )

    op.create_table(
        "place",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("search_key", sa.String(length=600), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "school",
                "commune_office",
                "library",
                "cultural_house",
                "post_office",
                "health_station",
                "market",
                "street",
                "other",
                name="placekind",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "level",
            sa.Enum(
                "kindergarten",
                "primary",
                "lower_secondary",
                "upper_secondary",
                "several",
                name="schoollevel",
                native_enum=False,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("official_code", sa.String(length=40), nullable=False),
        sa.Column("community", sa.String(length=160), nullable=False),
        sa.Column("address", sa.String(length=300), nullable=False),
        sa.Column("postcode", sa.String(length=20), nullable=False),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column(
            "position_quality",
            sa.Enum(
                "exact",
                "approximate",
                "missing",
                name="positionquality",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("position_source", sa.String(length=120), nullable=False),
        sa.Column("commune_id", sa.Integer(), nullable=True),
        sa.Column("contact_name", sa.String(length=120), nullable=False),
        sa.Column("contact_phone", sa.String(length=40), nullable=False),
        sa.Column("contact_email", sa.String(length=254), nullable=False),
        sa.Column("gate_notes", sa.Text(), nullable=False),
        sa.Column("parking_notes", sa.Text(), nullable=False),
        sa.Column("power_notes", sa.Text(), nullable=False),
        sa.Column("turning_notes", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("opening_windows", sa.JSON(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("import_key", sa.String(length=400), nullable=True),
        sa.Column("imported", sa.JSON(), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("extra", sa.JSON(), nullable=False),
        sa.Column("created_at", database.UTCDateTime(timezone=True), nullable=False),
        sa.Column("geocoder_asked_at", database.UTCDateTime(timezone=True), nullable=True),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["commune_id"], ["administrative_unit.id"], name=op.f("fk_place_commune_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_place_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_place")),
        sa.UniqueConstraint(
            "organisation_id", "import_key", name=op.f("uq_place_organisation_id_import_key")
        ),
    )
    with op.batch_alter_table("place", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_place_commune_id"), ["commune_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_place_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index("ix_place_search", ["organisation_id", "search_key"], unique=False)

    op.create_table(
        "tablet",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("credential_hash", sa.String(length=200), nullable=False),
        sa.Column("enrolled_at", database.UTCDateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", database.UTCDateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", database.UTCDateTime(timezone=True), nullable=True),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_tablet_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_tablet_user_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tablet")),
    )
    with op.batch_alter_table("tablet", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_tablet_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_tablet_user_id"), ["user_id"], unique=False)

    op.create_table(
        "uploaded_file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("file_name", sa.String(length=255), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("uploaded_at", database.UTCDateTime(timezone=True), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_uploaded_file_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["user_account.id"],
            name=op.f("fk_uploaded_file_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploaded_file")),
    )
    with op.batch_alter_table("uploaded_file", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_uploaded_file_organisation_id"), ["organisation_id"], unique=False
        )

    op.create_table(
        "van",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("operator", sa.String(length=160), nullable=False),
        sa.Column(
            "carrier",
            sa.Enum("van", "boat", "trolley", name="carrier", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("plate", sa.String(length=20), nullable=False),
        sa.Column("capacity_books", sa.Integer(), nullable=True),
        sa.Column("depot_id", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["depot_id"], ["depot.id"], name=op.f("fk_van_depot_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_van_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_van")),
        sa.UniqueConstraint(
            "organisation_id", "operator", "name", name=op.f("uq_van_organisation_id_operator_name")
        ),
    )
    with op.batch_alter_table("van", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_van_organisation_id"), ["organisation_id"], unique=False
        )

    op.create_table(
        "event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tablet_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("run_id", sa.Integer(), nullable=True),
        sa.Column("visit_id", sa.Integer(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "run_left",
                "run_returned",
                "equipment",
                "arrived",
                "departed",
                "attendance",
                "activity",
                "note",
                "lent",
                "returned",
                "renewed",
                "used_on_site",
                "card_issued",
                "undo",
                "settled",
                name="eventkind",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("recorded_at", database.UTCDateTime(timezone=True), nullable=False),
        sa.Column("clock_offset_ms", sa.BigInteger(), nullable=False),
        sa.Column("happened_at", database.UTCDateTime(timezone=True), nullable=False),
        sa.Column("received_at", database.UTCDateTime(timezone=True), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("undoes_id", sa.Uuid(), nullable=True),
        sa.Column("settles_id", sa.Uuid(), nullable=True),
        sa.Column("barcode", sa.String(length=40), nullable=True),
        sa.Column("card_number", sa.String(length=40), nullable=True),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_event_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tablet_id"], ["tablet.id"], name=op.f("fk_event_tablet_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_event_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_event_barcode"), ["barcode"], unique=False)
        batch_op.create_index(batch_op.f("ix_event_card_number"), ["card_number"], unique=False)
        batch_op.create_index(batch_op.f("ix_event_run_id"), ["run_id"], unique=False)
        batch_op.create_index("ix_event_tablet_sequence", ["tablet_id", "sequence"], unique=False)
        batch_op.create_index(batch_op.f("ix_event_settles_id"), ["settles_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_event_undoes_id"), ["undoes_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_event_visit_id"), ["visit_id"], unique=False)

    op.create_table(
        "place_unit",
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_place_unit_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["place_id"], ["place.id"], name=op.f("fk_place_unit_place_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["unit_id"],
            ["administrative_unit.id"],
            name=op.f("fk_place_unit_unit_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("place_id", "unit_id", name=op.f("pk_place_unit")),
    )
    with op.batch_alter_table("place_unit", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_place_unit_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_place_unit_unit_id"), ["unit_id"], unique=False)

    op.create_table(
        "reader",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("full_name", sa.String(length=200), nullable=False),
        sa.Column("search_key", sa.String(length=200), nullable=False),
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
        ),
        sa.Column("place_id", sa.Integer(), nullable=True),
        sa.Column("class_name", sa.String(length=40), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_reader_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_reader_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reader")),
    )
    with op.batch_alter_table("reader", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_reader_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_reader_place_id"), ["place_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_reader_search_key"), ["search_key"], unique=False)

    op.create_table(
        "route",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("term_id", sa.Integer(), nullable=False),
        sa.Column("van_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=160), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_route_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["term_id"], ["term.id"], name=op.f("fk_route_term_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["van_id"], ["van.id"], name=op.f("fk_route_van_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_route")),
        sa.UniqueConstraint("term_id", "van_id", "name", name=op.f("uq_route_term_id_van_id_name")),
    )
    with op.batch_alter_table("route", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_route_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_route_term_id"), ["term_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_route_van_id"), ["van_id"], unique=False)

    op.create_table(
        "set_aside",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tablet_id", sa.Uuid(), nullable=True),
        sa.Column("received_at", database.UTCDateTime(timezone=True), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_set_aside_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tablet_id"], ["tablet.id"], name=op.f("fk_set_aside_tablet_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_set_aside")),
        sa.UniqueConstraint("digest", name=op.f("uq_set_aside_digest")),
    )
    with op.batch_alter_table("set_aside", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_set_aside_organisation_id"), ["organisation_id"], unique=False
        )

    op.create_table(
        "van_equipment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("van_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_van_equipment_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["van_id"], ["van.id"], name=op.f("fk_van_equipment_van_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_van_equipment")),
    )
    with op.batch_alter_table("van_equipment", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_van_equipment_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_van_equipment_van_id"), ["van_id"], unique=False)

    op.create_table(
        "van_out_of_service",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("van_id", sa.Integer(), nullable=False),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_van_out_of_service_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["van_id"], ["van.id"], name=op.f("fk_van_out_of_service_van_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_van_out_of_service")),
    )
    with op.batch_alter_table("van_out_of_service", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_van_out_of_service_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_van_out_of_service_van_id"), ["van_id"], unique=False)

    op.create_table(
        "card",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "library", "van", "child", "teacher", name="cardkind", native_enum=False, length=40
            ),
            nullable=False,
        ),
        sa.Column("reader_id", sa.Integer(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=True),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_card_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["reader_id"], ["reader.id"], name=op.f("fk_card_reader_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_card")),
        sa.UniqueConstraint("event_id", name=op.f("uq_card_event_id")),
        sa.UniqueConstraint(
            "organisation_id", "number", name=op.f("uq_card_organisation_id_number")
        ),
    )
    with op.batch_alter_table("card", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_card_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_card_reader_id"), ["reader_id"], unique=False)

    op.create_table(
        "run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("term_id", sa.Integer(), nullable=False),
        sa.Column("van_id", sa.Integer(), nullable=False),
        sa.Column("route_id", sa.Integer(), nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("leaves_at", database.UTCDateTime(timezone=True), nullable=False),
        sa.Column("returns_at", database.UTCDateTime(timezone=True), nullable=False),
        sa.Column("lunch_from", database.UTCDateTime(timezone=True), nullable=True),
        sa.Column("lunch_until", database.UTCDateTime(timezone=True), nullable=True),
        sa.Column("drive_minutes", sa.Integer(), nullable=False),
        sa.Column("distance_m", sa.Integer(), nullable=False),
        sa.Column("return_drive_minutes", sa.Integer(), nullable=False),
        sa.Column("return_distance_m", sa.Integer(), nullable=False),
        sa.Column("travel_source", sa.String(length=60), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("logged", sa.Boolean(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_run_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["route_id"], ["route.id"], name=op.f("fk_run_route_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["term_id"], ["term.id"], name=op.f("fk_run_term_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["van_id"], ["van.id"], name=op.f("fk_run_van_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.create_index("ix_run_organisation_day", ["organisation_id", "day"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_run_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_run_term_id"), ["term_id"], unique=False)
        batch_op.create_index("ix_run_van_day", ["van_id", "day"], unique=False)

    op.create_table(
        "stop",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("term_id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("van_id", sa.Integer(), nullable=False),
        sa.Column("route_id", sa.Integer(), nullable=True),
        sa.Column("route_position", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "public",
                "closed",
                "flexible",
                "other",
                name="stopkind",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
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
        ),
        sa.Column("service_minutes", sa.Integer(), nullable=False),
        sa.Column("rule", sa.String(length=200), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("exceptions", sa.JSON(), nullable=False),
        sa.Column("windows", sa.JSON(), nullable=False),
        sa.Column("fixed_arrival", sa.Integer(), nullable=True),
        sa.Column("fixed_departure", sa.Integer(), nullable=True),
        sa.Column("calendar_id", sa.Integer(), nullable=True),
        sa.Column("promised", sa.Text(), nullable=False),
        sa.Column("timetable_url", sa.String(length=500), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("import_key", sa.String(length=80), nullable=True),
        sa.Column("imported", sa.JSON(), nullable=False),
        sa.Column("extra", sa.JSON(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["calendar_id"],
            ["service_calendar.id"],
            name=op.f("fk_stop_calendar_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_stop_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_stop_place_id")),
        sa.ForeignKeyConstraint(
            ["route_id"], ["route.id"], name=op.f("fk_stop_route_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["term_id"], ["term.id"], name=op.f("fk_stop_term_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["van_id"], ["van.id"], name=op.f("fk_stop_van_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stop")),
        sa.UniqueConstraint(
            "organisation_id", "import_key", name=op.f("uq_stop_organisation_id_import_key")
        ),
    )
    with op.batch_alter_table("stop", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_stop_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_stop_place_id"), ["place_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_stop_route_id"), ["route_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_stop_term_id"), ["term_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_stop_van_id"), ["van_id"], unique=False)

    op.create_table(
        "job_note",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job_run_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("failed", sa.Boolean(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_run_id"],
            ["job_run.id"],
            name=op.f("fk_job_note_job_run_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_job_note_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.id"], name=op.f("fk_job_note_run_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_note")),
    )
    with op.batch_alter_table("job_note", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_job_note_job_run_id"), ["job_run_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_job_note_organisation_id"), ["organisation_id"], unique=False
        )

    op.create_table(
        "run_crew",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("crew_member_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["crew_member_id"],
            ["crew_member.id"],
            name=op.f("fk_run_crew_crew_member_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.id"], name=op.f("fk_run_crew_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "crew_member_id", name=op.f("pk_run_crew")),
    )
    with op.batch_alter_table("run_crew", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_run_crew_crew_member_id"), ["crew_member_id"], unique=False
        )

    op.create_table(
        "run_equipment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("loaded", sa.Boolean(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_run_equipment_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.id"], name=op.f("fk_run_equipment_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_equipment")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("run_equipment", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_run_equipment_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_run_equipment_run_id"), ["run_id"], unique=False)

    op.create_table(
        "run_record",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("left_at", database.UTCDateTime(timezone=True), nullable=True),
        sa.Column("returned_at", database.UTCDateTime(timezone=True), nullable=True),
        sa.Column("odometer_out_km", sa.Integer(), nullable=True),
        sa.Column("odometer_in_km", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_run_record_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.id"], name=op.f("fk_run_record_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_run_record")),
    )
    with op.batch_alter_table("run_record", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_run_record_organisation_id"), ["organisation_id"], unique=False
        )

    op.create_table(
        "visit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("stop_id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("rule_day", sa.Date(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("arrival_at", database.UTCDateTime(timezone=True), nullable=False),
        sa.Column("departure_at", database.UTCDateTime(timezone=True), nullable=False),
        sa.Column("drive_minutes", sa.Integer(), nullable=False),
        sa.Column("distance_m", sa.Integer(), nullable=False),
        sa.Column("buffer_minutes", sa.Integer(), nullable=False),
        sa.Column("waiting_minutes", sa.Integer(), nullable=False),
        sa.Column(
            "plan_status",
            sa.Enum(
                "planned",
                "confirmed",
                "under_way",
                "served",
                "cancelled",
                "missed",
                name="visitstatus",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "planned",
                "confirmed",
                "under_way",
                "served",
                "cancelled",
                "missed",
                name="visitstatus",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("logged", sa.Boolean(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_visit_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_visit_place_id")),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.id"], name=op.f("fk_visit_run_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["stop_id"], ["stop.id"], name=op.f("fk_visit_stop_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit")),
        sa.UniqueConstraint("stop_id", "rule_day", name=op.f("uq_visit_stop_id_rule_day")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("visit", schema=None) as batch_op:
        batch_op.create_index("ix_visit_organisation_day", ["organisation_id", "day"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_visit_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index("ix_visit_place_day", ["place_id", "day"], unique=False)
        batch_op.create_index(batch_op.f("ix_visit_run_id"), ["run_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_visit_status"), ["status"], unique=False)

    op.create_table(
        "activity_record",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "reading_on_site",
                "computers",
                "internet",
                "film",
                "storytelling",
                "book_talk",
                "contest",
                "ebook_accounts",
                "book_gift",
                "training",
                "other",
                name="activitykind",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_activity_record_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["visit_id"], ["visit.id"], name=op.f("fk_activity_record_visit_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_activity_record")),
    )
    with op.batch_alter_table("activity_record", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_activity_record_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_activity_record_visit_id"), ["visit_id"], unique=False)

    op.create_table(
        "attendance",
        sa.Column("visit_id", sa.Integer(), nullable=False),
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
            nullable=False,
        ),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_attendance_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["visit_id"], ["visit.id"], name=op.f("fk_attendance_visit_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("visit_id", "audience", name=op.f("pk_attendance")),
    )
    with op.batch_alter_table("attendance", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_attendance_organisation_id"), ["organisation_id"], unique=False
        )

    op.create_table(
        "issued_card",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "library", "van", "child", "teacher", name="cardkind", native_enum=False, length=40
            ),
            nullable=False,
        ),
        sa.Column("cards", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_issued_card_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_issued_card_visit_id")),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_issued_card")),
    )
    with op.batch_alter_table("issued_card", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_issued_card_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_issued_card_visit_id"), ["visit_id"], unique=False)

    op.create_table(
        "loan",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("barcode", sa.String(length=40), nullable=False),
        sa.Column("card_number", sa.String(length=40), nullable=False),
        sa.Column("copy_id", sa.Integer(), nullable=True),
        sa.Column("card_id", sa.Integer(), nullable=True),
        sa.Column("visit_id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("lent_at", database.UTCDateTime(timezone=True), nullable=False),
        sa.Column("due_visit_id", sa.Integer(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("renewals", sa.Integer(), nullable=False),
        sa.Column("renewed_at", database.UTCDateTime(timezone=True), nullable=True),
        sa.Column("renewed_visit_id", sa.Integer(), nullable=True),
        sa.Column("returned_at", database.UTCDateTime(timezone=True), nullable=True),
        sa.Column("return_visit_id", sa.Integer(), nullable=True),
        sa.Column("return_event_id", sa.Uuid(), nullable=True),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["card_id"], ["card.id"], name=op.f("fk_loan_card_id")),
        sa.ForeignKeyConstraint(["copy_id"], ["copy.id"], name=op.f("fk_loan_copy_id")),
        sa.ForeignKeyConstraint(
            ["due_visit_id"],
            ["visit.id"],
            name=op.f("fk_loan_due_visit_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_loan_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_loan_place_id")),
        sa.ForeignKeyConstraint(
            ["renewed_visit_id"], ["visit.id"], name=op.f("fk_loan_renewed_visit_id")
        ),
        sa.ForeignKeyConstraint(
            ["return_visit_id"], ["visit.id"], name=op.f("fk_loan_return_visit_id")
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_loan_visit_id")),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_loan")),
    )
    with op.batch_alter_table("loan", schema=None) as batch_op:
        batch_op.create_index("ix_loan_card", ["organisation_id", "card_number"], unique=False)
        batch_op.create_index(batch_op.f("ix_loan_card_id"), ["card_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_loan_copy_id"), ["copy_id"], unique=False)
        batch_op.create_index("ix_loan_due_visit", ["due_visit_id"], unique=False)
        batch_op.create_index(
            "ix_loan_open_barcode", ["organisation_id", "barcode", "returned_at"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_loan_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_loan_place_id"), ["place_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_loan_return_visit_id"), ["return_visit_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_loan_visit_id"), ["visit_id"], unique=False)

    op.create_table(
        "on_site_use",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Integer(), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("barcode", sa.String(length=40), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_on_site_use_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_on_site_use_visit_id")),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_on_site_use")),
    )
    with op.batch_alter_table("on_site_use", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_on_site_use_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_on_site_use_visit_id"), ["visit_id"], unique=False)

    op.create_table(
        "renewal",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("loan_event_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Integer(), nullable=False),
        sa.Column("renewed_at", database.UTCDateTime(timezone=True), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_renewal_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_renewal_visit_id")),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_renewal")),
    )
    with op.batch_alter_table("renewal", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_renewal_loan_event_id"), ["loan_event_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_renewal_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_renewal_visit_id"), ["visit_id"], unique=False)

    op.create_table(
        "timetable_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", database.UTCDateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("visit_id", sa.Integer(), nullable=True),
        sa.Column("run_id", sa.Integer(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "moved",
                "cancelled",
                "restored",
                "confirmed",
                "reordered",
                "added",
                "crew",
                "retimed",
                "removed",
                name="changekind",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_timetable_change_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.id"], name=op.f("fk_timetable_change_run_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["user_account.id"],
            name=op.f("fk_timetable_change_user_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["visit_id"],
            ["visit.id"],
            name=op.f("fk_timetable_change_visit_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_timetable_change")),
    )
    with op.batch_alter_table("timetable_change", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_timetable_change_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_timetable_change_run_id"), ["run_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_timetable_change_visit_id"), ["visit_id"], unique=False
        )

    op.create_table(
        "visit_record",
        sa.Column("visit_id", sa.Integer(), nullable=False),
        sa.Column("arrived_at", database.UTCDateTime(timezone=True), nullable=True),
        sa.Column("departed_at", database.UTCDateTime(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("served", sa.Boolean(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_visit_record_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["visit_id"], ["visit.id"], name=op.f("fk_visit_record_visit_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("visit_id", name=op.f("pk_visit_record")),
    )
    with op.batch_alter_table("visit_record", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_visit_record_organisation_id"), ["organisation_id"], unique=False
        )


def downgrade() -> None:

    with op.batch_alter_table("visit_record", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_visit_record_organisation_id"))

    op.drop_table("visit_record")
    with op.batch_alter_table("timetable_change", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_timetable_change_visit_id"))
        batch_op.drop_index(batch_op.f("ix_timetable_change_run_id"))
        batch_op.drop_index(batch_op.f("ix_timetable_change_organisation_id"))

    op.drop_table("timetable_change")
    with op.batch_alter_table("renewal", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_renewal_visit_id"))
        batch_op.drop_index(batch_op.f("ix_renewal_organisation_id"))
        batch_op.drop_index(batch_op.f("ix_renewal_loan_event_id"))

    op.drop_table("renewal")
    with op.batch_alter_table("on_site_use", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_on_site_use_visit_id"))
        batch_op.drop_index(batch_op.f("ix_on_site_use_organisation_id"))

    op.drop_table("on_site_use")
    with op.batch_alter_table("loan", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_loan_visit_id"))
        batch_op.drop_index(batch_op.f("ix_loan_return_visit_id"))
        batch_op.drop_index(batch_op.f("ix_loan_place_id"))
        batch_op.drop_index(batch_op.f("ix_loan_organisation_id"))
        batch_op.drop_index("ix_loan_open_barcode")
        batch_op.drop_index("ix_loan_due_visit")
        batch_op.drop_index(batch_op.f("ix_loan_copy_id"))
        batch_op.drop_index(batch_op.f("ix_loan_card_id"))
        batch_op.drop_index("ix_loan_card")

    op.drop_table("loan")
    with op.batch_alter_table("issued_card", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_issued_card_visit_id"))
        batch_op.drop_index(batch_op.f("ix_issued_card_organisation_id"))

    op.drop_table("issued_card")
    with op.batch_alter_table("attendance", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_attendance_organisation_id"))

    op.drop_table("attendance")
    with op.batch_alter_table("activity_record", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_activity_record_visit_id"))
        batch_op.drop_index(batch_op.f("ix_activity_record_organisation_id"))

    op.drop_table("activity_record")
    with op.batch_alter_table("visit", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_visit_status"))
        batch_op.drop_index(batch_op.f("ix_visit_run_id"))
        batch_op.drop_index("ix_visit_place_day")
        batch_op.drop_index(batch_op.f("ix_visit_organisation_id"))
        batch_op.drop_index("ix_visit_organisation_day")

    op.drop_table("visit")
    with op.batch_alter_table("run_record", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_run_record_organisation_id"))

    op.drop_table("run_record")
    with op.batch_alter_table("run_equipment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_run_equipment_run_id"))
        batch_op.drop_index(batch_op.f("ix_run_equipment_organisation_id"))

    op.drop_table("run_equipment")
    with op.batch_alter_table("run_crew", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_run_crew_crew_member_id"))

    op.drop_table("run_crew")
    with op.batch_alter_table("job_note", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_job_note_organisation_id"))
        batch_op.drop_index(batch_op.f("ix_job_note_job_run_id"))

    op.drop_table("job_note")
    with op.batch_alter_table("stop", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_stop_van_id"))
        batch_op.drop_index(batch_op.f("ix_stop_term_id"))
        batch_op.drop_index(batch_op.f("ix_stop_route_id"))
        batch_op.drop_index(batch_op.f("ix_stop_place_id"))
        batch_op.drop_index(batch_op.f("ix_stop_organisation_id"))

    op.drop_table("stop")
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.drop_index("ix_run_van_day")
        batch_op.drop_index(batch_op.f("ix_run_term_id"))
        batch_op.drop_index(batch_op.f("ix_run_organisation_id"))
        batch_op.drop_index("ix_run_organisation_day")

    op.drop_table("run")
    with op.batch_alter_table("card", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_card_reader_id"))
        batch_op.drop_index(batch_op.f("ix_card_organisation_id"))

    op.drop_table("card")
    with op.batch_alter_table("van_out_of_service", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_van_out_of_service_van_id"))
        batch_op.drop_index(batch_op.f("ix_van_out_of_service_organisation_id"))

    op.drop_table("van_out_of_service")
    with op.batch_alter_table("van_equipment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_van_equipment_van_id"))
        batch_op.drop_index(batch_op.f("ix_van_equipment_organisation_id"))

    op.drop_table("van_equipment")
    with op.batch_alter_table("set_aside", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_set_aside_organisation_id"))

    op.drop_table("set_aside")
    with op.batch_alter_table("route", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_route_van_id"))
        batch_op.drop_index(batch_op.f("ix_route_term_id"))
        batch_op.drop_index(batch_op.f("ix_route_organisation_id"))

    op.drop_table("route")
    with op.batch_alter_table("reader", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reader_search_key"))
        batch_op.drop_index(batch_op.f("ix_reader_place_id"))
        batch_op.drop_index(batch_op.f("ix_reader_organisation_id"))

    op.drop_table("reader")
    with op.batch_alter_table("place_unit", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_place_unit_unit_id"))
        batch_op.drop_index(batch_op.f("ix_place_unit_organisation_id"))

    op.drop_table("place_unit")
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_event_visit_id"))
        batch_op.drop_index(batch_op.f("ix_event_undoes_id"))
        batch_op.drop_index(batch_op.f("ix_event_settles_id"))
        batch_op.drop_index("ix_event_tablet_sequence")
        batch_op.drop_index(batch_op.f("ix_event_run_id"))
        batch_op.drop_index(batch_op.f("ix_event_card_number"))
        batch_op.drop_index(batch_op.f("ix_event_barcode"))

    op.drop_table("event")
    with op.batch_alter_table("van", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_van_organisation_id"))

    op.drop_table("van")
    with op.batch_alter_table("uploaded_file", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_uploaded_file_organisation_id"))

    op.drop_table("uploaded_file")
    with op.batch_alter_table("tablet", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_tablet_user_id"))
        batch_op.drop_index(batch_op.f("ix_tablet_organisation_id"))

    op.drop_table("tablet")
    with op.batch_alter_table("place", schema=None) as batch_op:
        batch_op.drop_index("ix_place_search")
        batch_op.drop_index(batch_op.f("ix_place_organisation_id"))
        batch_op.drop_index(batch_op.f("ix_place_commune_id"))

    op.drop_table("place")
    with op.batch_alter_table("crew_member", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_crew_member_organisation_id"))

    op.drop_table("crew_member")
    with op.batch_alter_table("copy", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_copy_title_id"))
        batch_op.drop_index(batch_op.f("ix_copy_organisation_id"))

    op.drop_table("copy")
    with op.batch_alter_table("calendar_period", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_calendar_period_organisation_id"))
        batch_op.drop_index(batch_op.f("ix_calendar_period_calendar_id"))

    op.drop_table("calendar_period")
    with op.batch_alter_table("calendar_closure", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_calendar_closure_organisation_id"))
        batch_op.drop_index(batch_op.f("ix_calendar_closure_calendar_id"))

    op.drop_table("calendar_closure")
    with op.batch_alter_table("user_account", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_user_account_organisation_id"))

    op.drop_table("user_account")
    with op.batch_alter_table("title", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_title_search_key"))
        batch_op.drop_index(batch_op.f("ix_title_organisation_id"))

    op.drop_table("title")
    with op.batch_alter_table("term", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_term_organisation_id"))

    op.drop_table("term")
    with op.batch_alter_table("service_calendar", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_service_calendar_organisation_id"))

    op.drop_table("service_calendar")
    with op.batch_alter_table("geocoded_address", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_geocoded_address_organisation_id"))

    op.drop_table("geocoded_address")
    with op.batch_alter_table("depot", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_depot_organisation_id"))

    op.drop_table("depot")
    with op.batch_alter_table("contradiction", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_contradiction_visit_id"))
        batch_op.drop_index(batch_op.f("ix_contradiction_settled_by_id"))

    op.drop_table("contradiction")
    with op.batch_alter_table("column_mapping", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_column_mapping_organisation_id"))

    op.drop_table("column_mapping")
    with op.batch_alter_table("administrative_unit", schema=None) as batch_op:
        batch_op.drop_index("ix_unit_search")
        batch_op.drop_index(batch_op.f("ix_administrative_unit_organisation_id"))

    op.drop_table("administrative_unit")
    op.drop_table("organisation")
    with op.batch_alter_table("job_run", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_job_run_job"))

    op.drop_table("job_run")
