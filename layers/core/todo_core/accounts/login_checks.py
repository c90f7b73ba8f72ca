"""The objects by which logins are checked: passwords, challenges, codes of apps, and passkeys."""

from typing import Self

from msgspec import Struct

from todo_core.accounts.challenges import Challenges
from todo_core.accounts.login_limits import PasswordChecks
from todo_core.accounts.relying_party import RelyingParty
from todo_core.accounts.totp import make_box
from todo_core.secret_box import SecretBox
from todo_core.settings import Settings


class LoginChecks(Struct, frozen=True):
    """The keys and limits of logins. `box` holds the secrets of apps, and `party` is the domain of passkeys."""

    passwords: PasswordChecks
    challenges: Challenges
    box: SecretBox
    party: RelyingParty

    @classmethod
    def of(cls, settings: Settings, passwords: PasswordChecks) -> Self:
        keys = settings.secret_keys
        return cls(passwords, Challenges(keys), make_box(keys), RelyingParty(settings.page_origins))
