"""What Schemathesis is told of the service, in a process of its own: who is signed in, and what no schema can say."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

import httpx2
import schemathesis
from hypothesis import strategies
from jose import jwt
from schemathesis import AuthContext, Case, HookContext, Response
from schemathesis.core.failures import Failure
from schemathesis.generation.meta import TestPhase
from schemathesis.openapi.checks import RejectedPositiveData

from tests.accounts import AUTH, CHAT, TODOS, new_email, sign_up

COOKIE = "session_token"
ENDING_SESSIONS = {f"{AUTH}/{call}" for call in ("logout", "password", "sessions/{session_id}", "close-account")}
ONLY_THE_SERVER_KNOWS = {
    "invalid_cursor",
    "stale_version",
    "idempotency_key_reused",
    "wrong_password",
    "unknown_parent",
    "unknown_project",
    "recurrence_needs_due",
}
PLACES = {"parent_id", "project_id"}
BETWEEN_FIELDS = {"two_dues", "recurrence_needs_due"}
"""Rules that a schema could only say at the price of being read by nobody."""

schemathesis.openapi.format("timezone", strategies.sampled_from((files("tzdata") / "zones").read_text().split()))
schemathesis.openapi.format(
    "rrule", strategies.sampled_from(["FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,TH", "FREQ=MONTHLY;BYDAY=2TU;COUNT=9"])
)
schemathesis.openapi.format(
    "email", strategies.from_regex(r"[A-Za-z0-9][a-z0-9+_-]{9,19}@example\.(com|org)", fullmatch=True)
)


def new_token(url: str) -> str:
    with httpx2.Client(base_url=url) as client:
        return sign_up(client).token


@cache
def token_of_all(url: str) -> str:
    return new_token(url)


def client_of_all(url: str) -> httpx2.Client:
    return httpx2.Client(base_url=url, cookies={COOKIE: token_of_all(url)})


def new_turn(url: str, *messages: str) -> str:
    """The id of a turn of the session that everything is asked with; the last one that the messages make."""
    with client_of_all(url) as client:
        return str([client.post(CHAT, json={"message": message}).json() for message in messages][-1]["turn_id"])


def new_todo(url: str) -> str:
    with client_of_all(url) as client:
        return str(client.post(TODOS, json={"title": "Milk"}).json()["id"])


@cache
def turn_of_all(url: str) -> str:
    return new_turn(url, "add milk")


def turn_that_asks(url: str) -> str:
    return new_turn(url, "add milk", "delete all milk")


@schemathesis.auth(refresh_interval=None)
class Session:
    """One session for everything but what ends sessions, each time its own."""

    def get(self, _case: Case[Any], context: AuthContext) -> str:
        url = context.operation.schema.get_base_url()
        return new_token(url) if context.operation.path in ENDING_SESSIONS else token_of_all(url)

    def set(self, case: Case[Any], data: str, _context: AuthContext) -> None:
        case.cookies[COOKIE] = data
        if is_meant_to_be_accepted(case) and "session_id" in case.path_parameters:
            case.path_parameters["session_id"] = jwt.get_unverified_claims(data)["sid"]


def is_meant_to_be_accepted(case: Case[Any]) -> bool:
    """Whether this is one of those cases of the coverage phase for which nothing but success is interesting."""
    return (
        case.meta is not None and case.meta.phase.name is TestPhase.COVERAGE and case.meta.generation.mode.is_positive
    )


def with_known_places(body: Any) -> Any:
    """A body without the ids of parents and projects, which would be nobody's."""
    if isinstance(body, dict):
        return {name: with_known_places(part) for name, part in body.items() if name not in PLACES}
    return [with_known_places(part) for part in body] if isinstance(body, list) else body


@schemathesis.hook
def before_call(_context: HookContext, case: Case[Any], _kwargs: dict[str, Any]) -> None:
    """Leaves away what only the server could have given, and gives what it has not seen yet.

    The coverage phase sends every parameter with every case. With an arbitrary If-Match or cursor, and with the
    email of the example again and again, nothing else of a case that is meant to be accepted would be looked at.
    """
    if case.meta is not None and case.meta.generation.mode.is_positive:
        case.body = with_known_places(case.body)
    if not is_meant_to_be_accepted(case):
        return
    case.query.pop("cursor", None)
    case.headers.pop("If-Match", None)
    case.headers.pop("Idempotency-Key", None)
    url = case.operation.schema.get_base_url()
    if "todo_id" in case.path_parameters:
        case.path_parameters["todo_id"] = new_todo(url)
    if "turn_id" in case.path_parameters:
        asks = case.operation.path.endswith("/approval")
        case.path_parameters["turn_id"] = turn_that_asks(url) if asks else turn_of_all(url)
    if case.path == f"{AUTH}/register" and isinstance(case.body, dict):
        case.body = case.body | {"email": new_email()}


@schemathesis.hook
def filter_failure(_context: HookContext, failure: Failure, _case: Case[Any], response: Response) -> bool:
    """Takes a refusal for right where what was sent is well formed and still not what the server handed out."""
    if not isinstance(failure, RejectedPositiveData):
        return True
    problem = json.loads(response.content)
    rules = {error["code"] for error in problem.get("errors") or ()}
    return problem["code"] not in ONLY_THE_SERVER_KNOWS and not (rules and rules <= BETWEEN_FIELDS)
