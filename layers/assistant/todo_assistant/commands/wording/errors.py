"""Words the failures of tools for the user. The sentences of the tools themselves are for language models."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from todo_assistant.commands.wording.todos import quote

type Failure = Mapping[str, Any]
"""A failed tool result or item: `code` says why, and other members hold the phrase or the name concerned."""

_UNKNOWN_FAILURE: Final = "That did not work, so nothing was changed. Please say it in other words."
_CHANGED_SINCE: Final = "The todos have changed since I asked, so nothing was done. Please say it again."
_SENTENCES: Final[dict[str, Callable[[Failure], str]]] = {
    "refused": lambda _: "All right, nothing was changed.",
    "changed_since": lambda _: _CHANGED_SINCE,
    "todo_not_found": lambda _: "That todo does not exist any more, or it is in the trash.",
    "unreadable_date": lambda failure: f"I do not understand the date {quote(failure['phrase'])}.",
    "unreadable_recurrence": lambda failure: f"I do not understand the recurrence {quote(failure['phrase'])}.",
    "needs_time": lambda _: "A reminder needs a time of the day, as in `tomorrow 9am`.",
    "unknown_project": lambda failure: (
        f"There is no project {quote(failure['name'])}. Type `projects` to see yours, or `new project` and a name."
    ),
    "tag_not_found": lambda failure: f"No todo has the tag {quote(failure['tag'])}.",
    "tag_too_large": lambda failure: (
        f"Too many todos have the tag {quote(failure['tag'])}, so nothing was changed. Change it in the app."
    ),
    "project_exists": lambda failure: f"There is a project {quote(failure['name'])} already.",
    "unknown_parent": lambda _: "The todo above it does not exist any more.",
    "tree_cycle": lambda _: "A todo cannot go under itself or under its own subtodo.",
    "tree_too_deep": lambda _: "Subtodos cannot be nested that deeply.",
    "recurrence_needs_due": lambda _: "A todo that repeats needs a date.",
    "recurrence_never_comes": lambda _: (
        "From that date on, it would never come again. Give another date or recurrence."
    ),
    "does_not_recur": lambda _: "That todo does not repeat, so there is nothing to skip.",
    "recurrence_ends": lambda _: (
        "That is its last time, so there is nothing to skip to. Complete or delete it instead."
    ),
    "too_long": lambda _: "That is too much at once, so nothing was changed.",
    "nothing_to_undo": lambda _: "There is nothing to undo in this conversation.",
    "nothing_to_redo": lambda _: "There is nothing to redo in this conversation.",
    "turn_in_progress": lambda _: "The last command is still running. Please try again in a moment.",
    "turn_undone": lambda _: "That was already undone.",
}


def describe_failure(failure: Failure) -> str:
    """Returns the sentence that tells the user why a tool call or one of its items failed."""
    word = _SENTENCES.get("refused" if failure.get("refused") else str(failure.get("code")))
    return word(failure) if word else _UNKNOWN_FAILURE
