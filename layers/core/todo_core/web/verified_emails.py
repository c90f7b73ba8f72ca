"""The operations that an account may use before its email is verified, if the operator demands verified emails.

Routes register them. All others refuse such an account.
"""

from typing import Final

from todo_core.accounts.errors import EmailNotVerified
from todo_core.accounts.user import User

_allowed: Final[set[tuple[str, str]]] = set()


def allow_unverified(method: str, path: str) -> None:
    """Allows the operation with this method and path template to accounts whose email is not verified."""
    _allowed.add((method, path))


def allows_unverified(method: str, path: str) -> bool:
    return (method, path) in _allowed


def require_verified(user: User, method: str, path: str) -> None:
    """Checks that an account may use this operation. Raises EmailNotVerified before its email is verified."""
    if not user.email_verified and not allows_unverified(method, path):
        raise EmailNotVerified
