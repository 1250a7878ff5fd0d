"""Tables of libraries and their people."""

from __future__ import annotations

import secrets
from datetime import datetime

from flask_babel import lazy_gettext as _l
from flask_login import UserMixin
from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..database import Base, OwnedByOrganisation, UTCDateTime, enum_column, now
from ..i18n import LabelledEnum
from .passwords import hash_password


class Role(LabelledEnum):
    """What a person does here; decides which pages open."""

    CREW = "crew", _l("Van crew")
    COORDINATOR = "coordinator", _l("Coordinator")
    REPORTER = "reporter", _l("Reporter")
    ADMINISTRATOR = "administrator", _l("Administrator")


class Organisation(Base):
    """A library; every other row belongs to one."""

    __tablename__ = "organisation"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    # How driving is estimated where no road network is loaded.
    drive_speed_kmh: Mapped[float] = mapped_column(default=30.0)
    detour_factor: Mapped[float] = mapped_column(default=1.3)
    # Where people answer to; stands below every message.
    contact_email: Mapped[str] = mapped_column(String(254), default="")
    contact_phone: Mapped[str] = mapped_column(String(40), default="")
    # What a visit costs: fuel, and an hour of the whole crew.
    fuel_litres_per_100km: Mapped[float] = mapped_column(default=14.0, server_default="14")
    fuel_price_vnd: Mapped[int] = mapped_column(default=20_000, server_default="20000")
    crew_hour_vnd: Mapped[int] = mapped_column(default=150_000, server_default="150000")
    # How official documents name it: the body above it, its place, its sign, who signs.
    parent_body: Mapped[str] = mapped_column(String(200), default="", server_default="")
    seat: Mapped[str] = mapped_column(String(80), default="", server_default="")
    document_sign: Mapped[str] = mapped_column(String(40), default="", server_default="")
    addressee: Mapped[str] = mapped_column(String(200), default="", server_default="")
    signatory_title: Mapped[str] = mapped_column(String(120), default="", server_default="")
    signatory_name: Mapped[str] = mapped_column(String(120), default="", server_default="")
    # Days after its return at which a loan forgets its reader.
    forget_readers_after: Mapped[int] = mapped_column(default=30, server_default="30")
    # Groups of fewer people are not told in exports; 0 tells all.
    smallest_group: Mapped[int] = mapped_column(default=0, server_default="0")


class User(UserMixin, OwnedByOrganisation, Base):
    """A person who signs in."""

    __tablename__ = "user_account"
    __table_args__ = (UniqueConstraint("username"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(80))
    full_name: Mapped[str] = mapped_column(String(200))
    email: Mapped[str] = mapped_column(String(254), default="")
    password_hash: Mapped[str] = mapped_column(String(200))
    role: Mapped[Role] = mapped_column(enum_column(Role))
    language: Mapped[str] = mapped_column(String(5), default="vi")
    enabled: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    # For changing hands at a tablet; see accounts.pins.
    pin_hash: Mapped[str] = mapped_column(String(120), default="")
    last_signed_in_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # Part of the session: a new one signs the person out everywhere.
    session_mark: Mapped[str] = mapped_column(String(32), default=lambda: secrets.token_hex(16))

    organisation: Mapped[Organisation] = relationship()

    @property
    def is_active(self) -> bool:
        return self.enabled

    def set_password(self, password: str) -> None:
        """Take a new password; whoever is signed in with the old one is out."""
        self.password_hash = hash_password(password)
        self.end_sessions()

    def end_sessions(self) -> None:
        """Sign the person out on every device."""
        self.session_mark = secrets.token_hex(16)

    def get_id(self) -> str:
        """Flask-Login's key: names the person and the mark, so that a changed mark ends it."""
        return f"{self.id}:{self.session_mark}"
