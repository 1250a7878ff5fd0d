"""tablets and boxes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bus_ops import database

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "box",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("next_place_id", sa.Integer(), nullable=True),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["next_place_id"], ["place.id"], name=op.f("fk_box_next_place_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_box_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_box")),
        sa.UniqueConstraint("organisation_id", "code", name=op.f("uq_box_organisation_id_code")),
    )
    with op.batch_alter_table("box", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_box_organisation_id"), ["organisation_id"], unique=False
        )

    op.create_table(
        "photo",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("tablet_id", sa.Uuid(), nullable=False),
        sa.Column("content_type", sa.String(length=40), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", database.UTCDateTime(timezone=True), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_photo_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tablet_id"], ["tablet.id"], name=op.f("fk_photo_tablet_id")),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_photo")),
    )
    with op.batch_alter_table("photo", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_photo_organisation_id"), ["organisation_id"], unique=False
        )

    op.create_table(
        "day_closing",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("closed_at", database.UTCDateTime(timezone=True), nullable=False),
        sa.Column("counted", sa.JSON(), nullable=False),
        sa.Column("paper", sa.JSON(), nullable=False),
        sa.Column("unsent", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_day_closing_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.id"], name=op.f("fk_day_closing_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_day_closing")),
    )
    with op.batch_alter_table("day_closing", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_day_closing_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_day_closing_run_id"), ["run_id"], unique=False)

    op.create_table(
        "reservation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("title_id", sa.Integer(), nullable=False),
        sa.Column("card_id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("asked_at", database.UTCDateTime(timezone=True), nullable=False),
        sa.Column("cancelled_at", database.UTCDateTime(timezone=True), nullable=True),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["card_id"], ["card.id"], name=op.f("fk_reservation_card_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_reservation_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_reservation_place_id")),
        sa.ForeignKeyConstraint(
            ["title_id"], ["title.id"], name=op.f("fk_reservation_title_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservation")),
    )
    with op.batch_alter_table("reservation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reservation_card_id"), ["card_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_reservation_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_reservation_place_id"), ["place_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_reservation_title_id"), ["title_id"], unique=False)

    op.create_table(
        "stock_seen",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("barcode", sa.String(length=40), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("seen_at", database.UTCDateTime(timezone=True), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_stock_seen_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.id"], name=op.f("fk_stock_seen_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "barcode", name=op.f("pk_stock_seen")),
    )
    with op.batch_alter_table("stock_seen", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_stock_seen_event_id"), ["event_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_stock_seen_organisation_id"), ["organisation_id"], unique=False
        )

    op.create_table(
        "box_deposit",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("box_code", sa.String(length=40), nullable=False),
        sa.Column("visit_id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("out_at", database.UTCDateTime(timezone=True), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("handed_by", sa.String(length=200), nullable=False),
        sa.Column("received_by", sa.String(length=200), nullable=False),
        sa.Column("condition", sa.String(length=500), nullable=False),
        sa.Column("note", sa.String(length=2000), nullable=False),
        sa.Column("back_event_id", sa.Uuid(), nullable=True),
        sa.Column("back_at", database.UTCDateTime(timezone=True), nullable=True),
        sa.Column("back_visit_id", sa.Integer(), nullable=True),
        sa.Column("back_handed_by", sa.String(length=200), nullable=False),
        sa.Column("back_received_by", sa.String(length=200), nullable=False),
        sa.Column("back_note", sa.String(length=2000), nullable=False),
        sa.Column("host_visitors", sa.Integer(), nullable=True),
        sa.Column("host_items", sa.Integer(), nullable=True),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["back_visit_id"], ["visit.id"], name=op.f("fk_box_deposit_back_visit_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_box_deposit_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_box_deposit_place_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_box_deposit_visit_id")),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_box_deposit")),
    )
    with op.batch_alter_table("box_deposit", schema=None) as batch_op:
        batch_op.create_index("ix_box_deposit_code", ["organisation_id", "box_code"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_box_deposit_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_box_deposit_place_id"), ["place_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_box_deposit_visit_id"), ["visit_id"], unique=False)

    op.create_table(
        "class_slot",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("visit_id", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.Integer(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("class_name", sa.String(length=40), nullable=False),
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
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("teacher", sa.String(length=120), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_class_slot_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["visit_id"], ["visit.id"], name=op.f("fk_class_slot_visit_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_class_slot")),
    )
    with op.batch_alter_table("class_slot", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_class_slot_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_class_slot_visit_id"), ["visit_id"], unique=False)

    op.create_table(
        "class_visit",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Integer(), nullable=False),
        sa.Column("class_name", sa.String(length=40), nullable=False),
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
        sa.Column("teachers", sa.Integer(), nullable=False),
        sa.Column("teacher", sa.String(length=120), nullable=False),
        sa.Column("slot_id", sa.Integer(), nullable=True),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_class_visit_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["visit_id"], ["visit.id"], name=op.f("fk_class_visit_visit_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_class_visit")),
    )
    with op.batch_alter_table("class_visit", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_class_visit_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_class_visit_visit_id"), ["visit_id"], unique=False)

    op.create_table(
        "incident",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("visit_id", sa.Integer(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "breakdown",
                "accident",
                "flood",
                "late",
                "power",
                "injury",
                "complaint",
                "other",
                name="incidentkind",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("happened_at", database.UTCDateTime(timezone=True), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_incident_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.id"], name=op.f("fk_incident_run_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["visit_id"], ["visit.id"], name=op.f("fk_incident_visit_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_incident")),
    )
    with op.batch_alter_table("incident", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_incident_organisation_id"), ["organisation_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_incident_run_id"), ["run_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_incident_visit_id"), ["visit_id"], unique=False)

    op.create_table(
        "box_item",
        sa.Column("deposit_event_id", sa.Uuid(), nullable=False),
        sa.Column("barcode", sa.String(length=40), nullable=False),
        sa.Column("copy_id", sa.Integer(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "out",
                "back",
                "damaged",
                "missing",
                name="boxitemstate",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["copy_id"], ["copy.id"], name=op.f("fk_box_item_copy_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["deposit_event_id"],
            ["box_deposit.event_id"],
            name=op.f("fk_box_item_deposit_event_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_box_item_organisation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("deposit_event_id", "barcode", name=op.f("pk_box_item")),
    )
    with op.batch_alter_table("box_item", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_box_item_copy_id"), ["copy_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_box_item_organisation_id"), ["organisation_id"], unique=False
        )

    with op.batch_alter_table("copy", schema=None) as batch_op:
        batch_op.add_column(sa.Column("van_id", sa.Integer(), nullable=True))
        batch_op.create_index(batch_op.f("ix_copy_van_id"), ["van_id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_copy_van_id"), "van", ["van_id"], ["id"], ondelete="SET NULL"
        )

    with op.batch_alter_table("tablet", schema=None) as batch_op:
        batch_op.add_column(sa.Column("van_id", sa.Integer(), nullable=True))
        batch_op.add_column(
            sa.Column("app_version", sa.String(length=40), nullable=False, server_default="")
        )
        batch_op.add_column(sa.Column("unsent_told", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_tablet_van_id"), "van", ["van_id"], ["id"], ondelete="SET NULL"
        )

    with op.batch_alter_table("title", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("rare", sa.Boolean(), nullable=False, server_default=sa.false())
        )

    with op.batch_alter_table("user_account", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("pin_hash", sa.String(length=120), nullable=False, server_default="")
        )


def downgrade() -> None:
    with op.batch_alter_table("user_account", schema=None) as batch_op:
        batch_op.drop_column("pin_hash")

    with op.batch_alter_table("title", schema=None) as batch_op:
        batch_op.drop_column("rare")

    with op.batch_alter_table("tablet", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_tablet_van_id"), type_="foreignkey")
        batch_op.drop_column("unsent_told")
        batch_op.drop_column("app_version")
        batch_op.drop_column("van_id")

    with op.batch_alter_table("copy", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_copy_van_id"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_copy_van_id"))
        batch_op.drop_column("van_id")

    with op.batch_alter_table("box_item", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_box_item_organisation_id"))
        batch_op.drop_index(batch_op.f("ix_box_item_copy_id"))

    op.drop_table("box_item")
    with op.batch_alter_table("incident", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_incident_visit_id"))
        batch_op.drop_index(batch_op.f("ix_incident_run_id"))
        batch_op.drop_index(batch_op.f("ix_incident_organisation_id"))

    op.drop_table("incident")
    with op.batch_alter_table("class_visit", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_class_visit_visit_id"))
        batch_op.drop_index(batch_op.f("ix_class_visit_organisation_id"))

    op.drop_table("class_visit")
    with op.batch_alter_table("class_slot", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_class_slot_visit_id"))
        batch_op.drop_index(batch_op.f("ix_class_slot_organisation_id"))

    op.drop_table("class_slot")
    with op.batch_alter_table("box_deposit", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_box_deposit_visit_id"))
        batch_op.drop_index(batch_op.f("ix_box_deposit_place_id"))
        batch_op.drop_index(batch_op.f("ix_box_deposit_organisation_id"))
        batch_op.drop_index("ix_box_deposit_code")

    op.drop_table("box_deposit")
    with op.batch_alter_table("stock_seen", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_stock_seen_organisation_id"))
        batch_op.drop_index(batch_op.f("ix_stock_seen_event_id"))

    op.drop_table("stock_seen")
    with op.batch_alter_table("reservation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reservation_title_id"))
        batch_op.drop_index(batch_op.f("ix_reservation_place_id"))
        batch_op.drop_index(batch_op.f("ix_reservation_organisation_id"))
        batch_op.drop_index(batch_op.f("ix_reservation_card_id"))

    op.drop_table("reservation")
    with op.batch_alter_table("day_closing", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_day_closing_run_id"))
        batch_op.drop_index(batch_op.f("ix_day_closing_organisation_id"))

    op.drop_table("day_closing")
    with op.batch_alter_table("photo", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_photo_organisation_id"))

    op.drop_table("photo")
    with op.batch_alter_table("box", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_box_organisation_id"))

    op.drop_table("box")
