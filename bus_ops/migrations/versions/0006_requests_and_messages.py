"""requests for visits, messages to places, what places count themselves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bus_ops import database

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "host_count",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("deposit_event_id", sa.Uuid(), nullable=False),
        sa.Column("counted_on", sa.Date(), nullable=False),
        sa.Column("visitors", sa.Integer(), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("wishes", sa.Text(), nullable=False),
        sa.Column("recorded_at", database.UTCDateTime(timezone=True), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_host_count_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_host_count")),
        sa.UniqueConstraint(
            "deposit_event_id", "counted_on", name=op.f("uq_host_count_deposit_event_id_counted_on")
        ),
    )
    with op.batch_alter_table("host_count", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_host_count_deposit_event_id"), ["deposit_event_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_host_count_organisation_id"), ["organisation_id"], unique=False
        )

    op.create_table(
        "host_inventory",
        sa.Column("deposit_event_id", sa.Uuid(), nullable=False),
        sa.Column("states", sa.JSON(), nullable=False),
        sa.Column("signed_by", sa.String(length=200), nullable=False),
        sa.Column("signed_at", database.UTCDateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_host_inventory_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("deposit_event_id", name=op.f("pk_host_inventory")),
    )
    with op.batch_alter_table("host_inventory", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_host_inventory_organisation_id"), ["organisation_id"], unique=False
        )

    op.create_table(
        "message_text",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "timetable",
                "reminder_week",
                "reminder_day",
                "changes",
                "request_received",
                "request_offered",
                "request_accepted",
                "request_declined",
                "request_new",
                name="messagekind",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_message_text_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_text")),
        sa.UniqueConstraint(
            "organisation_id",
            "kind",
            "language",
            name=op.f("uq_message_text_organisation_id_kind_language"),
        ),
    )
    with op.batch_alter_table("message_text", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_message_text_organisation_id"), ["organisation_id"], unique=False
        )

    op.create_table(
        "outbox_message",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=400), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "timetable",
                "reminder_week",
                "reminder_day",
                "changes",
                "request_received",
                "request_offered",
                "request_accepted",
                "request_declined",
                "request_new",
                name="messagekind",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "channel",
            sa.Enum("email", "gateway", name="channel", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("recipient", sa.String(length=254), nullable=False),
        sa.Column("recipient_name", sa.String(length=200), nullable=False),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=True),
        sa.Column("created_at", database.UTCDateTime(timezone=True), nullable=False),
        sa.Column("due_at", database.UTCDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", database.UTCDateTime(timezone=True), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "sending",
                "sent",
                "refused",
                "unsure",
                "expired",
                name="messagestate",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("claimed_at", database.UTCDateTime(timezone=True), nullable=True),
        sa.Column("sent_at", database.UTCDateTime(timezone=True), nullable=True),
        sa.Column("error", sa.String(length=500), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_outbox_message_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["place_id"], ["place.id"], name=op.f("fk_outbox_message_place_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_message")),
        sa.UniqueConstraint(
            "organisation_id", "key", name=op.f("uq_outbox_message_organisation_id_key")
        ),
    )
    with op.batch_alter_table("outbox_message", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_outbox_message_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_outbox_message_place_id"), ["place_id"], unique=False)
        batch_op.create_index("ix_outbox_message_state_due", ["state", "due_at"], unique=False)

    op.create_table(
        "visit_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mark", sa.String(length=32), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("visit", "other_day", name="requestkind", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "new",
                "offered",
                "accepted",
                "declined",
                "withdrawn",
                name="requeststate",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("asked_at", database.UTCDateTime(timezone=True), nullable=False),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("asker_name", sa.String(length=120), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("place_name", sa.String(length=200), nullable=False),
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
        sa.Column("address", sa.String(length=300), nullable=False),
        sa.Column("commune_id", sa.Integer(), nullable=True),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("place_id", sa.Integer(), nullable=True),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.Column("weekdays", sa.JSON(), nullable=False),
        sa.Column("people", sa.JSON(), nullable=False),
        sa.Column("wishes", sa.JSON(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("offered_day", sa.Date(), nullable=True),
        sa.Column("offered_van_id", sa.Integer(), nullable=True),
        sa.Column("offered_arrival", sa.Integer(), nullable=True),
        sa.Column("offered_departure", sa.Integer(), nullable=True),
        sa.Column("answered_by_id", sa.Integer(), nullable=True),
        sa.Column("visit_id", sa.Integer(), nullable=True),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["answered_by_id"],
            ["user_account.id"],
            name=op.f("fk_visit_request_answered_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["commune_id"],
            ["administrative_unit.id"],
            name=op.f("fk_visit_request_commune_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["offered_van_id"],
            ["van.id"],
            name=op.f("fk_visit_request_offered_van_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_visit_request_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["place_id"], ["place.id"], name=op.f("fk_visit_request_place_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["visit_id"], ["visit.id"], name=op.f("fk_visit_request_visit_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_request")),
    )
    with op.batch_alter_table("visit_request", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_visit_request_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_visit_request_place_id"), ["place_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_visit_request_state"), ["state"], unique=False)
        batch_op.create_index(batch_op.f("ix_visit_request_visit_id"), ["visit_id"], unique=False)

    op.create_table(
        "request_step",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("at", database.UTCDateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "new",
                "offered",
                "accepted",
                "declined",
                "withdrawn",
                name="requeststate",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_request_step_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["visit_request.id"],
            name=op.f("fk_request_step_request_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["user_account.id"],
            name=op.f("fk_request_step_user_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request_step")),
    )
    with op.batch_alter_table("request_step", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_request_step_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_request_step_request_id"), ["request_id"], unique=False
        )

    with op.batch_alter_table("organisation", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("contact_email", sa.String(length=254), nullable=False, server_default="")
        )
        batch_op.add_column(
            sa.Column("contact_phone", sa.String(length=40), nullable=False, server_default="")
        )

    with op.batch_alter_table("place", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("contact_language", sa.String(length=5), nullable=False, server_default="vi")
        )
        batch_op.add_column(
            sa.Column("host_mark", sa.String(length=32), nullable=False, server_default="")
        )

    with op.batch_alter_table("term", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("told_at", database.UTCDateTime(timezone=True), nullable=True)
        )

    with op.batch_alter_table("timetable_change", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("told_at", database.UTCDateTime(timezone=True), nullable=True)
        )
        batch_op.create_index(batch_op.f("ix_timetable_change_told_at"), ["told_at"], unique=False)
    # What was published or changed before is known.
    op.execute("UPDATE term SET told_at = published_at")
    op.execute("UPDATE timetable_change SET told_at = at")


def downgrade() -> None:
    with op.batch_alter_table("timetable_change", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_timetable_change_told_at"))
        batch_op.drop_column("told_at")

    with op.batch_alter_table("term", schema=None) as batch_op:
        batch_op.drop_column("told_at")

    with op.batch_alter_table("place", schema=None) as batch_op:
        batch_op.drop_column("host_mark")
        batch_op.drop_column("contact_language")

    with op.batch_alter_table("organisation", schema=None) as batch_op:
        batch_op.drop_column("contact_phone")
        batch_op.drop_column("contact_email")

    with op.batch_alter_table("request_step", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_request_step_request_id"))
        batch_op.drop_index(batch_op.f("ix_request_step_organisation_id"))

    op.drop_table("request_step")
    with op.batch_alter_table("visit_request", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_visit_request_visit_id"))
        batch_op.drop_index(batch_op.f("ix_visit_request_state"))
        batch_op.drop_index(batch_op.f("ix_visit_request_place_id"))
        batch_op.drop_index(batch_op.f("ix_visit_request_organisation_id"))

    op.drop_table("visit_request")
    with op.batch_alter_table("outbox_message", schema=None) as batch_op:
        batch_op.drop_index("ix_outbox_message_state_due")
        batch_op.drop_index(batch_op.f("ix_outbox_message_place_id"))
        batch_op.drop_index(batch_op.f("ix_outbox_message_organisation_id"))

    op.drop_table("outbox_message")
    with op.batch_alter_table("message_text", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_message_text_organisation_id"))

    op.drop_table("message_text")
    with op.batch_alter_table("host_inventory", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_host_inventory_organisation_id"))

    op.drop_table("host_inventory")
    with op.batch_alter_table("host_count", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_host_count_organisation_id"))
        batch_op.drop_index(batch_op.f("ix_host_count_deposit_event_id"))

    op.drop_table("host_count")
