"""Tools take lists and answer per item."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from pydantic import JsonValue, ValidationError

from todo_assistant.phrases.dates import UnreadableDate
from todo_assistant.phrases.recurrences import UnreadableRecurrence
from todo_assistant.tools.registry import ToolContext, ToolResult, sentence_of
from todo_core.todos.errors import InvalidTodo, TodoNotFound

MOST_ITEMS: Final = 50


class Unfit(ValueError):
    """What an argument says cannot be done; the message tells the model what can."""


_FAULTS: Final = (TodoNotFound, InvalidTodo, UnreadableDate, UnreadableRecurrence, Unfit, ValidationError)


async def for_each[Item](
    context: ToolContext, items: Iterable[Item], act: Callable[[Item], Awaitable[dict[str, JsonValue]]]
) -> ToolResult:
    """The results in the order of the items; one that fails says why, and does not keep the others from being done."""
    results: list[JsonValue] = []
    failed = False
    for item in items:
        try:
            async with context.db.savepoint():
                results.append({"ok": True} | await act(item))
        except _FAULTS as error:
            failed = True
            results.append({"ok": False, "error": _advice(error)})
    return ToolResult(ok=not failed, result={"results": results})


def _advice(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return sentence_of(error)
    if isinstance(error, TodoNotFound):
        return "There is no todo with this id (any more). Find the right id with search_todos."
    # It may quote what the model wrote; PostgreSQL's JSON cannot hold a NUL.
    return str(error).replace("\0", "\ufffd")
