"""The outbox sends each message once, tries again what is not taken, and shows what it did."""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask

from bus_ops.accounts.models import Organisation, Role
from bus_ops.database import db, now
from bus_ops.telling import sending
from bus_ops.telling.models import Channel, MessageKind, MessageState, MessageText, OutboxMessage
from bus_ops.telling.outbox import Recipient, put_in_outbox
from bus_ops.telling.sending import send_what_is_due
from bus_ops.telling.texts import blanks_of, filled, our_wording, unknown_blanks
from tests.conftest import SignIn
from tests.telling.mail_server import Gateway, Mailbox, gateway_server, mail_server

SCHOOL = Recipient("Cô Hạnh", "hanh@example.org", "0292 3000 000")
VALUES = {"place": "Trường Thới Bình", "changes": "Dời: …", "link": ""}


@pytest.fixture
def mailbox(app_on_each: Flask, organisation: Organisation) -> Iterator[Mailbox]:
    with mail_server() as box:
        app_on_each.config.update(
            SMTP_HOST="127.0.0.1",
            SMTP_PORT=box.port,
            SMTP_SECURITY="none",
            MAIL_FROM="xe@thuvien.example.org",
        )
        organisation.contact_email = "lien-he@thuvien.example.org"
        db.session.commit()
        yield box


@pytest.fixture
def gateway(app_on_each: Flask, organisation: Organisation) -> Iterator[Gateway]:
    with gateway_server() as server:
        app_on_each.config.update(GATEWAY_URL=server.url, GATEWAY_SECRET="bí mật")
        yield server


@pytest.fixture(autouse=True)
def set_up_for_no_other(app_on_each: Flask) -> Iterator[None]:
    """Tests share one app."""
    names = (
        "SMTP_HOST",
        "SMTP_PORT",
        "SMTP_SECURITY",
        "MAIL_FROM",
        "GATEWAY_URL",
        "GATEWAY_SECRET",
    )
    before = {name: app_on_each.config[name] for name in names}
    yield
    app_on_each.config.update(before)


def put(organisation: Organisation, key: str = "1", *to: Recipient) -> list[OutboxMessage]:
    recipients = to or (SCHOOL,)
    added = put_in_outbox(organisation.id, MessageKind.CHANGES, key, recipients, VALUES)
    db.session.commit()
    return added


def by_email(organisation: Organisation) -> OutboxMessage:
    return next(m for m in put(organisation) if m.channel == Channel.EMAIL)


def test_a_mail_arrives_whole_with_the_librarys_name_and_where_to_answer(
    organisation: Organisation, mailbox: Mailbox
) -> None:
    message = by_email(organisation)
    assert send_what_is_due() == 1
    (mail,) = mailbox.mails
    assert mail["To"] == "Cô Hạnh <hanh@example.org>"
    assert mail["From"] == f"{organisation.name} <xe@thuvien.example.org>"
    assert mail["Reply-To"] == "lien-he@thuvien.example.org"
    assert mail["Subject"] == "Lịch xe thư viện tại Trường Thới Bình đã thay đổi"
    assert mail["Auto-Submitted"] == "auto-generated"
    body = mail.get_content()
    assert body.startswith("Kính gửi Cô Hạnh,")
    assert body.rstrip().endswith("lien-he@thuvien.example.org")
    # Nobody told the installation its address: no line leads to it.
    assert "Tất cả các ngày" not in body
    db.session.refresh(message)
    assert message.state == MessageState.SENT
    assert send_what_is_due() == 0
    assert len(mailbox.mails) == 1


def test_what_was_told_is_not_told_again(organisation: Organisation, mailbox: Mailbox) -> None:
    assert len(put(organisation, "1")) == 1
    assert put(organisation, "1") == []
    send_what_is_due()
    assert put(organisation, "1") == []
    assert len(put(organisation, "2")) == 1
    assert send_what_is_due() == 1


def test_each_is_written_to_in_the_own_language(
    organisation: Organisation, mailbox: Mailbox
) -> None:
    put(organisation, "1", SCHOOL, Recipient("Ms Ann", "ann@example.org", language="en"))
    send_what_is_due()
    subjects = [mail["Subject"] for mail in mailbox.mails]
    assert subjects[1] == "The library van's visits at Trường Thới Bình have changed"
    assert subjects[0].startswith("Lịch xe thư viện")


def test_a_busy_server_is_tried_again_later_and_a_refusal_is_final(
    organisation: Organisation, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = by_email(organisation)
    mailbox.refusals = ["451 4.3.0 busy"]
    assert send_what_is_due() == 0
    db.session.refresh(message)
    assert (message.state, message.attempts) == (MessageState.WAITING, 1)
    assert message.due_at > now() + timedelta(seconds=50)
    assert "451" in message.error
    assert send_what_is_due() == 0
    monkeypatch.setattr(sending, "now", lambda: now() + timedelta(minutes=2))
    assert send_what_is_due() == 1
    other = put(organisation, "2")[0]
    mailbox.refusals = ["550 5.1.1 no such person"]
    assert send_what_is_due() == 0
    db.session.refresh(other)
    assert (other.state, other.error) == (MessageState.REFUSED, "550 5.1.1 no such person")


def test_one_bad_address_does_not_hold_the_others_up(
    organisation: Organisation, mailbox: Mailbox
) -> None:
    bad = Recipient("X", "not an address\nBcc: all@example.org")
    put(organisation, "1", bad, SCHOOL)
    assert send_what_is_due() == 1
    assert [mail["To"] for mail in mailbox.mails] == ["Cô Hạnh <hanh@example.org>"]
    assert all(mail["Bcc"] is None for mail in mailbox.mails)


def test_a_server_that_is_away_loses_nothing(
    app_on_each: Flask, organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    app_on_each.config.update(
        SMTP_HOST="127.0.0.1", SMTP_PORT=1, SMTP_SECURITY="none", MAIL_FROM="xe@example.org"
    )
    message = by_email(organisation)
    moment = now()
    for attempt in range(len(sending.PAUSES) + 1):
        moment += timedelta(days=1)
        monkeypatch.setattr(sending, "now", lambda moment=moment: moment)
        send_what_is_due()
        db.session.refresh(message)
        assert message.attempts == attempt + 1
    assert message.state == MessageState.REFUSED
    assert message.body


def test_without_a_mail_server_messages_wait(organisation: Organisation) -> None:
    message = by_email(organisation)
    assert send_what_is_due() == 0
    db.session.refresh(message)
    assert (message.state, message.attempts) == (MessageState.WAITING, 0)


def test_two_processes_send_each_message_once(
    app_on_each: Flask, organisation: Organisation, mailbox: Mailbox
) -> None:
    for number in range(12):
        put(organisation, str(number))
    sent: list[int] = []

    def send() -> None:
        with app_on_each.app_context():
            sent.append(send_what_is_due())

    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(sent) == 12
    assert len({mail["Message-ID"] for mail in mailbox.mails}) == len(mailbox.mails) == 12


def test_what_a_dead_process_was_sending_is_not_sent_again_by_itself(
    organisation: Organisation, mailbox: Mailbox, sign_in: SignIn
) -> None:
    message = by_email(organisation)
    message.state, message.claimed_at = MessageState.SENDING, now() - timedelta(minutes=3)
    db.session.commit()
    assert send_what_is_due() == 0
    message.claimed_at = now() - sending.LONGEST_SENDING - timedelta(minutes=1)
    db.session.commit()
    assert send_what_is_due() == 0
    db.session.refresh(message)
    assert message.state == MessageState.UNSURE
    client = sign_in(Role.COORDINATOR)
    assert "Perhaps sent" in client.get("/messages/").text
    assert "It may have arrived" in client.get(f"/messages/{message.id}").text
    client.post(f"/messages/{message.id}/again")
    assert send_what_is_due() == 1


def test_what_is_too_late_is_not_sent(organisation: Organisation, mailbox: Mailbox) -> None:
    put_in_outbox(
        organisation.id,
        MessageKind.REMINDER_DAY,
        "1",
        [SCHOOL],
        VALUES,
        expires_at=now() - timedelta(hours=1),
    )
    db.session.commit()
    assert send_what_is_due() == 0
    (message,) = db.session.scalars(db.select(OutboxMessage))
    assert message.state == MessageState.EXPIRED


def test_a_gateway_is_given_signed_messages_and_tried_again(
    organisation: Organisation, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(organisation)
    gateway.answers = [503]
    assert send_what_is_due() == 0
    monkeypatch.setattr(sending, "now", lambda: now() + timedelta(minutes=2))
    assert send_what_is_due() == 1
    (first, body), (second, _again) = gateway.posts
    assert first["Idempotency-Key"] == second["Idempotency-Key"]
    seconds, proof = (part.split("=")[1] for part in second["Bus-Ops-Signature"].split(","))
    expected = hmac.new("bí mật".encode(), f"{seconds}.".encode() + body, hashlib.sha256)
    assert proof == expected.hexdigest()
    said = gateway.messages[0]
    assert (said["to"], said["language"], said["kind"]) == ("0292 3000 000", "vi", "changes")
    assert "Trường Thới Bình" in said["text"]
    put(organisation, "2")
    gateway.answers = [410]
    assert send_what_is_due() == 0
    last = db.session.scalars(db.select(OutboxMessage).order_by(OutboxMessage.id.desc())).first()
    assert last is not None
    assert last.channel == Channel.EMAIL or last.state == MessageState.REFUSED


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("kind", list(MessageKind))
def test_our_own_texts_hold_only_blanks_that_are_filled(
    app_on_each: Flask, kind: MessageKind, language: str
) -> None:
    words = our_wording(kind, language)
    assert unknown_blanks(kind, words.subject + words.body) == []
    every = dict.fromkeys(blanks_of(kind), "x")
    assert "{" not in filled(words.subject, every) + filled(words.body, every)
    # Whatever is not known, something is left to read.
    assert filled(words.body, {"name": "Cô Hạnh", "place": "Trường Thới Bình"})


def test_lines_whose_blanks_are_all_empty_are_left_out() -> None:
    text = "Dear {name},\n\n{day} {time}\nReason: {reason}\n\nPage: {link}"
    assert filled(text, {"name": "A", "day": "30/11"}) == "Dear A,\n\n30/11"
    # What a value holds is no blank.
    assert filled("{name}", {"name": "{link}", "link": "x"}) == "{link}"


def test_a_library_writes_its_own_words_and_goes_back(
    organisation: Organisation, sign_in: SignIn
) -> None:
    client = sign_in(Role.COORDINATOR)
    where = "/messages/texts/changes/vi"
    bad = client.post(where, data={"subject": "Tin {van}", "body": "x"})
    assert "{van}" in bad.text
    assert db.session.scalars(db.select(MessageText)).all() == []
    client.post(where, data={"subject": "Tin {place}", "body": "Chào {name}\r\n{changes}"})
    (message, *_rest) = put(organisation)
    assert (message.subject, message.body) == ("Tin Trường Thới Bình", "Chào Cô Hạnh\nDời: …")
    client.post(f"{where}/ours")
    assert put(organisation, "2")[0].subject.startswith("Lịch xe thư viện")
    assert client.get("/messages/texts/changes/fr").status_code == 404
