from contextlib import suppress
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from msgspec import Struct

from functions.mcp.caller import Caller
from functions.mcp.calls import take_answer
from functions.mcp.heads import SESSION, can_ask_by_form, check_accept, check_origin, find_peer
from functions.mcp.methods import run_method
from functions.mcp.seals import Session
from functions.mcp.waiting import QuestionStream
from functions.mcp.wire import (
    Call,
    Json,
    Peer,
    Reply,
    RpcError,
    encode_error,
    encode_result,
    find_status,
    parse_message,
)
from todo_core.errors import InsufficientScope, NotAuthenticated
from todo_core.web.identity import SignedInUser, find_user
from todo_core.web.problems import CHALLENGE
from todo_core.web.protected_resources import MCP
from todo_core.web.public_url import PublicUrlNotConfigured, find_public_url
from todo_core.web.scopes import register_scopes

_METADATA: Final = "/.well-known/oauth-protected-resource"
_JSON: Final = "application/json"
_HEADERS: Final = {"Cache-Control": "no-store"}

register_scopes(MCP, write=["todos:read"])

router = APIRouter(prefix=MCP, tags=["mcp"], include_in_schema=False)


class TokenUser(Struct, frozen=True):
    """The user of an API token or of an access token, and the id of the token."""

    user: SignedInUser
    token_id: UUID


async def _find_token_user(request: Request) -> TokenUser:
    """Returns the user of the token. Raises NotAuthenticated, also for a session, and InsufficientScope."""
    check_origin(request)
    try:
        return _require_token(await find_user(request))
    except (NotAuthenticated, InsufficientScope):
        _name_metadata(request)
        raise


def _require_token(user: SignedInUser) -> TokenUser:
    if user.token_id is None:
        raise NotAuthenticated("Send an API token or an access token as Authorization: Bearer.")
    return TokenUser(user, user.token_id)


def _name_metadata(request: Request) -> None:
    """Adds the URL of the metadata (RFC 9728) to the challenge, if the service knows its own URL."""
    with suppress(PublicUrlNotConfigured):
        request.scope["state"][CHALLENGE] = f', resource_metadata="{find_public_url(request)}{_METADATA}{MCP}"'


CurrentTokenUser = Annotated[TokenUser, Depends(_find_token_user)]


@router.post("")
async def speak_mcp(request: Request, by: CurrentTokenUser) -> Response:
    """Answers one message of the Model Context Protocol."""
    check_accept(request)
    call: Call | None = None
    peer: Peer | None = None
    try:
        message = parse_message(await request.body())
        call = message if isinstance(message, Call) else None
        peer = find_peer(request, message, str(by.user.id))
        return await _answer(Caller(request, by.user, by.token_id, peer), message)
    except RpcError as error:
        content = encode_error(call.id if call else None, error)
        return Response(content, find_status(error, peer), _HEADERS, _JSON)


async def _answer(caller: Caller, message: Call | Reply) -> Response:
    if isinstance(message, Reply):
        await take_answer(caller, message)
        return Response(status_code=202)
    if message.id is None:
        return Response(status_code=202)
    try:
        result = await run_method(caller, message)
    except InsufficientScope:
        _name_metadata(caller.request)
        raise
    if isinstance(result, QuestionStream):
        result.request_id = message.id
    if isinstance(result, Response):
        return result
    return Response(
        encode_result(message.id, result), 200, {**_HEADERS, **_open_session(caller, message, result)}, _JSON
    )


def _open_session(caller: Caller, call: Call, result: Json) -> dict[str, str]:
    """Returns the header with the session that begins with `initialize`: a signed text, of which nothing is kept."""
    if call.method != "initialize":
        return {}
    can_ask = can_ask_by_form(call.params.get("capabilities"))
    return {SESSION: caller.seals.seal(Session(str(caller.user.id), result["protocolVersion"], can_ask))}
