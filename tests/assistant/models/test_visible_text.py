"""Reasoning and written tool calls are removed from a model's text, however the text is divided into pieces."""

import pytest

from tests.cpu_time import least_cpu_seconds
from todo_assistant.models.visible_text import VisibleText

CALL = '{"name": "known"}'
TEXTS = [
    ("Hello", "Hello"),
    ("<think>secret</think>Hello", "Hello"),
    ("<think>\nsecret\n</think>\n\nHello", "Hello"),
    ("<think></think>Hello <b>you</b>", "Hello <b>you</b>"),
    ("<thought>secret</thought>Hello", "Hello"),
    ("[THINK]secret[/THINK]Hello", "Hello"),
    ("Well. <think>secret</think>Hello", "Well. Hello"),
    ("<think>secret", ""),
    ("Hello<think>secret", "Hello"),
    ("secret</think>Hello", "Hello"),
    ("I named it “<think>”.", "I named it “<think>”."),
    ("a < b, [x] <thin", "a < b, [x] <thin"),
    (f"Now: <tool_call>{CALL}</tool_call>", "Now: "),
    (f"<tool_call>{CALL}", ""),
    ("<tool_call>{}</tool_call> is a tag", "<tool_call>{}</tool_call> is a tag"),
    ("<tool_call>unknown", "<tool_call>unknown"),
]


def show(text: str, size: int) -> tuple[str, str, int]:
    """Returns the text that was visible piece by piece, the whole visible text, and the number of restarts."""
    visible = VisibleText(lambda inside: inside == CALL)
    shown, restarts = "", 0
    for start in range(0, len(text), size):
        piece = visible.add(text[start : start + size])
        shown = shown * (restarts == visible.restarts) + piece
        restarts = visible.restarts
    shown += visible.finish()
    return shown, visible.text, visible.restarts


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 100])
@pytest.mark.parametrize(("text", "expected"), TEXTS, ids=[text for text, _ in TEXTS])
def test_only_the_visible_part_is_shown(text: str, expected: str, size: int) -> None:
    shown, whole, restarts = show(text, size)
    assert shown == whole == expected
    assert restarts == text.startswith("secret")


@pytest.mark.cpu_time
@pytest.mark.parametrize(
    "text", ["<" * 200_000, "<think>" + "x" * 200_000, "x<tool_call>" * 10_000], ids=["tags", "reasoning", "calls"]
)
def test_long_texts_take_linear_time(text: str) -> None:
    assert least_cpu_seconds(lambda: show(text, 4)) < 2
