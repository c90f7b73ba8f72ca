"""The users, tokens and cursors of the test with two users, and the Hypothesis strategies for its calls."""

from dataclasses import dataclass, field
from typing import Any, Final, Literal
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx2
from hypothesis import strategies as st
from jose import jwt

from tests.stateful.model import Todo, TodoModel

type JsonTodo = dict[str, Any]
type TodoChoice = tuple[Literal["own", "other's", "deleted", "unknown"], int]
type Precondition = Literal["none", "any", "current", "stale"]


@dataclass
class Person:
    """A user of the test. `todos` has the last response for each todo outside the trash, by id."""

    client: httpx2.Client
    user: dict[str, Any]
    secret: str = field(default_factory=lambda: f"x{uuid4().hex}")
    model: TodoModel = field(default_factory=lambda: TodoModel(ZoneInfo("UTC")))
    todos: dict[str, JsonTodo] = field(default_factory=dict)

    @property
    def listed(self) -> list[JsonTodo]:
        return [self.todos[str(todo.id)] for todo in self.model.live_by_order]

    @property
    def secrets(self) -> list[str]:
        return [self.secret, self.user["id"], self.user["email"]]


@dataclass(frozen=True)
class Token:
    """A session token. `transport` says how requests send it: "cookie" or "bearer"."""

    owner: str
    text: str
    transport: str

    @property
    def session_id(self) -> str:
        return str(jwt.get_unverified_claims(self.text)["sid"])

    @property
    def headers(self) -> dict[str, str]:
        if self.transport == "cookie":
            return {"Cookie": f"session_token={self.text}"}
        return {"Authorization": f"Bearer {self.text}"}


@dataclass(frozen=True)
class Cursor:
    """A cursor for the next page, with the order and id of the last todo before that page."""

    text: str
    order: float
    todo_id: UUID

    def is_before(self, todo: Todo) -> bool:
        return (self.order, self.todo_id) < (todo.order, todo.id)


MIN_LIVE_TOKENS: Final = 4
"""The test logs out only while more tokens than this are valid, so that most calls are authenticated."""

names = st.sampled_from(["ada", "bob"])
todo_choices: st.SearchStrategy[TodoChoice] = st.tuples(
    st.sampled_from(["own", "own", "other's", "deleted", "unknown"]), st.integers(0, 9)
)
words = st.sampled_from(["milk", "bread", "milk bread", "blue milk"])
tags = st.lists(st.sampled_from(["home", "shop"]), unique=True)
preconditions: st.SearchStrategy[Precondition] = st.sampled_from(["none", "none", "any", "current", "stale"])
todo_fields = st.fixed_dictionaries(
    {},
    optional={
        "completed": st.booleans(),
        "priority": st.sampled_from(["none", "high"]),
        "tags": tags,
        "order": st.integers(0, 10**9),
    },
)
list_queries = st.fixed_dictionaries(
    {"limit": st.sampled_from([1, 2, 50])},
    optional={
        "completed": st.booleans(),
        "priority": st.sampled_from(["none", "high"]),
        "tag": tags,
        "q": st.sampled_from(["milk", "mi", "b", "blue mi", "nothing"]),
    },
)


def matches(todo: Todo, query: dict[str, Any]) -> bool:
    """Returns whether a todo passes the filters of a list query."""
    return (
        query.get("completed") in {None, todo.completed_at is not None}
        and query.get("priority") in {None, todo.priority}
        and set(query.get("tag", ())) <= set(todo.tags)
        and all(any(word.startswith(q) for word in todo.title.split()) for q in query.get("q", "").split())
    )


def assert_equals_model(shown: JsonTodo, todo: Todo) -> None:
    """Asserts that title, order, priority, tags, version and completion of a response's todo are those of the model."""
    compared = ("title", "order", "priority", "tags", "version")
    assert {name: shown[name] for name in compared} == {name: getattr(todo, name) for name in compared}
    assert shown["completed"] == (todo.completed_at is not None) == (shown["completed_at"] is not None)
