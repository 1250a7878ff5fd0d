"""A living service to try the app on: real places of Cần Thơ, everything else invented."""

from __future__ import annotations

from datetime import date, datetime
from random import Random

from ..i18n import local
from .desk import add_desk
from .history import make_history
from .plans import add_plans
from .service import PASSWORD, SIGN_INS, DemoService, make_service

SEED = 2104


def build_demo(moment: datetime, seed: int = SEED) -> DemoService:
    """Fill the empty database of the present app with a service that is alive at ``moment``."""
    rng = Random(seed)
    today: date = local(moment).date()
    service = make_service(today, rng)
    make_history(service, moment, today, rng)
    add_desk(service, today, rng)
    add_plans(service, today, rng)
    return service


__all__ = ["PASSWORD", "SEED", "SIGN_INS", "DemoService", "build_demo"]
