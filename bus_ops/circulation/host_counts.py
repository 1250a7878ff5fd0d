"""What the keeper of a box counts and declares between two visits, on the place's own page.

Circulars 33/2018 and 05/2022/TT-BVHTTDL ask the receiving place for the visitors, the items used,
the readers' wishes, and an inventory at the end.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from ..database import db, now
from ..i18n import today
from ..places.models import Place
from .models import BoxDeposit, BoxItem, BoxItemState, Copy, HostCount, HostInventory, Loan


@dataclass(frozen=True)
class Kept:
    """A box that stands at a place, with what the place told of it."""

    deposit: BoxDeposit
    counts: Sequence[HostCount]
    inventory: HostInventory | None

    @property
    def visitors(self) -> int:
        """Everybody counted so far."""
        return sum(count.visitors for count in self.counts)

    @property
    def items_used(self) -> int:
        """Every item used so far."""
        return sum(count.items for count in self.counts)

    @property
    def days_left(self) -> int:
        """Until it goes back at the latest; below 0 where it should have gone."""
        return (self.deposit.due_on - today()).days


def boxes_kept_at(place: Place) -> list[Kept]:
    """Boxes that stand there now, the one that goes back first at the top."""
    query = (
        select(BoxDeposit)
        .where(BoxDeposit.place_id == place.id, BoxDeposit.back_at.is_(None))
        .options(selectinload(BoxDeposit.items).joinedload(BoxItem.copy).joinedload(Copy.title))
        .order_by(BoxDeposit.due_on, BoxDeposit.box_code)
    )
    return [told_of(deposit) for deposit in db.session.scalars(query)]


def told_of(deposit: BoxDeposit) -> Kept:
    """What the place counted and declared of a deposit."""
    counts = select(HostCount).where(HostCount.deposit_event_id == deposit.event_id)
    return Kept(
        deposit,
        db.session.scalars(counts.order_by(HostCount.counted_on.desc())).all(),
        db.session.get(HostInventory, deposit.event_id),
    )


def deposit_at(place: Place, event_id: uuid.UUID) -> BoxDeposit | None:
    """The deposit, if that box stands at this place now."""
    deposit = db.session.get(BoxDeposit, event_id)
    if deposit is None or deposit.place_id != place.id or deposit.back_at is not None:
        return None
    return deposit


def count_day(deposit: BoxDeposit, day: date, visitors: int, items: int, wishes: str) -> None:
    """Keep the day's counts; counting a day again replaces it. The caller commits."""
    query = select(HostCount).where(
        HostCount.deposit_event_id == deposit.event_id, HostCount.counted_on == day
    )
    count = db.session.scalar(query)
    if count is None:
        count = HostCount(
            organisation_id=deposit.organisation_id,
            deposit_event_id=deposit.event_id,
            counted_on=day,
        )
        db.session.add(count)
    count.visitors, count.items, count.wishes = visitors, items, wishes
    count.recorded_at = now()


def sign_inventory(
    deposit: BoxDeposit, states: Mapping[str, BoxItemState], signed_by: str, note: str
) -> None:
    """Keep what the place declares; signing again replaces it. The caller commits."""
    inventory = db.session.get(HostInventory, deposit.event_id)
    if inventory is None:
        inventory = HostInventory(
            organisation_id=deposit.organisation_id, deposit_event_id=deposit.event_id
        )
        db.session.add(inventory)
    barcodes = {item.barcode for item in deposit.items}
    inventory.states = {
        barcode: state.value for barcode, state in states.items() if barcode in barcodes
    }
    inventory.signed_by, inventory.note, inventory.signed_at = signed_by, note, now()


def overdue_at(place: Place) -> list[Loan]:
    """Loans of that place that should have come back, the longest ago first."""
    query = (
        select(Loan)
        .where(Loan.place_id == place.id, Loan.returned_at.is_(None), Loan.due_on < today())
        .options(joinedload(Loan.copy).joinedload(Copy.title), joinedload(Loan.card))
        .order_by(Loan.due_on)
    )
    return list(db.session.scalars(query))
