"""The todos to which the words of a user may refer: `it`, `them`, and the numbers of the list shown last."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from todo_assistant.commands.results import PastTurn, TodoView
from todo_assistant.models.messages import Question
from todo_assistant.turns.history import UNANSWERED_APPROVAL

_MAX_RECENT_TODOS: Final = 10


@dataclass(frozen=True, slots=True)
class Conversation:
    """The context of the turns before the current one.

    `listed` are the todos of the numbered list that the user saw last, None if there was none. `touched` are those that
    the conversation changed, added or listed last. `question` is the question of the turn before.
    `waits_for_approval` is true if the turn before asked for an approval. `recent` are the todos that the last turns
    changed or added, at most ten and the newest last. The turns before a list or a question do not count.
    """

    listed: Sequence[TodoView] | None = None
    touched: Sequence[TodoView] = ()
    question: Question | None = None
    waits_for_approval: bool = False
    recent: Sequence[TodoView] = ()
    known: dict[str, TodoView] = field(default_factory=dict)
    """The todos of all tool results in the conversation, by id."""


def read_conversation(turns: Sequence[PastTurn]) -> Conversation:
    """Returns the context that these earlier turns leave. The last turn is the most recent one."""
    known = {
        str(todo["id"]): todo for turn in turns for result in turn.results for todo in (*result.todos, *result.changed)
    }
    listed: Sequence[TodoView] | None = None
    touched: Sequence[TodoView] = ()
    for turn in reversed(turns):
        shown = _find_shown(turn, known)
        touched = touched or _find_changed(turn, known) or shown or ()
        listed = shown if listed is None and _is_numbered(turn) else listed
        if listed is not None and touched:
            break
    question = turns[-1].question if turns else None
    waits = bool(turns) and turns[-1].answer == UNANSWERED_APPROVAL
    return Conversation(listed, touched, question, waits, _find_recent(turns, known), known)


def _find_recent(turns: Sequence[PastTurn], known: dict[str, TodoView]) -> list[TodoView]:
    recent: dict[str, TodoView] = {}
    for turn in reversed(turns):
        changed = _find_changed(turn, known)
        if len(recent) >= _MAX_RECENT_TODOS or (not changed and _find_shown(turn, known)):
            break
        recent |= {todo["id"]: todo for todo in changed if todo["id"] not in recent}
    return list(recent.values())[:_MAX_RECENT_TODOS][::-1]


def _find_changed(turn: PastTurn, known: dict[str, TodoView]) -> list[TodoView]:
    """Returns the todos that a turn changed, or those of its calls that wait for the user's approval."""
    changed = [todo for result in turn.results for todo in result.changed]
    if not changed and turn.question is None:
        changed = [
            known.get(todo_id, {"id": todo_id, "title": ""}) for done in turn.rounds for todo_id in done.called_ids
        ]
    return list({todo["id"]: todo for todo in changed}.values())


def _find_shown(turn: PastTurn, known: dict[str, TodoView]) -> list[TodoView] | None:
    """Returns the todos that the answer of a turn shows: the options of its question, or a list of search results.

    A search whose results the answer does not name only served to find the todos of a command.
    """
    if turn.question is not None:
        ids = [str(option.todo_id) for option in turn.question.options if option.todo_id]
        named = {todo["id"]: todo for result in turn.results for todo in result.todos if _names(turn.answer, todo)}
        return [known.get(todo_id, {"id": todo_id, "title": ""}) for todo_id in ids] or list(named.values()) or None
    found = [todo for result in turn.results for todo in result.todos]
    return found if found and _names(turn.answer, found[0]) else None


def _names(answer: str, todo: TodoView) -> bool:
    return f"“{todo['title']}”" in answer


def _is_numbered(turn: PastTurn) -> bool:
    return turn.answer.startswith("1. ") or "\n1. " in turn.answer
