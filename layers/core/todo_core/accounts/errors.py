"""Errors of accounts and sessions."""

from todo_core.errors import ServiceError


class InvalidCredentials(ServiceError):
    status = 401
    code = "invalid_credentials"
    title = "Wrong email or password"
    detail = "The email and the password do not belong together; check both and try again."


class WrongPassword(ServiceError):
    """A signed-in user has confirmed an action with a wrong password.

    The status is 403: at a 401, front ends sign the user out, although the session is still valid.
    """

    status = 403
    code = "wrong_password"
    title = "Wrong password"
    detail = "This is not the account's password; check it and try again."


class SessionNotFound(ServiceError):
    status = 404
    code = "session_not_found"
    title = "Session not found"
    detail = "You have no session with this id; it may have ended already."


class TokenNotFound(ServiceError):
    status = 404
    code = "token_not_found"
    title = "Token not found"
    detail = "You have no API token with this id; it may have been deleted, or has expired."


class EmailTaken(ServiceError):
    status = 409
    code = "email_taken"
    title = "Email taken"
    detail = "An account with this email exists already; sign in, or register another email."


class RegistrationClosed(ServiceError):
    status = 403
    code = "registration_closed"
    title = "Registration closed"
    detail = "This service creates no accounts on request; ask its operator."


class InviteRequired(ServiceError):
    status = 403
    code = "invite_required"
    title = "Invite required"
    detail = "An account needs an invite; send the code that the operator gave you as invite."


class InviteInvalid(ServiceError):
    """The code is unknown, used up, expired, or for another email. The client does not learn which."""

    status = 403
    code = "invite_invalid"
    title = "Invalid invite"
    detail = "This invite is not valid for this email, or no longer; ask the operator for a new one."


class AccountNotFound(ServiceError):
    """The operator has named an email without an account. No route raises this error."""

    status = 404
    code = "account_not_found"
    title = "Account not found"
    detail = "No account has this email; check it and try again."


class TooManyAttempts(ServiceError):
    status = 429
    code = "too_many_attempts"
    title = "Too many attempts"
    detail = "Too many attempts; wait for the seconds in Retry-After and try again."


class CommonPassword(ServiceError):
    """A new password is too easy to guess. `field` of the problem document names the field of the request."""

    status = 422
    code = "common_password"
    title = "Common password"
    detail = "Many people use this password, or it is your email or name; choose another one."

    def __init__(self, field: str = "password") -> None:
        super().__init__()
        self.members = {"field": field}
