"""A look at a draft: its runs as publishing would make them, and nothing of it kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from ..database import db
from .generating import FillReport, fill_runs
from .models import Term


@contextmanager
def looked_at(term: Term, first: date, last: date) -> Iterator[FillReport]:
    """Within the block the term's runs of these days stand in the database; after it they do not.

    So the board and its warnings tell the same of a draft as of a published term, other runs of
    the van included, and no other page ever meets a draft's run.
    """
    try:
        yield fill_runs(term, first, last)
    finally:
        db.session.rollback()
