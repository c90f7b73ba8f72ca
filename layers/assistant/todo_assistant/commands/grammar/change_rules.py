"""Grammar rules for commands that change existing todos: complete, reschedule, tag, delete and others."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from todo_assistant.commands.grammar.commands import (
    Add,
    Command,
    Complete,
    Delete,
    Reopen,
    Repeat,
    Reschedule,
    Restore,
    Target,
    Update,
)
from todo_assistant.commands.grammar.fields import TAG, parse_priority
from todo_assistant.commands.grammar.quick_add import parse_new_todo, parse_quick_add
from todo_assistant.commands.grammar.quotes import unquote
from todo_assistant.commands.grammar.rules import CommandParser, compile_rules
from todo_assistant.commands.grammar.spans import IsReadable
from todo_assistant.commands.grammar.targets import parse_target
from todo_assistant.phrases.recurrences import RECURRENCE_START
from todo_assistant.phrases.vocabulary import COUNT, DAYS, EACH, HOURS

_MAX_DUE_CHARACTERS: Final = 110
"""Length of the end of a command that is searched for a due date, to bound the parsing time."""
_FROM_MY_LIST: Final = re.compile(r" (?:from|off|on) (?:my|the) (?:to-?do )?list$", re.IGNORECASE)
"""Finds ` from my list` in `remove milk from my list`: these words do not belong to the title."""
_DUE_PREPOSITION: Final = re.compile(
    rf" (?a:(?:to|until|till?|for|on|by|back)\b(?: (?:to|by))? |(?=(?:{COUNT} {DAYS}|{HOURS})$))", re.IGNORECASE
)
"""Finds where a title ends and a due date begins: `to` in `move milk to friday`, the space in `snooze milk 2 days`."""


def _with_target(make: Callable[[Target], Command]) -> CommandParser:
    """Returns a parser that parses the last matched group as a target, and makes the command with `make`."""

    def parse(found: re.Match[str], _: IsReadable) -> Command | None:
        target = parse_target(found[found.lastindex or 1])
        return make(target) if target else None

    return parse


def _with_target_or_new(make: Callable[[Target], Command]) -> CommandParser:
    """Returns a parser for verbs such as `finish`, with which the title of a new todo may begin, too.

    A line with a date, a priority or a recurrence adds a todo: `finish report tomorrow`. Any other line becomes the
    command for its target.
    """

    def parse(found: re.Match[str], is_readable: IsReadable) -> Command | None:
        parsed = parse_quick_add(found[1], is_readable)
        if parsed.due or parsed.priority or parsed.recurrence:
            return Add((parse_new_todo(found[0], is_readable),))
        target = parse_target(_FROM_MY_LIST.sub("", found[1]))
        return make(target) if target else None

    return parse


def _parse_move(found: re.Match[str], is_readable: IsReadable) -> Reschedule | None:
    """Parses a target and its new due date, after a preposition or directly after the target.

    Examples: `milk to friday`, `milk friday`. Returns None without a date.
    """
    words = found[1]
    for preposition in _DUE_PREPOSITION.finditer(words, max(0, len(words) - _MAX_DUE_CHARACTERS)):
        due = words[preposition.end() :]
        if is_readable(due) and (target := parse_target(words[: preposition.start()])):
            return Reschedule(target, due)
    parsed = parse_quick_add(words, is_readable)
    if _DUE_PREPOSITION.search(words) or not parsed.due or not words.startswith(parsed.title):
        return None
    target = parse_target(parsed.title)
    return Reschedule(target, parsed.due) if target else None


def _parse_postpone(found: re.Match[str], is_readable: IsReadable) -> Reschedule | None:
    """Parses `postpone milk by 2 days`. Without a date, as in `postpone milk`, the new due date is tomorrow."""
    if moved := _parse_move(found, is_readable):
        return moved
    target = parse_target(found[1])
    return Reschedule(target, "tomorrow") if target else None


def _parse_clear(found: re.Match[str], _: IsReadable) -> Delete | None:
    """Parses `clear all completed`, which deletes a group. Returns None for `clear the gutters`, a new todo."""
    target = parse_target(found[1])
    return Delete(target) if target and target.every else None


def _parse_set_due(found: re.Match[str], is_readable: IsReadable) -> Reschedule | None:
    target = parse_target(found[1])
    return Reschedule(target, found[2]) if target and is_readable(found[2]) else None


def _parse_repeat(found: re.Match[str], is_readable: IsReadable) -> Repeat | None:
    target = parse_target(found[1])
    return Repeat(target, found[2]) if target and is_readable(found[2]) else None


def _stop_repeating(target: Target) -> Repeat:
    return Repeat(target, None)


def _clear_due(target: Target) -> Reschedule:
    return Reschedule(target, None)


def _parse_rename(found: re.Match[str], _: IsReadable) -> Update | None:
    target = parse_target(found[1])
    return Update(target, title=unquote(found[2])) if target else None


def _parse_set(found: re.Match[str], is_readable: IsReadable) -> Update | None:
    """Parses a new priority for a target: `set milk p2`, `make all #home high priority`.

    For a group of todos, the tags select the todos. After the title of one todo, as in `set milk p1 #shop`, the tags
    are added to this todo.
    """
    parsed = parse_quick_add(found[1], is_readable)
    target = parse_target(re.sub(r" (?:to|as|with|at)$", "", parsed.title)) or Target()
    if parsed.due or parsed.recurrence or not parsed.priority or not (parsed.title or parsed.tags):
        return None
    if target.every or not parsed.title:
        target = replace(target, filter=replace(target.filter, tags=parsed.tags, project=parsed.project))
        return Update(target, priority=parsed.priority)
    return Update(target, priority=parsed.priority, add_tags=parsed.tags)


def _parse_set_priority(found: re.Match[str], _: IsReadable) -> Update | None:
    target, priority = parse_target(found[1]), parse_priority(found[2])
    return Update(target, priority=priority) if target and priority else None


def _set_high_priority(target: Target) -> Update:
    return Update(target, priority="high")


def _set_low_priority(target: Target) -> Update:
    return Update(target, priority="low")


def _clear_priority(target: Target) -> Update:
    return Update(target, priority="none")


def _parse_add_tags(found: re.Match[str], _: IsReadable) -> Update | None:
    target = parse_target(found["target"])
    return Update(target, add_tags=_split_tags(found["tags"])) if target else None


def _parse_remove_tags(found: re.Match[str], _: IsReadable) -> Update | None:
    target = parse_target(found["target"])
    return Update(target, remove_tags=_split_tags(found["tags"])) if target else None


def _split_tags(words: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tag.lstrip("#@") for tag in re.split(r"[\s,]+", words) if tag))


_DONE: Final = r"(?:done|completed?|finished)"
"""Matches the words for a completed todo: `done`, `complete`, `finished`."""
_QUOTED_OR_SHORTEST: Final = r"\"[^\"]+\"|.+?"
"""Matches the old title in `rename milk to oat milk`, up to the first `to`. A quoted title may contain `to`."""
_TAGS: Final = rf"(?P<tags>(?:{TAG}[\s,]*)+)"
"""Matches one or more tags: `#home`, `#home, #work`."""
_DATE_OF: Final = r"(?:the )?(?:due )?date (?:of|from|for|on)"
"""Matches the words between a verb and the todo whose due date changes: `date of`, `the due date from`."""
ADD_TAG: Final = rf"add (?:the )?(?:tags? )?{_TAGS}to (?P<target>.+)"
"""Matches `add #home to milk`, which adds a tag and no new todo, although it begins with `add`."""
_RECURRENCE: Final = rf"({RECURRENCE_START}.*|(?:on )?(?:the )?\S+(?: \w+)? of {EACH} .*)"
"""Matches a recurrence at the end of a command: `every week`, `on the last day of every month`."""

_RECURRENCE_RULES: Final = (
    (r"stop repeating (.+)|make (.+?) not repeat(?: any ?more)?", _with_target(_stop_repeating)),
    (
        r"(?:remove|clear|delete) (?:the )?(?:recurrence|repeat|repetition) (?:of|from|on) (.+)",
        _with_target(_stop_repeating),
    ),
    (rf"repeat (.+?) {_RECURRENCE}", _parse_repeat),
    (rf"make (.+?) (?:repeat|recur|repeating|recurring) {_RECURRENCE}", _parse_repeat),
    (rf"(?:set|change|move|re-?schedule|push|shift) (.+?) to (?:repeat )?{_RECURRENCE}", _parse_repeat),
)
"""Rules that change or end a recurrence: `stop repeating milk`, `repeat milk every week`."""
_DUE_RULES: Final = (
    (rf"(?:(?:remove|clear|delete) {_DATE_OF}|unschedule) (.+)", _with_target(_clear_due)),
    (rf"(?:set|change) {_DATE_OF} (.+?) to (.+)", _parse_set_due),
    (r"(?:set|make) (.+?) due (.+)", _parse_set_due),
)
"""Rules that change or remove a due date: `remove date from milk`, `make milk due tomorrow`."""
_TITLE_AND_TAG_RULES: Final = (
    (rf"(?:rename|change (?:the )?(?:title|name) of) ({_QUOTED_OR_SHORTEST}) (?:to|as|->|→) (.+)", _parse_rename),
    (rf"tag (?P<target>.+?) (?:(?:with|as) )?{_TAGS}", _parse_add_tags),
    (r"tag (?P<target>.+) (?:with|as) (?P<tags>[\w-]{1,50})", _parse_add_tags),
    (ADD_TAG, _parse_add_tags),
    (rf"untag (?P<target>.+?) (?:(?:with|from|as) )?{_TAGS}", _parse_remove_tags),
    (rf"remove (?:the )?(?:tags? )?{_TAGS}from (?P<target>.+)", _parse_remove_tags),
    (r"remove (?:the )?tag (?P<tags>[\w-]{1,50}) from (?P<target>.+)", _parse_remove_tags),
)
"""Rules that change a title, or add or remove tags: `rename milk to oat milk`, `tag milk #home`, `untag milk #home`."""
_PRIORITY_RULES: Final = (
    (r"(?:set |change )?(?:the )?priority of (.+) to (\w+)", _parse_set_priority),
    (r"(?:remove|clear) (?:(?:the )?priority|p[1-4]) (?:of|from) (.+)", _with_target(_clear_priority)),
    (r"(?:set|make|change|give) (.+)", _parse_set),
    (r"prioriti[sz]e (.+)", _with_target(_set_high_priority)),
    (r"deprioriti[sz]e (.+)", _with_target(_set_low_priority)),
    (r"(?:mark|make) (.+?) (?:as )?(?:urgent|important)", _with_target(_set_high_priority)),
)
"""Rules that change or remove a priority: `set priority of milk to high`, `set milk p2`, `prioritize milk`."""
_COMPLETION_RULES: Final = (
    (r"mark (.+?) (?:as )?(?:not (?:done|completed?|finished)|undone|open|incomplete)", _with_target(Reopen)),
    (rf"(?:mark|set) (.+?) (?:(?:as|to) )?{_DONE}", _with_target(Complete)),
    (r"(.+?) (?:is(?: not|n\W?t)|are not|aren\W?t) (?:done|completed?|finished)(?: yet)?", _with_target(Reopen)),
    (rf"(?:done|completed|finished|i(?:\W?ve| have)? (?:{_DONE}|bought))\b(?: with\b)?:? (.+)", _with_target(Complete)),
    (r"(?:(?:check|tick|cross) off|tick) (.+)", _with_target(Complete)),
    (rf"(.+?) (?:is|are) {_DONE}", _with_target(Complete)),
    (r"(?:complete|finish) (.+)", _with_target_or_new(Complete)),
    (r"(?:re-?open|undone|un-?check|un-?complete|untick) (.+)", _with_target(Reopen)),
)
"""Rules that complete or reopen todos: `done milk`, `milk is done`, `check off milk`, `reopen milk`."""
_MOVE_RULES: Final = (
    (r"(?:postpone|snooze|defer|delay) (.+)", _parse_postpone),
    (r"(?:move|re-?schedule|push|shift|bump) (?!to )(.+)", _parse_move),
    (r"(?:set|change) (.+?) to (.+)", _parse_set_due),
)
"""Rules that move a due date: `snooze milk`, `move milk to friday`, `postpone milk by 2 days`."""
_TRASH_RULES: Final = (
    (r"(?:delete|remove|trash) (.+)", _with_target_or_new(Delete)),
    (r"clear (.+)", _parse_clear),
    (r"(?:restore|undelete|bring back) (.+)", _with_target_or_new(Restore)),
)
"""Rules that put todos into the trash or restore them: `delete milk`, `clear all completed`, `restore milk`."""
CHANGE_RULES: Final = compile_rules(
    *_RECURRENCE_RULES,
    *_DUE_RULES,
    *_TITLE_AND_TAG_RULES,
    *_PRIORITY_RULES,
    *_COMPLETION_RULES,
    *_MOVE_RULES,
    *_TRASH_RULES,
)
"""Rules for all changes, tried in this order: `remove the date from milk` must not match the later `remove` rule."""
