"""Helpers that send requests to the chat routes and read the responses."""

import json
from typing import Any

import httpx2

from tests.accounts import CHAT, TODOS, Account
from tests.operations import require_valid

type Json = dict[str, Any]


def send_message(account: Account, message: str = "Please.", **fields: object) -> httpx2.Response:
    return account.client.post(CHAT, json={"message": message, **fields})


def run_turn(account: Account, message: str = "Please.", **fields: object) -> Json:
    """Sends a chat message and returns the turn. Fails the test unless the status is 200."""
    response = send_message(account, message, **fields)
    assert response.status_code == 200, response.text
    answer: Json = response.json()
    return answer


def stream_turn(
    account: Account, message: str = "Please.", headers: dict[str, str] | None = None
) -> list[tuple[str, Json]]:
    """Sends a chat message and returns the turn's server-sent events, each with its name and data."""
    streamed = account.client.post(
        CHAT, json={"message": message}, headers={"Accept": "text/event-stream", **(headers or {})}
    )
    assert streamed.status_code == 200, streamed.text
    assert streamed.headers["content-type"].startswith("text/event-stream")
    return parse_events(streamed.text)


def parse_events(text: str) -> list[tuple[str, Json]]:
    """Parses server-sent events into names and data. Ignores comments such as heartbeats, as browsers do.

    Each event must conform to its schema in the OpenAPI document.
    """
    events = []
    for block in text.replace("\r\n", "\n").replace("\r", "\n").split("\n\n"):
        fields = [line.partition(": ")[::2] for line in block.split("\n") if line and not line.startswith(":")]
        if fields:
            [event] = [value for name, value in fields if name == "event"]
            events.append((event, json.loads("\n".join(value for name, value in fields if name == "data"))))
            require_valid({"event": event, "data": events[-1][1]}, "ChatEvent")
    return events


def streamed_text(events: list[tuple[str, Json]]) -> str:
    """Returns the streamed text of a turn. Leaves out attempts of a model request that a retry replaced."""
    last = {event["round"]: event["attempt"] for name, event in events if name == "token"}
    return "".join(
        event["text"] for name, event in events if name == "token" and event["attempt"] == last[event["round"]]
    )


def answer_approval(account: Account, turn_id: str, *, approve: bool) -> httpx2.Response:
    return account.client.post(f"{CHAT}/turns/{turn_id}/approval", json={"approve": approve})


def undo_turn(account: Account, turn_id: str) -> httpx2.Response:
    return account.client.post(f"{CHAT}/turns/{turn_id}/undo")


def new_todos(*titles: str, **fields: object) -> Json:
    """Returns arguments for the tool `add_todos`: a todo for each title, all with the same `fields`."""
    return {"todos": [{"title": title, **fields} for title in titles]}


def find_id(account: Account, title: str) -> str:
    (todo_id,) = [todo["id"] for todo in account.client.get(TODOS).json() if todo["title"] == title]
    return str(todo_id)


def tool_result(answer: Json, number: int = 0) -> Json:
    """Returns the result of one tool call of the turn. `number` counts the calls from 0."""
    result: Json = answer["tool_calls"][number]["result"]
    return result
