"""Rules for commands that list or search todos, and for questions about them."""

import re
from typing import Final

from todo_assistant.commands.grammar.commands import Filter, Find, Overview
from todo_assistant.commands.grammar.fields import parse_priority
from todo_assistant.commands.grammar.quick_add import parse_quick_add
from todo_assistant.commands.grammar.quotes import is_quoted, unquote
from todo_assistant.commands.grammar.rules import always, compile_rules
from todo_assistant.commands.grammar.spans import IsReadable
from todo_assistant.commands.grammar.targets import TODO_NOUN, take_tags
from todo_assistant.phrases.recurrences import is_recurrence_phrase

_COMPLETED_BY_STATE: Final = {"done": True, "completed": True, "finished": True, "closed": True, "open": False}
_FILTER: Final = re.compile(
    r"(?:for |me\b ?)?(?:(?:all|everything|anything|every)\b ?)?(?:of )?(?:(?:my|the)\b ?)?"
    r"(?P<trashed>(?:trash|trashed|deleted|bin)(?!\S))? ?"
    r"(?P<state>(?:overdue|open|done|completed|finished|closed)(?!\S))? ?"
    r"(?P<priority>(?:high|medium|low|p[1-4])(?!\S))? ?(?:priority(?!\S))? ?"
    rf"(?:(?:{TODO_NOUN}|list|due)(?!\S))? ?(?P<text>.*?)(?: ?\b{TODO_NOUN})?",
    re.IGNORECASE,
)
"""Matches the words after a verb such as `list`: `all my overdue tasks`, `high priority todos`, `trash`, `milk`."""


def _parse_filter(words: str, is_readable: IsReadable, *, completed: bool | None = False) -> Find:
    """Returns the search that the words after a verb describe.

    `completed` is the filter if the words name no state. In the trash, words without a state find todos of any state.
    """
    if is_quoted(words):
        return Find(Filter(text=unquote(words), completed=completed))
    rest, tags = take_tags(words)
    # Takes no recurrences out of the text: todos cannot be searched by them, so `weekly` stays a search word.
    parsed = parse_quick_add(rest, lambda phrase: not is_recurrence_phrase(phrase) and is_readable(phrase))
    found = _FILTER.fullmatch(parsed.title)
    if found is None:
        return Find(Filter(text=parsed.title, completed=completed, project=parsed.project))
    state = (found["state"] or "").lower()
    default = None if found["trashed"] else completed
    return Find(
        Filter(
            text=found["text"] or None,
            tags=(*tags, *parsed.tags),
            priority=parsed.priority or parse_priority(found["priority"] or ""),
            completed=_COMPLETED_BY_STATE.get(state, default),
            overdue=state == "overdue",
            due=parsed.due,
            trashed=bool(found["trashed"]),
            project=parsed.project,
        )
    )


def _parse_list(found: re.Match[str], is_readable: IsReadable) -> Find:
    return _parse_filter(found[1] or "", is_readable)


def _parse_show(found: re.Match[str], is_readable: IsReadable) -> Find | None:
    """Parses `show my todos`. Returns None for words with other text and a date: `show mum the photos on sunday`."""
    command = _parse_list(found, is_readable)
    return None if command.filter.text and command.filter.due else command


def _parse_search(found: re.Match[str], is_readable: IsReadable) -> Find:
    """Parses `find milk`, which searches open and completed todos, unless the words name a state."""
    return _parse_filter(found[1], is_readable, completed=None)


def _parse_question(found: re.Match[str], is_readable: IsReadable) -> Find | None:
    """Parses a question about todos by day, tag, state or another filter.

    Returns None if the question has other words, because it is then not about todos.
    """
    command = _parse_filter(found[1] or "", is_readable)
    return None if command.filter.text else command


_WHAT_IS: Final = r"(?:what\W?s|what is|what are)"
"""Matches the start of a question: `what's`, `what is`, `what are`."""
_OVERVIEW: Final = (
    r"(?:show )?(?:me )?(?:(?:my |the )?(?:overview|agenda)|my day|today\W?s agenda)|today"
    rf"|{_WHAT_IS} (?:up|on|happening)(?: for)?(?: today)?"
    r"|what should i do(?: now| next| today)?|(?:how|what) does (?:my day|today) look(?: like)?"
)
"""Matches commands that show the day's overview: `today`, `show me the agenda`, `what should i do next`."""
_WHAT_DO_I_HAVE: Final = (
    r"(?:what do i (?:have|need)|what have i(?: got)?|what must i do|do i have|have i got|is there)(?: to do)?"
    r"(?: anything| something| any (?:to-?dos?|tasks))?(?: to do| due| planned)? ?(.*)"
)
"""Matches questions about todos: `what do i have to do tomorrow`, `do i have anything due friday`."""
LIST_RULES: Final = compile_rules(
    (_OVERVIEW, always(Overview())),
    (r"(?:list|ls)(?: (.+))?", _parse_list),
    (rf"show(?: me)?(?: (?:{_WHAT_IS} )?(.+))?", _parse_show),
    (r"((?:(?:my|the) )?(?:overdue|trash)(?: (?:tasks?|to-?dos?))?)", _parse_list),
    (r"(?:(?:find|search)(?: for)?|look for) (.+)", _parse_search),
    (rf"{_WHAT_IS} (?:(?:due|planned|scheduled|left|on)(?: (?:on|for|my list))?\b)? ?(.*)", _parse_question),
    (_WHAT_DO_I_HAVE, _parse_question),
    (rf"how many (?:{TODO_NOUN}\b ?)?(?:do i have|have i got|are there|are)? ?(.*)", _parse_question),
    (r"when(?: is|\W?s) (?:the |my )?(.+?)(?: due)?", _parse_search),
    (r"any ?thing (?:due|planned|left|to do) ?(.*)", _parse_question),
)
"""Rules that list or search todos: `list overdue`, `find milk`, `what's due friday`, `when is rent due`."""
