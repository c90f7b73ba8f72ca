"""Runs the items of a tool call, each in a savepoint, and reports a result per item to the model."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from pydantic import JsonValue, ValidationError

from todo_assistant.phrases.dates import UnreadableDate
from todo_assistant.phrases.recurrences import UnreadableRecurrence
from todo_assistant.tools.registry import ToolContext, ToolResult, describe_invalid_arguments, replace_nul
from todo_core.todos.errors import InvalidTodo, TodoNotFound

MAX_ITEMS: Final = 50


class ArgumentRejected(ValueError):
    """A well-formed argument that the tool cannot use, such as an unknown project. The message tells the model why."""


_ITEM_ERRORS: Final = (
    TodoNotFound,
    InvalidTodo,
    UnreadableDate,
    UnreadableRecurrence,
    ArgumentRejected,
    ValidationError,
)


async def run_for_each[Item](
    context: ToolContext, items: Iterable[Item], run: Callable[[Item], Awaitable[dict[str, JsonValue]]]
) -> ToolResult:
    """Runs an action for each item and returns one tool result, which lists the items' results in their order.

    An item that fails with one of `_ITEM_ERRORS` is rolled back, and its result holds the reason. The changes of the
    other items stay.
    """
    results: list[JsonValue] = []
    has_failed = False
    for item in items:
        try:
            async with context.db.savepoint():
                results.append({"ok": True} | await run(item))
        except _ITEM_ERRORS as error:
            has_failed = True
            results.append({"ok": False, "error": _describe_error(error)})
    return ToolResult(ok=not has_failed, result={"results": results})


def _describe_error(error: Exception) -> str:
    """Returns the sentence that tells the model why an item failed."""
    if isinstance(error, ValidationError):
        return describe_invalid_arguments(error)
    if isinstance(error, TodoNotFound):
        return "There is no todo with this id (any more). Find the right id with search_todos."
    return replace_nul(str(error))
