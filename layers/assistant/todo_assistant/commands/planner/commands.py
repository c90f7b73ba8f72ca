"""Plans the answer to a message: a reply to an open question, or a command."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from todo_assistant.commands.conversation import Conversation
from todo_assistant.commands.grammar.commands import (
    Add,
    Command,
    DeleteTag,
    Either,
    Find,
    Help,
    Incomplete,
    NewProject,
    NewTodo,
    Overview,
    Projects,
    Redo,
    RenameTag,
    Show,
    Talk,
    Undo,
    Unknown,
    Unsure,
    Untag,
)
from todo_assistant.commands.grammar.help import HELP
from todo_assistant.commands.planner.adding import add_todos
from todo_assistant.commands.planner.asking import find_todos, show_day, show_todos
from todo_assistant.commands.planner.changing import change_or_add, change_todos
from todo_assistant.commands.planner.plans import Answer, Plan, call, request_call
from todo_assistant.commands.planner.questions import ask_messages, format_options
from todo_assistant.commands.planner.targets import Situation
from todo_assistant.commands.planner.unsure import ask_or_change
from todo_assistant.commands.planner.untagging import remove_tag
from todo_assistant.commands.replies import Chosen, Declined, Unclear, choose_by_words, read_reply
from todo_assistant.commands.results import NamedResult
from todo_assistant.commands.wording.results import describe_results
from todo_assistant.models.messages import Completion, Question

type Parse = Callable[[str], Command]
"""Parses a sentence at the time and in the time zone of the turn."""

_MAX_STEPS: Final = 10
_BEGINS_LIKE_AN_ANSWER: Final = re.compile(
    r"(?:yes|yeah|yep|ok|okay|sure|no|nope|not|maybe|perhaps|hm+|wait|only|all|both|none|neither)\b", re.IGNORECASE
)
_BEGINS_WITH_AN_ANSWER: Final = re.compile(r"(?:yes|yeah|ok|okay|no|nope|wait|sorry|oops),", re.IGNORECASE)
"""Matches the beginning of a correction such as `no, to friday`, also if nothing was asked."""
_HALF_AN_ANSWER: Final = "I am not sure what you mean, so nothing was changed. Please say the whole command again."
_NOTHING_CHANGED: Final = "All right, nothing was changed."
_NOT_UNDERSTOOD: Final = """\
I did not understand that, so nothing was changed. Type a todo to add it, for example:
  call mum tomorrow 5pm #family !high
Other commands are `today`, `list`, `done milk`, `move milk to friday` and `undo`. Type `help` to see all of them."""
_ASKS_WHO: Final = re.compile(r"(?:who|what) are you\W*", re.IGNORECASE)
_WHO_I_AM: Final = "I am the assistant of your todo list. I understand fixed commands: type `help` to see them."
_TALK: Final = {
    "greeting": "Hello! Type a todo to add it, `today` to see your day, or `help` to see what I understand.",
    "thanks": "You are welcome.",
    "bye": "Goodbye!",
    "stop": "All right.",
    "yes": "Nothing waits for an answer at the moment.",
    "no": _NOTHING_CHANGED,
}


def plan_message(typed: str, conversation: Conversation, parse: Parse) -> Plan[Answer]:
    """Returns the plan for a message of the user."""
    question = conversation.question
    reply = read_reply(typed, question) if question else None
    command = parse(typed) if reply is None else None
    if question and isinstance(command, Add | Unknown | Incomplete | Either | Unsure):
        reply = choose_by_words(typed, question)
    match reply:
        case Chosen() if question:
            return (yield from _carry_out(reply, question, conversation, parse))
        case Declined():
            return Answer(_NOTHING_CHANGED)
        case Unclear(answer) if question:
            return Answer(f"{answer}\n{format_options(question)}", question)
    command = command or parse(typed)
    if _is_half_an_answer(typed, command, conversation):
        return Answer(_HALF_AN_ANSWER)
    return (yield from _plan_command(command, Situation(typed, conversation)))


def _is_half_an_answer(typed: str, command: Command, conversation: Conversation) -> bool:
    """Returns whether a message seems to answer or to correct the assistant, but is no plain answer and no command."""
    if isinstance(command, Add) and _BEGINS_WITH_AN_ANSWER.match(typed):
        return True
    if not (conversation.question or conversation.waits_for_approval):
        return False
    is_talk = isinstance(command, Talk) and conversation.waits_for_approval
    return is_talk or (isinstance(command, Add | Unsure | Unknown) and _BEGINS_LIKE_AN_ANSWER.match(typed) is not None)


def _carry_out(reply: Chosen, question: Question, conversation: Conversation, parse: Parse) -> Plan[Answer]:
    """Carries out the message of the chosen options, with their todos as its target or as the parent."""
    message = reply.options[0].message
    command = parse(message)
    ids = [str(option.todo_id) for option in reply.options if option.todo_id]
    if not ids:
        added = command.add if isinstance(command, Either | Unsure) else command
        if isinstance(added, Add):
            added = Add(tuple(map(_settle_project, added.todos)))
        return (yield from _plan_command(added, Situation(message, conversation)))
    moved = [str(todo_id) for todo_id in question.moved_ids]
    chosen = [conversation.known.get(todo_id, {"id": todo_id, "title": ""}) for todo_id in moved or ids]
    return (yield from _plan_command(command, Situation(message, conversation, chosen, ids[0] if moved else None)))


def _settle_project(new: NewTodo) -> NewTodo:
    """Returns the todo with the title that the option showed, which includes words that may name a project.

    A project that is called one stays if it exists, and is not asked about again.
    """
    if new.is_place_named and new.project:
        return replace(new, is_place_named=False)
    return replace(new, title=new.title_if_no_project, project=None) if new.title_if_no_project else new


def _plan_command(command: Command, situation: Situation) -> Plan[Answer]:
    match command:
        case Add():
            plan = add_todos(command, situation.typed)
        case Find() | Overview() | Show():
            plan = _look(command, situation)
        case Either():
            plan = change_or_add(command, situation)
        case Unsure():
            plan = ask_or_change(command, situation)
        case Untag():
            plan = remove_tag(command, situation)
        case Undo():
            plan = _repeat_call("undo_last_turn", command.steps)
        case Redo():
            plan = _repeat_call("redo_last_undo", command.steps)
        case Projects() | NewProject() | RenameTag() | DeleteTag():
            plan = _change_projects_and_tags(command)
        case Help() | Talk() | Incomplete() | Unknown():
            plan = _answer_at_once(command)
        case _:
            plan = change_todos(command, situation)
    return plan


def _look(command: Find | Overview | Show, situation: Situation) -> Plan[Answer]:
    match command:
        case Find():
            return (yield from find_todos(command))
        case Overview():
            return (yield from show_day(command))
        case Show():
            return (yield from show_todos(command, situation))


def _answer_at_once(command: Help | Talk | Incomplete | Unknown) -> Plan[Answer]:
    yield from ()
    match command:
        case Help():
            return Answer(HELP)
        case Talk(kind):
            return Answer(_TALK[kind])
        case Incomplete():
            return ask_messages(command.answer, command.options) if command.options else Answer(command.answer)
        case Unknown(text):
            return Answer(_WHO_I_AM if _ASKS_WHO.fullmatch(text) else _NOT_UNDERSTOOD)


def _change_projects_and_tags(command: Projects | NewProject | RenameTag | DeleteTag) -> Plan[Answer]:
    if isinstance(command, Projects):
        result = yield from call("list_projects", {})
    elif isinstance(command, NewProject):
        result = yield from call("add_projects", {"names": [command.name]})
    elif isinstance(command, RenameTag):
        result = yield from call("rename_tag", {"tag": command.tag, "new_tag": command.new_tag})
    else:
        result = yield from call("delete_tag", {"tag": command.tag})
    return Answer(describe_results([result]))


def _repeat_call(tool: str, steps: int) -> Plan[Answer]:
    """Calls a tool once for each step, until a call fails: then there is nothing left to undo or to redo."""
    results: list[NamedResult] = []
    for _ in range(min(steps, _MAX_STEPS)):
        [result] = yield Completion(calls=[request_call(tool, {})])
        results.append(result)
        if result.has_failed:
            break
    return Answer(describe_results(results))
