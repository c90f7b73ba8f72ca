"""Tests of docs/webhooks.md: its examples verify messages, and its tables name all events."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from standardwebhooks import WebhookVerificationError

from todo_core.webhooks.attempts import WebhookMessage
from todo_core.webhooks.model import EVENTS, TEST
from todo_delivery.webhooks.requests import sign

PAGE: Final = (Path(__file__).parents[1] / "docs/webhooks.md").read_text()
SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def block_of(language: str) -> str:
    [code] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(code)


def test_the_example_in_python_verifies_a_message() -> None:
    names: dict[str, Any] = {}
    exec(block_of("python"), names)  # noqa: S102 - the example of the page
    receive: Callable[[bytes, dict[str, str], str], dict[str, Any]] = names["receive"]
    content = b'{"type":"todo.created"}'
    headers = sign(WebhookMessage("", "msg_1", content, [SECRET]), datetime.now(UTC))

    assert receive(content, headers, SECRET) == {"type": "todo.created"}
    with pytest.raises(WebhookVerificationError):
        receive(content, headers, "whsec_AAAA")


def test_the_table_names_all_events() -> None:
    table = PAGE.partition("| `type` |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`([a-z]+\.[a-z]+)`", table)) == {*EVENTS, TEST}
