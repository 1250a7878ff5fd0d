"""Sending what waits in the outbox: by SMTP, or to a gateway for SMS and Zalo.

A message is claimed before it goes out: two processes never send the same one, and one whose
process died while sending is not sent again by itself, since it may have gone out. What is not
taken is tried again after growing pauses.

The gateway is any address that takes a POST of JSON: ``{"id", "kind", "to", "name", "language",
"text", "library"}``. The request is signed: ``Bus-Ops-Signature: t=SECONDS,v1=HEX`` where HEX is
the HMAC-SHA256, under the shared secret, of ``SECONDS.BODY``. ``Idempotency-Key`` is the same
whenever the same message is tried again. Any 2xx answer means that it was taken; 408, 425, 429 and
5xx that it is to be tried again; other answers that it is refused.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import smtplib
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from typing import Any

from flask import current_app
from sqlalchemy import select, update

from ..accounts.models import Organisation
from ..database import db, now
from .models import Channel, MessageState, OutboxMessage
from .outbox import ways_open

PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 360, 720))
TIMEOUT_SECONDS = 20
# Nothing takes that long to be sent: its process has gone.
LONGEST_SENDING = timedelta(minutes=10)
_AGAIN = {408, 425, 429}
_MOST_AT_ONCE = 100

log = logging.getLogger("bus_ops.telling")


class RefusedError(Exception):
    """The other side will not take this message, however often it is tried."""


class NotNowError(Exception):
    """The other side could not be reached, or is busy: to be tried again."""


def send_what_is_due() -> int:
    """Send every message that is due by a way that is open; answers how many went out."""
    moment = now()
    _close_old(moment)
    open_ways = ways_open()
    if not open_ways:
        return 0
    query = (
        select(OutboxMessage.id)
        .where(
            OutboxMessage.state == MessageState.WAITING,
            OutboxMessage.due_at <= moment,
            OutboxMessage.channel.in_(open_ways),
        )
        .order_by(OutboxMessage.due_at, OutboxMessage.id)
        .limit(_MOST_AT_ONCE)
    )
    keys = list(db.session.scalars(query))
    db.session.rollback()
    with _Post() as post:
        return sum(_send(key, post) for key in keys)


def send_again(message: OutboxMessage) -> None:
    """Somebody decided that it goes out (once more); the caller commits."""
    message.state, message.due_at, message.attempts = MessageState.WAITING, now(), 0
    message.expires_at, message.error = None, ""


def _close_old(moment: datetime) -> None:
    """What is of no use any more, and what was left in the middle of being sent."""
    db.session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.state == MessageState.WAITING, OutboxMessage.expires_at < moment)
        .values(state=MessageState.EXPIRED)
    )
    db.session.execute(
        update(OutboxMessage)
        .where(
            OutboxMessage.state == MessageState.SENDING,
            OutboxMessage.claimed_at < moment - LONGEST_SENDING,
        )
        .values(state=MessageState.UNSURE)
    )
    db.session.commit()


def _send(key: int, post: _Post) -> bool:
    claimed = db.session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id == key, OutboxMessage.state == MessageState.WAITING)
        .values(
            state=MessageState.SENDING,
            claimed_at=now(),
            attempts=OutboxMessage.attempts + 1,
        )
        .returning(OutboxMessage.id)
    ).one_or_none()
    db.session.commit()
    if claimed is None:
        return False
    message = db.session.get_one(OutboxMessage, key, populate_existing=True)
    try:
        post.deliver(message)
    except RefusedError as error:
        _end(message, MessageState.REFUSED, str(error))
    except NotNowError as error:
        _try_later(message, str(error))
    else:
        message.sent_at = now()
        _end(message, MessageState.SENT)
        return True
    return False


def _try_later(message: OutboxMessage, error: str) -> None:
    if message.attempts > len(PAUSES):
        _end(message, MessageState.REFUSED, error)
        return
    message.due_at = now() + PAUSES[message.attempts - 1]
    _end(message, MessageState.WAITING, error)


def _end(message: OutboxMessage, state: MessageState, error: str = "") -> None:
    message.state, message.error = state, error[:500]
    if error:
        log.warning("message %s: %s", message.id, error)
    db.session.commit()


class _Post:
    """Delivers messages; a mail server is asked once for all of them."""

    def __init__(self) -> None:
        self._smtp: smtplib.SMTP | None = None

    def __enter__(self) -> _Post:
        return self

    def __exit__(self, *_error: object) -> None:
        self._hang_up()

    def deliver(self, message: OutboxMessage) -> None:
        """Hand it over; raises RefusedError or NotNowError where it is not taken."""
        if message.channel == Channel.EMAIL:
            self._mail(message)
        else:
            _to_gateway(message)

    def _mail(self, message: OutboxMessage) -> None:
        try:
            if self._smtp is None:
                self._smtp = _connected()
            self._smtp.send_message(_email(message))
        except smtplib.SMTPRecipientsRefused as error:
            code, text = next(iter(error.recipients.values()))
            raise _refusal(code, text) from error
        except smtplib.SMTPResponseException as error:
            self._hang_up()
            raise _refusal(error.smtp_code, error.smtp_error) from error
        except (OSError, smtplib.SMTPException) as error:
            self._hang_up()
            raise NotNowError(str(error)) from error
        except ValueError as error:
            # Such as an address that cannot stand in a head.
            raise RefusedError(str(error)) from error

    def _hang_up(self) -> None:
        if self._smtp is not None:
            with _anything_said():
                self._smtp.quit()
        self._smtp = None


@contextmanager
def _anything_said() -> Iterator[None]:
    """A goodbye that fails changes nothing: what was taken before it is taken."""
    try:
        yield
    except (OSError, smtplib.SMTPException) as error:
        log.info("mail server hung up: %s", error)


def _connected() -> smtplib.SMTP:
    config = current_app.config
    secured = config["SMTP_SECURITY"]
    address = config["SMTP_HOST"], config["SMTP_PORT"]
    context = ssl.create_default_context()
    smtp: smtplib.SMTP
    if secured == "tls":
        smtp = smtplib.SMTP_SSL(*address, timeout=TIMEOUT_SECONDS, context=context)
    else:
        smtp = smtplib.SMTP(*address, timeout=TIMEOUT_SECONDS)
    if secured == "starttls":
        smtp.starttls(context=context)
    if config["SMTP_USER"]:
        smtp.login(config["SMTP_USER"], config["SMTP_PASSWORD"])
    return smtp


def _email(message: OutboxMessage) -> EmailMessage:
    library = db.session.get_one(Organisation, message.organisation_id)
    sender = current_app.config["MAIL_FROM"]
    mail = EmailMessage()
    mail["From"] = formataddr((library.name, sender))
    mail["To"] = formataddr((message.recipient_name, message.recipient))
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(now())
    # The same whenever it is tried again: mail programs show it once.
    mail["Message-ID"] = f"<bus-ops.{message.organisation_id}.{message.id}@{_domain(sender)}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["Content-Language"] = message.language
    if library.contact_email:
        mail["Reply-To"] = library.contact_email
    mail.set_content(message.body)
    if message.attachment is not None:
        kind, _slash, subtype = message.attachment_type.partition(";")[0].partition("/")
        mail.add_attachment(
            message.attachment, maintype=kind, subtype=subtype, filename=message.attachment_name
        )
    return mail


def _domain(address: str) -> str:
    return address.rpartition("@")[2] or "localhost"


def _to_gateway(message: OutboxMessage) -> None:
    body = json.dumps(gateway_payload(message), ensure_ascii=False).encode()
    config = current_app.config
    seconds = str(int(now().timestamp()))
    request = urllib.request.Request(  # noqa: S310 - the address is the installation's own
        config["GATEWAY_URL"],
        body,
        {
            "Content-Type": "application/json; charset=utf-8",
            "Idempotency-Key": f"bus-ops-{message.id}",
            "Bus-Ops-Signature": f"t={seconds},v1={signature(seconds, body)}",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):  # noqa: S310
            return
    except urllib.error.HTTPError as error:
        with error:
            said = f"{error.code} {error.reason}"
        if error.code in _AGAIN or error.code >= 500:
            raise NotNowError(said) from error
        raise RefusedError(said) from error
    except OSError as error:
        raise NotNowError(str(error)) from error


def gateway_payload(message: OutboxMessage) -> dict[str, Any]:
    """What a gateway is given of a message."""
    library = db.session.get_one(Organisation, message.organisation_id)
    return {
        "id": message.id,
        "kind": message.kind.value,
        "to": message.recipient,
        "name": message.recipient_name,
        "language": message.language,
        "text": f"{message.subject}\n{message.body}",
        "library": library.name,
    }


def signature(seconds: str, body: bytes) -> str:
    """The gateway's proof that a request is ours, as hexadecimal digits."""
    secret = current_app.config["GATEWAY_SECRET"].encode()
    return hmac.new(secret, seconds.encode() + b"." + body, hashlib.sha256).hexdigest()


def _refusal(code: int, text: bytes | str) -> Exception:
    said = text.decode(errors="replace") if isinstance(text, bytes) else text
    kind = RefusedError if 500 <= code < 600 else NotNowError
    return kind(f"{code} {said}")
