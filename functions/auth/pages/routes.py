from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ValidationError

from todo_core.accounts import emails, recovery
from todo_core.accounts.change_models import ForgottenPassword, PasswordReset, UsedLink
from todo_core.accounts.models import MIN_PASSWORD_CHARACTERS
from todo_core.errors import ServiceError
from todo_core.web import html
from todo_core.web.callers import find_caller
from todo_core.web.forms import parse_form
from todo_core.web.problems import RouteNotFound, ValidationFailed, log_server_error
from todo_core.web.request_costs import register_cost
from todo_core.web.resources import get_resources

PATH: Final = "/account"
_MAX_TOKEN_CHARACTERS: Final = 100
_FORGOT: Final = "forgot-password"
_RESET: Final = "Choose a new password"
_VERIFY: Final = "Confirm your email"
_TAKE_BACK: Final = "Take back your email"

register_cost("POST", f"{PATH}/forgot-password", 5)
register_cost("POST", f"{PATH}/reset-password", 5)


async def _require_no_front_end(request: Request) -> None:
    """Hides the pages when links lead to a front end, which has pages of its own. Raises RouteNotFound then."""
    if get_resources(request).settings.mail.frontend_url is not None:
        raise RouteNotFound


router = APIRouter(prefix=PATH, include_in_schema=False, dependencies=[Depends(_require_no_front_end)])

# A GET changes nothing, because programs that check mails open the links in them. Only the form uses the link up.
TokenQuery = Annotated[str, Query(max_length=_MAX_TOKEN_CHARACTERS)]


@router.get("/verify-email")
async def show_verification(token: TokenQuery = "") -> Response:
    return html.render(_VERIFY, html.form("verify-email", "Confirm this email", html.hidden_field("token", token)))


@router.post("/verify-email")
async def verify_email(request: Request) -> Response:
    async def verify(link: UsedLink) -> Response:
        await emails.verify(get_resources(request).database, link.token, caller=find_caller(request))
        return html.render("Your email is confirmed", html.paragraph("You can close this page and sign in."))

    return await _answer(request, UsedLink, verify, title=_VERIFY)


@router.get("/reset-password")
async def show_reset(token: TokenQuery = "") -> Response:
    return _render_reset(token)


@router.post("/reset-password")
async def reset_password(request: Request) -> Response:
    async def reset(filled: PasswordReset) -> Response:
        resources = get_resources(request)
        await recovery.reset_password(
            resources.database,
            resources.password_checks.hasher,
            resources.account_mails,
            filled.token,
            filled.password,
            caller=find_caller(request),
        )
        resources.outbox.wake()
        return html.render("Your password is changed", html.paragraph("You can close this page and sign in with it."))

    return await _answer(request, PasswordReset, reset, title=_RESET, again=_render_reset)


def _render_reset(token: str, message: str | None = None, status: int = 200) -> Response:
    fields = html.password_field(MIN_PASSWORD_CHARACTERS), html.hidden_field("token", token)
    warning = [html.alert(message)] if message else []
    return html.render(_RESET, *warning, html.form("reset-password", "Set this password", *fields), status=status)


@router.get("/take-back-email")
async def show_take_back(token: TokenQuery = "") -> Response:
    return html.render(
        _TAKE_BACK,
        html.paragraph(
            "Your account gets this email again. Everybody is signed out, and the password no longer works. "
            "You get a mail with a link for a new password."
        ),
        html.form("take-back-email", "Take back my email", html.hidden_field("token", token)),
    )


@router.post("/take-back-email")
async def take_back_email(request: Request) -> Response:
    async def take_back(link: UsedLink) -> Response:
        resources = get_resources(request)
        await emails.take_back(resources.database, resources.account_mails, link.token, caller=find_caller(request))
        resources.outbox.wake()
        return html.render("You have your email back", html.paragraph("A link for a new password is on its way."))

    return await _answer(request, UsedLink, take_back, title=_TAKE_BACK)


@router.get("/forgot-password")
async def show_forgotten() -> Response:
    return _render_forgotten()


@router.post("/forgot-password")
async def forget_password(request: Request) -> Response:
    async def forget(forgotten: ForgottenPassword) -> Response:
        resources = get_resources(request)
        await recovery.send_reset_link(
            resources.database, resources.account_mails, forgotten.email, caller=find_caller(request)
        )
        resources.outbox.wake()
        return html.render(
            "Look into your mail", html.paragraph("If there is an account with this email, a link is on its way.")
        )

    return await _answer(request, ForgottenPassword, forget, title=_RESET, again=_render_forgotten)


def _render_forgotten(_token: str = "", message: str | None = None, status: int = 200) -> Response:
    warning = [html.alert(message)] if message else []
    text = html.paragraph("You get a mail with a link for a new password.")
    return html.render(_RESET, *warning, text, html.form(_FORGOT, "Send me a link", html.email_field()), status=status)


async def _answer[Filled: BaseModel](
    request: Request,
    model: type[Filled],
    work: Callable[[Filled], Awaitable[Response]],
    *,
    title: str,
    again: Callable[[str, str, int], Response] | None = None,
) -> Response:
    """Parses the submitted form and returns the page that `work` answers. An error is a page, too.

    `again` renders the form for another try, with the token, the sentence of the error and its status.
    """
    fields = parse_form(await request.body())
    try:
        return await work(model.model_validate(fields))
    except ValidationError as error:
        refusal: ServiceError = ValidationFailed(f"{error.errors()[0]['msg'].capitalize()}.")
    except ServiceError as error:
        log_server_error(error, request.state.request_id)
        refusal = error
    return _render_refusal(refusal, title, again and partial(again, fields.get("token", "")[:_MAX_TOKEN_CHARACTERS]))


def _render_refusal(refusal: ServiceError, title: str, again: Callable[[str, int], Response] | None) -> Response:
    if again is not None and refusal.status == HTTPStatus.UNPROCESSABLE_ENTITY:
        return again(refusal.sentence, refusal.status)
    way_on = html.link(_FORGOT, "Get a link for a new password")
    page = html.render(title, html.alert(refusal.sentence), way_on, status=refusal.status)
    if refusal.retry_after is not None:
        page.headers["Retry-After"] = str(refusal.retry_after)
    return page
