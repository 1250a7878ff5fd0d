"""A real SMTP server on this machine, and a gateway that takes signed messages."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Mailbox:
    """What the server was given; ``refusals`` are answers for the next messages instead."""

    mails: list[EmailMessage] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    port: int = 0

    async def handle_DATA(  # noqa: N802 - the library calls it so
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Take a message, or refuse it."""
        if self.refusals:
            return self.refusals.pop(0)
        content = cast("bytes", envelope.content)
        self.mails.append(cast("EmailMessage", message_from_bytes(content, policy=policy.default)))
        return "250 OK"


@contextmanager
def mail_server() -> Iterator[Mailbox]:
    """Serves as long as the block lasts."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    box = Mailbox(port=port)
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


@dataclass
class Gateway:
    """What the gateway was posted; ``answers`` are its next status codes, else 200."""

    posts: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    url: str = ""

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The bodies."""
        return [json.loads(body) for _headers, body in self.posts]


@contextmanager
def gateway_server() -> Iterator[Gateway]:
    """Serves as long as the block lasts."""
    gateway = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            gateway.posts.append((dict(self.headers), body))
            self.send_response(gateway.answers.pop(0) if gateway.answers else 200)
            self.end_headers()

        def log_message(self, *_arguments: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    gateway.url = f"http://127.0.0.1:{server.server_port}/sms"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield gateway
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
