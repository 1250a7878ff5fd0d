"""Pages of loans, readers and titles."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from schedules.searching import search_key

from ..accounts.access import LOGGERS, roles_allowed
from ..database import current_organisation_id, db, owned, owned_or_404
from ..i18n import today
from ..places.models import Place
from ..tables import Listing
from .forms import ReaderForm, TitleForm
from .models import Card, Copy, Loan, Reader, Title

blueprint = Blueprint("circulation", __name__, url_prefix="/circulation")


@blueprint.get("/")
@roles_allowed(*LOGGERS)
def overview() -> ResponseReturnValue:
    """What is out on loan, the longest due first."""
    query = (
        select(Loan)
        .join(Place, Loan.place_id == Place.id)
        .outerjoin(Copy, Loan.copy_id == Copy.id)
        .outerjoin(Title, Copy.title_id == Title.id)
        .where(Loan.organisation_id == current_organisation_id(), Loan.returned_at.is_(None))
        .options(
            joinedload(Loan.place),
            joinedload(Loan.copy).joinedload(Copy.title),
            joinedload(Loan.card).joinedload(Card.reader),
        )
    )
    place_id = request.args.get("place", type=int)
    if place_id:
        query = query.where(Loan.place_id == place_id)
    if request.args.get("due") == "overdue":
        query = query.where(Loan.due_on < today())
    typed = request.args.get("q", "").strip()
    if typed:
        query = query.where(
            Loan.barcode.contains(typed, autoescape=True)
            | Loan.card_number.contains(typed, autoescape=True)
            | Title.search_key.contains(search_key(typed) or typed, autoescape=True)
        )
    sorts = {
        "due": Loan.due_on,
        "lent": Loan.lent_at,
        "place": Place.search_key,
        "title": Title.search_key,
    }
    with_loans = select(Loan.place_id).where(Loan.returned_at.is_(None))
    places = owned(Place).where(Place.id.in_(with_loans)).order_by(Place.search_key)
    return render_template(
        "circulation/overview.html",
        listing=Listing(query, sorts, "due", tie_breaker=Loan.event_id),
        places=[(place.id, place.name) for place in db.session.scalars(places)],
        place_id=place_id,
        due=request.args.get("due", ""),
        today=today(),
    )


@blueprint.get("/readers")
@roles_allowed(*LOGGERS)
def readers() -> ResponseReturnValue:
    """Readers, found by name or card."""
    query = owned(Reader).options(joinedload(Reader.place), selectinload(Reader.cards))
    sorts = {"name": Reader.full_name, "class": Reader.class_name}
    listing = Listing(query, sorts, "name", Reader.search_key)
    return render_template("circulation/readers.html", listing=listing)


@blueprint.route("/readers/new", methods=["GET", "POST"], defaults={"reader_id": None})
@blueprint.route("/readers/<int:reader_id>", methods=["GET", "POST"])
@roles_allowed(*LOGGERS)
def reader_page(reader_id: int | None) -> ResponseReturnValue:
    """A reader, their cards and loans."""
    reader = owned_or_404(Reader, reader_id) if reader_id else None
    form = ReaderForm(reader)
    if form.validate_on_submit():
        reader = reader or Reader(organisation_id=current_organisation_id())
        db.session.add(reader)
        form.apply_to(reader)
        db.session.commit()
        flash(_("Saved."), "success")
        return redirect(url_for("circulation.reader_page", reader_id=reader.id))
    loans: list[Loan] = []
    if reader is not None:
        ids = [card.id for card in reader.cards]
        query = (
            owned(Loan)
            .where(Loan.card_id.in_(ids))
            .options(joinedload(Loan.copy).joinedload(Copy.title))
            .order_by(Loan.lent_at.desc())
            .limit(100)
        )
        loans = list(db.session.scalars(query))
    return render_template("circulation/reader.html", form=form, reader=reader, loans=loans)


@blueprint.get("/titles")
@roles_allowed(*LOGGERS)
def titles() -> ResponseReturnValue:
    """Titles with their copies."""
    copies = select(Copy.title_id, func.count().label("n")).group_by(Copy.title_id).subquery()
    query = (
        select(Title, func.coalesce(copies.c.n, 0))
        .outerjoin(copies, copies.c.title_id == Title.id)
        .where(Title.organisation_id == current_organisation_id())
    )
    sorts = {"name": Title.name, "author": Title.author, "subject": Title.subject}
    listing = Listing(query, sorts, "name", Title.search_key)
    return render_template("circulation/titles.html", listing=listing)


@blueprint.route("/titles/new", methods=["GET", "POST"], defaults={"title_id": None})
@blueprint.route("/titles/<int:title_id>", methods=["GET", "POST"])
@roles_allowed(*LOGGERS)
def title_page(title_id: int | None) -> ResponseReturnValue:
    """A title and its copies."""
    title = owned_or_404(Title, title_id) if title_id else None
    form = TitleForm(obj=title)
    if form.validate_on_submit():
        title = title or Title(organisation_id=current_organisation_id())
        form.apply_to(title)
        db.session.commit()
        flash(_("Saved."), "success")
        return redirect(url_for("circulation.title_page", title_id=title.id))
    copies: list[Copy] = []
    if title is not None:
        query = owned(Copy).where(Copy.title_id == title.id).order_by(Copy.barcode)
        copies = list(db.session.scalars(query))
    return render_template("circulation/title.html", form=form, title=title, copies=copies)
