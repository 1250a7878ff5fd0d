"""Tablets, the network and the server as one model: whatever happens, in whatever order.

Hypothesis chooses what people tap and undo, what the network does to each batch, when the server
is killed, when a tablet is revoked and whose clock is wrong. Facts tapped = facts stored, exactly
once, and what the server said it holds is there at any moment.
"""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bus_ops.database import db, now
from bus_ops.tablet.log import look_again_at_tablet, replay
from bus_ops.tablet.models import Tablet
from tests.faults.conftest import KillableServer
from tests.faults.simulated_tablet import SimulatedTablet
from tests.faults.test_fault_matrix import projections

which = st.integers(0, 1)
seeds = st.integers(0, 2**16)


class TabletsNetworkAndServer(RuleBasedStateMachine):
    """Two tablets of one run and their server, which all live on after an example ends."""

    def __init__(self, server: KillableServer) -> None:
        super().__init__()
        self.server = server
        self.alive = True
        self.tablets: list[SimulatedTablet] = []
        self.rng = Random(0)

    @initialize(seed=seeds, clock_hours=st.sampled_from([0, -72, 2]))
    def enrol_two_tablets(self, seed: int, clock_hours: int) -> None:
        self.rng = Random(seed)
        self.server.start()
        wrong: dict[str, Any] = {"clock_error": timedelta(hours=clock_hours)}
        self.tablets = [
            self.server.tablet(Random(seed)),
            self.server.tablet(Random(seed + 1), **wrong),
        ]

    @rule(tablet=which, most=st.integers(2, 8))
    def people_are_counted(self, tablet: int, most: int) -> None:
        self.tablets[tablet].tap_some(most)

    @rule(tablet=which, barcode=st.sampled_from(["B1", "B2", "unknown"]), card=st.integers(1, 4))
    def a_copy_is_lent(self, tablet: int, barcode: str, card: int) -> None:
        self.tablets[tablet].tap("lent", barcode=barcode, card_number=f"T{card}")

    @rule(tablet=which, barcode=st.sampled_from(["B1", "B2", "unknown"]))
    def a_copy_comes_back(self, tablet: int, barcode: str) -> None:
        self.tablets[tablet].tap("returned", barcode=barcode)

    @precondition(lambda self: any(tablet.tapped for tablet in self.tablets))
    @rule()
    def a_tap_is_undone(self) -> None:
        tablet = self.rng.choice([one for one in self.tablets if one.tapped])
        undone = self.rng.choice(list(tablet.tapped.values()))
        undo = tablet.tap("undo", undoes=undone["id"])
        undo["visit"] = undone["visit"]

    @rule(tablet=which)
    def it_sends(self, tablet: int) -> None:
        status = self.tablets[tablet].send()
        assert status == (200 if self.alive else None)

    @rule(tablet=which)
    def the_answer_is_lost(self, tablet: int) -> None:
        self.tablets[tablet].send_and_lose_the_answer()

    @rule(tablet=which)
    def the_batch_is_cut_off(self, tablet: int) -> None:
        assert self.tablets[tablet].send_cut_off() != 200

    @rule(tablet=which)
    def old_facts_come_again_in_another_order(self, tablet: int) -> None:
        sender = self.tablets[tablet]
        everything = list(sender.tapped.values())
        sender.send(self.rng.sample(everything, min(len(everything), 60)))

    @rule(tablet=which)
    def later_facts_overtake(self, tablet: int) -> None:
        waiting = list(self.tablets[tablet].unsent.values())
        self.tablets[tablet].send(waiting[len(waiting) // 2 :])

    @rule()
    def the_server_is_killed(self) -> None:
        self.server.kill()
        self.alive = False

    @rule()
    def the_server_comes_back(self) -> None:
        self.server.start()
        self.alive = True

    @rule(tablet=which, revoked=st.booleans())
    def it_is_revoked_or_found_again(self, tablet: int, revoked: bool) -> None:
        with self.server.app.app_context():
            row = next(
                row
                for row in db.session.scalars(db.select(Tablet))
                if str(row.id) == self.tablets[tablet].identity
            )
            row.revoked_at = now() if revoked else None
            # As the page does that revokes and restores.
            look_again_at_tablet(row)
            db.session.commit()
            db.session.remove()

    @invariant()
    def nothing_tapped_is_in_neither_place(self) -> None:
        for tablet in self.tablets:
            assert tablet.tapped.keys() == tablet.unsent.keys() | tablet.told_held

    def teardown(self) -> None:
        if not self.tablets:
            return
        if not self.alive:
            self.server.start()
        # What was promised before the last kill is there already, before anything is sent again.
        self.server.assert_what_was_promised_is_there()
        for tablet in self.tablets:
            assert tablet.send_everything()
        self.server.assert_nothing_is_lost_or_twice()


def test_whatever_happens_between_them_nothing_is_lost_or_twice(server: KillableServer) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        lambda: TabletsNetworkAndServer(server),
        settings=settings(
            max_examples=12,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    with server.app.app_context():
        before = projections()
        replay(server.organisation_id)
        assert projections() == before
        db.session.remove()


pytestmark = pytest.mark.timeout(200)
