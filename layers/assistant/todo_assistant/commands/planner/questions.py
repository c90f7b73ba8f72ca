"""Questions with numbered options, which the next message of the user may answer."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from todo_assistant.commands.planner.plans import Answer
from todo_assistant.commands.results import TodoView
from todo_assistant.commands.wording.todos import describe_todo, quote, quote_title
from todo_assistant.models.messages import Option, Question

_MAX_OPTIONS: Final = 20
CHANGES: Final = "`done it`, `move it to friday` or `delete it`"
"""Examples of commands for the todo that a question is about."""


def ask_which(
    lead: str, todos: Sequence[TodoView], message: str, *, takes_many: bool = True, others: Sequence[Option] = ()
) -> Answer:
    """Asks which of the todos the command `message` means. At most 20 of them are options.

    `others` are further options that need no todo.
    """
    options = [Option(describe_todo(todo), message, UUID(todo["id"])) for todo in todos[:_MAX_OPTIONS]]
    more = f"\n... and {len(todos) - _MAX_OPTIONS} more: say more of the title." if len(todos) > _MAX_OPTIONS else ""
    question = Question([*options, *others], takes_many and len(options) > 1)
    return Answer(f"{lead}\n{format_options(question)}{more}", question)


def ask_near(
    said: str, near: Sequence[TodoView], message: str, *, takes_many: bool = True, others: Sequence[Option] = ()
) -> Answer:
    """Asks whether the command `message` means one of the todos, of which no title fits. `yes` means a single one.

    `others` are further options that need no todo. `said` is a sentence before the question.
    """
    if len(near) > 1:
        lead = f"{said} Did you mean one of these?".strip()
        return ask_which(lead, near, message, takes_many=takes_many, others=others)
    lead = f"{said} Did you mean {quote_title(near[0])}?".strip()
    meant = Option(describe_todo(near[0]), message, UUID(near[0]["id"]))
    if not others:
        return ask_one(lead, meant)
    question = Question([meant, *others], takes_yes=True)
    return Answer(f"{lead}\n{format_options(question)}", question)


def ask_one(lead: str, option: Option) -> Answer:
    """Asks a question that `yes` or `no` answers."""
    return Answer(f"{lead} Type `yes` or `no`.", Question([option]))


def ask_about_related(todos: Sequence[TodoView], typed: str, adding: Option) -> Answer:
    """Asks what to do with the todos that an uncertain line may be about. `adding` is the option to add the line."""
    if len(todos) > 1:
        lead = "I am not sure what you mean. Which one is it about?"
        return ask_which(lead, todos, typed, takes_many=False, others=[adding])
    lead = f"I am not sure what to do with {quote_title(todos[0])}. Say {CHANGES}, or shall I add"
    return ask_one(f"{lead} {quote(typed)} as a new todo?", adding)


def format_options(question: Question) -> str:
    """Returns a numbered line for each option."""
    return "\n".join(f"{number}. {option.label}" for number, option in enumerate(question.options, start=1))


def offer_adding(typed: str) -> Option:
    """Returns the option to add the user's sentence as a new todo, instead of carrying it out as a command."""
    return Option(f"Add {quote(typed)} as a new todo", f"add {typed}")


def ask_messages(lead: str, messages: Sequence[str]) -> Answer:
    """Asks which of several whole messages the user means."""
    question = Question([Option(message, message) for message in messages])
    return Answer(f"{lead}\n{format_options(question)}", question)
