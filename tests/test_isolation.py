"""Whatever two users do, in whatever order, neither sees nor changes anything of the other's."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

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
from jose import jwt

from functions.auth.routes import router as auth
from functions.todos.routes import router as todos
from tests import serving
from tests.accounts import AUTH, PASSWORD, TODOS, problem, register, sign_in
from tests.serving import Surface
from todo_core.web.app import create_app
from todo_core.web.resources import resources_of

type Todo = dict[str, Any]
type Which = tuple[Literal["own", "other's", "deleted", "nobody's"], int]
type Guard = Literal["none", "any", "current", "stale"]


@dataclass
class Person:
    """A user, and what a plain list of this user's todos would hold."""

    client: httpx2.Client
    user: dict[str, Any]
    secret: str = field(default_factory=lambda: f"x{uuid4().hex}")
    todos: dict[str, Todo] = field(default_factory=dict)

    @property
    def in_order(self) -> list[Todo]:
        return sorted(self.todos.values(), key=lambda todo: (todo["order"], todo["id"]))

    @property
    def secrets(self) -> list[str]:
        return [self.secret, self.user["id"], self.user["email"]]


@dataclass(frozen=True)
class Token:
    owner: str
    text: str
    door: str

    @property
    def session_id(self) -> str:
        return str(jwt.get_unverified_claims(self.text)["sid"])

    @property
    def headers(self) -> dict[str, str]:
        if self.door == "cookie":
            return {"Cookie": f"session_token={self.text}"}
        return {"Authorization": f"Bearer {self.text}"}


@dataclass(frozen=True)
class Cursor:
    text: str
    order: float
    todo_id: str

    def is_before(self, todo: Todo) -> bool:
        return (self.order, self.todo_id) < (todo["order"], todo["id"])


MOSTLY_LIVE = 4
"""Signing out waits until there are more live tokens than this, so that most calls are not refused at the door."""

names = st.sampled_from(["ada", "bob"])
whichever: st.SearchStrategy[Which] = st.tuples(
    st.sampled_from(["own", "own", "other's", "deleted", "nobody's"]), st.integers(0, 9)
)
words = st.sampled_from(["milk", "bread", "milk bread", "blue milk"])
tags = st.lists(st.sampled_from(["home", "shop"]), unique=True)
guards: st.SearchStrategy[Guard] = st.sampled_from(["none", "none", "any", "current", "stale"])
fields = st.fixed_dictionaries(
    {},
    optional={
        "completed": st.booleans(),
        "priority": st.sampled_from(["none", "high"]),
        "tags": tags,
        "order": st.integers(0, 3),
    },
)
filters = st.fixed_dictionaries(
    {"limit": st.sampled_from([1, 2, 50])},
    optional={
        "completed": st.booleans(),
        "priority": st.sampled_from(["none", "high"]),
        "tag": tags,
        "q": st.sampled_from(["milk", "mi", "b", "blue mi", "nothing"]),
    },
)


def passes(todo: Todo, asked: dict[str, Any]) -> bool:
    """What the filters of a list mean."""
    return (
        asked.get("completed") in {None, todo["completed"]}
        and asked.get("priority") in {None, todo["priority"]}
        and set(asked.get("tag", ())) <= set(todo["tags"])
        and all(any(word.startswith(q) for word in todo["title"].split()) for q in asked.get("q", "").split())
    )


def without_times(todo: Todo) -> Todo:
    return {name: value for name, value in todo.items() if name not in {"completed_at", "updated_at"}}


class TwoUsers(RuleBasedStateMachine):
    """Every call goes by the token of either user, to the id of either's todo, from the cursor of either's list."""

    surface: ClassVar[Surface]
    tokens = Bundle("tokens")
    cursors = Bundle("cursors")

    def __init__(self) -> None:
        super().__init__()
        self.people = {name: self._newcomer() for name in ("ada", "bob")}
        self.live: list[Token] = []
        self.deleted: list[str] = []
        for token in [self._sign_in(name, "bearer") for name in self.people] * 3:
            self._add(token, "milk", {"order": 1})

    def _newcomer(self) -> Person:
        client = self.surface.client()
        return Person(client, register(client))

    def teardown(self) -> None:
        for name, person in self.people.items():
            token = self._sign_in(name, "bearer")
            assert self._ask(token, "GET", TODOS, params={"limit": 200}).json() == person.in_order
            person.client.close()

    @initialize(target=tokens)
    def both_are_signed_in(self) -> MultipleResults[Token]:
        return multiple(*self.live)

    @initialize(target=cursors)
    def both_have_listed_them(self) -> MultipleResults[Cursor]:
        return multiple(*(cursor for token in self.live for cursor in self._list(token, {"limit": 1}, None).values))

    @rule(target=tokens, name=names, door=st.sampled_from(["bearer", "cookie"]))
    def log_in(self, name: str, door: str) -> Token:
        return self._sign_in(name, door)

    @rule(name=names)
    def register_again(self, name: str) -> None:
        credentials = {"email": self.people[name].user["email"].upper(), "password": "another password"}
        with self.surface.client() as client:
            problem(client.post(f"{AUTH}/register", json=credentials), 409, "email_taken")

    @precondition(lambda self: len(self.live) > MOSTLY_LIVE)
    @rule(token=tokens)
    def log_out(self, token: Token) -> None:
        assert self._send(token, "POST", f"{AUTH}/logout").status_code == 204
        self.live = [other for other in self.live if other != token]

    @rule(token=tokens)
    def me(self, token: Token) -> None:
        response = self._ask(token, "GET", f"{AUTH}/me")
        if token in self.live:
            assert response.json() == self.people[token.owner].user

    @rule(token=tokens, name=st.none() | words, timezone=st.sampled_from(["UTC", "Europe/Berlin"]))
    def change_profile(self, token: Token, name: str | None, timezone: str) -> None:
        response = self._ask(token, "PATCH", f"{AUTH}/me", json={"name": name, "timezone": timezone})
        if token in self.live:
            user = self.people[token.owner].user
            user |= {"name": name, "timezone": timezone}
            assert response.json() == user

    @rule(token=tokens)
    def list_sessions(self, token: Token) -> None:
        response = self._ask(token, "GET", f"{AUTH}/sessions", params={"limit": 200})
        if token in self.live:
            own = {other.session_id for other in self.live if other.owner == token.owner}
            assert {session["id"] for session in response.json()} == own
            assert [session["id"] for session in response.json() if session["current"]] == [token.session_id]

    @precondition(lambda self: len(self.live) > MOSTLY_LIVE)
    @rule(token=tokens, other=tokens)
    def end_session(self, token: Token, other: Token) -> None:
        response = self._ask(token, "DELETE", f"{AUTH}/sessions/{other.session_id}")
        if token in self.live and token.owner == other.owner and other in self.live:
            assert response.status_code == 204
            self.live = [live for live in self.live if live != other]
        elif token in self.live:
            problem(response, 404, "session_not_found")

    @precondition(lambda self: len(self.live) > MOSTLY_LIVE)
    @rule(token=tokens)
    def change_password(self, token: Token) -> None:
        passwords = {"current_password": PASSWORD, "new_password": PASSWORD}
        response = self._ask(token, "POST", f"{AUTH}/password", json=passwords)
        if token in self.live:
            assert response.status_code == 204
            self.live = [other for other in self.live if other.owner != token.owner or other == token]

    @rule(token=tokens)
    def export(self, token: Token) -> None:
        response = self._ask(token, "GET", f"{AUTH}/me/export")
        if token in self.live:
            person = self.people[token.owner]
            exported = [todo["id"] for todo in response.json()["todos"] if todo["deleted_at"] is None]
            assert response.json()["account"] == person.user
            assert sorted(exported) == sorted(person.todos)

    @rule(token=tokens, title=words, given=fields)
    def create(self, token: Token, title: str, given: dict[str, Any]) -> None:
        if token in self.live:
            self._add(token, title, given)
        else:
            self._ask(token, "POST", TODOS, json={"title": title, **given})

    @rule(token=tokens, which=whichever)
    def read(self, token: Token, which: Which) -> None:
        todo_id = self._id(token, which)
        response = self._ask(token, "GET", f"{TODOS}/{todo_id}")
        if token in self.live and self._is_found(token, todo_id, response):
            assert response.json() == self.people[token.owner].todos[todo_id]

    @rule(token=tokens, which=whichever, title=st.none() | words, given=fields, guard=guards)
    def change(self, token: Token, which: Which, title: str | None, given: dict[str, Any], guard: Guard) -> None:
        person, todo_id = self.people[token.owner], self._id(token, which)
        changes = given if title is None else {"title": f"{title} {person.secret}", **given}
        response = self._ask(token, "PATCH", f"{TODOS}/{todo_id}", json=changes, headers=self._guarded(todo_id, guard))
        if token in self.live and self._is_found(token, todo_id, response) and self._is_let_in(response, guard):
            before, after = person.todos[todo_id], response.json()
            version = before["version"] + bool(changes)
            assert without_times(after) == without_times(before) | changes | {"version": version}
            assert (after["completed_at"] is not None) == after["completed"]
            person.todos[todo_id] = after

    @rule(token=tokens, which=whichever, guard=guards)
    def delete(self, token: Token, which: Which, guard: Guard) -> None:
        todo_id = self._id(token, which)
        response = self._ask(token, "DELETE", f"{TODOS}/{todo_id}", headers=self._guarded(todo_id, guard))
        if token in self.live and self._is_found(token, todo_id, response) and self._is_let_in(response, guard):
            assert response.status_code == 204
            del self.people[token.owner].todos[todo_id]
            self.deleted.append(todo_id)

    @rule(target=cursors, token=tokens, asked=filters)
    def list_from_the_start(self, token: Token, asked: dict[str, Any]) -> MultipleResults[Cursor]:
        return self._list(token, asked, None)

    @rule(target=cursors, token=tokens, asked=filters, cursor=cursors)
    def list_from_a_cursor(self, token: Token, asked: dict[str, Any], cursor: Cursor) -> MultipleResults[Cursor]:
        return self._list(token, asked, cursor)

    def _id(self, token: Token, which: Which) -> str:
        whose, place = which
        own = self.people[token.owner]
        [other] = [person for person in self.people.values() if person is not own]
        ids = {"own": list(own.todos), "other's": list(other.todos), "deleted": self.deleted, "nobody's": []}[whose]
        return ids[place % len(ids)] if ids else str(uuid4())

    def _add(self, token: Token, title: str, given: dict[str, Any]) -> None:
        person = self.people[token.owner]
        wanted = {"title": f"{title} {person.secret}", **given}
        response = self._ask(token, "POST", TODOS, json=wanted)
        assert response.status_code == 201
        todo: Todo = response.json()
        last = max((known["order"] for known in person.todos.values()), default=0)
        assert {name: todo[name] for name in wanted} == wanted
        assert todo["order"] == given.get("order", last + 1)
        person.todos[todo["id"]] = todo

    def _list(self, token: Token, asked: dict[str, Any], cursor: Cursor | None) -> MultipleResults[Cursor]:
        # Searches would go by relevance.
        parameters = {**asked, "sort": "order"} | ({} if cursor is None else {"cursor": cursor.text})
        response = self._ask(token, "GET", TODOS, params=parameters)
        if token not in self.live:
            return multiple()
        found = [todo for todo in self.people[token.owner].in_order if passes(todo, asked)]
        rest = [todo for todo in found if cursor is None or cursor.is_before(todo)]
        page = rest[: asked["limit"]]
        assert response.json() == page
        assert ("next" in response.links) == (len(rest) > len(page))
        return multiple(*(_cursor(link["url"], page[-1]) for link in response.links.values()))

    def _sign_in(self, name: str, door: str) -> Token:
        client = self.people[name].client
        assert sign_in(client, self.people[name].user["email"], PASSWORD).status_code == 200
        token = Token(name, client.cookies["session_token"], door)
        client.cookies.clear()
        self.live.append(token)
        return token

    def _send(self, token: Token, method: str, path: str, **content: Any) -> httpx2.Response:
        headers = {**content.pop("headers", {}), **token.headers}
        return self.people[token.owner].client.request(method, path, headers=headers, **content)

    def _ask(self, token: Token, method: str, path: str, **content: Any) -> httpx2.Response:
        response = self._send(token, method, path, **content)
        if token not in self.live:
            problem(response, 401, "not_authenticated")
        shown = f"{response.text} {response.headers}"
        strangers = [person for name, person in self.people.items() if name != token.owner or token not in self.live]
        assert not any(secret in shown for person in strangers for secret in person.secrets)
        return response

    def _is_found(self, token: Token, todo_id: str, response: httpx2.Response) -> bool:
        if todo_id in self.people[token.owner].todos:
            return True
        path = f"{TODOS}/{uuid4()}"
        unknown = self._ask(token, response.request.method, path, content=response.request.content, headers=_typed)
        assert response.status_code == 404
        assert _problem_of(response) == _problem_of(unknown)
        return False

    def _is_let_in(self, response: httpx2.Response, guard: Guard) -> bool:
        if guard == "stale":
            problem(response, 412, "stale_version")
        return guard != "stale"

    def _guarded(self, todo_id: str, guard: Guard) -> dict[str, str]:
        versions = [person.todos[todo_id]["version"] for person in self.people.values() if todo_id in person.todos]
        version = versions[0] if versions else 1
        tags_of = {"none": None, "any": "*", "current": f'"{version}"', "stale": f'"{version - 1}", "{version + 1}"'}
        tag = tags_of[guard]
        return {} if tag is None else {"If-Match": tag}


_typed = {"Content-Type": "application/json"}


def _problem_of(response: httpx2.Response) -> dict[str, Any]:
    document: dict[str, Any] = response.json()
    return {name: value for name, value in document.items() if name != "request_id"}


def _cursor(url: str, last: Todo) -> Cursor:
    [text] = parse_qs(urlsplit(url).query)["cursor"]
    return Cursor(text, last["order"], last["id"])


@asynccontextmanager
async def _closing(app: FastAPI) -> AsyncIterator[None]:
    yield
    await resources_of(app).database.close()


@pytest.fixture(scope="module")
def app_of_its_own(environment: dict[str, str]) -> Iterator[Surface]:
    """An app of its own: a pool belongs to one event loop."""
    assert environment
    with serving.in_process(create_app(auth, todos, lifespan=_closing)) as surface:
        yield surface


def test_two_users_never_meet(app_of_its_own: Surface) -> None:
    class OnThisApp(TwoUsers):
        surface = app_of_its_own

    run_state_machine_as_test(
        OnThisApp,
        settings=settings(
            max_examples=25,
            stateful_step_count=40,
            derandomize=True,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],  # to shrink a failure would take minutes
        ),
    )
