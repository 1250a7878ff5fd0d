"""Tables of places, the administrative units they lie in, and what importing them remembers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from schedules.travel import Position

from ..config import LANGUAGES
from ..database import Base, OwnedByOrganisation, UTCDateTime, enum_column, now
from ..i18n import LabelledEnum


class UnitLevel(LabelledEnum):
    """Level of an administrative unit."""

    PROVINCE = "province", _l("Province or city")
    DISTRICT = "district", _l("District")
    COMMUNE = "commune", _l("Commune or ward")


class AdministrativeUnit(OwnedByOrganisation, Base):
    """A commune, district or province during the years it existed (units are dated).

    A place lies in one commune of each map: history is reportable under the old and the new one.
    """

    __tablename__ = "administrative_unit"
    __table_args__ = (
        UniqueConstraint("organisation_id", "code", "level", "valid_from"),
        Index("ix_unit_search", "organisation_id", "search_key"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(120))
    full_name: Mapped[str] = mapped_column(String(160))
    level: Mapped[UnitLevel] = mapped_column(enum_column(UnitLevel))
    search_key: Mapped[str] = mapped_column(String(200))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("administrative_unit.id"))
    successor_id: Mapped[int | None] = mapped_column(ForeignKey("administrative_unit.id"))
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    # GeoJSON geometry, simplified.
    outline: Mapped[dict[str, Any] | None] = mapped_column(JSON, deferred=True)

    parent: Mapped[AdministrativeUnit | None] = relationship(
        foreign_keys=[parent_id], remote_side=[id]
    )


class PlaceKind(LabelledEnum):
    """What a place is."""

    SCHOOL = "school", _l("School")
    COMMUNE_OFFICE = "commune_office", _l("Commune office")
    LIBRARY = "library", _l("Library")
    CULTURAL_HOUSE = "cultural_house", _l("Cultural house")
    POST_OFFICE = "post_office", _l("Post office")
    HEALTH_STATION = "health_station", _l("Health station")
    MARKET = "market", _l("Market")
    STREET = "street", _l("Street or square")
    OTHER = "other", _l("Other")


class SchoolLevel(LabelledEnum):
    """Level of a school; levels have different terms."""

    KINDERGARTEN = "kindergarten", _l("Kindergarten")
    PRIMARY = "primary", _l("Primary")
    LOWER_SECONDARY = "lower_secondary", _l("Lower secondary")
    UPPER_SECONDARY = "upper_secondary", _l("Upper secondary")
    SEVERAL = "several", _l("Several levels")


class PositionQuality(LabelledEnum):
    """How far a position can be trusted."""

    EXACT = "exact", _l("Exact position")
    APPROXIMATE = "approximate", _l("Approximate position")
    MISSING = "missing", _l("No position")


class Place(OwnedByOrganisation, Base):
    """A school, commune, library or other site that the van can serve."""

    __tablename__ = "place"
    __table_args__ = (
        UniqueConstraint("organisation_id", "import_key"),
        Index("ix_place_search", "organisation_id", "search_key"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    # Name, address, commune and district without diacritics; kept by places.searching.
    search_key: Mapped[str] = mapped_column(String(600), default="")
    kind: Mapped[PlaceKind] = mapped_column(enum_column(PlaceKind), default=PlaceKind.OTHER)
    level: Mapped[SchoolLevel | None] = mapped_column(enum_column(SchoolLevel))
    # How many go to a school; none where nobody has told.
    pupils: Mapped[int | None]
    official_code: Mapped[str] = mapped_column(String(40), default="")
    community: Mapped[str] = mapped_column(String(160), default="")
    address: Mapped[str] = mapped_column(String(300), default="")
    postcode: Mapped[str] = mapped_column(String(20), default="")
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    position_quality: Mapped[PositionQuality] = mapped_column(
        enum_column(PositionQuality), default=PositionQuality.MISSING
    )
    # A code of places.positions.Source, or the name of an outside source.
    position_source: Mapped[str] = mapped_column(String(120), default="")
    # Today's commune; earlier units through PlaceUnit.
    commune_id: Mapped[int | None] = mapped_column(ForeignKey("administrative_unit.id"), index=True)
    contact_name: Mapped[str] = mapped_column(String(120), default="")
    contact_phone: Mapped[str] = mapped_column(String(40), default="")
    contact_email: Mapped[str] = mapped_column(String(254), default="")
    # The language that its contact is written to in.
    contact_language: Mapped[str] = mapped_column(String(5), default=LANGUAGES[0])
    # Part of the address of its private page; empty until that is first given out.
    host_mark: Mapped[str] = mapped_column(String(32), default="")
    gate_notes: Mapped[str] = mapped_column(Text, default="")
    parking_notes: Mapped[str] = mapped_column(Text, default="")
    power_notes: Mapped[str] = mapped_column(Text, default="")
    turning_notes: Mapped[str] = mapped_column(Text, default="")
    note: Mapped[str] = mapped_column(Text, default="")
    # [{"weekdays": [0, 1], "opens": 420, "closes": 660}], minutes after midnight.
    opening_windows: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    enabled: Mapped[bool] = mapped_column(default=True)
    # Same source row, same key: importing a file twice changes nothing.
    import_key: Mapped[str | None] = mapped_column(String(400))
    # What the last timetable import wrote, to tell its corrections from those made by hand.
    imported: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    source: Mapped[str] = mapped_column(String(200), default="")
    # Columns of an imported file that have no field of their own, by column name.
    extra: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)

    # When the geocoder was last asked; none where it has not been since the address changed.
    geocoder_asked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    commune: Mapped[AdministrativeUnit | None] = relationship()
    units: Mapped[list[AdministrativeUnit]] = relationship(secondary="place_unit", viewonly=True)

    @property
    def commune_name(self) -> str:
        """Today's commune in full; empty where it is not known."""
        return self.commune.full_name if self.commune else ""

    @property
    def position(self) -> Position | None:
        """Where it stands, if that is known."""
        if self.lat is None or self.lon is None:
            return None
        return Position(self.lat, self.lon)


class PlaceUnit(OwnedByOrganisation, Base):
    """A place lies in a unit of some map (today's commune, the commune and district of 2019)."""

    __tablename__ = "place_unit"

    place_id: Mapped[int] = mapped_column(
        ForeignKey("place.id", ondelete="CASCADE"), primary_key=True
    )
    unit_id: Mapped[int] = mapped_column(
        ForeignKey("administrative_unit.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class GeocodedAddress(OwnedByOrganisation, Base):
    """An answer (or the lack of one) of the geocoder, kept so that it is asked only once."""

    __tablename__ = "geocoded_address"
    __table_args__ = (UniqueConstraint("organisation_id", "provider", "query"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(String(200))
    query: Mapped[str] = mapped_column(String(500))
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    label: Mapped[str] = mapped_column(String(500), default="")
    asked_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)


class ColumnMapping(OwnedByOrganisation, Base):
    """Which column of a spreadsheet means which field, remembered by the header's look."""

    __tablename__ = "column_mapping"
    __table_args__ = (UniqueConstraint("organisation_id", "header_mark"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    header_mark: Mapped[str] = mapped_column(String(64))
    columns: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    used_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)


class UploadedFile(OwnedByOrganisation, Base):
    """A file somebody uploaded to import: kept between the dry run and the decision."""

    __tablename__ = "uploaded_file"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    purpose: Mapped[str] = mapped_column(String(40))
    file_name: Mapped[str] = mapped_column(String(255))
    data: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    options: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    uploaded_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
