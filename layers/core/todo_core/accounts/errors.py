"""Errors of accounts and sessions."""

from collections.abc import Sequence

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


class SecondFactorRequired(ServiceError):
    """The password is right, and the account has a second factor. The problem document has a challenge for it."""

    status = 401
    code = "second_factor_required"
    title = "Second factor required"
    detail = "Send the challenge with a code of your app, a recovery code, or the response of a passkey."

    def __init__(self, challenge: str = "lKUVfnKA...", methods: Sequence[str] = ("totp", "recovery_code")) -> None:
        super().__init__()
        self.members = {"challenge": challenge, "methods": list(methods)}


class InvalidChallenge(ServiceError):
    """The challenge is forged, expired or used, or the password has changed since. The client does not learn which."""

    status = 401
    code = "invalid_challenge"
    title = "Invalid challenge"
    detail = "This challenge is not valid, or no longer; begin the login anew."


class InvalidCode(ServiceError):
    status = 401
    code = "invalid_code"
    title = "Wrong code"
    detail = "This is neither the current code of your app nor an unused recovery code; check it and try again."


class InvalidPasskey(ServiceError):
    """The response of a passkey does not prove who the client is. The client does not learn why."""

    status = 401
    code = "invalid_passkey"
    title = "Invalid passkey"
    detail = "This passkey signs in to no account here; begin anew, or sign in with your password."


class ConfirmationRequired(ServiceError):
    """A session must confirm that the user is present, by one of the `methods` of the problem document."""

    status = 403
    code = "confirmation_required"
    title = "Confirmation required"
    detail = "Confirm that it is you with POST /api/v1/auth/confirm, then repeat the request within 10 minutes."

    def __init__(self, methods: Sequence[str] = ("password",)) -> None:
        super().__init__()
        self.members = {"methods": list(methods)}


class WrongCode(ServiceError):
    """A signed-in user has sent a wrong code. The status is 403 for the reason that WrongPassword has."""

    status = 403
    code = "wrong_code"
    title = "Wrong code"
    detail = "This is not a valid code, or it was used before; try the next one."


class WrongPasskey(ServiceError):
    """A signed-in user has confirmed an action with a passkey that is not theirs, or in an invalid way."""

    status = 403
    code = "wrong_passkey"
    title = "Wrong passkey"
    detail = "This passkey does not belong to your account, or its challenge has expired; try again."


class TotpEnabled(ServiceError):
    status = 409
    code = "totp_enabled"
    title = "App in use"
    detail = "Your account has an authenticator app already; remove it before you add another one."


class TotpNotFound(ServiceError):
    status = 404
    code = "totp_not_found"
    title = "No app"
    detail = "Your account has no authenticator app that this could apply to; begin with POST /second-factor/totp."


class SecondFactorNotFound(ServiceError):
    status = 404
    code = "second_factor_not_found"
    title = "No second factor"
    detail = "Your account has no second factor; add an authenticator app or a passkey first."


class PasskeyNotFound(ServiceError):
    status = 404
    code = "passkey_not_found"
    title = "Passkey not found"
    detail = "You have no passkey with this id; it may have been removed already."


class PasskeyTaken(ServiceError):
    status = 409
    code = "passkey_taken"
    title = "Passkey taken"
    detail = "This passkey is registered already; use another device or security key."


class PasskeyRefused(ServiceError):
    """The response of a passkey to a registration is not valid. The client does not learn why."""

    status = 422
    code = "passkey_refused"
    title = "Passkey refused"
    detail = "The passkey's response is not valid for this service, or too late; begin the registration anew."


class PasskeysNotConfigured(ServiceError):
    """The settings name no page whose domain passkeys could belong to."""

    status = 503
    code = "passkeys_not_configured"
    title = "Passkeys not configured"
    detail = "This service accepts no passkeys: its operator must set PUBLIC_URL, FRONTEND_URL or CORS_ORIGINS."
    is_expected = True


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


class ConnectionNotFound(ServiceError):
    status = 404
    code = "connection_not_found"
    title = "Connection not found"
    detail = "You have no connection with this id; it may have ended already."


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


class LinkInvalid(ServiceError):
    """The token of a link is unknown, used up, expired, or for another purpose. The client does not learn which."""

    status = 403
    code = "link_invalid"
    title = "Invalid link"
    detail = "This link was used already or has expired; ask for a new one."


class EmailNotVerified(ServiceError):
    """The operator demands verified emails, and the account's email is not verified yet."""

    status = 403
    code = "email_not_verified"
    title = "Email not verified"
    detail = "Confirm your email first: open the link that was mailed to you, or ask for a new one."


class EmailAlreadyVerified(ServiceError):
    status = 409
    code = "email_already_verified"
    title = "Email already verified"
    detail = "The email of this account is verified already; no link is needed."


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
