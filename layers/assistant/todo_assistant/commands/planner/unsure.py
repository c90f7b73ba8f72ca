"""Plans the questions about lines that are neither a certain command nor a certain title."""

import re
from typing import Final
from uuid import UUID

from todo_assistant.commands.grammar.commands import MoveTo, TargetCommand, Unsure
from todo_assistant.commands.planner.changing import change_if_meant, change_todos
from todo_assistant.commands.planner.plans import Answer, Plan
from todo_assistant.commands.planner.projects import find_projects
from todo_assistant.commands.planner.questions import CHANGES, ask_about_related, ask_one, offer_adding
from todo_assistant.commands.planner.searches import find_related
from todo_assistant.commands.planner.targets import Situation
from todo_assistant.commands.results import TodoView
from todo_assistant.commands.wording.todos import quote, quote_title
from todo_assistant.models.messages import Option

_CUT_STATEMENT: Final = re.compile(r" (?:is|are|was|were|be|to|at|on|now|instead)$", re.IGNORECASE)
"""Finds the end of a statement from which a date or a priority was taken: `rent is`."""


def ask_or_change(command: Unsure, situation: Situation) -> Plan[Answer]:
    """Asks about a line that may be a new todo or be about an open one.

    The command that the line may be is carried out if the title of a todo equals its words.
    """
    if situation.chosen is not None:
        return (yield from _treat_chosen(command, situation))
    if command.change is not None and (yield from _is_possible(command.change)):
        answer = yield from change_if_meant(command.change, situation)
        if answer:
            return answer
    related = yield from find_related(situation.typed, command.subject)
    adding = _offer_adding(command, situation.typed)
    if related:
        return ask_about_related(related, situation.typed, adding)
    return ask_one(f"Shall I add {quote(situation.typed)} as a new todo?", adding)


def _is_possible(change: TargetCommand) -> Plan[bool]:
    """Returns whether the project exists out of which the words take a todo: `take the laundry out of the dryer`."""
    project = change.target.filter.project
    if not isinstance(change, MoveTo) or project is None:
        return True
    return (yield from find_projects()).find(project) is not None


def _offer_adding(command: Unsure, typed: str) -> Option:
    """Returns the option to add the line. A statement of which a field was taken out stays whole as a title."""
    adding, title = offer_adding(typed), command.add.todos[0].title
    is_cut = title != typed and _CUT_STATEMENT.search(title) is not None and '"' not in typed
    return Option(adding.label, f'add "{typed}"') if is_cut else adding


def _treat_chosen(command: Unsure, situation: Situation) -> Plan[Answer]:
    if command.change is not None:
        return (yield from change_todos(command.change, situation))
    return _ask_what_to_do((situation.chosen or [])[0])


def _ask_what_to_do(todo: TodoView) -> Answer:
    title = quote_title(todo)
    completing = Option(f"Complete {title}", "done it", UUID(todo["id"]))
    return ask_one(f"Shall I complete {title}? Else say what to do: {CHANGES}.", completing)
