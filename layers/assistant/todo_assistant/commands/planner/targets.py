"""Finds the todos that a command means, and asks the user if that is not certain."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from todo_assistant.commands.conversation import Conversation
from todo_assistant.commands.grammar.commands import (
    Complete,
    Delete,
    Describe,
    Filter,
    Reopen,
    Restore,
    Skip,
    TargetCommand,
    Update,
)
from todo_assistant.commands.matching import TitleMatcher, write_word_search
from todo_assistant.commands.planner.plans import Answer, Plan, PlanEnded
from todo_assistant.commands.planner.questions import ask_near, ask_one, ask_which, offer_adding
from todo_assistant.commands.planner.searches import (
    MAX_CHANGED_TODOS,
    Found,
    Matches,
    SearchArguments,
    find_pages,
    find_parent_id,
    match_title,
    search_arguments,
)
from todo_assistant.commands.results import TodoView
from todo_assistant.commands.wording.filters import describe_filter, say_not_found
from todo_assistant.commands.wording.todos import quote, quote_title
from todo_assistant.models.messages import Option

_NOUNS: Final[dict[type[TargetCommand], str]] = {
    Complete: "open todo",
    Skip: "open todo",
    Reopen: "completed todo",
    Restore: "todo in the trash",
}
"""Nouns in the answer when a command finds nothing: `I found no open todo`. Other commands use `todo`."""
_NEVER_A_TODO: Final = re.compile(
    r"(?:done|completed|finished|mark|re-?open|un\w+|rename|snooze|postpone|re-?schedule|de?prioriti[sz]e|prioriti[sz]e"
    r"|tick|delete|trash|restore|i|i've|stop)\b",
    re.IGNORECASE,
)
"""Matches first words with which no title of a todo begins."""
_MAX_ASKED_OPEN_TODOS: Final = 20
_BOTH: Final = 2
_MAX_TITLES: Final = 10
"""The most titles in one command, each of which needs up to three searches."""


@dataclass(frozen=True, slots=True)
class Situation:
    """The sentence for which a plan is made, its conversation, and what the user chose by a reply.

    `chosen` are the todos that the command means, and `parent_id` is the todo under which they move.
    """

    typed: str
    conversation: Conversation
    chosen: Sequence[TodoView] | None = None
    parent_id: str | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """The todos that fit or are near the parts of a target such as `milk, eggs and bread`.

    `missing` are the parts for which there is none. `is_certain` is true if each part fits exactly one todo.
    """

    todos: Sequence[TodoView]
    missing: Sequence[str]
    is_certain: bool


def find_targets(command: TargetCommand, situation: Situation) -> Plan[Found]:
    """Returns the todos that a command means, at least one. Ends the plan with an answer or a question if unsure."""
    target = command.target
    if situation.chosen is not None:
        return _found(situation.chosen)
    if target.numbers:
        return _found(_find_by_number(command, situation))
    if target.reference is not None:
        return _found((yield from _find_by_reference(command, situation)))
    if target.every:
        return (yield from _find_every(command, situation))
    if target.filter.text is not None:
        return _found((yield from _find_by_title(command, situation)))
    found = yield from find_pages((yield from _filter_arguments(command)), page=50)
    return _found(_require_one(command, situation, Matches(found.todos)))


def match_target(command: TargetCommand) -> Plan[Matches]:
    """Returns the todos that fit the title of a target, and near ones, without a question."""
    selected = command.target.filter
    arguments = yield from _filter_arguments(command, with_state=False)
    return (yield from match_title(selected.text or "", arguments, _states(command)))


def match_parts(command: TargetCommand) -> Plan[Parts]:
    """Finds the todos that the parts of a target mean, if its words may be several titles. Uses the first ten parts."""
    arguments = yield from _filter_arguments(command, with_state=False)
    titles = command.target.titles[:_MAX_TITLES]
    candidates: dict[str, TodoView] = {}
    missing: list[str] = []
    is_certain = bool(titles) and len(titles) == len(command.target.titles)
    for title in titles:
        matches = yield from match_title(title, arguments, _states(command))
        found = matches.fitting or matches.near
        candidates |= {todo["id"]: todo for todo in found}
        is_certain = is_certain and len(matches.fitting) == 1
        missing += [] if found else [title]
    return Parts(list(candidates.values()), missing, is_certain)


def _found(todos: Sequence[TodoView]) -> Found:
    return Found(todos, len(todos))


def _find_by_number(command: TargetCommand, situation: Situation) -> list[TodoView]:
    target, listed, touched = command.target, situation.conversation.listed, situation.conversation.touched
    if not listed and touched:
        raise PlanEnded(ask_which("Which one do you mean?", touched, situation.typed, takes_many=_takes_many(command)))
    if not listed:
        raise PlanEnded(Answer("I have not shown a list yet. Type `list` to see one."))
    for number in target.numbers:
        if not 1 <= abs(number) <= len(listed):
            raise PlanEnded(
                Answer(f"There is no number {number} in the list that I showed last. Type `list` to see one.")
            )
    return list({i: listed[i - 1 if i > 0 else i] for i in target.numbers}.values())


def _find_by_reference(command: TargetCommand, situation: Situation) -> Plan[list[TodoView]]:
    """Returns the todos that `it` or `them` means: those that the conversation touched or listed last."""
    touched = _find_focus(command, situation)
    is_clear = {"it": len(touched) == 1, "both": len(touched) == _BOTH, "them": bool(touched)}
    if is_clear[command.target.reference or "it"]:
        return touched
    if len(touched) > 1:
        raise PlanEnded(ask_which("Which one do you mean?", touched, situation.typed, takes_many=_takes_many(command)))
    arguments = yield from _filter_arguments(command)
    found = yield from find_pages(arguments, page=_MAX_ASKED_OPEN_TODOS, most=_MAX_ASKED_OPEN_TODOS)
    if not found.todos:
        raise PlanEnded(Answer("I do not know which todo you mean: there is none."))
    raise PlanEnded(ask_which("Which todo do you mean?", found.todos, situation.typed, takes_many=_takes_many(command)))


def _find_focus(command: TargetCommand, situation: Situation) -> list[TodoView]:
    """Returns the todos to which `it`, `them` or `both` may refer.

    If the last turn touched a single one, `both` and `them` refer to the todos of the turns before, too. Ends the plan
    with a question if these are more than two and the user says `them`.
    """
    touched, recent = list(situation.conversation.touched), list(situation.conversation.recent)
    if command.target.reference == "it" or len(touched) != 1 or len(recent) < _BOTH:
        return touched
    if command.target.reference == "both" or len(recent) == _BOTH:
        return recent[-_BOTH:]
    raise PlanEnded(ask_which("Which ones do you mean?", recent, situation.typed, takes_many=_takes_many(command)))


def _find_every(command: TargetCommand, situation: Situation) -> Plan[Found]:
    selected = command.target.filter
    if selected.text is None:
        found = yield from find_pages((yield from _filter_arguments(command)))
        if not found.todos:
            raise PlanEnded(_answer_not_found(command, situation))
        return found
    arguments = (yield from _filter_arguments(command)) | {"title_words": write_word_search(selected.text)}
    found = yield from find_pages(arguments)
    matcher = TitleMatcher(selected.text)
    fitting = [todo for todo in found.todos if matcher.fits(todo["title"])]
    if fitting:
        return Found(fitting, max(found.total, len(fitting)) if len(found.todos) >= MAX_CHANGED_TODOS else len(fitting))
    matches = yield from match_target(command)
    return _found(_require_one(command, situation, Matches([], matches.near)))


def _find_by_title(command: TargetCommand, situation: Situation) -> Plan[list[TodoView]]:
    matches = yield from match_target(command)
    if not matches.fitting and command.target.titles:
        return (yield from _find_by_titles(command, situation))
    if not matches.fitting and isinstance(command, Complete | Reopen):
        yield from report_unchanged(command)
    return _require_one(command, situation, matches)


def _find_by_titles(command: TargetCommand, situation: Situation) -> Plan[list[TodoView]]:
    """Returns the todos that several titles mean, if each title fits exactly one. Otherwise asks which are meant."""
    if len(command.target.titles) > _MAX_TITLES:
        raise PlanEnded(Answer(f"Please name at most {_MAX_TITLES} todos at once. Nothing was changed."))
    parts = yield from match_parts(command)
    if parts.is_certain:
        return list(parts.todos)
    if not parts.todos:
        raise PlanEnded(_answer_not_found(command, situation))
    lead = f"I found nothing that fits {' or '.join(map(quote, parts.missing))}. " if parts.missing else ""
    raise PlanEnded(ask_which(f"{lead}Which of these do you mean?", parts.todos, situation.typed))


def report_unchanged(command: Complete | Reopen, adding: Option | None = None) -> Plan[None]:
    """Ends the plan if a todo fits that is in the wanted state already.

    If its title has more words than the command names, `adding` is offered: the option to add a new todo.
    """
    is_done, words = isinstance(command, Complete), command.target.filter.text or ""
    arguments = yield from _filter_arguments(command, with_state=False)
    matches = yield from match_title(words, arguments, [is_done])
    if not matches.fitting:
        return
    todo = matches.fitting[0]
    said = f"{quote_title(todo)} is {'done already' if is_done else 'still open'}."
    if adding is None or TitleMatcher(words).is_equal(todo["title"]):
        raise PlanEnded(Answer(said))
    raise PlanEnded(ask_one(f"{said} Shall I {adding.label[0].lower()}{adding.label[1:]}?", adding))


def _require_one(command: TargetCommand, situation: Situation, matches: Matches) -> list[TodoView]:
    """Returns the only todo that fits. Otherwise ends the plan with a question, or with the answer that none fits."""
    takes_many = _takes_many(command)
    if len(matches.fitting) == 1:
        return list(matches.fitting)
    if matches.fitting:
        fit = f"Several todos fit {describe_filter(command.target.filter)}".rstrip()
        lead = f"{fit}. Type a number{', several, or `all`' if takes_many else ''}:"
        raise PlanEnded(ask_which(lead, matches.fitting, situation.typed, takes_many=takes_many))
    if matches.near:
        raise PlanEnded(_ask_near(command, situation, matches.near))
    raise PlanEnded(_answer_not_found(command, situation))


def _ask_near(command: TargetCommand, situation: Situation, near: Sequence[TodoView]) -> Answer:
    others = [offer_adding(situation.typed)] if _may_be_a_todo(command, situation) else []
    said, takes_many = _say_not_found(command), _takes_many(command)
    return ask_near(said, near, situation.typed, takes_many=takes_many, others=others)


def _answer_not_found(command: TargetCommand, situation: Situation) -> Answer:
    said = _say_not_found(command)
    if _may_be_a_todo(command, situation):
        return ask_one(f"{said} Shall I add {quote(situation.typed)} as a new todo?", offer_adding(situation.typed))
    return Answer(f"{said} Type `list` to see what there is.")


def _say_not_found(command: TargetCommand) -> str:
    return say_not_found(_NOUNS.get(type(command), "todo"), command.target.filter)


def _may_be_a_todo(command: TargetCommand, situation: Situation) -> bool:
    """Returns whether the sentence may be the title of a new todo, such as `remove the stains from the carpet`."""
    is_title = command.target.filter.text is not None and not command.target.every
    return is_title and not isinstance(command, Complete | Reopen) and not _NEVER_A_TODO.match(situation.typed)


def _takes_many(command: TargetCommand) -> bool:
    return not isinstance(command, Describe) and not (isinstance(command, Update) and command.title is not None)


def _filter_arguments(command: TargetCommand, *, with_state: bool = True) -> Plan[SearchArguments]:
    """Returns the search arguments of the command's target, without its words."""
    selected = command.target.filter
    arguments = search_arguments(selected, (yield from find_parent_id(selected.parent)))
    if isinstance(command, Restore):
        arguments["trashed"] = True
    is_any_state = command.target.every and isinstance(command, Delete)
    state = selected.completed if is_any_state else _states(command)[0]
    if with_state and state is not None:
        arguments["completed"] = state
    return arguments


def _states(command: TargetCommand) -> list[bool | None]:
    """Returns the states in which a command looks for its todo, the preferred one first. None stands for any state."""
    selected: Filter = command.target.filter
    match command:
        case Complete() | Skip():
            return [False]
        case Reopen():
            return [True]
        case Restore():
            return [None]
        case _ if selected.completed is not None or selected.overdue:
            return [selected.completed if selected.completed is not None else False]
        case _:
            return [False, True]
