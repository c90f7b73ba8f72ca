"""The messages about changes: types, content, former values, and their bound."""

import json
from copy import replace
from datetime import UTC, datetime
from typing import Any, get_args
from uuid import UUID

import msgspec
import pytest

from todo_core.todos.changes import Change, ChangeKind, Operation
from todo_core.todos.model import Todo
from todo_core.webhooks.events import MAX_CONTENT_BYTES, build_content, find_event, make_message_id
from todo_core.webhooks.model import EVENTS

ID = UUID("0198c5a1-7a10-7b3e-8c55-2f4d0c9e1a22")
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
FIELDS: dict[str, Any] = dict.fromkeys(Todo.__struct_fields__)
TODO = Todo(
    **FIELDS
    | {
        "id": ID,
        "title": "Buy milk",
        "description": "The one in the blue carton",
        "completed": False,
        "priority": "none",
        "tags": ["home"],
        "order": 1.0,
        "version": 2,
        "created_at": NOON,
        "updated_at": NOON,
    }
)
CHANGE = Change(
    seq=7,
    kind="todo",
    todo_id=ID,
    project_id=None,
    tag=None,
    op="update",
    actor="user",
    turn_id=None,
    token_name=None,
    before=TODO,
    after=msgspec.structs.replace(TODO, title="Buy bread", version=3),
    created_at=NOON,
)


def build(change: Change) -> dict[str, Any]:
    event = find_event(change)
    assert event is not None
    content: dict[str, Any] = json.loads(build_content(change, event, "https://api.example.com"))
    return content


def test_a_message_has_type_time_and_the_todo_as_the_api_shows_it() -> None:
    content = build(CHANGE)

    assert (content["type"], content["timestamp"]) == ("todo.updated", "2030-01-01T12:00:00Z")
    assert content["data"]["seq"] == 7
    assert content["data"]["actor"] == {"kind": "user", "turn_id": None}
    assert content["data"]["todo"] == {
        **json.loads(msgspec.json.encode(CHANGE.after)),
        "url": f"https://api.example.com/api/v1/todos/{ID}",
    }
    assert content["data"]["before"] == {"title": "Buy milk", "version": 2}
    assert "truncated" not in content["data"]


def test_a_created_todo_has_no_former_values() -> None:
    content = build(replace(CHANGE, op="create", before=None))
    assert (content["type"], content["data"]["before"]) == ("todo.created", None)


def test_the_name_of_an_api_token_is_told() -> None:
    actor = build(replace(CHANGE, actor="token", token_name="Phone"))["data"]["actor"]
    assert actor == {"kind": "token", "turn_id": None, "token": "Phone"}


@pytest.mark.parametrize(
    ("kind", "op", "event"),
    [
        ("todo", "create", "todo.created"),
        ("todo", "update", "todo.updated"),
        ("todo", "complete", "todo.completed"),
        ("todo", "reopen", "todo.updated"),
        ("todo", "delete", "todo.deleted"),
        ("todo", "restore", "todo.restored"),
        ("todo", "reminder", "reminder.due"),
        ("todo", "skip", "todo.updated"),
        ("todo", "purge", None),
        ("project", "create", "project.created"),
        ("project", "update", "project.updated"),
        ("project", "delete", "project.deleted"),
        ("tag", "rename", "tag.renamed"),
        ("tag", "delete", "tag.deleted"),
    ],
)
def test_each_change_has_its_event(kind: ChangeKind, op: Operation, event: str | None) -> None:
    assert find_event(replace(CHANGE, kind=kind, op=op)) == event


def test_every_operation_is_an_event_or_left_out_on_purpose() -> None:
    found = {
        find_event(replace(CHANGE, op=op)) for op in get_args(Operation.__value__) if op not in {"purge", "rename"}
    }
    assert None not in found
    assert found <= set(EVENTS)


@pytest.mark.parametrize(
    ("before", "after", "truncated"),
    [
        ("x" * 16_384, "y" * 16_384, None),
        ("🥛" * 16_384, "y", ["before.description"]),
        ("🥛" * 16_384, "🍞" * 16_384, ["before.description", "todo.description"]),
        (None, "🍞" * 16_384, ["todo.description"]),
    ],
)
def test_a_message_has_64_kb_at_most(before: str | None, after: str, truncated: list[str] | None) -> None:
    tags = [f"{number:02}{'🥛' * 48}" for number in range(50)]
    was = msgspec.structs.replace(TODO, description=before, tags=[], title="🥛" * 500)
    now = msgspec.structs.replace(TODO, description=after, tags=[] if truncated is None else tags, title="🍞" * 500)
    change = replace(CHANGE, before=was, after=now)
    content = build_content(change, "todo.updated", "https://api.example.com")

    assert len(content) <= MAX_CONTENT_BYTES
    data = json.loads(content)["data"]
    assert data.get("truncated") == truncated
    assert (data["todo"]["description"] is None) == ("todo.description" in (truncated or []))


def test_the_id_is_that_of_webhook_and_change() -> None:
    assert make_message_id(ID, 7) == "msg_0198c5a17a107b3e8c552f4d0c9e1a22_7"
