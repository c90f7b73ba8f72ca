"""Patterns for the fields of a todo that users mark in their text: tags, projects and priorities."""

import re
from typing import Final

from todo_assistant.commands.grammar.commands import Priority
from todo_assistant.commands.grammar.quotes import MASK, unquote
from todo_assistant.phrases.languages.tokens import LETTERS

TODO_NOUN: Final = r"(?:to-?dos?|tasks?|items?|things?|ones?|entries|entry|reminders?)"
"""Matches a noun that means a todo: `todo`, `tasks`, or `one` in `the third one`."""
TAG: Final = rf"[#@](?=[\w-]*[^\W\d_])[{LETTERS}-]{{1,50}}(?![{LETTERS}-])"
"""Matches a tag: `#home` and `@home`; not `#42`, which is a number, nor a tag of more than 50 characters."""
PROJECT: Final = rf"/(?:(?=[\w-]*[^\W\d_])[{LETTERS}-]{{1,50}}(?![{LETTERS}/-])|{MASK}+|\"[^\"]+\"|“[^“”]+”)"
"""Matches a project: `/work` and `/"Home office"`; not `24/7` nor `/usr/local`."""
PRIORITY: Final = re.compile(
    r"(?<!\S)(?:!(?P<sign>high|hi|medium|med|low|none|[1-4])|(?P<p>p[1-4])|(?P<bangs>!!!?)"
    r"|priority:? (?P<after>high|medium|low|none)|(?P<before>high|medium|low|no) priority)[,.;]?(?!\S)",
    re.IGNORECASE,
)
"""Finds a priority among other words: `!high`, `!1`, `p1`, `!!!`, `priority high`, `high priority`."""
_PRIORITY_NAMES: Final[dict[str, Priority]] = {
    **dict.fromkeys(("high", "hi", "1", "p1", "!!!"), "high"),
    **dict.fromkeys(("medium", "med", "2", "p2", "!!"), "medium"),
    **dict.fromkeys(("low", "3", "p3"), "low"),
    **dict.fromkeys(("none", "no", "4", "p4"), "none"),
}


def parse_priority(name: str) -> Priority | None:
    """Returns the priority that a word such as `high`, `P1` or `1` names, or None for other words."""
    return _PRIORITY_NAMES.get(name.lower().removeprefix("!"))


def priority_of(found: re.Match[str]) -> Priority:
    """Returns the priority that a match of the pattern PRIORITY names."""
    return _PRIORITY_NAMES[str(found[str(found.lastgroup)]).lower()]


def parse_project_name(words: str) -> str:
    """Returns the name of the project in `/work`, `/"Home office"` or `project work`, without marks and quotes."""
    return unquote(re.sub(r"^(?:/|project )", "", words, flags=re.IGNORECASE))
