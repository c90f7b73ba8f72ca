"""Asks about the project or the parent of a new todo that the user names, but that does not exist."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from todo_assistant.commands.grammar.commands import NewTodo
from todo_assistant.commands.planner.plans import Answer, Plan, PlanEnded
from todo_assistant.commands.planner.projects import Projects, find_projects
from todo_assistant.commands.planner.questions import format_options, offer_adding
from todo_assistant.commands.planner.searches import match_title
from todo_assistant.commands.wording.todos import quote
from todo_assistant.models.messages import Option, Question

_MAX_PARENT_OPTIONS: Final = 10


def require_named_projects(todos: Sequence[NewTodo], projects: Projects, typed: str) -> None:
    """Ends the plan with a question if a todo names a project that does not exist."""
    new = next((todo for todo in todos if todo.is_place_named and todo.project), None)
    if new is None or new.project is None or projects.find(new.project):
        return
    lead = f"There is no project {quote(new.project)}."
    if len(todos) > 1:
        raise PlanEnded(Answer(f"{lead} Type `new project {new.project}` first."))
    label = f"Add the project {quote(new.project)} and {quote(new.title)} in it"
    adding = Option(label, f'{_write_command(new)} /"{new.project}"')
    whole = new.title_if_no_project or new.title
    question = Question([adding, Option(f"Add {quote(whole)} as a new todo", typed)], takes_yes=True)
    raise PlanEnded(Answer(f"{lead} What shall I do?\n{format_options(question)}", question))


def find_named_parent(todos: Sequence[NewTodo], typed: str) -> Plan[Sequence[NewTodo]]:
    """Returns the todos, in a project if only that has the name of the parent in `to Work add call bob`.

    Ends the plan with a question if not exactly one open todo fits, and there is no such project.
    """
    new = todos[0]
    if len(todos) > 1 or not new.is_place_named or new.parent is None:
        return todos
    matches = yield from match_title(new.parent, {}, [False])
    if len(matches.fitting) == 1:
        return todos
    if project := (yield from find_projects()).find(new.parent):
        return [replace(new, parent=None, project=project)]
    number = "Several open todos fit" if matches.fitting else "I found no open todo that fits"
    parents = [str(todo["title"]) for todo in (*matches.fitting, *matches.near)[:_MAX_PARENT_OPTIONS]]
    question = Question([*(offer_under(new, parent) for parent in dict.fromkeys(parents)), offer_adding(typed)])
    raise PlanEnded(Answer(f"{number} {quote(new.parent)}. What shall I add?\n{format_options(question)}", question))


def offer_under(new: NewTodo, parent: str) -> Option:
    """Returns the option to add the todo under the todo with the title `parent`."""
    message = f'under "{parent}" {_write_command(replace(new, reminder=None))}'
    return Option(f"Add {quote(new.title)} under {quote(parent)}", message)


def _write_command(new: NewTodo) -> str:
    """Returns the command that adds the todo, without its project and its parent."""
    lead = "remind me to" if new.reminder else "add"
    tags = [f"#{tag}" for tag in new.tags]
    priority = f"!{new.priority}" if new.priority else None
    return " ".join(filter(None, [lead, new.title, new.due, new.recurrence, priority, *tags]))
