"""Every table of the app, imported in one place, so that migrations and fresh databases see all."""

from .accounts import models as accounts
from .background import JobNote, JobRun
from .circulation import models as circulation
from .database import Base
from .fleet import models as fleet
from .places import models as places
from .planning import models as planning
from .requests import models as requests
from .tablet import models as tablet
from .telling import models as telling
from .timetable import models as timetable

__all__ = [
    "Base",
    "JobNote",
    "JobRun",
    "accounts",
    "circulation",
    "fleet",
    "places",
    "planning",
    "requests",
    "tablet",
    "telling",
    "timetable",
]
