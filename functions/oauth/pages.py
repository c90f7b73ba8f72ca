"""The pages of OAuth for people: sign-in and consent. They are plain forms without scripts."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from functions.oauth import views
from functions.oauth.authorization import Authorization, Target, build_answer, find_target, parse_authorization
from functions.oauth.parameters import Parameters
from todo_core.accounts import grants, logins, operations
from todo_core.accounts.consent_tokens import ConsentTokens
from todo_core.accounts.errors import SecondFactorRequired
from todo_core.accounts.grants import Consent
from todo_core.accounts.login_checks import LoginChecks
from todo_core.accounts.models import Credentials, SecondStep
from todo_core.accounts.oauth_errors import OAuthError
from todo_core.errors import ServiceError
from todo_core.web.callers import find_caller
from todo_core.web.forms import parse_pairs
from todo_core.web.identity import UserWithSession, find_user_of_cookie
from todo_core.web.problems import MalformedBody, ValidationFailed, log_server_error
from todo_core.web.request_costs import register_cost
from todo_core.web.resources import get_resources
from todo_core.web.signing_in import sign_in

PATH: Final = "/oauth"
_MAX_QUERY_CHARACTERS: Final = 8192

router = APIRouter(prefix=PATH, include_in_schema=False)

register_cost("GET", f"{PATH}/authorize", 2)
register_cost("POST", f"{PATH}/sign-in", 5)
register_cost("POST", f"{PATH}/second-factor", 5)


@router.get("/authorize")
async def show_consent(request: Request) -> Response:
    """Shows the consent page. A visitor without a session signs in first."""

    async def show() -> Response:
        query = _normalize(request.url.query)
        parameters = _read_query(query)
        user = await find_user_of_cookie(request)
        if user is None or parameters.find("prompt") == "login":
            return views.render_sign_in(_drop_prompt(query), has_page=_has_page(request))
        target, result = await _read_request(request, parameters)
        if isinstance(result, OAuthError):
            return _redirect(build_answer(request, target, error=result.code, error_description=result.sentence))
        csrf = _consent_tokens(request).make(user.session_id, query)
        return views.render_consent(result, user.email, query, csrf)

    return await _answer(request, show)


@router.post("/consent")
async def decide(request: Request) -> Response:
    """Sends the user back to the client: with a code, or with the error `access_denied`."""

    async def answer() -> Response:
        fields = dict(parse_pairs(await request.body()))
        query = _normalize(fields.get("query", ""))
        user = await find_user_of_cookie(request)
        if user is None:
            return views.render_sign_in(query, has_page=_has_page(request))
        if not _consent_tokens(request).is_valid(fields.get("csrf", ""), user.session_id, query):
            return views.render_stale(query)
        target, result = await _read_request(request, _read_query(query))
        if isinstance(result, OAuthError):
            return _redirect(build_answer(request, target, error=result.code, error_description=result.sentence))
        if fields.get("decision") != "allow":
            return _redirect(build_answer(request, target, error="access_denied"))
        return await _allow(request, user, result, may_delete_unasked=fields.get("may_delete_unasked") == "yes")

    return await _answer(request, answer)


async def _allow(
    request: Request, user: UserWithSession, authorization: Authorization, *, may_delete_unasked: bool
) -> Response:
    target = authorization.target
    consent = Consent(
        user_id=user.id,
        client=target.client,
        redirect_uri=target.redirect_uri,
        code_challenge=authorization.code_challenge,
        scopes=authorization.scopes,
        resource=authorization.resource,
        may_delete_unasked=may_delete_unasked and views.asks_for_deletes(authorization),
    )
    code = await grants.make_code(get_resources(request).database, consent)
    return _redirect(build_answer(request, target, code=code))


async def _read_request(
    request: Request, parameters: Parameters
) -> tuple[Target, Authorization] | tuple[Target, OAuthError]:
    """Returns what a client asks for, or the error that it gets by its redirect URI.

    Raises OAuthError without a client and a redirect URI that belong together: then the error is shown only.
    """
    target = await find_target(request, parameters)
    try:
        return target, parse_authorization(request, parameters, target)
    except OAuthError as error:
        return target, error


@router.post("/sign-in")
async def log_in(request: Request) -> Response:
    """Signs in by email and password, and goes back to the consent page."""
    fields = dict(parse_pairs(await _read_body(request)))
    query = _normalize_or_none(fields.get("query", ""))

    async def log_in_by_password() -> Response:
        credentials = Credentials.model_validate(
            {"email": fields.get("email", ""), "password": fields.get("password", "")}
        )
        resources, caller = get_resources(request), find_caller(request)
        checks = LoginChecks.of(resources.settings, resources.password_checks)
        verified = await operations.authenticate(resources.database, checks.passwords, credentials, caller=caller)
        try:
            await logins.require_no_second_factor(resources.database, checks, verified, caller=caller)
        except SecondFactorRequired as needed:
            return views.render_second_factor(query, str(needed.members["challenge"]), has_page=_has_page(request))
        response = _redirect(f"authorize?{query}")
        await sign_in(verified, "password", request, response)
        return response

    return await _answer_login(
        request,
        log_in_by_password,
        lambda message, status: views.render_sign_in(query, message, status, has_page=_has_page(request)),
    )


@router.post("/second-factor")
async def finish_login(request: Request) -> Response:
    """Ends a login by a code of an app or a recovery code, and goes back to the consent page."""
    fields = dict(parse_pairs(await _read_body(request)))
    query, challenge = _normalize_or_none(fields.get("query", "")), fields.get("challenge", "")

    async def log_in_by_code() -> Response:
        step = SecondStep.model_validate({"challenge": challenge, "code": fields.get("code", "").strip()})
        resources = get_resources(request)
        checks = LoginChecks.of(resources.settings, resources.password_checks)
        verified, opened_by = await logins.complete(resources.database, checks, step, caller=find_caller(request))
        response = _redirect(f"authorize?{query}")
        await sign_in(verified, opened_by, request, response)
        return response

    return await _answer_login(
        request,
        log_in_by_code,
        lambda message, status: views.render_second_factor(
            query, challenge, message, status, has_page=_has_page(request)
        ),
    )


async def _read_body(request: Request) -> bytes:
    """Returns the body of a form. A form that cannot be read counts as an empty one."""
    body = await request.body()
    try:
        parse_pairs(body)
    except MalformedBody:
        return b""
    return body


async def _answer_login(
    request: Request, work: Callable[[], Awaitable[Response]], again: Callable[[str, int], Response]
) -> Response:
    """Returns the response of a login, or its form again with the sentence of the error."""
    try:
        return await work()
    except ValidationError as error:
        return again(f"{error.errors()[0]['msg'].capitalize()}.", HTTPStatus.UNPROCESSABLE_ENTITY)
    except ServiceError as error:
        log_server_error(error, request.state.request_id)
        return _with_retry(again(error.sentence, error.status), error)


async def _answer(request: Request, work: Callable[[], Awaitable[Response]]) -> Response:
    """Returns the page that `work` makes. An error is a page, too, which leads nowhere."""
    try:
        return await work()
    except OAuthError as error:
        return views.render_error(error.sentence, HTTPStatus.BAD_REQUEST)
    except ServiceError as error:
        log_server_error(error, request.state.request_id)
        return _with_retry(views.render_error(error.sentence, error.status), error)


def _with_retry(page: Response, error: ServiceError) -> Response:
    if error.retry_after is not None:
        page.headers["Retry-After"] = str(error.retry_after)
    return page


def _redirect(url: str) -> Response:
    # 303 makes a GET of the next request. With 307, a browser would send the form, and so the password, to the client.
    return Response(status_code=HTTPStatus.SEE_OTHER, headers={"Location": url, "Cache-Control": "no-store"})


def _normalize(query: str) -> str:
    """Returns a query in one spelling. Raises ValidationFailed for one that is too long."""
    if len(query) > _MAX_QUERY_CHARACTERS:
        raise ValidationFailed("The address of this page is too long.")
    return urlencode(parse_pairs(query.encode()))


def _normalize_or_none(query: str) -> str:
    try:
        return _normalize(query)
    except ServiceError:
        return ""


def _read_query(query: str) -> Parameters:
    return Parameters(parse_pairs(query.encode()))


def _drop_prompt(query: str) -> str:
    return urlencode([(name, value) for name, value in parse_pairs(query.encode()) if name != "prompt"])


def _has_page(request: Request) -> bool:
    return get_resources(request).settings.web_page


def _consent_tokens(request: Request) -> ConsentTokens:
    return ConsentTokens(get_resources(request).settings.secret_keys)
