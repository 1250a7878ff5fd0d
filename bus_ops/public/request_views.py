"""Asking for a visit without an account, and following the request by its private address."""

from __future__ import annotations

from flask import Blueprint, Response, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from ..accounts.access import open_to_all
from ..accounts.limits import asking_limit, has_led_on, limiter, sign_in_address_key
from ..database import db
from ..i18n import current_language
from ..places.host_links import host_token
from ..private_links import row_of_token_or_404, token_of
from ..requests import deciding
from ..requests.deciding import ClosedError, NoLongerFreeError, clocks_of_offer
from ..requests.forms import AskForm, WordsForm
from ..requests.models import RequestState, VisitRequest
from ..timetable.changes import ChangeError
from .addressed import IN_LANGUAGE, library_of, library_or_404, speak_the_addressed_language
from .feeds import calendar_of

blueprint = Blueprint("asking", __name__, url_prefix=f"/ask/{IN_LANGUAGE}")
speak_the_addressed_language(blueprint)


@blueprint.route("/", methods=["GET", "POST"])
@open_to_all
@limiter.limit(asking_limit, key_func=sign_in_address_key, methods=["POST"], deduct_when=has_led_on)
def ask() -> ResponseReturnValue:
    """Ask that the van comes."""
    library = library_or_404()
    form = AskForm(library.id)
    if not form.validate_on_submit():
        return render_template("public/ask.html", form=form)
    request = VisitRequest(organisation_id=library.id)
    form.apply_to(request)
    deciding.ask(request)
    db.session.commit()
    flash(_("Your request has arrived. Keep this address: here you see the answer."), "success")
    return redirect(_page(request))


@blueprint.get("/<token>")
@open_to_all
def request_page(token: str) -> ResponseReturnValue:
    """How a request stands, for whoever asked."""
    request = _request_or_404(token)
    place = request.place
    return render_template(
        "public/request.html",
        asked=request,
        token=token,
        clocks=clocks_of_offer(request),
        form=WordsForm(),
        may_withdraw=deciding.may_withdraw(request),
        states=RequestState,
        host_token=host_token(place) if place and request.visit_id else "",
    )


@blueprint.post("/<token>/take")
@open_to_all
def take_offer(token: str) -> ResponseReturnValue:
    """The offered day suits."""
    request = _request_or_404(token)
    try:
        deciding.take_offer(request)
        flash(_("Agreed. The van comes."), "success")
    except NoLongerFreeError as error:
        flash(str(error), "warning")
    except (ClosedError, ChangeError) as error:
        db.session.rollback()
        flash(str(error), "danger")
    db.session.commit()
    return redirect(_page(request))


@blueprint.post("/<token>/refuse")
@open_to_all
def refuse_offer(token: str) -> ResponseReturnValue:
    """The offered day does not suit."""
    return _answered(token, deciding.refuse_offer, _("The library looks for another day."))


@blueprint.post("/<token>/withdraw")
@open_to_all
def withdraw(token: str) -> ResponseReturnValue:
    """Take the request back."""
    return _answered(token, deciding.withdraw, _("Your request is taken back."))


@blueprint.get("/<token>/visit.ics")
@open_to_all
def visit_calendar(token: str) -> ResponseReturnValue:
    """The agreed visit for a calendar."""
    request = _request_or_404(token)
    visits = [request.visit] if request.visit is not None else []
    page = url_for("asking.request_page", token=token, _external=True)
    document = calendar_of(request.place_name, current_language(), visits, page)
    return Response(document, content_type="text/calendar; charset=utf-8")


def _answered(token: str, step: deciding.Step, done: str) -> ResponseReturnValue:
    request = _request_or_404(token)
    form = WordsForm()
    if not form.validate_on_submit():
        flash(_("Say why."), "danger")
        return redirect(_page(request))
    try:
        step(request, form.text.data)
        db.session.commit()
        flash(done, "success")
    except (ClosedError, ChangeError) as error:
        db.session.rollback()
        flash(str(error), "danger")
    return redirect(_page(request))


def _request_or_404(token: str) -> VisitRequest:
    request = row_of_token_or_404(VisitRequest, deciding.PURPOSE, token)
    library_of(request.organisation_id)
    return request


def _page(request: VisitRequest) -> str:
    """In the language it is read in now."""
    token = token_of(deciding.PURPOSE, request.id, request.mark)
    return url_for("asking.request_page", token=token)
