"""Undo of calls by MCP: what a tool changed is put back, by the tool `undo_last_turn` and by the REST API."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest

from tests.accounts import CHAT, PROJECTS, TAGS, TODOS, Account
from tests.mcp_client import CAN_ASK, McpClient
from tests.surfaces.api_tokens import bearer, create_token
from todo_assistant.tools.todo_tools import TODO_TOOLS

type Json = dict[str, Any]

_MOVING: Final = {"version", "seq", "updated_at"}
CHANGING: Final = [tool.name for tool in TODO_TOOLS if not tool.traits.reads]


def _of_milk(**arguments: object) -> Callable[[Account, McpClient], Json]:
    def make(ada: Account, _: McpClient) -> Json:
        return {"ids": [ada.add("Milk", tags=["home"], due_date="2040-01-31")["id"]], **arguments}

    return make


def _of_a_done_todo(ada: Account, _: McpClient) -> Json:
    done = ada.add("Milk")
    ada.client.patch(done["url"], json={"completed": True}).raise_for_status()
    return {"ids": [done["id"]]}


def _of_a_deleted_todo(ada: Account, _: McpClient) -> Json:
    deleted = ada.add("Milk")
    ada.delete(deleted["url"])
    return {"ids": [deleted["id"]]}


def _of_a_recurring_todo(ada: Account, _: McpClient) -> Json:
    return {"ids": [ada.add("Water", due_date="2040-01-31", recurrence="FREQ=DAILY")["id"]]}


def _change_milk(ada: Account, _: McpClient) -> Json:
    change = {"id": ada.add("Milk")["id"], "title": "Oat milk", "add_tags": ["shop"], "priority": "high"}
    return {"changes": [change]}


def _of_the_tag(ada: Account, **arguments: str) -> Json:
    ada.add("Milk", tags=["home"])
    return {"tag": "home", **arguments}


def _after_a_call(_: Account, mcp: McpClient) -> Json:
    mcp.add("Milk")
    return {}


def _after_an_undo(_: Account, mcp: McpClient) -> Json:
    mcp.add("Milk")
    mcp.call("undo_last_turn")
    return {}


ARGUMENTS: Final[Mapping[str, Callable[[Account, McpClient], Json]]] = {
    "add_projects": lambda _, __: {"names": ["Home", "Garden"]},
    "add_todos": lambda _, __: {"todos": [{"title": "Milk", "due": "tomorrow", "tags": ["shop"]}]},
    "complete_todos": _of_milk(),
    "delete_tag": lambda ada, _: _of_the_tag(ada),
    "delete_todos": _of_milk(),
    "redo_last_undo": _after_an_undo,
    "rename_tag": lambda ada, _: _of_the_tag(ada, new_tag="house"),
    "reopen_todos": _of_a_done_todo,
    "reschedule_todos": _of_milk(due="feb 1 2041"),
    "restore_todos": _of_a_deleted_todo,
    "skip_todos": _of_a_recurring_todo,
    "undo_last_turn": _after_a_call,
    "update_todos": _change_milk,
}
"""Arguments with which each tool changes something, made with what it changes."""


@pytest.fixture
def mcp(ada: Account) -> McpClient:
    return McpClient(ada.client, bearer(create_token(ada, "todos:read", "todos:write")), CAN_ASK)


def read_state(ada: Account) -> Json:
    """Returns what the person sees, without what each change moves on. The trash keeps a todo that an undo removes."""
    found: Json = {path: ada.client.get(path).raise_for_status().json() for path in (TODOS, PROJECTS, TAGS)}
    return {
        path: [{name: value for name, value in each.items() if name not in _MOVING} for each in listed]
        for path, listed in found.items()
    }


def call_with_yes(mcp: McpClient, tool: str, arguments: Json) -> Json:
    """Calls a tool, says yes if it asks, and returns its result, which is no error."""
    done = mcp.call(tool, arguments)
    if done["resultType"] == "input_required":
        done = mcp.say_yes(tool, arguments, done)
    assert not done["isError"], done
    content: Json = done["structuredContent"]
    return content


def undo_by_tool(tool: str, mcp: McpClient) -> None:
    call_with_yes(mcp, "redo_last_undo" if tool == "undo_last_turn" else "undo_last_turn", {})


@pytest.mark.parametrize("tool", CHANGING)
def test_the_tool_undo_puts_back_what_a_call_changed(mcp: McpClient, ada: Account, tool: str) -> None:
    arguments = ARGUMENTS[tool](ada, mcp)
    before = read_state(ada)
    call_with_yes(mcp, tool, arguments)
    assert read_state(ada) != before
    undo_by_tool(tool, mcp)
    assert read_state(ada) == before


@pytest.mark.parametrize("tool", CHANGING)
def test_an_undo_of_the_turn_puts_back_what_a_call_changed(mcp: McpClient, ada: Account, tool: str) -> None:
    arguments = ARGUMENTS[tool](ada, mcp)
    before = read_state(ada)
    turn_id = call_with_yes(mcp, tool, arguments)["turn_id"]
    assert read_state(ada) != before
    ada.client.post(f"{CHAT}/turns/{turn_id}/undo").raise_for_status()
    assert read_state(ada) == before
