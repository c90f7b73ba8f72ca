"""Access rules for every operation in the OpenAPI document that needs a session. New operations are included."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.accounts import AUTH, WEBHOOKS, Account, problem
from tests.operations import Json, Operation, committed_document, examples, operations_of
from tests.surfaces.adversarial.adversary import Victim

DOCUMENT = committed_document()
NEED_SESSION = [operation for operation in operations_of(DOCUMENT) if operation.needs_session]
HAVE_ID = [operation for operation in NEED_SESSION if operation.path_parameters]
ANSWER_204 = {"resume_ai_sdk_stream"}
"""Ids of operations that answer 204, as their protocol wants, for an object that is another user's or never existed."""

BODIES: dict[str, list[Json]] = {"update_todo": [{}, {"title": "Mine"}, {"completed": True}]}
"""Bodies by operation id, where the SQL statement depends on the body. Others get the document's examples."""
CONDITIONS = ["*", '"1"', '"7"']


def bodies_of(operation: Operation) -> list[Any]:
    if operation.body is None:
        return [None]
    content = operation.body["content"]["application/json"]
    return BODIES.get(operation.description["operationId"]) or examples(content, DOCUMENT)


def headers_of(operation: Operation) -> Iterator[dict[str, str]]:
    """Yields the headers for requests of an operation: first none, then each If-Match or If-None-Match it supports."""
    yield {}
    for name in {"if-match", "if-none-match"} & operation.parameters:
        yield from ({name: condition} for condition in CONDITIONS)


def ids_of(victim: Victim, parameter: str) -> list[str]:
    """Returns the ids of the victim's objects that are values of the path parameter. Fails for an unknown parameter."""
    own = {
        "todo_id": [victim.live, victim.trashed],
        "project_id": [victim.project],
        "tag": ["secret", "Secret"],
        "tag_change_id": [victim.tag_change],
        "conversation_id": [victim.done["conversation_id"]],
        "chat_id": [victim.done["conversation_id"]],
        "turn_id": [victim.done["turn_id"], victim.waiting["turn_id"]],
    }
    match parameter:
        case _ if parameter in own:
            return own[parameter]
        case "session_id" | "token_id" | "passkey_id" | "connection_id":
            listed = victim.account.client.get(f"{AUTH}/{parameter.removesuffix('_id')}s").json()
            return [each["id"] for each in listed]
        case "subscription_id":
            listed = victim.account.client.get("/api/v1/reminders/push-subscriptions").json()
            assert listed
            return [each["id"] for each in listed]
        case "webhook_id":
            return [victim.webhook]
        case "delivery_id":
            deliveries = victim.account.client.get(f"{WEBHOOKS}/{victim.webhook}/deliveries").json()
            return [each["id"] for each in deliveries]
    pytest.fail(f"The path parameter {parameter} is new: let `ids_of` return ids of the victim's objects for it.")


def paths_of(operation: Operation, victim: Victim) -> list[str]:
    """Returns the operation's path once for each of the victim's ids. A path without a parameter is returned once."""
    if not operation.path_parameters:
        return [operation.path]
    [parameter] = operation.path_parameters
    return [operation.path.replace(f"{{{parameter}}}", own) for own in ids_of(victim, parameter)]


def facts(response: httpx2.Response) -> tuple[int, Json, set[str]]:
    """Returns status, body and header names of a response for a comparison. Clears the id of the request."""
    body = response.json() if response.content else {}
    return response.status_code, body | {"request_id": ""}, set(response.headers)


@pytest.mark.parametrize("operation", NEED_SESSION, ids=str)
def test_without_a_session_the_answer_is_a_401(operation: Operation, client: httpx2.Client, victim: Victim) -> None:
    for path in paths_of(operation, victim):
        for body in bodies_of(operation):
            response = client.request(operation.method, path, json=body)

            problem(response, 401, "not_authenticated")
            assert response.headers["www-authenticate"] == 'Bearer realm="todo-backend"'


def is_not_found(response: httpx2.Response, operation: Operation) -> None:
    """Asserts that a response tells nothing but that there is no such object."""
    if operation.description["operationId"] in ANSWER_204:
        assert (response.status_code, response.content) == (204, b"")
    else:
        problem(response, 404, f"{operation.path_parameters[0].removesuffix('_id')}_not_found")


@pytest.mark.parametrize("operation", HAVE_ID, ids=str)
def test_another_users_object_is_not_found_like_one_that_never_existed(
    operation: Operation, ada: Account, victim: Victim
) -> None:
    [parameter] = operation.path_parameters
    never_existed = operation.path.replace(f"{{{parameter}}}", str(uuid4()))

    for headers in headers_of(operation):
        for body in bodies_of(operation):
            unknown = ada.client.request(operation.method, never_existed, json=body, headers=headers)
            is_not_found(unknown, operation)
            for path in paths_of(operation, victim):
                response = ada.client.request(operation.method, path, json=body, headers=headers)
                assert facts(response) == facts(unknown)
