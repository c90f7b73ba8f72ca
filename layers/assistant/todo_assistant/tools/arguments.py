"""Argument types that several tools share."""

from typing import Annotated, Final
from uuid import UUID

from pydantic import AfterValidator, Field

from todo_assistant.tools.items import MAX_ITEMS
from todo_assistant.tools.registry import Arguments, Effect, ToolContext
from todo_core.todos.model import Tag, remove_repeats

_MAX_TAGS: Final = 50

Ids = Annotated[
    list[UUID],
    Field(min_length=1, max_length=MAX_ITEMS, description="From results of tools."),
    AfterValidator(remove_repeats),
]
DatePhrase = Annotated[
    str, Field(min_length=1, max_length=100, description="As the user said it: `tomorrow 5pm`, `next friday`.")
]
RecurrencePhrase = Annotated[
    str,
    Field(
        min_length=1,
        max_length=150,
        description="As the user said it: `every weekday at 9am`, `every 2nd tuesday`, `every 3 months until june`. "
        "`every! 3 days` counts from each completion.",
    ),
]
DayPhrase = Annotated[str, Field(min_length=1, max_length=100, description="A day as the user said it.")]
Tags = Annotated[list[Tag], Field(max_length=_MAX_TAGS)]


class TodoIds(Arguments):
    ids: Ids


class ChangedTodoIds(TodoIds):
    async def effect(self, _context: ToolContext) -> Effect:
        """Predicts that the call changes exactly the todos with these ids, and no subtodos."""
        return Effect(self.ids)
