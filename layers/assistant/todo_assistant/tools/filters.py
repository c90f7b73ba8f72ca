"""The arguments by which tools select todos, and the list filters that they mean."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from pydantic import Field

from todo_assistant.tools.arguments import DayPhrase, Tags
from todo_assistant.tools.dues import read_days, start_of_day
from todo_assistant.tools.projects import find_project_id
from todo_assistant.tools.registry import Arguments, ToolContext
from todo_core.text import Text
from todo_core.todos.filters import DueBound, Filters
from todo_core.todos.model import Priority
from todo_core.todos.projects import ProjectName
from todo_core.todos.word_forms import number_forms, split_words

_ONE_DAY = timedelta(days=1)


class TodoFilters(Arguments):
    text: Annotated[str, Text(max_length=200)] | None = Field(None, description="Words, or beginnings of words.")
    title_words: Annotated[str, Text(max_length=200)] | None = Field(
        None, description="Whole words of the title, singular or plural."
    )
    tags: Tags = Field(default_factory=list, description="The todo has all of them.")
    completed: bool | None = None
    priority: Priority | None = None
    overdue: bool = False
    upcoming: bool = Field(default=False, description="Open, and due now or later.")
    undated: bool = Field(default=False, description="Without a due date.")
    due_from: DayPhrase | None = Field(None, description="A day or a span, as in `this week`; from its first day on.")
    due_to: DayPhrase | None = Field(None, description="A day or a span; its last day included.")
    completed_from: DayPhrase | None = Field(None, description="When it was done, like due_from.")
    completed_to: DayPhrase | None = Field(None, description="When it was done, like due_to.")
    project: ProjectName | None = Field(None, description="Its name. Subtodos are in the project of their parent.")
    parent_id: UUID | None = Field(None, description="For the subtodos of that todo, at every level.")
    trashed: bool = Field(default=False, description="Search the trash instead.")

    @property
    def selects_open(self) -> bool:
        """Returns whether some filter selects open todos only."""
        return self.overdue or self.upcoming

    @property
    def selects_completed(self) -> bool:
        """Returns whether some filter selects completed todos only."""
        return self.completed_from is not None or self.completed_to is not None


async def to_filters(context: ToolContext, arguments: TodoFilters) -> Filters:
    """Returns the filters of a list. Raises ArgumentRejected for an unreadable phrase or an unknown project."""
    return Filters(
        completed=False if arguments.selects_open else True if arguments.selects_completed else arguments.completed,
        priority=arguments.priority,
        tags=arguments.tags,
        q=arguments.text or None,
        title_words=[" ".join(number_forms(word)) for word in split_words(arguments.title_words)]
        if arguments.title_words
        else (),
        due_from=_start_of_due(context, arguments),
        due_until=_end_of_due(context, arguments),
        undated=arguments.undated,
        completed_from=_first_midnight(context, arguments.completed_from, is_past=True),
        completed_until=_last_midnight(context, arguments.completed_to, is_past=True),
        project_id=await find_project_id(context, arguments.project) if arguments.project else None,
        # Subtodos at every level are known only outside the trash.
        below=None if arguments.trashed else arguments.parent_id,
        parent_id=arguments.parent_id if arguments.trashed else None,
        trashed=arguments.trashed,
        timezone=context.timezone,
    )


def _start_of_due(context: ToolContext, arguments: TodoFilters) -> DueBound | None:
    """Returns the bound from which the todos are due, or None. It is not before now if only upcoming ones are asked."""
    starts = [_first_midnight(context, arguments.due_from)]
    if arguments.upcoming:
        starts.append(DueBound(context.now, context.today))
    return max((start for start in starts if start), key=lambda start: start.at, default=None)


def _end_of_due(context: ToolContext, arguments: TodoFilters) -> DueBound | None:
    """Returns the bound before which the todos are due, or None. It is not after now if overdue ones are asked."""
    ends = [_last_midnight(context, arguments.due_to)]
    if arguments.overdue:
        ends.append(DueBound(context.now, context.today))
    return min((end for end in ends if end), key=lambda end: end.at, default=None)


def _first_midnight(context: ToolContext, phrase: str | None, *, is_past: bool = False) -> DueBound | None:
    """Returns the midnight at which the days of a phrase begin. None if there is no phrase or no first day."""
    first = read_days(context, phrase, is_past=is_past).first if phrase else None
    return start_of_day(context.timezone, first) if first else None


def _last_midnight(context: ToolContext, phrase: str | None, *, is_past: bool = False) -> DueBound | None:
    """Returns the midnight at which the days of a phrase end. None if there is no phrase or no last day."""
    last = read_days(context, phrase, is_past=is_past).last if phrase else None
    return start_of_day(context.timezone, last + _ONE_DAY) if last else None
