"""The outbox: messages are put in with what they tell, each once, and taken out to be sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import current_app
from sqlalchemy import select

from ..accounts.access import PLANNERS
from ..accounts.models import Organisation, User
from ..config import LANGUAGES
from ..database import db
from ..places.models import Place
from .models import Channel, MessageKind, OutboxMessage
from .texts import filled, wording


@dataclass(frozen=True)
class Recipient:
    """Somebody to be told, by every way that is known of them."""

    name: str
    email: str = ""
    phone: str = ""
    language: str = LANGUAGES[0]
    place_id: int | None = None

    @property
    def ways(self) -> list[tuple[Channel, str]]:
        """Where a message goes."""
        ways = [(Channel.EMAIL, self.email)] if self.email else []
        if self.phone and Channel.GATEWAY in ways_open():
            ways.append((Channel.GATEWAY, self.phone))
        return ways


@dataclass(frozen=True)
class Attachment:
    """A file that goes with an e-mail."""

    name: str
    mimetype: str
    data: bytes


def ways_open() -> set[Channel]:
    """The ways that this installation is set up for."""
    config = current_app.config
    needed = {
        Channel.EMAIL: (config["SMTP_HOST"], config["MAIL_FROM"]),
        Channel.GATEWAY: (config["GATEWAY_URL"], config["GATEWAY_SECRET"]),
    }
    return {channel for channel, settings in needed.items() if all(settings)}


def put_in_outbox(
    organisation_id: int,
    kind: MessageKind,
    key: str,
    recipients: Sequence[Recipient],
    values: Mapping[str, str],
    expires_at: datetime | None = None,
    attachment: Attachment | None = None,
) -> list[OutboxMessage]:
    """Have something told; the caller commits. ``key`` names what is told: whoever was told that
    is not told again. Values fill the text's blanks, in the recipients' language.
    """
    library = db.session.get_one(Organisation, organisation_id)
    common = {
        "library": library.name,
        "contact": " · ".join(filter(None, (library.contact_phone, library.contact_email))),
    }
    added = []
    for recipient in recipients:
        words = wording(organisation_id, kind, recipient.language)
        blanks = {**common, "name": recipient.name, **values}
        for channel, address in recipient.ways:
            full_key = f"{kind.value}:{key}:{channel.value}:{address}"
            if _is_told(organisation_id, full_key):
                continue
            message = OutboxMessage(
                organisation_id=organisation_id,
                key=full_key,
                kind=kind,
                channel=channel,
                recipient=address,
                recipient_name=recipient.name,
                language=recipient.language,
                # A line of a head must end where it ends.
                subject=" ".join(filled(words.subject, blanks).split())[:300],
                body=filled(words.body, blanks),
                place_id=recipient.place_id,
                expires_at=expires_at,
            )
            if attachment is not None and channel is Channel.EMAIL:
                message.attachment = attachment.data
                message.attachment_name = attachment.name
                message.attachment_type = attachment.mimetype
            db.session.add(message)
            added.append(message)
    return added


def host_of(place: Place) -> Recipient:
    """Whom to tell of a place."""
    return Recipient(
        place.contact_name or place.name,
        place.contact_email,
        place.contact_phone,
        place.contact_language or LANGUAGES[0],
        place.id,
    )


def planners_of(organisation_id: int) -> list[Recipient]:
    """Whoever answers for the library: coordinators with an e-mail address."""
    query = select(User).where(
        User.organisation_id == organisation_id,
        User.role.in_(PLANNERS),
        User.enabled,
        User.email != "",
    )
    return [
        Recipient(user.full_name, user.email, language=user.language)
        for user in db.session.scalars(query.order_by(User.id))
    ]


def _is_told(organisation_id: int, key: str) -> bool:
    query = select(OutboxMessage.id).where(
        OutboxMessage.organisation_id == organisation_id, OutboxMessage.key == key
    )
    return db.session.scalar(query) is not None
