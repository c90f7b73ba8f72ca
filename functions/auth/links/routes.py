from typing import Any, Final

from fastapi import APIRouter, Request, Response

from functions.auth.passwords import PASSWORD_ERRORS, verify_password
from todo_core.accounts import emails, recovery
from todo_core.accounts.change_models import EmailChange, ForgottenPassword, PasswordReset, UsedLink
from todo_core.accounts.errors import (
    CommonPassword,
    EmailAlreadyVerified,
    InviteInvalid,
    LinkInvalid,
    TooManyAttempts,
)
from todo_core.errors import CrossOrigin, DatabaseUnavailable, NotAuthenticated, TooBusy
from todo_core.outbox.errors import MailNotConfigured
from todo_core.web.callers import find_caller
from todo_core.web.identity import SessionUser
from todo_core.web.problems import BODY_ERRORS, ValidationFailed, error_responses
from todo_core.web.request_costs import register_cost
from todo_core.web.resources import get_resources
from todo_core.web.verified_emails import allow_unverified

PATH: Final = "/api/v1/auth"
_ACCEPTED: Final[dict[int | str, dict[str, Any]]] = {202: {"description": "Accepted. The response has no body."}}

register_cost("POST", f"{PATH}/password/forgot", 5)
register_cost("POST", f"{PATH}/password/reset", 5)
register_cost("POST", f"{PATH}/email", 5)
allow_unverified("POST", f"{PATH}/email/verification")

router = APIRouter(prefix=PATH, tags=["auth"], responses=error_responses(DatabaseUnavailable))


@router.post(
    "/password/forgot",
    status_code=202,
    response_class=Response,
    responses=error_responses(
        CrossOrigin, TooManyAttempts, ValidationFailed, MailNotConfigured, DatabaseUnavailable, *BODY_ERRORS
    )
    | _ACCEPTED,
)
async def forget_password(forgotten: ForgottenPassword, request: Request) -> Response:
    """Mails a link for a new password, if there is an account with this email. The response is the same if not."""
    resources = get_resources(request)
    await recovery.send_reset_link(
        resources.database, resources.account_mails, forgotten.email, caller=find_caller(request)
    )
    resources.outbox.wake()
    return Response(status_code=202)


@router.post(
    "/password/reset",
    status_code=204,
    responses=error_responses(
        CrossOrigin,
        LinkInvalid,
        CommonPassword,
        TooManyAttempts,
        ValidationFailed,
        TooBusy,
        DatabaseUnavailable,
        *BODY_ERRORS,
    ),
)
async def reset_password(reset: PasswordReset, request: Request) -> None:
    """Sets a new password by the token of the link from `POST /password/forgot`. Ends all sessions of the account."""
    resources = get_resources(request)
    await recovery.reset_password(
        resources.database,
        resources.password_checks.hasher,
        resources.account_mails,
        reset.token,
        reset.password,
        caller=find_caller(request),
    )
    resources.outbox.wake()


@router.post(
    "/email/verification",
    status_code=202,
    response_class=Response,
    responses=error_responses(
        NotAuthenticated,
        CrossOrigin,
        EmailAlreadyVerified,
        TooManyAttempts,
        MailNotConfigured,
        DatabaseUnavailable,
    )
    | _ACCEPTED,
)
async def send_verification(user: SessionUser, request: Request) -> Response:
    """Mails a new link that verifies the email of the account."""
    resources = get_resources(request)
    await emails.send_verification(resources.database, resources.account_mails, user, caller=find_caller(request))
    resources.outbox.wake()
    return Response(status_code=202)


@router.post(
    "/email/verify",
    status_code=204,
    responses=error_responses(CrossOrigin, LinkInvalid, InviteInvalid, ValidationFailed, *BODY_ERRORS),
)
async def verify_email(link: UsedLink, request: Request) -> None:
    """Confirms an email by the token of the link that was mailed there. Needs no session.

    It is the email of an account, or the new one of a change. Or it is that of a registration: its account begins now.
    """
    await emails.verify(get_resources(request).database, link.token, caller=find_caller(request))


@router.post(
    "/email",
    status_code=202,
    response_class=Response,
    responses=error_responses(*PASSWORD_ERRORS, MailNotConfigured) | _ACCEPTED,
)
async def change_email(change: EmailChange, user: SessionUser, request: Request) -> Response:
    """Begins a change of the email. The link in the mail to the new email completes it.

    The old email, if it was verified, gets a link that takes the change back, for 7 days. The response is the same
    when another account has the new email.
    """
    resources = get_resources(request)
    resources.outbox.require_mail()
    verified = await verify_password(change.password, user, request, "email_change")
    await emails.start_change(
        resources.database, resources.account_mails, verified.user, change.email, caller=find_caller(request)
    )
    resources.outbox.wake()
    return Response(status_code=202)


@router.post(
    "/email/take-back",
    status_code=204,
    responses=error_responses(
        CrossOrigin, LinkInvalid, ValidationFailed, MailNotConfigured, DatabaseUnavailable, *BODY_ERRORS
    ),
)
async def take_back_email(link: UsedLink, request: Request) -> None:
    """Gives the account its old email again, by the token of the link that was mailed there.

    The password, all sessions and newly added credentials end. A link for a new password is mailed to the old email.
    """
    resources = get_resources(request)
    await emails.take_back(resources.database, resources.account_mails, link.token, caller=find_caller(request))
    resources.outbox.wake()
