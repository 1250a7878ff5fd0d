"""Signing in and out, one's own account, and the administrator's list of accounts."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, abort, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_user, logout_user

from ..config import LANGUAGES
from ..database import current_organisation_id, db, now, owned_or_404
from ..tables import ShortListing
from .access import ADMINISTRATORS, EVERYONE, open_to_all, roles_allowed
from .forms import PasswordForm, PinForm, SignInForm, UserForm
from .limits import (
    has_failed,
    limiter,
    own_password_key,
    sign_in_address_key,
    sign_in_address_limit,
    sign_in_key,
    sign_in_limit,
)
from .models import Role, User
from .passwords import hash_password, needs_new_hash, password_matches
from .pins import hash_pin
from .queries import is_last_administrator, user_named, users_of_organisation

blueprint = Blueprint("accounts", __name__, url_prefix="/accounts")


@blueprint.route("/sign-in", methods=["GET", "POST"])
@open_to_all
@limiter.limit(sign_in_limit, methods=["POST"], key_func=sign_in_key)
@limiter.limit(
    sign_in_address_limit, methods=["POST"], key_func=sign_in_address_key, deduct_when=has_failed
)
def sign_in() -> ResponseReturnValue:
    """Sign in by name and password."""
    if current_user.is_authenticated:
        return redirect(url_for("home"))
    form = SignInForm()
    if form.validate_on_submit():
        account = user_named(form.username.data or "")
        matches = password_matches(
            account.password_hash if account else None, form.password.data or ""
        )
        if account and matches and account.enabled:
            if needs_new_hash(account.password_hash):
                account.password_hash = hash_password(form.password.data or "")
            _begin_session(account)
            return redirect(_safe_next() or url_for("home"))
        flash(_("The name and password do not match. Check both and try again."), "danger")
    return render_template("accounts/sign_in.html", form=form, next_page=_safe_next())


@blueprint.post("/sign-out")
@open_to_all
def sign_out() -> ResponseReturnValue:
    """End this session."""
    language = session.get("language")
    logout_user()
    session.clear()
    if language:
        session["language"] = language
    return redirect(url_for("accounts.sign_in"))


@blueprint.post("/language")
@open_to_all
def set_language() -> ResponseReturnValue:
    """Choose the language of the pages."""
    language = request.form.get("language", "")
    if language not in LANGUAGES:
        abort(400)
    session["language"] = language
    if current_user.is_authenticated:
        current_user.language = language
        db.session.commit()
    return redirect(_safe_next() or url_for("home"))


@blueprint.route("/me", methods=["GET", "POST"])
@roles_allowed(*EVERYONE)
@limiter.limit(sign_in_limit, methods=["POST"], key_func=own_password_key, deduct_when=has_failed)
def own_account() -> ResponseReturnValue:
    """One's own account: change the password."""
    form = PasswordForm()
    if form.validate_on_submit():
        if not password_matches(current_user.password_hash, form.present.data or ""):
            form.present.errors = [_("This is not your present password.")]
        else:
            current_user.set_password(form.password.data or "")
            db.session.commit()
            login_user(current_user._get_current_object())
            flash(_("Your password is changed. Other devices are signed out."), "success")
            return redirect(url_for("accounts.own_account"))
    return render_template("accounts/own_account.html", form=form, pin_form=PinForm(formdata=None))


@blueprint.route("/me/pin", methods=["GET", "POST"])
@roles_allowed(*EVERYONE)
@limiter.limit(sign_in_limit, methods=["POST"], key_func=own_password_key, deduct_when=has_failed)
def set_own_pin() -> ResponseReturnValue:
    """One's own PIN for the tablets; they learn it when they fetch the day next."""
    if request.method == "GET":
        return redirect(url_for("accounts.own_account"))
    form = PinForm()
    if form.validate_on_submit():
        if not password_matches(current_user.password_hash, form.own_password.data or ""):
            form.own_password.errors = [_("This is not your present password.")]
        else:
            current_user.pin_hash = hash_pin(form.pin.data or "")
            db.session.commit()
            flash(_("Your PIN is set. Tablets know it once they are online again."), "success")
            return redirect(url_for("accounts.own_account"))
    return render_template(
        "accounts/own_account.html", form=PasswordForm(formdata=None), pin_form=form
    )


@blueprint.get("/")
@roles_allowed(*ADMINISTRATORS)
def user_list() -> ResponseReturnValue:
    """Every account of the library."""
    listing = ShortListing(
        users_of_organisation(),
        {
            "name": lambda user: user.full_name,
            "username": lambda user: user.username,
            "role": lambda user: str(user.role.label),
            "signed_in": lambda user: user.last_signed_in_at,
        },
        "name",
        lambda user: f"{user.full_name} {user.username} {user.role.label}",
    )
    return render_template("accounts/user_list.html", listing=listing)


@blueprint.route("/new", methods=["GET", "POST"])
@roles_allowed(*ADMINISTRATORS)
def new_user() -> ResponseReturnValue:
    """Make an account."""
    form = UserForm()
    if form.validate_on_submit():
        account = User(organisation_id=current_organisation_id())
        form.apply_to(account)
        db.session.commit()
        flash(_("%(name)s can sign in now.", name=account.full_name), "success")
        return redirect(url_for("accounts.user_list"))
    return render_template("accounts/user_form.html", form=form, account=None)


@blueprint.route("/<int:user_id>", methods=["GET", "POST"])
@roles_allowed(*ADMINISTRATORS)
def edit_user(user_id: int) -> ResponseReturnValue:
    """Change an account, its role or its password; or lock it."""
    account = owned_or_404(User, user_id)
    form = UserForm(account)
    if form.validate_on_submit():
        demoted = form.role.data != Role.ADMINISTRATOR or not form.enabled.data
        if account.role == Role.ADMINISTRATOR and demoted and is_last_administrator(account):
            flash(_("This is the last administrator; name another one first."), "danger")
            return render_template("accounts/user_form.html", form=form, account=account)
        form.apply_to(account)
        db.session.commit()
        flash(_("Saved."), "success")
        return redirect(url_for("accounts.user_list"))
    return render_template("accounts/user_form.html", form=form, account=account)


def _begin_session(account: User) -> None:
    language = session.get("language") or account.language
    session.clear()
    session.permanent = True
    session["language"] = language
    account.last_signed_in_at = now()
    db.session.commit()
    login_user(account)


def _safe_next() -> str | None:
    """The page to go on to, if it is one of ours (never another host)."""
    target = request.values.get("next", "")
    parts = urlsplit(target)
    ours = target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if ours and not parts.scheme and not parts.netloc else None
