"""Lists on screen: search, sort, count and pages, the same way everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import request
from sqlalchemy import ColumnElement, Select, func, select

from schedules.searching import search_key

from .database import db
from .incoming import asked_number, asked_search

PER_PAGE = 50

Row = TypeVar("Row")


class Controls:
    """What a list's controls need to know: the search, the sort, the page, the number found."""

    def __init__(self, sorts: Mapping[str, Any], default_sort: str) -> None:
        self.search = asked_search()
        self._sorts = sorts
        self.sort, self.descending = self._chosen_sort(default_sort)
        self.count = 0
        self.pages = self.page = 1

    def turn_pages(self, count: int, per_page: int) -> int:
        """Settle on a page; answers how many rows stand before it."""
        self.count = count
        self.pages = max(1, -(-count // per_page))
        self.page = min(max(1, asked_number("page") or 1), self.pages)
        return (self.page - 1) * per_page

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


class Listing(Controls):
    """One page of a query's rows.

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
        super().__init__(sorts, default_sort)
        if searched is not None:
            for word in search_key(self.search).split():
                query = query.where(searched.contains(word, autoescape=True))
        found = select(func.count()).select_from(query.order_by(None).subquery())
        before = self.turn_pages(db.session.scalar(found) or 0, per_page)
        column = sorts[self.sort]
        direction = column.desc() if self.descending else column.asc()
        if tie_breaker is None:
            tie_breaker = query.column_descriptions[0]["entity"].id
        ordered = query.order_by(direction, tie_breaker).limit(per_page)
        result = db.session.execute(ordered.offset(before))
        rows: Sequence[Any] = result.unique().all()
        self.rows = [row[0] for row in rows] if len(query.column_descriptions) == 1 else rows


class ShortListing(Controls):
    """One page of rows that are few enough to be read at once; all that fit are in ``found``.

    ``sorts`` maps names to functions of a row, ``searched`` gives the text that a row is found
    by; both compare names without diacritics, so that Đ stands beside D.
    """

    def __init__(
        self,
        rows: Iterable[Any],
        sorts: Mapping[str, Callable[[Any], Any]],
        default_sort: str,
        searched: Callable[[Any], str],
        per_page: int = PER_PAGE,
    ) -> None:
        super().__init__(sorts, default_sort)
        found = list(rows)
        if self.search:
            found = [row for row in found if matches(self.search, searched(row))]
        before = self.turn_pages(len(found), per_page)
        ordered = sorted(found, key=lambda row: _plain(sorts[self.sort](row)))
        if self.descending:
            ordered.reverse()
        self.found = ordered
        self.rows = ordered[before : before + per_page]


def matches(typed: str, text: str) -> bool:
    """Whether a text holds every typed word, with or without diacritics."""
    key = search_key(text)
    return all(word in key for word in search_key(typed).split())


def by_name(rows: Iterable[Row]) -> list[Row]:
    """Rows in the order a reader looks for their names: Đ beside D, Ô beside O."""
    return sorted(rows, key=lambda row: search_key(getattr(row, "name", "")))


def _plain(value: Any) -> tuple[bool, Any]:
    """A value that sorts among its like: names without diacritics, nothing after everything."""
    if value is None:
        return (True, 0)
    return (False, search_key(value) if isinstance(value, str) else value)
