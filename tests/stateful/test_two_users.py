"""Two users send random requests: neither may see or change data of the other."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import httpx2
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from functions.groups import load_routers
from tests import serving
from tests.accounts import AUTH, PASSWORD, TODOS, problem, register, sign_in
from tests.serving import Surface
from tests.stateful.model import Todo
from tests.stateful.people import (
    MIN_LIVE_TOKENS,
    Cursor,
    JsonTodo,
    Person,
    Precondition,
    TodoChoice,
    Token,
    assert_equals_model,
    list_queries,
    matches,
    names,
    preconditions,
    todo_choices,
    todo_fields,
    words,
)
from todo_core.web.app import create_app
from todo_core.web.resources import get_resources


class TwoUsers(RuleBasedStateMachine):
    """Sends random requests with a token of either user. Their todo ids and cursors may be the other user's."""

    surface: ClassVar[Surface]
    tokens = Bundle("tokens")
    cursors = Bundle("cursors")

    def __init__(self) -> None:
        super().__init__()
        self.people = {name: self._register() for name in ("ada", "bob")}
        self.live: list[Token] = []
        self.deleted: list[str] = []
        for token in [self._sign_in("ada", "bearer"), self._sign_in("bob", "cookie")] * 3:
            self._create(token, "milk", {"order": 1})

    def _register(self) -> Person:
        client = self.surface.client()
        return Person(client, register(client))

    def teardown(self) -> None:
        for name, person in self.people.items():
            token = self._sign_in(name, "bearer")
            assert self._send_checked(token, "GET", TODOS, params={"limit": 200}).json() == person.listed
            person.client.close()

    @initialize(target=tokens)
    def sign_both_in(self) -> MultipleResults[Token]:
        return multiple(*self.live)

    @initialize(target=cursors)
    def list_todos_of_both(self) -> MultipleResults[Cursor]:
        return multiple(*(cursor for token in self.live for cursor in self._list(token, {"limit": 1}, None).values))

    @rule(target=tokens, name=names, transport=st.sampled_from(["bearer", "cookie"]))
    def log_in(self, name: str, transport: str) -> Token:
        return self._sign_in(name, transport)

    @rule(name=names)
    def register_again(self, name: str) -> None:
        credentials = {"email": self.people[name].user["email"].upper(), "password": "another password"}
        with self.surface.client() as client:
            problem(client.post(f"{AUTH}/register", json=credentials), 409, "email_taken")

    @precondition(lambda self: len(self.live) > MIN_LIVE_TOKENS)
    @rule(token=tokens)
    def log_out(self, token: Token) -> None:
        assert self._send(token, "POST", f"{AUTH}/logout").status_code == 204
        self.live = [other for other in self.live if other.session_id != token.session_id]

    @rule(token=tokens)
    def me(self, token: Token) -> None:
        response = self._send_checked(token, "GET", f"{AUTH}/me")
        if token in self.live:
            assert response.json() == self.people[token.owner].user

    @rule(token=tokens, name=st.none() | words, timezone=st.sampled_from(["UTC", "Europe/Berlin"]))
    def change_profile(self, token: Token, name: str | None, timezone: str) -> None:
        response = self._send_checked(token, "PATCH", f"{AUTH}/me", json={"name": name, "timezone": timezone})
        if token in self.live:
            user = self.people[token.owner].user
            user |= {"name": name, "timezone": timezone}
            assert response.json() == user

    @rule(token=tokens)
    def list_sessions(self, token: Token) -> None:
        response = self._send_checked(token, "GET", f"{AUTH}/sessions", params={"limit": 200})
        if token in self.live:
            own = {other.session_id for other in self.live if other.owner == token.owner}
            assert {session["id"] for session in response.json()} == own
            assert [session["id"] for session in response.json() if session["current"]] == [token.session_id]

    @precondition(lambda self: len(self.live) > MIN_LIVE_TOKENS)
    @rule(token=tokens, other=tokens)
    def end_session(self, token: Token, other: Token) -> None:
        response = self._send_checked(token, "DELETE", f"{AUTH}/sessions/{other.session_id}")
        ended = [live for live in self.live if (live.owner, live.session_id) == (token.owner, other.session_id)]
        if token in self.live and ended:
            assert response.status_code == 204
            self.live = [live for live in self.live if live not in ended]
        elif token in self.live:
            problem(response, 404, "session_not_found")

    @rule(target=tokens, token=tokens)
    def change_password(self, token: Token) -> MultipleResults[Token]:
        """Ends all tokens of the user, and gives the session of this one a new id and a new token."""
        passwords = {"current_password": PASSWORD, "new_password": PASSWORD}
        response = self._send_checked(token, "POST", f"{AUTH}/password", json=passwords)
        if token not in self.live:
            return multiple()
        assert response.status_code == 204
        new = replace(token, text=self._take_new_token(token, response))
        assert new.session_id != token.session_id
        self.live = [new, *(other for other in self.live if other.owner != token.owner)]
        self._send_checked(token, "GET", f"{AUTH}/me")
        return multiple(new)

    @rule(token=tokens)
    def export(self, token: Token) -> None:
        response = self._send_checked(token, "GET", f"{AUTH}/me/export")
        if token in self.live:
            person = self.people[token.owner]
            exported = [todo["id"] for todo in response.json()["todos"] if todo["deleted_at"] is None]
            assert response.json()["account"]["email"] == person.user["email"]
            assert sorted(exported) == sorted(person.todos)

    @rule(token=tokens, title=words, given=todo_fields)
    def create(self, token: Token, title: str, given: dict[str, Any]) -> None:
        if token in self.live:
            self._create(token, title, given)
        else:
            self._send_checked(token, "POST", TODOS, json={"title": title, **given})

    @rule(token=tokens, choice=todo_choices)
    def read(self, token: Token, choice: TodoChoice) -> None:
        todo_id = self._choose_id(token, choice)
        response = self._send_checked(token, "GET", f"{TODOS}/{todo_id}")
        if token in self.live and self._is_found(token, todo_id, response):
            assert response.json() == self.people[token.owner].todos[todo_id]

    @rule(token=tokens, choice=todo_choices, title=st.none() | words, given=todo_fields, precondition=preconditions)
    def change(
        self, token: Token, choice: TodoChoice, title: str | None, given: dict[str, Any], precondition: Precondition
    ) -> None:
        person, todo_id = self.people[token.owner], self._choose_id(token, choice)
        changes = given if title is None else {"title": f"{title} {person.secret}", **given}
        headers = self._if_match(todo_id, precondition)
        response = self._send_checked(token, "PATCH", f"{TODOS}/{todo_id}", json=changes, headers=headers)
        if token in self.live and self._is_found(token, todo_id, response) and _is_current(response, precondition):
            person.model.begin()
            person.model.patch(UUID(todo_id), changes, None)
            shown = response.json()
            shown.pop("completion", None)
            self._compare(person, shown)

    @rule(token=tokens, choice=todo_choices, precondition=preconditions)
    def delete(self, token: Token, choice: TodoChoice, precondition: Precondition) -> None:
        person, todo_id = self.people[token.owner], self._choose_id(token, choice)
        headers = self._if_match(todo_id, precondition)
        response = self._send_checked(token, "DELETE", f"{TODOS}/{todo_id}", headers=headers)
        if token in self.live and self._is_found(token, todo_id, response) and _is_current(response, precondition):
            assert response.status_code == 204
            person.model.begin()
            person.model.delete(UUID(todo_id), None)
            del person.todos[todo_id]
            self.deleted.append(todo_id)

    @rule(target=cursors, token=tokens, query=list_queries)
    def list_first_page(self, token: Token, query: dict[str, Any]) -> MultipleResults[Cursor]:
        return self._list(token, query, None)

    @rule(target=cursors, token=tokens, query=list_queries, cursor=cursors)
    def list_next_page(self, token: Token, query: dict[str, Any], cursor: Cursor) -> MultipleResults[Cursor]:
        return self._list(token, query, cursor)

    def _choose_id(self, token: Token, choice: TodoChoice) -> str:
        kind, place = choice
        own = self.people[token.owner]
        [other] = [person for person in self.people.values() if person is not own]
        ids = {"own": list(own.todos), "other's": list(other.todos), "deleted": self.deleted, "unknown": []}[kind]
        return ids[place % len(ids)] if ids else str(uuid4())

    def _create(self, token: Token, title: str, given: dict[str, Any]) -> None:
        person = self.people[token.owner]
        sent = {"title": f"{title} {person.secret}", **given}
        response = self._send_checked(token, "POST", TODOS, json=sent)
        assert response.status_code == 201
        person.model.begin()
        person.model.create(UUID(response.json()["id"]), sent)
        self._compare(person, response.json())

    def _compare(self, person: Person, shown: JsonTodo) -> None:
        assert_equals_model(shown, person.model.todos[UUID(shown["id"])])
        person.todos[shown["id"]] = shown

    def _list(self, token: Token, query: dict[str, Any], cursor: Cursor | None) -> MultipleResults[Cursor]:
        # Sorts by order, as the model does: without `sort`, a search is sorted by relevance.
        parameters = {**query, "sort": "order"} | ({} if cursor is None else {"cursor": cursor.text})
        response = self._send_checked(token, "GET", TODOS, params=parameters)
        if token not in self.live:
            return multiple()
        person = self.people[token.owner]
        found = [todo for todo in person.model.live_by_order if matches(todo, query)]
        rest = [todo for todo in found if cursor is None or cursor.is_before(todo)]
        page = rest[: query["limit"]]
        assert response.json() == [person.todos[str(todo.id)] for todo in page]
        assert ("next" in response.links) == (len(rest) > len(page))
        return multiple(*(_parse_cursor(link["url"], page[-1]) for link in response.links.values()))

    def _sign_in(self, name: str, transport: str) -> Token:
        client = self.people[name].client
        assert sign_in(client, self.people[name].user["email"], PASSWORD).status_code == 200
        token = Token(name, client.cookies["session_token"], transport)
        client.cookies.clear()
        self.live.append(token)
        return token

    def _take_new_token(self, token: Token, response: httpx2.Response) -> str:
        """Returns the text of the new token: from the header for a bearer token, else from the cookie."""
        self.people[token.owner].client.cookies.clear()
        if token.transport == "bearer":
            assert "set-cookie" not in response.headers
            return response.headers["session-token"]
        assert "session-token" not in response.headers
        return response.cookies["session_token"]

    def _send(self, token: Token, method: str, path: str, **content: Any) -> httpx2.Response:
        headers = {**content.pop("headers", {}), **token.headers}
        return self.people[token.owner].client.request(method, path, headers=headers, **content)

    def _send_checked(self, token: Token, method: str, path: str, **content: Any) -> httpx2.Response:
        response = self._send(token, method, path, **content)
        if token not in self.live:
            problem(response, 401, "not_authenticated")
        sent = f"{response.text} {response.headers}"
        others = [person for name, person in self.people.items() if name != token.owner or token not in self.live]
        assert not any(secret in sent for person in others for secret in person.secrets)
        return response

    def _is_found(self, token: Token, todo_id: str, response: httpx2.Response) -> bool:
        """Returns whether the token's user has the todo. If not, requires the same response as for an unknown id."""
        if todo_id in self.people[token.owner].todos:
            return True
        path = f"{TODOS}/{uuid4()}"
        headers = {"Content-Type": "application/json"}
        unknown = self._send_checked(
            token, response.request.method, path, content=response.request.content, headers=headers
        )
        assert response.status_code == 404
        assert _problem_of(response) == _problem_of(unknown)
        return False

    def _if_match(self, todo_id: str, precondition: Precondition) -> dict[str, str]:
        versions = [person.todos[todo_id]["version"] for person in self.people.values() if todo_id in person.todos]
        version = versions[0] if versions else 1
        tags_by_name = {"any": "*", "current": f'"{version}"', "stale": f'"{version - 1}", "{version + 1}"'}
        return {} if precondition == "none" else {"If-Match": tags_by_name[precondition]}


def _is_current(response: httpx2.Response, precondition: Precondition) -> bool:
    if precondition == "stale":
        problem(response, 412, "stale_version")
    return precondition != "stale"


def _problem_of(response: httpx2.Response) -> dict[str, Any]:
    document: dict[str, Any] = response.json()
    return {name: value for name, value in document.items() if name != "request_id"}


def _parse_cursor(url: str, last: Todo) -> Cursor:
    [text] = parse_qs(urlsplit(url).query)["cursor"]
    return Cursor(text, last.order, last.id)


@asynccontextmanager
async def _close_database(app: FastAPI) -> AsyncIterator[None]:
    yield
    await get_resources(app).database.close()


@pytest.fixture(scope="module")
def own_app(environment: dict[str, str]) -> Iterator[Surface]:
    """Surface of an app for this module alone, because a connection pool belongs to one event loop."""
    assert environment
    with serving.in_process(create_app(*load_routers("auth", "todos"), lifespan=_close_database)) as surface:
        yield surface


def test_two_users_never_see_or_change_each_others_data(own_app: Surface) -> None:
    class OnThisApp(TwoUsers):
        surface = own_app

    run_state_machine_as_test(
        OnThisApp,
        settings=settings(
            max_examples=25,
            stateful_step_count=40,
            derandomize=True,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],  # without Phase.shrink: shrinking a failing sequence would take minutes
        ),
    )
