"""Plans the commands that add todos."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from todo_assistant.commands.grammar.commands import Add, NewTodo
from todo_assistant.commands.matching import TitleMatcher, write_word_search
from todo_assistant.commands.planner.places import find_named_parent, offer_under, require_named_projects
from todo_assistant.commands.planner.plans import Answer, Plan, PlanEnded, call
from todo_assistant.commands.planner.projects import Projects, add_missing_projects, find_projects
from todo_assistant.commands.planner.questions import ask_about_related, format_options, offer_adding
from todo_assistant.commands.planner.reminders import Fields, call_with_reminders
from todo_assistant.commands.planner.searches import find_related, match_title
from todo_assistant.commands.wording.results import describe_results
from todo_assistant.commands.wording.todos import describe_todo, quote
from todo_assistant.models.messages import Option, Question

_MAX_ADDED_TODOS: Final = 100
_MAX_TITLE_CHARACTERS: Final = 500
_MAX_EQUAL_TITLES: Final = 10


def add_todos(command: Add, typed: str) -> Plan[Answer]:
    """Adds todos, after the projects that they name and that do not exist yet. `typed` is the user's sentence."""
    _require_bounds(command.todos)
    if command.subject is not None:
        yield from _ask_about_subject(command, command.subject, typed)
    todos = yield from find_named_parent(command.todos, typed)
    said = ""
    if any(todo.project for todo in todos):
        projects = yield from find_projects()
        require_named_projects(todos, projects, typed)
        yield from _ask_for_parent(todos, projects, typed)
        todos = [_place(todo, projects) for todo in todos]
        said = yield from add_missing_projects([todo.project for todo in todos if todo.project], projects)
        todos = [replace(todo, project=projects.find(todo.project)) if todo.project else todo for todo in todos]
    parents = yield from _find_parents(todos)
    added = yield from call_with_reminders("add_todos", "todos", [_arguments_of(todo, parents) for todo in todos])
    return Answer(f"{said}{describe_results(added)}")


def _require_bounds(todos: Sequence[NewTodo]) -> None:
    if len(todos) > _MAX_ADDED_TODOS:
        message = f"These are {len(todos)} todos, and I add at most {_MAX_ADDED_TODOS} at once. Nothing was added."
        raise PlanEnded(Answer(message))
    if any(len(todo.title) + len(todo.parent or "") > _MAX_TITLE_CHARACTERS for todo in todos):
        message = f"A title may have at most {_MAX_TITLE_CHARACTERS} characters. Nothing was added."
        raise PlanEnded(Answer(message))


def _place(todo: NewTodo, projects: Projects) -> NewTodo:
    """Returns the todo without its project if that does not exist and its words may belong to the title instead."""
    if todo.title_if_no_project is None or todo.project is None or projects.find(todo.project):
        return todo
    return replace(todo, title=todo.title_if_no_project, project=None)


def _ask_for_parent(todos: Sequence[NewTodo], projects: Projects, typed: str) -> Plan[None]:
    """Ends the plan with a question if `add flour to bake cake` names a todo where a project is expected."""
    new = todos[0]
    title, words = new.title_if_no_project, new.project
    if len(todos) > 1 or title is None or words is None or projects.find(words):
        return
    matches = yield from match_title(words, {}, [False])
    parent = next((todo["title"] for todo in matches.fitting), "")
    if not TitleMatcher(words).is_equal(parent):
        return
    adding = offer_under(new, parent)
    question = Question([adding, Option(f"Add {quote(title)} as a new todo", typed)])
    raise PlanEnded(Answer(f"What shall I add?\n{format_options(question)}", question))


def _ask_about_subject(command: Add, subject: str, typed: str) -> Plan[None]:
    """Ends the plan with a question if an open todo has the title that a line may be about: `dentist friday`."""
    adding, new = offer_adding(typed), command.todos[0]
    if new.due is None or new.title != subject:
        if related := (yield from find_related(typed, subject)):
            raise PlanEnded(ask_about_related(related, typed, adding))
        return
    words = write_word_search(subject)
    found = yield from call("search_todos", {"completed": False, "title_words": words, "limit": _MAX_EQUAL_TITLES})
    matcher = TitleMatcher(subject)
    equal = [todo for todo in found.todos if matcher.is_equal(todo["title"])]
    if not equal:
        return
    moving = [
        Option(f"Move {describe_todo(todo)} to {new.due}", f"move it to {new.due}", UUID(todo["id"])) for todo in equal
    ]
    question = Question([*moving, adding])
    raise PlanEnded(
        Answer(f"You have {quote(subject)} already. What shall I do?\n{format_options(question)}", question)
    )


def _find_parents(todos: Sequence[NewTodo]) -> Plan[dict[str, str]]:
    """Returns the ids of the parents that the todos name, by the words for them. Uncertain words are left out."""
    parents: dict[str, str] = {}
    for words in dict.fromkeys(todo.parent for todo in todos if todo.parent):
        matches = yield from match_title(words, {}, [False])
        if len(matches.fitting) == 1:
            parents[words] = matches.fitting[0]["id"]
    return parents


def _arguments_of(new: NewTodo, parents: dict[str, str]) -> Fields:
    parent_id = parents.get(new.parent) if new.parent else None
    # If the words after "under" fit no open todo, they belong to the title of the new todo: "look under bed".
    title = f"{new.title} under {new.parent}" if new.parent and parent_id is None else new.title
    return {
        "title": title,
        "due": new.due,
        "recurrence": new.recurrence,
        "reminder": new.reminder,
        "priority": new.priority,
        "tags": list(new.tags),
        "project": new.project,
        "parent_id": parent_id,
    }
