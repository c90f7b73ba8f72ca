"""Whole conversations of the official clients, in which each request lands on a new process."""

import json
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from tests.mcp.conftest import Gateway
from tests.mcp.conversation import converse

FOLDER: Final = Path(__file__).parents[1] / "javascript/mcp"
PYTHON: Final = {"python": "auto", "python before": "legacy"}
"""The official client in Python, and its mode for the revision before the newest."""
BEFORE: Final = {"python before", "sdk"}
"""Clients that speak the revision before the newest. The package `sdk` of npm speaks no other."""
REQUESTS: Final = 20


@pytest.mark.parametrize("client", [*PYTHON, "client", "sdk"])
def test_a_whole_conversation(gateway: Gateway, client: str) -> None:
    seen = hold(gateway, client)

    assert "undo_last_turn" in seen["instructions"]
    assert len(seen["tools"]) == 18
    assert seen["added"] == ["Milk", "Bread"]
    assert seen["completed"]
    assert seen["refused"]["isError"]
    assert seen["afterNo"] == ["Milk", "Bread"]
    if client in BEFORE and gateway.surface == "emulator":
        assert_refused_without_a_question(seen)
    else:
        assert seen["questions"] == ["This needs your approval: delete “Milk”."] * 2
        assert not seen["deleted"]["isError"]
        assert (seen["afterYes"], seen["undone"], seen["afterUndo"]) == (["Bread"], ["Milk"], ["Milk", "Bread"])
    assert seen["resources"] == ["todo://today", "todo://overdue"]
    assert seen["templates"] == ["todo://projects/{id}"]
    assert seen["today"]["due"] == []
    assert seen["prompts"] == ["plan_my_day", "weekly_review"]
    assert "tomorrow" in seen["prompt"]
    assert seen["completion"] == ["today", "tomorrow"]
    assert "Unknown tool: no_such_tool" in seen["unknown"]
    assert seen["problems"] == []
    assert gateway.processes.served >= REQUESTS


def assert_refused_without_a_question(seen: dict[str, Any]) -> None:
    """Checks that a client of the revision before was not asked: on Lambda a response cannot wait."""
    assert seen["questions"] == []
    assert "in the app" in seen["deleted"]["error"]
    assert (seen["afterYes"], seen["undone"], seen["afterUndo"]) == (["Milk", "Bread"], ["Bread"], ["Milk", "Bread"])


def hold(gateway: Gateway, client: str) -> dict[str, Any]:
    """Holds the conversation, and returns what the client saw."""
    if client in PYTHON:
        return converse(PYTHON[client], gateway.url, gateway.token)
    command = ("node", "conversation.mjs", client, gateway.url, gateway.token)
    ran = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False, timeout=600)
    assert ran.returncode == 0, ran.stderr
    seen: dict[str, Any] = json.loads(ran.stdout)
    return seen
