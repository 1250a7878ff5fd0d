"""A tablet as the protocol sees it: it keeps each fact until the server says it holds it."""

from __future__ import annotations

import http.client
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import uuid_utils.compat

Event = dict[str, Any]

BATCH = 200


@dataclass
class SimulatedTablet:
    """Records facts, sends them in any way a bad network may, and forgets only what is held."""

    identity: str
    secret: str
    port: int
    visit_ids: Sequence[int]
    run_id: int
    rng: Random
    # How far the tablet's clock is off, and what it believes of that.
    clock_error: timedelta = timedelta()
    clock_offset_ms: int = 0
    # Minutes east of Greenwich in which it writes its times.
    zone_minutes: int = 0
    tapped: dict[str, Event] = field(default_factory=dict)
    unsent: dict[str, Event] = field(default_factory=dict)
    # Every id the server ever said it holds.
    told_held: set[str] = field(default_factory=set)
    sequence: int = 0

    def tap(self, kind: str = "attendance", visit: int | None = None, **payload: Any) -> Event:
        """One fact, kept before anything is sent."""
        self.sequence += 1
        if kind == "attendance" and not payload:
            payload = {
                "audience": self.rng.choice(("primary", "adults", "teachers")),
                "people": self.rng.choice((1, 1, 1, 5, 30)),
            }
        event = {
            "id": str(uuid_utils.compat.uuid7()),
            "tablet": self.identity,
            "sequence": self.sequence,
            "version": 1,
            "kind": kind,
            "run": self.run_id,
            "visit": visit or self.rng.choice(self.visit_ids),
            "user": None,
            "recorded_at": self._clock(),
            "clock_offset": self.clock_offset_ms,
            "payload": payload,
        }
        self.tapped[event["id"]] = event
        self.unsent[event["id"]] = event
        return event

    def tap_some(self, most: int = 12) -> None:
        """A handful of taps at one visit."""
        visit = self.rng.choice(self.visit_ids)
        for _ in range(self.rng.randrange(1, most)):
            self.tap(visit=visit)

    def send(self, events: Sequence[Event] | None = None, told: int | None = None) -> int | None:
        """Send (the oldest unsent, by default); the status, or None where no answer came.

        ``told``: how many unsent facts it tells of, where it has not counted them anew.
        """
        batch = self.batch() if events is None else list(events)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("POST", "/tablet/api/events", body_of(batch), self.headers(told))
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        if answer.status == 200:
            self._forget(json.loads(body))
        return answer.status

    def send_everything(self) -> bool:
        """Batch after batch, until nothing is unsent or a batch fails."""
        while self.unsent:
            if self.send() != 200:
                return False
        return True

    def batch(self) -> list[Event]:
        """The oldest unsent facts, as many as one request carries."""
        return list(self.unsent.values())[:BATCH]

    def send_and_lose_the_answer(self) -> None:
        """The request arrives; the answer never does."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            batch = body_of(self.batch())
            connection.request("POST", "/tablet/api/events", batch, self.headers())
        except OSError:
            pass
        finally:
            connection.close()

    def send_cut_off(self) -> int | None:
        """The body ends in its middle, as where a connection breaks while sending."""
        body = body_of(self.batch())
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        cut = body[: self.rng.randrange(1, len(body))]
        try:
            connection.request("POST", "/tablet/api/events", cut, self.headers())
            answer = connection.getresponse()
            text = answer.read()
            if answer.status == 200:
                self._forget(json.loads(text))
            return answer.status
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def headers(self, told: int | None = None) -> dict[str, str]:
        """What each call carries."""
        unsent = len(self.unsent) if told is None else told
        return {
            "Authorization": f"Bearer {self.identity}.{self.secret}",
            "Content-Type": "application/json",
            "X-Tablet-State": f"version=test; unsent={unsent}",
        }

    def _forget(self, answer: dict[str, Any]) -> None:
        held = set(answer["held"])
        self.told_held |= held & self.tapped.keys()
        for identity in held:
            self.unsent.pop(identity, None)

    def _clock(self) -> str:
        here = datetime.now(UTC) + self.clock_error + timedelta(minutes=self.zone_minutes)
        sign = "+" if self.zone_minutes >= 0 else "-"
        hours, minutes = divmod(abs(self.zone_minutes), 60)
        local = here.replace(tzinfo=None).isoformat(timespec="milliseconds")
        return f"{local}{sign}{hours:02d}:{minutes:02d}"


def body_of(events: Sequence[Event]) -> bytes:
    """A batch as it goes over the line."""
    return json.dumps({"events": list(events)}).encode()


def new_identity() -> str:
    """A tablet's id."""
    return str(uuid.uuid4())
