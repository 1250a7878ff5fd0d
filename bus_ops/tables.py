"""Lists on screen: search, sort, count and pages, the same way everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from flask import request
from sqlalchemy import ColumnElement, Select, func, select

from schedules.searching import search_key

from .database import db

PER_PAGE = 50


class Listing:
    """One page of a query's rows, with what its controls need to know.

    ``sorts`` maps the names a link may sort by to columns; ``searched`` is the column that holds
    text without diacritics. What a request asks beyond them is ignored.
    """

    def __init__(
        self,
        query: Select[Any],
        sorts: Mapping[str, Any],
        default_sort: str,
        searched: ColumnElement[str] | Any | None = None,
        per_page: int = PER_PAGE,
        tie_breaker: Any | None = None,
    ) -> None:
        self.search = request.args.get("q", "").strip()
        if searched is not None:
            for word in search_key(self.search).split():
                query = query.where(searched.contains(word, autoescape=True))
        self._sorts = sorts
        self.sort, self.descending = self._chosen_sort(default_sort)
        self.count: int = (
            db.session.scalar(select(func.count()).select_from(query.order_by(None).subquery()))
            or 0
        )
        self.pages = max(1, -(-self.count // per_page))
        self.page = min(max(1, request.args.get("page", 1, type=int)), self.pages)
        column = sorts[self.sort]
        direction = column.desc() if self.descending else column.asc()
        if tie_breaker is None:
            tie_breaker = query.column_descriptions[0]["entity"].id
        ordered = query.order_by(direction, tie_breaker).limit(per_page)
        result = db.session.execute(ordered.offset((self.page - 1) * per_page))
        rows: Sequence[Any] = result.unique().all()
        self.rows = [row[0] for row in rows] if len(query.column_descriptions) == 1 else rows

    @property
    def sort_argument(self) -> str:
        """The present sort as it stands in the address."""
        return f"-{self.sort}" if self.descending else self.sort

    def sort_state(self, key: str) -> str | None:
        """ARIA's word for how the list is sorted by this column, if it is."""
        if key != self.sort:
            return None
        return "descending" if self.descending else "ascending"

    def sort_href(self, key: str) -> str:
        """Address of the list sorted by this column; a second time turns it round."""
        turned = key == self.sort and not self.descending
        return self._href(sort=f"-{key}" if turned else key)

    def page_href(self, page: int) -> str:
        """Address of another page of the same list."""
        return self._href(sort=self.sort_argument, page=page)

    def _href(self, **changes: Any) -> str:
        kept = {k: v for k, v in request.args.items() if v and k not in {"page", "sort"}}
        return f"?{urlencode({**kept, **changes})}"

    def _chosen_sort(self, default: str) -> tuple[str, bool]:
        wanted = request.args.get("sort", default)
        name = wanted.removeprefix("-")
        if name not in self._sorts:
            wanted, name = default, default.removeprefix("-")
        return name, wanted.startswith("-")


class RowListing(Listing):
    """The same for rows that are in memory already, such as figures; all of them in ``found``.

    ``sorts`` maps names to what a row is sorted by; ``searched`` answers a row's text without
    diacritics.
    """

    def __init__(
        self,
        rows: Iterable[Any],
        sorts: Mapping[str, Callable[[Any], Any]],
        default_sort: str,
        searched: Callable[[Any], str],
        per_page: int = PER_PAGE,
    ) -> None:
        self.search = request.args.get("q", "").strip()
        words = search_key(self.search).split()
        found = [row for row in rows if all(word in searched(row) for word in words)]
        self._sorts = sorts
        self.sort, self.descending = self._chosen_sort(default_sort)
        self.found = sorted(found, key=sorts[self.sort], reverse=self.descending)
        self.count = len(self.found)
        self.pages = max(1, -(-self.count // per_page))
        self.page = min(max(1, request.args.get("page", 1, type=int)), self.pages)
        self.rows = self.found[(self.page - 1) * per_page : self.page * per_page]
