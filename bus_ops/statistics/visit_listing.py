"""One page of the visits behind a figure, out of as many as ten years bring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from schedules.searching import search_key

from ..counting.figures import Filters, SumsOf, VisitRow, exact, joined_visits, visit_row
from ..counting.models import VISIT_FIGURES
from ..database import db
from ..places.models import Place
from ..tables import PER_PAGE, Controls
from ..timetable.models import Visit


class VisitListing(Controls):
    """Visits that fulfil the conditions, with sums of the shown columns over all that are found.

    Only the page's own visits are looked up with their places and vans; what is counted and sorted
    by is read from the figures alone, unless somebody searches, or sorts by a name.
    """

    def __init__(
        self,
        where: Sequence[ColumnElement[bool]],
        shown: Mapping[str, ColumnElement[Any]],
        filters: Filters,
        whole: SumsOf | None,
    ) -> None:
        """``whole`` knows the sums of all that the conditions take, where there are such."""
        counted = VISIT_FIGURES.c
        sorts = {"day": counted.day, "place": Place.search_key, "status": Visit.status, **shown}
        super().__init__(sorts, "-day")
        found = _searched(select(VISIT_FIGURES).where(*where), self.search)
        if whole is None or self.search:
            sums = [func.coalesce(func.sum(column), 0) for column in shown.values()]
            count, *values = db.session.execute(
                found.with_only_columns(func.count(), *sums, maintain_column_froms=True)
            ).one()
            self.sums = {key: exact(key, value) for key, value in zip(shown, values, strict=True)}
        else:
            figures = whole.total({"planned", *shown})
            count, self.sums = int(figures["planned"]), {key: figures[key] for key in shown}
        before = self.turn_pages(count, PER_PAGE)
        column = sorts[self.sort]
        if self.sort == "place" and not self.search:
            found = found.join(Place, Place.id == counted.place_id)
        if self.sort == "status":
            found = found.join(Visit, Visit.id == counted.visit_id)
        direction = column.desc() if self.descending else column.asc()
        page = found.with_only_columns(counted.visit_id, maintain_column_froms=True)
        page = page.order_by(direction, counted.visit_id).limit(PER_PAGE).offset(before)
        keys = list(db.session.scalars(page))
        rows = db.session.execute(joined_visits().where(counted.visit_id.in_(keys))).mappings()
        by_key = {row["visit_id"]: visit_row(row, filters) for row in rows}
        self.rows: list[VisitRow] = [by_key[key] for key in keys]


def _searched(query: Select[Any], search: str) -> Select[Any]:
    """Visits at places in whose names and addresses every word stands."""
    words = search_key(search).split()
    if not words:
        return query
    query = query.join(Place, Place.id == VISIT_FIGURES.c.place_id)
    for word in words:
        query = query.where(Place.search_key.contains(word, autoescape=True))
    return query
