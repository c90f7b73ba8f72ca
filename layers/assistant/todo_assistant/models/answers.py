"""Parts of an answer that all adapters read in the same way: texts, token counts, and an end that comes too early."""

from collections.abc import Sequence
from typing import Final

from pydantic import JsonValue

from todo_assistant.models.arguments import is_object
from todo_assistant.models.messages import ToolCallRequest

DECLINED: Final = "The model's provider declined to answer this."
CUT_OFF: Final = "The answer was longer than the model may write, so it was cut off."
MAX_COMPLETION_CHARACTERS: Final = 200_000
"""Longer texts and streams are cut, to bound the memory that an endless stream can take."""

_MAX_TOKENS: Final = 10_000_000
"""Larger token counts that an endpoint reports are lowered to this number, because they are impossible."""


def require_text(value: object) -> str:
    """Returns the value if it is a string, and an empty string for None. Raises TypeError for other values."""
    if value is not None and not isinstance(value, str):
        raise TypeError(type(value).__name__)
    return value or ""


def read_content(content: object) -> str:
    """Returns the text of a message's content, which may be a list of parts. Raises TypeError for other values."""
    if not isinstance(content, list):
        return require_text(content)
    return "".join(require_text(require_object(part).get("text")) for part in content)


def require_object(value: object) -> dict[str, JsonValue]:
    """Returns the value if it is an object, and an empty one for None. Raises TypeError for others."""
    if value is not None and not isinstance(value, dict):
        raise TypeError(type(value).__name__)
    return value or {}


def read_token_count(usage: object, *names: str) -> int | None:
    """Returns the first token count of these names, lowered to 10 million, or None without a positive integer."""
    if not isinstance(usage, dict):
        return None
    counts = [usage[name] for name in names if isinstance(usage.get(name), int) and usage[name] > 0]
    return min(counts[0], _MAX_TOKENS) if counts else None


def end_early(content: str, sentence: str) -> str:
    """Returns the text of an answer that ended too early, with a sentence about it as the last paragraph."""
    return "\n\n".join(part for part in (content.rstrip(), sentence) if part)


def without_cut_call(calls: Sequence[ToolCallRequest]) -> Sequence[ToolCallRequest]:
    """Returns the calls of an answer that was cut at its length: the last is left out unless it is complete."""
    return calls if calls and is_object(calls[-1].arguments) else calls[:-1]


class WholeCharacters:
    """Joins the halves of characters beyond 16 bits, which some servers send in two pieces of a stream."""

    def __init__(self) -> None:
        self._half = ""

    def add(self, piece: str) -> str:
        """Returns the piece with the half before it. A half at its end is held back until the next piece."""
        text = self._half + piece
        self._half = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
        return join_halves(text.removesuffix(self._half))


def join_halves(text: str) -> str:
    """Returns the text with each two halves as one character. A half alone stays."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return text
