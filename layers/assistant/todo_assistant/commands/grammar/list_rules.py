"""Rules for commands that list or search todos."""

import re
from dataclasses import replace
from typing import Final

from todo_assistant.commands.grammar.commands import Filter, Find, Overview
from todo_assistant.commands.grammar.fields import TODO_NOUN
from todo_assistant.commands.grammar.groups import Group, parse_group
from todo_assistant.commands.grammar.quotes import is_quoted, unquote
from todo_assistant.commands.grammar.rules import always, answer, compile_rules
from todo_assistant.commands.grammar.spans import IsReadable

_A_NEW_THING: Final = re.compile(
    r"(?:an?|some|out|time|someone|somebody|something|somewhere|another|new|ways?|how|who|what|where|why|good|cheap"
    r"|better|more|nice)\b.*",
    re.IGNORECASE,
)
"""Matches words after `find` that describe no todo: `a new apartment`, `out who called`."""
_OF_OTHERS: Final = re.compile(
    r"(?!me\b|all\b|us\b|only\b|just\b)\S+ (?:the|my|our|his|her|their|how|where|an?)\b.*", re.IGNORECASE
)
"""Matches words after `show` for another person: `mum the photos`."""
_AN_OBJECT: Final = re.compile(
    rf"(?:the|my|our|an?) (?!.*\b(?:{TODO_NOUN}|lists?)\b).+ (?:on|in|at|for|with) .+", re.IGNORECASE
)
"""Matches words after `list` that describe no todo: `the car on ebay`."""
_PROJECT_TEXT: Final = re.compile(r"(?:the |my )?(\S.*(?: list|(?= project)))(?: project)?", re.IGNORECASE)
"""Matches the name of a project in `Work project` or `shopping list`."""


def find_group(group: Group, *, completed: bool | None) -> Find:
    """Returns the search for a group. `completed` is the state if the words name none; the trash holds all states."""
    found = group.filter
    is_stateless = found.completed is None and not found.trashed and not found.completed_on
    project = _PROJECT_TEXT.fullmatch(found.text or "")
    if project and not found.project:
        found = replace(found, text=None, project=project[1])
    return Find(replace(found, completed=completed) if is_stateless else found)


def parse_find(words: str, is_readable: IsReadable, *, completed: bool | None = False) -> Find:
    """Returns the search that the words after a verb describe."""
    if is_quoted(words):
        return Find(Filter(text=unquote(words), completed=completed))
    return find_group(parse_group(words, is_readable), completed=completed)


def _parse_list(found: re.Match[str], is_readable: IsReadable) -> Find | None:
    words = found[1] or ""
    command = parse_find(words, is_readable)
    return None if command.filter.text and _AN_OBJECT.fullmatch(words) else command


def _parse_show(found: re.Match[str], is_readable: IsReadable) -> Find | None:
    """Parses `show my todos`. Returns None for words that describe a new todo: `show mum the photos on sunday`."""
    command = parse_find(found[1] or "", is_readable)
    text = command.filter.text
    return None if text and (command.filter.due or _OF_OTHERS.fullmatch(text)) else command


def _parse_search(found: re.Match[str], is_readable: IsReadable) -> Find | None:
    """Parses `find milk`, which searches open and completed todos. Returns None for `find a new apartment`."""
    command = parse_find(found[1], is_readable, completed=None)
    return None if command.filter.text and _A_NEW_THING.fullmatch(found[1]) else command


def parse_described(found: re.Match[str], is_readable: IsReadable) -> Find | None:
    """Parses words that only describe a group of todos. Returns None if other words are among them."""
    command = parse_find(found[found.lastindex or 1] or "", is_readable)
    return None if command.filter.text else command


_WHAT_IS: Final = r"(?:what\W?s|what is|what are)"
_OVERVIEW: Final = (
    r"(?:(?:show|give|tell)(?: me)? )?(?:(?:my |the |an )?(?:daily )?(?:overview|agenda|summary)|my day"
    r"|today\W?s (?:agenda|plan))|today"
    rf"|{_WHAT_IS} (?:up|on|happening|new)(?: for| with me)?(?: today)?"
    r"|what should i (?:do|work on)(?: for)? today|what do i (?:do|have to do|need to do) now"
    r"|(?:how|what) (?:does|is) (?:my day|today|my (?:agenda|schedule)(?: for)? today)"
    rf" (?:look(?:ing)?)(?: like)?|{_WHAT_IS} my day(?: like)?"
    r"|plan (?:my|the) day|good morning,? what\W?s up"
)
"""Matches commands that show the day's overview: `today`, `show me the agenda`, `how does my day look`."""
_SHOW: Final = (
    r"(?:show|display|give|tell|read|print|see|view|get|switch to|go to|pull up|bring up|go through|check|look at|open)"
)
OVERVIEW_RULES: Final = compile_rules((_OVERVIEW, always(Overview())))
"""The rule for the overview of the day, tried before those for questions."""
LIST_RULES: Final = compile_rules(
    (
        (
            r"(?:sort|order|group|arrange)(?: (?:my|the|all|these|them|it|list|lists|tasks|to-?dos))* by .+"
            r"|sort (?:it|them|(?:(?:my|the|all) )*(?:list|lists|tasks|to-?dos))"
        ),
        answer("Lists have one order. Narrow them instead: `list high`, `list overdue`, `what is due this week`."),
    ),
    (r"(?:list|ls)(?: (.+))?", _parse_list),
    (rf"(?:show|display)(?: me)?(?: (?:{_WHAT_IS} )?(.+))?", _parse_show),
    (r"((?:(?:my|the) )?(?:overdue|trash|bin|undated)(?: (?:tasks?|to-?dos?))?)", _parse_list),
    (rf"{_SHOW}(?: (?:me|us))?(?: (?:{_WHAT_IS}|about))? (.+)", parse_described),
    (
        (
            r"((?:(?:all|my|everything|every|the|any|open|overdue|completed|high priority|urgent)\b"
            rf" ?)+(?:(?:{TODO_NOUN}|list)\b.*)?)"
        ),
        parse_described,
    ),
    (rf"((?:{TODO_NOUN}|everything) .+)", parse_described),
    (
        (
            r"(?:(?:find|search)(?: (?:for|my (?:list|todos|tasks) for))?|look(?: it)? for|where is(?: the"
            r" (?:todo|task))?(?: for| about)?) (.+)"
        ),
        _parse_search,
    ),
)
"""Rules that list or search todos: `list overdue`, `find milk`, `show me everything due tomorrow`."""
