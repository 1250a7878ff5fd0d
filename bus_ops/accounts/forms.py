"""Forms of signing in and of administering accounts."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, PasswordField, SelectField, StringField
from wtforms.validators import DataRequired, EqualTo, Length, Optional, Regexp, ValidationError

from ..base_form import BaseForm
from ..config import LANGUAGES
from ..database import db
from ..i18n import LANGUAGE_NAMES
from .models import Role, User
from .passwords import LONGEST_PASSWORD, SHORTEST_PASSWORD
from .pins import LONGEST_PIN, PIN_PATTERN, is_easily_guessed
from .queries import as_username, user_named

_PASSWORD_LENGTH = Length(
    SHORTEST_PASSWORD,
    LONGEST_PASSWORD,
    message=_l("Use at least %(min)d characters (at most %(max)d).")
    % {"min": SHORTEST_PASSWORD, "max": LONGEST_PASSWORD},
)


class SignInForm(BaseForm):
    """Name and password."""

    username = StringField(
        _l("User name"), [DataRequired(_l("Enter your user name.")), Length(max=80)]
    )
    password = PasswordField(
        _l("Password"), [DataRequired(_l("Enter your password.")), Length(max=LONGEST_PASSWORD)]
    )


class UserForm(BaseForm):
    """An account as an administrator edits it."""

    full_name = StringField(_l("Full name"), [DataRequired(_l("Enter the name.")), Length(max=200)])
    username = StringField(
        _l("User name"),
        [
            DataRequired(_l("Enter a user name.")),
            Length(max=80),
            Regexp(r"^[\w.@-]+$", message=_l("Use letters, digits and . - _ @ only.")),
        ],
    )
    role = SelectField(_l("Role"), choices=Role.choices())
    language = SelectField(
        _l("Language"), choices=[(code, LANGUAGE_NAMES[code]) for code in LANGUAGES]
    )
    enabled = BooleanField(_l("May sign in"), default=True)
    password = PasswordField(_l("New password"))
    forget_pin = BooleanField(_l("Forget the PIN of the tablet; the person sets a new one"))

    def __init__(self, account: User | None = None) -> None:
        super().__init__(obj=account)
        self._account = account
        needed = DataRequired(_l("Enter a password for the new account."))
        self.password.validators = [needed if account is None else Optional(), _PASSWORD_LENGTH]

    def validate_username(self, field: StringField) -> None:
        """Names are unique in the installation, because people sign in by name alone."""
        other = user_named(field.data or "")
        if other is not None and other is not self._account:
            raise ValidationError(_l("This user name is taken; choose another."))

    def apply_to(self, account: User) -> None:
        """Write the fields to the account; a new password or a lock signs it out everywhere."""
        account.full_name = self.full_name.data or ""
        account.username = as_username(self.username.data or "")
        account.role = Role(self.role.data)
        account.language = self.language.data
        account.enabled = bool(self.enabled.data)
        if self.password.data:
            account.set_password(self.password.data)
        if self.forget_pin.data:
            account.pin_hash = ""
        if not account.enabled:
            account.end_sessions()
        db.session.add(account)


class PinForm(BaseForm):
    """The PIN by which a person takes over a tablet."""

    own_password = PasswordField(_l("Password"), [DataRequired(_l("Enter your password."))])
    pin = PasswordField(
        _l("New PIN"),
        [
            DataRequired(_l("Enter the new PIN.")),
            Length(max=LONGEST_PIN),
            Regexp(PIN_PATTERN, message=_l("Use 4 to 6 digits.")),
        ],
        render_kw={"inputmode": "numeric", "autocomplete": "off"},
    )
    pin_again = PasswordField(
        _l("New PIN again"),
        [EqualTo("pin", message=_l("The two PINs differ; type them again."))],
        render_kw={"inputmode": "numeric", "autocomplete": "off"},
    )

    def validate_pin(self, field: PasswordField) -> None:
        """Not what anyone would try first."""
        if not field.errors and is_easily_guessed(field.data or ""):
            raise ValidationError(
                _l("This PIN is easily guessed; choose one without digits in a row.")
            )


class PasswordForm(BaseForm):
    """A person's own new password."""

    present = PasswordField(_l("Present password"), [DataRequired(_l("Enter your password."))])
    password = PasswordField(
        _l("New password"), [DataRequired(_l("Enter the new password.")), _PASSWORD_LENGTH]
    )
    again = PasswordField(
        _l("New password again"),
        [EqualTo("password", message=_l("The two new passwords differ; type them again."))],
    )
