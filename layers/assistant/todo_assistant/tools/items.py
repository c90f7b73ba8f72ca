"""Runs the items of a tool call, each in a savepoint, and reports a result per item to the model."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from pydantic import JsonValue, ValidationError

from todo_assistant.tools.registry import ToolContext, ToolResult, describe_failure, describe_invalid_arguments
from todo_assistant.tools.views import describe_todos, name_todo
from todo_core.todos.errors import DoesNotRecur, InvalidTodo, RecurrenceEnds, TodoNotFound
from todo_core.todos.model import Todo

MAX_ITEMS: Final = 100
_MAX_DETAILED_ITEMS: Final = 20
"""The results of a call with more items hold only the ids and titles of todos: a prompt repeats them in every round."""


class ArgumentRejected(ValueError):
    """A well-formed argument that the tool cannot use, such as an unknown project. The message tells the model why.

    `code` and `data` say the same for a program.
    """

    def __init__(self, code: str, sentence: str, **data: str) -> None:
        super().__init__(sentence)
        self.code: Final = code
        self.data: Final = data

    def to_result(self) -> ToolResult:
        """Returns the result of a call that fails as a whole."""
        return ToolResult.failed(self.code, str(self), **self.data)


@dataclass(frozen=True, slots=True)
class ChangedTodo:
    """The result of an item that changed a todo: the todo, and more members of the result."""

    todo: Todo
    more: dict[str, JsonValue] = field(default_factory=dict)


_ITEM_ERRORS: Final = (TodoNotFound, InvalidTodo, DoesNotRecur, RecurrenceEnds, ArgumentRejected, ValidationError)


async def run_for_each[Item](
    context: ToolContext, items: Sequence[Item], run: Callable[[Item], Awaitable[dict[str, JsonValue]]]
) -> ToolResult:
    """Runs an action for each item and returns one tool result, which lists the items' results in their order.

    An item that fails with one of `_ITEM_ERRORS` is rolled back, and its result holds the reason. The changes of the
    other items stay.
    """
    return _to_tool_result([await _run(context, item, run) for item in items])


async def change_each[Item](
    context: ToolContext, items: Sequence[Item], change: Callable[[Item], Awaitable[ChangedTodo]]
) -> ToolResult:
    """Changes a todo for each item, like `run_for_each`. The results of more than 20 items only name their todos.

    These results also leave out further members that are null or false.
    """
    outcomes = [await _run(context, item, change) for item in items]
    todos = [outcome.todo for outcome in outcomes if isinstance(outcome, ChangedTodo)]
    is_long = len(items) > _MAX_DETAILED_ITEMS
    descriptions = iter([name_todo(todo) for todo in todos] if is_long else await describe_todos(context, todos))

    def describe(changed: ChangedTodo) -> dict[str, JsonValue]:
        more = {name: value for name, value in changed.more.items() if value or not is_long}
        return {"todo": next(descriptions), **more}

    return _to_tool_result([describe(outcome) if isinstance(outcome, ChangedTodo) else outcome for outcome in outcomes])


@dataclass(frozen=True, slots=True)
class _Failure:
    """The result of an item that failed, as JSON."""

    result: dict[str, JsonValue]


async def _run[Item, Outcome](
    context: ToolContext, item: Item, run: Callable[[Item], Awaitable[Outcome]]
) -> Outcome | _Failure:
    try:
        async with context.db.savepoint():
            return await run(item)
    except _ITEM_ERRORS as error:
        return _Failure(_describe_error(error))


def _to_tool_result(outcomes: Sequence[dict[str, JsonValue] | _Failure]) -> ToolResult:
    results: list[JsonValue] = [
        {"ok": False} | outcome.result if isinstance(outcome, _Failure) else {"ok": True} | outcome
        for outcome in outcomes
    ]
    return ToolResult(ok=not any(isinstance(outcome, _Failure) for outcome in outcomes), result={"results": results})


def _describe_error(error: Exception) -> dict[str, JsonValue]:
    """Returns the code and the sentence that tell a program and the model why an item failed."""
    match error:
        case ValidationError():
            return describe_failure("invalid", describe_invalid_arguments(error), {})
        case TodoNotFound():
            sentence = "There is no todo with this id (any more). Find the right id with search_todos."
            return describe_failure(error.code, sentence, {})
        case InvalidTodo() | DoesNotRecur() | RecurrenceEnds():
            return describe_failure(error.code, str(error), {})
        case ArgumentRejected():
            return describe_failure(error.code, str(error), error.data)
        case _:
            raise error
