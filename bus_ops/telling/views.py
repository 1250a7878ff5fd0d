"""Pages of the outbox and of the texts that messages are written with."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import StringField, TextAreaField
from wtforms.validators import DataRequired, Length, ValidationError

from schedules.searching import search_key

from ..accounts.access import PLANNERS, roles_allowed
from ..base_form import BaseForm
from ..config import LANGUAGES
from ..database import current_organisation_id, db, owned, owned_or_404
from ..tables import Listing
from .models import Channel, MessageKind, MessageState, MessageText, OutboxMessage
from .outbox import ways_open
from .sending import send_again
from .texts import BLANKS, blanks_of, our_wording, own_text, unknown_blanks, wording

blueprint = Blueprint("telling", __name__, url_prefix="/messages")

# States in which somebody may decide that it goes out all the same.
_CAN_GO_AGAIN = {MessageState.REFUSED, MessageState.UNSURE, MessageState.EXPIRED}


class TextForm(BaseForm):
    """A library's own words for a kind of message."""

    subject = StringField(_l("Subject"), [DataRequired(_l("Enter a subject.")), Length(max=300)])
    body = TextAreaField(_l("Text"), [DataRequired(_l("Enter a text.")), Length(max=5000)])

    def __init__(self, kind: MessageKind, **values: str) -> None:
        super().__init__(**values)
        self._kind = kind

    def validate_subject(self, field: StringField) -> None:
        """Blanks that nothing fills would stand in the message."""
        self._check(field.data)

    def validate_body(self, field: TextAreaField) -> None:
        """Blanks that nothing fills would stand in the message."""
        self._check(field.data)

    def _check(self, text: str) -> None:
        unknown = unknown_blanks(self._kind, text or "")
        if unknown:
            raise ValidationError(
                _(
                    "Nothing fills %(names)s here. Use the blanks below.",
                    names=", ".join(f"{{{name}}}" for name in unknown),
                )
            )


@blueprint.get("/")
@roles_allowed(*PLANNERS)
def outbox() -> ResponseReturnValue:
    """What was told to whom, and what waits."""
    state = request.args.get("state", "")
    query = owned(OutboxMessage)
    if state in set(MessageState):
        query = query.where(OutboxMessage.state == MessageState(state))
    sorts = {
        "at": OutboxMessage.created_at,
        "to": OutboxMessage.recipient,
        "kind": OutboxMessage.kind,
        "state": OutboxMessage.state,
    }
    search = search_key(request.args.get("q", ""))
    if search:
        query = query.where(
            OutboxMessage.recipient.contains(search, autoescape=True)
            | OutboxMessage.subject.contains(request.args["q"].strip(), autoescape=True)
        )
    listing = Listing(query, sorts, "-at")
    open_ways = ways_open()
    return render_template(
        "telling/outbox.html",
        listing=listing,
        state=state,
        states=MessageState.choices(),
        closed_ways=[channel for channel in Channel if channel not in open_ways],
        email_open=Channel.EMAIL in open_ways,
    )


@blueprint.get("/<int:message_id>")
@roles_allowed(*PLANNERS)
def message_page(message_id: int) -> ResponseReturnValue:
    """One message as it goes out, and how far it is."""
    message = owned_or_404(OutboxMessage, message_id)
    return render_template(
        "telling/message.html", message=message, can_go_again=message.state in _CAN_GO_AGAIN
    )


@blueprint.post("/<int:message_id>/again")
@roles_allowed(*PLANNERS)
def again(message_id: int) -> ResponseReturnValue:
    """Send it although it was refused, or perhaps sent already."""
    message = owned_or_404(OutboxMessage, message_id)
    if message.state in _CAN_GO_AGAIN:
        send_again(message)
        db.session.commit()
        flash(_("It waits to be sent."), "success")
    return redirect(url_for("telling.message_page", message_id=message.id))


@blueprint.get("/texts")
@roles_allowed(*PLANNERS)
def text_list() -> ResponseReturnValue:
    """Every kind of message in both languages."""
    own = {(text.kind, text.language) for text in db.session.scalars(owned(MessageText))}
    return render_template("telling/texts.html", kinds=list(MessageKind), own=own)


@blueprint.route("/texts/<kind>/<text_language>", methods=["GET", "POST"])
@roles_allowed(*PLANNERS)
def edit_text(kind: str, text_language: str) -> ResponseReturnValue:
    """Write one's own words for a kind of message."""
    chosen = _kind_or_404(kind, text_language)
    library_id = current_organisation_id()
    words = wording(library_id, chosen, text_language)
    form = TextForm(chosen, subject=words.subject, body=words.body)
    if form.validate_on_submit():
        text = own_text(library_id, chosen, text_language) or MessageText(
            organisation_id=library_id, kind=chosen, language=text_language
        )
        text.subject, text.body = form.subject.data, form.body.data.replace("\r\n", "\n")
        db.session.add(text)
        db.session.commit()
        flash(_("Saved: messages from now on use it."), "success")
        return redirect(url_for("telling.text_list"))
    return render_template(
        "telling/text.html",
        form=form,
        kind=chosen,
        text_language=text_language,
        blanks=[(name, BLANKS[name]) for name in blanks_of(chosen)],
        is_own=own_text(library_id, chosen, text_language) is not None,
        ours=our_wording(chosen, text_language),
    )


@blueprint.post("/texts/<kind>/<text_language>/ours")
@roles_allowed(*PLANNERS)
def take_ours(kind: str, text_language: str) -> ResponseReturnValue:
    """Go back to the words that come with the program."""
    chosen = _kind_or_404(kind, text_language)
    text = own_text(current_organisation_id(), chosen, text_language)
    if text is not None:
        db.session.delete(text)
        db.session.commit()
    flash(_("The program's own words are used again."), "success")
    return redirect(url_for("telling.text_list"))


def _kind_or_404(kind: str, language: str) -> MessageKind:
    if kind not in set(MessageKind) or language not in LANGUAGES:
        abort(404)
    return MessageKind(kind)
