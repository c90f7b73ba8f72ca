"""Plans the commands that remove a tag which they do not name for certain."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from todo_assistant.commands.grammar.commands import Untag, Update
from todo_assistant.commands.planner.changing import change_todos
from todo_assistant.commands.planner.plans import Answer, Plan, call
from todo_assistant.commands.planner.questions import ask_which, format_options
from todo_assistant.commands.planner.searches import match_title
from todo_assistant.commands.planner.targets import Situation, find_targets
from todo_assistant.commands.results import TodoView
from todo_assistant.commands.wording.results import describe_results
from todo_assistant.commands.wording.todos import quote_title
from todo_assistant.models.messages import Option, Question


def remove_tag(command: Untag, situation: Situation) -> Plan[Answer]:
    """Removes the last word as a tag if a todo fits the other words and has this tag.

    Otherwise all words are the title, and the only tag is removed, or the user chooses among several.
    """
    if situation.chosen is None and command.rest and command.tag:
        tagged = yield from _find_tagged(command.rest, command.tag)
        if len(tagged) > 1:
            return ask_which("Several todos fit. Which one do you mean?", tagged, f"untag it #{command.tag}")
        if tagged:
            return (yield from _remove(command, command.tag, replace(situation, chosen=tagged)))
    found = yield from find_targets(Update(command.target), situation)
    read = yield from call("get_todos", {"ids": [found.todos[0]["id"]]})
    [item] = read.items
    if not item["ok"]:
        return Answer(describe_results([read]))
    todo: TodoView = item["todo"]
    match todo["tags"]:
        case []:
            return Answer(f"{quote_title(todo)} has no tag.")
        case [tag]:
            return (yield from _remove(command, tag, replace(situation, chosen=[todo])))
        case tags:
            return _ask_for_tag(todo, tags)


def _find_tagged(words: str, tag: str) -> Plan[list[TodoView]]:
    """Returns the todos that fit the words and have the tag."""
    return list((yield from match_title(words, {"tags": [tag]}, [False, True])).fitting)


def _remove(command: Untag, tag: str, situation: Situation) -> Plan[Answer]:
    return (yield from change_todos(Update(command.target, remove_tags=(tag,)), situation))


def _ask_for_tag(todo: TodoView, tags: Sequence[str]) -> Answer:
    options = [Option(f"#{tag}", f"untag it #{tag}", UUID(todo["id"])) for tag in tags]
    question = Question(options)
    return Answer(f"Which tag shall I remove from {quote_title(todo)}?\n{format_options(question)}", question)
