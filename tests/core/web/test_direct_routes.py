"""Routes that read their own arguments: they answer each request as a route of FastAPI does."""

from typing import Annotated, Any
from uuid import UUID

import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, Request, Response
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from pydantic import BaseModel, Field

from todo_core.web.direct_routes import DirectRoute

ID = "0198c5a1-7000-7d2c-9d2b-0b1e6a7c9f33"
JSON = {"Content-Type": "application/json"}


class Note(BaseModel):
    text: str = Field(min_length=1)
    stars: float = 0


async def find_user(request: Request) -> str:
    return request.headers.get("X-User", "nobody")


def make_router(route_class: type[APIRoute]) -> APIRouter:
    router = APIRouter(route_class=route_class)

    @router.put("/notes/{note_id}")
    async def put_note(
        note_id: UUID,
        note: Note,
        user: Annotated[str, Depends(find_user)],
        response: Response,
        key: Annotated[str | None, Header(alias="Idempotency-Key", max_length=3)] = None,
    ) -> Response:
        response.headers["X-Seen"] = f"{note_id} {user} {key}"
        return Response(note.model_dump_json(), 201, response.headers)

    return router


@pytest.fixture(scope="module")
def clients() -> tuple[TestClient, TestClient]:
    """Clients of the same route, as a DirectRoute and as a route of FastAPI."""
    apps = FastAPI(), FastAPI()
    for app, route_class in zip(apps, (DirectRoute, APIRoute), strict=True):
        app.include_router(make_router(route_class))
    return TestClient(apps[0]), TestClient(apps[1])


REQUESTS: dict[str, tuple[str, dict[str, str], bytes]] = {
    "valid": (ID, JSON, b'{"text": "Buy milk", "stars": 3}'),
    "valid, with headers": (ID, JSON | {"X-User": "ada", "Idempotency-Key": "abc"}, b'{"text": "Buy milk"}'),
    "a repeated header": (ID, JSON | {"idempotency-key": "ab"}, b'{"text": "Buy milk"}'),
    "another JSON type": (ID, {"Content-Type": "application/merge-patch+json"}, b'{"text": "Buy milk"}'),
    "a JSON type with a parameter": (ID, {"Content-Type": "application/json; charset=utf-8"}, b'{"text": "x"}'),
    "a type that is no JSON": (ID, {"Content-Type": "text/plain"}, b'{"text": "Buy milk"}'),
    "no type": (ID, {}, b'{"text": "Buy milk"}'),
    "no body": (ID, JSON, b""),
    "null": (ID, JSON, b"null"),
    "a list": (ID, JSON, b"[]"),
    "an unknown number": (ID, JSON, b'{"text": "x", "stars": NaN}'),
    "malformed JSON": (ID, JSON, b'{"text": '),
    "bytes that are no UTF-8": (ID, JSON, b'{"text": "\xff"}'),
    "deep nesting": (ID, JSON, b"[" * 100_000),
    "a field that is not valid": (ID, JSON, b'{"text": ""}'),
    "an id that is not valid": ("7", JSON, b'{"text": "Buy milk"}'),
    "a header that is not valid": (ID, JSON | {"Idempotency-Key": "abcd"}, b'{"text": "Buy milk"}'),
    "three faults": ("7", JSON | {"Idempotency-Key": "abcd"}, b'{"text": ""}'),
}


class TestAnswers:
    @pytest.mark.parametrize("name", REQUESTS)
    def test_they_are_those_of_fastapi(self, clients: tuple[TestClient, TestClient], name: str) -> None:
        note_id, headers, content = REQUESTS[name]
        direct, plain = (client.put(f"/notes/{note_id}", headers=headers, content=content) for client in clients)

        assert direct.status_code == plain.status_code
        assert direct.content == plain.content
        assert dict(direct.headers) == dict(plain.headers)


class TestParameters:
    def test_a_query_parameter_is_refused_at_the_start(self) -> None:
        async def search(text: str) -> Response:
            return Response(text)

        with pytest.raises(TypeError, match="search"):
            DirectRoute("/search", search)

    def test_a_dependency_of_more_than_the_request_is_refused_at_the_start(self) -> None:
        async def count(request: Request, limit: int) -> Any:
            return request, limit

        async def search(number: Annotated[int, Depends(count)]) -> Response:
            return Response(str(number))

        with pytest.raises(TypeError, match="search"):
            DirectRoute("/search", search)
