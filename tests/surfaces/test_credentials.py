"""The matrix of all operations and all credentials: no token, sessions, API tokens of each scope, and invalid ones."""

from itertools import combinations

import httpx2
import pytest

from tests.accounts import AUTH, CHAT, PROJECTS, TODOS, UNKNOWN_ID, Account, problem
from tests.operations import Operation, committed_document, operations_of
from tests.surfaces.adversarial.adversary import Victim
from tests.surfaces.api_tokens import SCOPES, TOKENS, add_token, bearer, create_token, invent_token
from tests.surfaces.test_every_operation import bodies_of, is_not_found, paths_of

OPERATIONS = operations_of(committed_document())
NEED_USER = [operation for operation in OPERATIONS if operation.needs_session]
NEED_NOBODY = [operation for operation in OPERATIONS if not operation.needs_session]
PASSED = {200, 202, 204, 404, 422}
"""Statuses of requests whose ids are unknown and whose body is not valid, after authentication has let them pass."""
CHALLENGE = 'Bearer realm="todo-backend"'
TAGS = "/api/v1/tags"
REMINDERS = "/api/v1/reminders"
SETS_OF_SCOPES = [set(scopes) for size in (1, 3, 4) for scopes in combinations(SCOPES, size)]
"""The sets of one scope, of all scopes but one, and of all scopes."""


def scopes_of(operation: Operation) -> set[str]:
    """Returns the scopes that an operation must need of an API token. Empty if it must need a session.

    Judges by method and path, so that tests find a new operation that API tokens may not use.
    """
    is_read = operation.method == "get"
    if operation.path.startswith((TODOS, PROJECTS, TAGS)):
        return {"todos:read" if is_read else "todos:write"}
    if operation.path == "/api/v1/quick-add":
        return {"todos:write"}
    if operation.path.startswith(CHAT):
        return {"chat"}
    if operation.path.startswith(REMINDERS):
        return {"todos:read"} if is_read else {"todos:read", "todos:write"}
    if operation.path == f"{AUTH}/me/export":
        return {"account:read", "chat", "todos:read"}
    return {"account:read"} if is_read and operation.path in {f"{AUTH}/me", f"{AUTH}/me/usage"} else set()


FOR_TOKENS = [operation for operation in NEED_USER if scopes_of(operation)]


def send(client: httpx2.Client, operation: Operation, headers: dict[str, str] | None = None) -> httpx2.Response:
    """Sends a request that changes nothing: ids are unknown, and the body is an empty array."""
    path = operation.path
    for parameter in operation.path_parameters:
        path = path.replace(f"{{{parameter}}}", UNKNOWN_ID)
    return client.request(operation.method, path, json=[] if operation.body else None, headers=headers)


def requires_token(response: httpx2.Response, *, error: str | None = None) -> None:
    """Asserts that the response is a 401 with a challenge of RFC 6750, which names this error or none."""
    problem(response, 401, "not_authenticated")
    challenge = response.headers["www-authenticate"]
    assert (
        challenge.startswith(f'{CHALLENGE}, error="{error}", error_description="') if error else challenge == CHALLENGE
    )


def passes(response: httpx2.Response) -> None:
    """Asserts that authentication has let the request pass. A change of a second factor then asks to confirm."""
    asks_to_confirm = response.status_code == 403 and response.json()["code"] == "confirmation_required"
    assert asks_to_confirm or response.status_code in PASSED, response.text
    assert "www-authenticate" not in response.headers


def lacks(response: httpx2.Response, scopes: set[str]) -> None:
    """Asserts that the response is a 403 whose challenge names these scopes, or none if a session is needed."""
    named = " ".join(sorted(scopes))
    assert problem(response, 403, "insufficient_scope").get("scope", "") == named
    challenge = response.headers["www-authenticate"]
    assert challenge.startswith(f'{CHALLENGE}, error="insufficient_scope", error_description="')
    assert challenge.endswith(f', scope="{named}"') if named else "scope=" not in challenge


@pytest.mark.parametrize("operation", NEED_USER, ids=str)
class TestEveryOperation:
    def test_without_a_token_is_refused(self, operation: Operation, client: httpx2.Client) -> None:
        requires_token(send(client, operation))

    def test_with_a_session_passes(self, operation: Operation, ada: Account, client: httpx2.Client) -> None:
        passes(send(client, operation, ada.bearer))
        passes(send(ada.client, operation))

    def test_with_an_api_token_passes_by_its_scopes(
        self, operation: Operation, ada: Account, client: httpx2.Client, database_url: str
    ) -> None:
        needed = scopes_of(operation)
        for scopes in SETS_OF_SCOPES:
            response = send(client, operation, add_token(database_url, ada, scopes))
            if needed and needed <= scopes:
                passes(response)
            else:
                lacks(response, needed)

    def test_with_an_invalid_bearer_token_is_refused(
        self, operation: Operation, ada: Account, client: httpx2.Client, database_url: str
    ) -> None:
        revoked = create_token(ada)
        ada.client.delete(f"{TOKENS}/{revoked['id']}")
        unknown, forged = ({"Authorization": f"Bearer {token}"} for token in (invent_token(), f"{ada.token}x"))
        expired = add_token(database_url, ada, expires_in="-1 second")
        for headers in (bearer(revoked), expired, unknown, forged):
            requires_token(send(client, operation, headers), error="invalid_token")


@pytest.mark.parametrize("operation", FOR_TOKENS, ids=str)
def test_the_token_of_another_user_finds_nothing(
    operation: Operation, ada: Account, client: httpx2.Client, victim: Victim, database_url: str
) -> None:
    token = add_token(database_url, ada)
    if not operation.path_parameters:
        response = send(client, operation, token)
        passes(response)
        assert "Secret" not in response.text
        return
    for path in paths_of(operation, victim):
        for body in bodies_of(operation):
            is_not_found(client.request(operation.method, path, json=body, headers=token), operation)


@pytest.mark.parametrize("operation", NEED_NOBODY, ids=str)
def test_an_operation_without_a_user_takes_no_notice_of_a_token(
    operation: Operation, client: httpx2.Client, ada: Account, database_url: str
) -> None:
    for headers in (add_token(database_url, ada), {"Authorization": f"Bearer {invent_token()}"}):
        assert send(client, operation, headers).status_code == send(client, operation).status_code


@pytest.mark.parametrize("operation", NEED_USER, ids=str)
def test_the_document_names_the_scopes(operation: Operation) -> None:
    scopes = sorted(scopes_of(operation))
    by_token = [{"ApiToken": scopes}] if scopes else []
    assert operation.description["security"] == [{"BearerToken": []}, *by_token, {"SessionCookie": []}]
