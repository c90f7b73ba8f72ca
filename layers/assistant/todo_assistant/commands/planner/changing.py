"""Plans the commands that change existing todos."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from pydantic import JsonValue

from todo_assistant.commands.grammar.commands import (
    Complete,
    Delete,
    Describe,
    Either,
    MoveTo,
    Remind,
    Reopen,
    Repeat,
    Reschedule,
    Restore,
    Skip,
    TargetCommand,
    Update,
)
from todo_assistant.commands.matching import TitleMatcher
from todo_assistant.commands.planner.adding import add_todos
from todo_assistant.commands.planner.plans import Answer, Plan, PlanEnded, call, request_call
from todo_assistant.commands.planner.projects import add_missing_projects, find_projects
from todo_assistant.commands.planner.questions import ask_near, ask_which, format_options, offer_adding
from todo_assistant.commands.planner.reminders import Fields, call_with_reminders
from todo_assistant.commands.planner.searches import Found, match_title
from todo_assistant.commands.planner.targets import (
    Situation,
    find_targets,
    match_parts,
    match_target,
    report_unchanged,
)
from todo_assistant.commands.wording.removals import describe_removal
from todo_assistant.commands.wording.results import describe_results
from todo_assistant.commands.wording.todos import describe_todo, quote, quote_title
from todo_assistant.models.messages import Completion, Option, Question

_MAX_TODOS_PER_CALL: Final = 100
_MAX_PARENT_OPTIONS: Final = 10
_MAX_DESCRIBED_REMOVALS: Final = 20
_MAX_REMINDERS: Final = 100
_TOOLS: Final[dict[type[TargetCommand], str]] = {
    Complete: "complete_todos",
    Reopen: "reopen_todos",
    Skip: "skip_todos",
    Reschedule: "reschedule_todos",
    Delete: "delete_todos",
    Restore: "restore_todos",
}
"""Tools that take the ids of todos. All other commands call `update_todos`."""


def change_todos(command: TargetCommand, situation: Situation) -> Plan[Answer]:
    """Changes the todos that a command means."""
    match command:
        case MoveTo():
            return (yield from _move(command, situation))
        case Describe():
            return (yield from _describe(command, situation))
        case Remind():
            return (yield from _remind(command, situation))
        case _:
            found = yield from find_targets(command, situation)
            return (yield from _change(command, found, _changed_fields(command)))


def change_or_add(command: Either, situation: Situation) -> Plan[Answer]:
    """Changes the todo whose title equals the words, or adds a todo if no title is similar; asks in all other cases."""
    change, words = command.change, command.change.target.filter.text
    if situation.chosen is not None or words is None:
        return (yield from change_todos(change, situation))
    if isinstance(change, MoveTo) and change.project and not change.is_certain:
        projects = yield from find_projects()
        if projects.find(change.project) is None:
            return (yield from add_todos(command.add, situation.typed))
    answer = yield from change_if_meant(change, situation)
    return answer or (yield from add_todos(command.add, situation.typed))


def change_if_meant(change: TargetCommand, situation: Situation) -> Plan[Answer | None]:
    """Changes the todo whose title equals the words, asks about similar ones, and returns None if there are none.

    Several todos are changed if each part of the words fits exactly one.
    """
    matches = yield from match_target(change)
    words = change.target.filter.text or ""
    if len(matches.fitting) == 1 and TitleMatcher(words).is_equal(matches.fitting[0]["title"]):
        return (yield from change_todos(change, replace(situation, chosen=matches.fitting)))
    parts = yield from match_parts(change)
    if parts.is_certain and not matches.fitting:
        return (yield from change_todos(change, replace(situation, chosen=parts.todos)))
    adding = offer_adding(situation.typed)
    if todos := matches.fitting or parts.todos:
        lead = "Do you mean a todo that you have, or a new one?"
        return ask_which(lead, todos, situation.typed, others=[adding])
    if isinstance(change, Complete | Reopen):
        yield from report_unchanged(change, adding)
    return ask_near("", matches.near, situation.typed, others=[adding]) if matches.near else None


def _change(command: TargetCommand, found: Found, fields: Fields | None) -> Plan[Answer]:
    """Changes all found todos by calls of one round, so that one approval covers all of them."""
    tool, ids = _TOOLS.get(type(command), "update_todos"), [todo["id"] for todo in found.todos]
    batches = [ids[start : start + _MAX_TODOS_PER_CALL] for start in range(0, len(ids), _MAX_TODOS_PER_CALL)]
    left = found.total - len(ids)
    note = (
        f"{found.total} todos fit. I change at most {len(ids)} at once: say it again for the rest." if left > 0 else ""
    )
    calls = [request_call(tool, _arguments(command, batch, fields)) for batch in batches]
    # The text before the calls is a part of the question for approval, which says what will not be done.
    results = yield Completion(note, calls)
    said = describe_removal(command, results[0]) if len(ids) <= _MAX_DESCRIBED_REMOVALS else None
    return Answer("\n".join(filter(None, [said or describe_results(results), note])))


def _move(command: MoveTo, situation: Situation) -> Plan[Answer]:
    """Moves todos to a project, which is added if it is certain and missing, or under another todo."""
    if command.parent:
        found = yield from find_targets(command, situation)
        parent_id = situation.parent_id or (yield from _find_parent(command.parent, found, situation.typed))
        return (yield from _change(command, found, {"parent_id": parent_id}))
    if not command.project:
        found = yield from find_targets(command, situation)
        fields: Fields = {"project": ""} if command.project == "" else {"to_top_level": True}
        return (yield from _change(command, found, fields))
    projects = yield from find_projects()
    found = yield from find_targets(command, situation)
    if not command.is_certain and projects.find(command.project) is None:
        return _ask_for_project(command.project, found, situation)
    said = yield from add_missing_projects([command.project], projects)
    moved = yield from _change(command, found, {"project": projects.find(command.project)})
    return replace(moved, text=f"{said}{moved.text}")


def _find_parent(words: str, moved: Found, typed: str) -> Plan[str]:
    """Returns the id of the todo under which others move. Ends the plan with a question if not exactly one fits."""
    matches = yield from match_title(words, {}, [False])
    if len(matches.fitting) == 1:
        return str(matches.fitting[0]["id"])
    todos = [*matches.fitting, *matches.near][:_MAX_PARENT_OPTIONS]
    if not todos:
        raise PlanEnded(Answer(f"I found no open todo that fits {quote(words)}. Type `list` to see what there is."))
    options = [Option(describe_todo(todo), typed, UUID(todo["id"])) for todo in todos]
    question = Question(options, moved_ids=[UUID(todo["id"]) for todo in moved.todos])
    raise PlanEnded(Answer(f"Under which todo do you mean?\n{format_options(question)}", question))


def _ask_for_project(name: str, found: Found, situation: Situation) -> Answer:
    """Asks whether to add a missing project, or the whole sentence as a new todo."""
    lead = f"There is no project {quote(name)}."
    if len(found.todos) != 1:
        return Answer(f"{lead} Type `new project {name}` first.")
    todo = found.todos[0]
    label = f"Add the project {quote(name)} and move {quote_title(todo)} to it"
    adding = Option(label, f'move it to /"{name}"', UUID(todo["id"]))
    question = Question([adding, offer_adding(situation.typed)], takes_yes=True)
    return Answer(f"{lead} What shall I do?\n{format_options(question)}", question)


def _remind(command: Remind, situation: Situation) -> Plan[Answer]:
    found = yield from find_targets(command, situation)
    if len(found.todos) > _MAX_REMINDERS:
        return Answer(f"I set at most {_MAX_REMINDERS} reminders at once. Nothing was changed.")
    changes: list[Fields] = [{"id": todo["id"], "reminder": command.when or ""} for todo in found.todos]
    results = yield from call_with_reminders("update_todos", "changes", changes)
    return Answer(describe_removal(command, results[0]) or describe_results(results))


def _describe(command: Describe, situation: Situation) -> Plan[Answer]:
    """Adds a line to the description of a todo."""
    found = yield from find_targets(command, situation)
    read = yield from call("get_todos", {"ids": [found.todos[0]["id"]]})
    [item] = read.items
    if not item["ok"]:
        return Answer(describe_results([read]))
    description = "\n".join(filter(None, [item["todo"]["description"], command.text]))
    return (yield from _change(command, found, {"description": description}))


def _arguments(command: TargetCommand, ids: Sequence[str], fields: Fields | None) -> Fields:
    if fields is not None:
        changes: list[JsonValue] = [{"id": todo_id, **fields} for todo_id in ids]
        return {"changes": changes}
    arguments: Fields = {"ids": [*ids]}
    return arguments | {"due": command.due} if isinstance(command, Reschedule) else arguments


def _changed_fields(command: TargetCommand) -> Fields | None:
    """Returns the fields that a command changes by `update_todos`, or None if it has a tool of its own."""
    match command:
        case Repeat():
            return {"recurrence": command.recurrence or ""}
        case Update():
            return {
                "title": command.title,
                "priority": command.priority,
                "add_tags": list(command.add_tags),
                "remove_tags": list(command.remove_tags),
            }
        case _:
            return None
