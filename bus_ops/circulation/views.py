"""Pages of loans, readers and titles."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from schedules.searching import search_key

from ..accounts.access import LOGGERS, roles_allowed
from ..accounts.audit import AuditKind, audited
from ..database import current_organisation_id, db, owned, owned_or_404
from ..i18n import today
from ..incoming import asked_number, asked_search
from ..places.models import Place
from ..tables import Listing
from .cataloguing import CatalogueError, remove_card, remove_copy, rename_card, rename_copy
from .forms import ReaderForm, TitleForm, stock_choices
from .models import Card, Copy, Loan, Reader, Title

# Pages that send a person here to mend something, and want them back.
_COMES_FROM = {"to-settle": "tablet.to_settle"}

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
    place_id = asked_number("place")
    if place_id:
        query = query.where(Loan.place_id == place_id)
    if request.args.get("due") == "overdue":
        query = query.where(Loan.due_on < today())
    typed = asked_search()
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
@audited(AuditKind.LOOKED)
def readers() -> ResponseReturnValue:
    """Readers, found by name or card."""
    query = owned(Reader).options(joinedload(Reader.place), selectinload(Reader.cards))
    sorts = {"name": Reader.full_name, "class": Reader.class_name}
    listing = Listing(query, sorts, "name", Reader.search_key)
    return render_template("circulation/readers.html", listing=listing)


@blueprint.route("/readers/new", methods=["GET", "POST"], defaults={"reader_id": None})
@blueprint.route("/readers/<int:reader_id>", methods=["GET", "POST"])
@roles_allowed(*LOGGERS)
@audited(AuditKind.LOOKED)
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
        return _back_or("circulation.reader_page", reader_id=reader.id)
    if not form.is_submitted():
        form.card_number.data = request.args.get("card", "")[:40]
    return render_template(
        "circulation/reader.html",
        form=form,
        reader=reader,
        loans=_loans_of(reader) if reader is not None else None,
    )


def _loans_of(reader: Reader) -> Listing:
    """All loans to any card of the reader, the latest first."""
    query = (
        owned(Loan)
        .where(Loan.card_id.in_([card.id for card in reader.cards]))
        .options(joinedload(Loan.copy).joinedload(Copy.title))
    )
    sorts = {"lent": Loan.lent_at, "due": Loan.due_on, "returned": Loan.returned_at}
    return Listing(query, sorts, "-lent", tie_breaker=Loan.event_id)


@blueprint.post("/cards/<int:card_id>")
@roles_allowed(*LOGGERS)
def change_card(card_id: int) -> ResponseReturnValue:
    """Correct a card's number, or take the card away."""
    card = owned_or_404(Card, card_id)
    reader_id = card.reader_id
    try:
        if request.form.get("remove"):
            remove_card(card)
        else:
            rename_card(card, request.form.get("number", "").strip()[:40])
        db.session.commit()
        flash(_("Saved."), "success")
    except CatalogueError as error:
        db.session.rollback()
        flash(str(error), "danger")
    return redirect(url_for("circulation.reader_page", reader_id=reader_id))


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
    form = TitleForm(title)
    if form.validate_on_submit():
        title = title or Title(organisation_id=current_organisation_id())
        form.apply_to(title)
        db.session.commit()
        flash(_("Saved."), "success")
        return _back_or("circulation.title_page", title_id=title.id)
    if not form.is_submitted():
        form.barcode.data = request.args.get("barcode", "")[:40]
    copies: list[Copy] = []
    if title is not None:
        query = owned(Copy).where(Copy.title_id == title.id).order_by(Copy.barcode)
        copies = list(db.session.scalars(query))
    return render_template(
        "circulation/title.html", form=form, title=title, copies=copies, stocks=stock_choices()
    )


@blueprint.post("/copies/<int:copy_id>")
@roles_allowed(*LOGGERS)
def change_copy(copy_id: int) -> ResponseReturnValue:
    """Correct a copy's barcode, put the copy into another stock, or take it out."""
    copy = owned_or_404(Copy, copy_id)
    title_id = copy.title_id
    try:
        if request.form.get("remove"):
            remove_copy(copy)
        else:
            rename_copy(copy, request.form.get("barcode", "").strip()[:40])
            copy.van_id = _chosen_stock(copy.van_id)
        db.session.commit()
        flash(_("Saved."), "success")
    except CatalogueError as error:
        db.session.rollback()
        flash(str(error), "danger")
    return redirect(url_for("circulation.title_page", title_id=title_id))


def _chosen_stock(present: int | None) -> int | None:
    """The van chosen in the form, if it is the library's; else the copy stays where it is."""
    chosen = request.form.get("van_id", "")
    known = {str(van_id): van_id for van_id, _name in stock_choices()}
    return known[chosen] or None if chosen in known else present


def _back_or(endpoint: str, **values: int) -> ResponseReturnValue:
    """Back to the page that sent the person here, else on to ``endpoint``."""
    back = _COMES_FROM.get(request.args.get("from", ""))
    return redirect(url_for(back) if back else url_for(endpoint, **values))
