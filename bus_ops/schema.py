"""Every table of the app, imported in one place, so that migrations and fresh databases see all."""

from .accounts import audit
from .accounts import models as accounts
from .background import JobNote, JobRun
from .circulation import models as circulation
from .counting import models as counting
from .database import Base
from .events import models as events
from .fleet import models as fleet
from .indicators import models as indicators
from .places import models as places
from .planning import models as planning
from .reports import models as reports
from .requests import models as requests
from .school_years import models as school_years
from .tablet import models as tablet
from .telling import models as telling
from .timetable import models as timetable

__all__ = [
    "Base",
    "JobNote",
    "JobRun",
    "accounts",
    "audit",
    "circulation",
    "counting",
    "events",
    "fleet",
    "indicators",
    "places",
    "planning",
    "reports",
    "requests",
    "school_years",
    "tablet",
    "telling",
    "timetable",
]
