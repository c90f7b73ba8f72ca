"""Rules for commands that put todos into the trash or restore them."""

import re
from dataclasses import replace
from typing import Final

from todo_assistant.commands.grammar.commands import Add, Command, Delete, Either, Restore
from todo_assistant.commands.grammar.quick_add import parse_new_todo, parse_quick_add
from todo_assistant.commands.grammar.rules import answer, compile_rules, with_target, with_target_or_new
from todo_assistant.commands.grammar.spans import IsReadable
from todo_assistant.commands.grammar.targets import is_definite, parse_target


def _parse_delete(found: re.Match[str], is_readable: IsReadable) -> Command | None:
    """Parses `delete milk`. With a date, as in `delete photos on friday`, the line may be a new todo."""
    words = _FROM_MY_LIST.sub("", found[found.lastindex or 1])
    target = parse_target(words, is_readable)
    if target is None or is_definite(target):
        return Delete(target) if target else None
    parsed = parse_quick_add(words, is_readable)
    if parsed.recurrence or not parsed.title or not (parsed.due or parsed.priority):
        return Delete(target)
    dated = replace(target.filter, text=parsed.title, due=parsed.due, priority=parsed.priority)
    return Either(Delete(replace(target, filter=dated)), Add((parse_new_todo(found.string, is_readable),)))


def _parse_drop(found: re.Match[str], is_readable: IsReadable) -> Command | None:
    """Parses `drop milk`, which may be a new todo: `drop the course`. `drop milk from my list` is no new todo."""
    words = found[found.lastindex or 1]
    shortened = _FROM_MY_LIST.sub("", words)
    if shortened != words:
        target = parse_target(shortened, is_readable)
        return Delete(target) if target else None
    return _OR_NEW(found, is_readable)


_OR_NEW: Final = with_target_or_new(Delete)
_FROM_MY_LIST: Final = re.compile(r" (?:from|off|out|on)(?: of)? (?:my|the|this) (?:to-?do )?list$", re.IGNORECASE)
"""Finds ` from my list` in `remove milk from my list`: these words do not belong to the title."""
_TRASH: Final = r"(?:(?:the|my) )?(?:trash|(?:recycle )?bin|rubbish)"
_EXCEPT: Final = (
    r"(?:delete|remove|clear|complete|finish|done|mark|move|postpone|tag|re-?open|restore|set|check off)\b.*"
    r"\b(?:except|but not|apart from|other than|excluding|all but|everything but)\b.*"
)
_OLD: Final = r"(?:empty|clear|purge|clean|clean out|wipe)"
EXCEPTION_RULES: Final = compile_rules(
    (
        _EXCEPT,
        answer("No command leaves todos out. List them, and name those that are meant: `list`, then `done 1 and 3`."),
    ),
)
"""The rule for commands that leave todos out, tried before all others."""
TRASH_RULES: Final = compile_rules(
    (
        (
            rf"{_OLD} {_TRASH}|delete {_TRASH}|(?:permanently delete|delete|remove|erase) .+ (?:permanently|for"
            r" good|forever)|permanently (?:delete|remove) .+"
        ),
        answer("The trash cannot be emptied by a command. Its todos are deleted for good after 30 days."),
    ),
    (rf"(?:move|put|throw|send) (.+?) (?:to|in|into) {_TRASH}", with_target(Delete)),
    (
        rf"(?:restore|recover|take|move|get|bring back|undelete|bring) (.+?) (?:from|out of|back from) {_TRASH}",
        with_target(Restore),
    ),
    (r"(?:undelete|un-?trash|recover|un-?remove|un-?archive) (.+)", with_target(Restore)),
    (r"restore ((?:the|my|our|his|her|an?|old) .+)", with_target_or_new(Restore)),
    (r"restore (.+)", with_target(Restore)),
    (r"bring back (.+)|(?:bring|get|put) (.+) back", with_target_or_new(Restore)),
    (r"(?:delete|remove|trash|erase) (.+)", _parse_delete),
    (
        r"(?:take|strike|cross|scratch|drop|get) (.+?) (?:from|off)(?: of)? (?:my|the|this) (?:to-?do )?list",
        with_target(Delete),
    ),
    (r"(?:i |we )?(?:do not|don\W?t|no longer) need (?:to )?(.+?)(?: any ?more)?", with_target(Delete)),
    (
        (
            r"(?:clear|cancel|discard|dismiss|scrap|drop|kill|wipe|wipe out|bin|archive|get rid of"
            r"|forget about|forget|throw away"
            r"|throw out|scratch|cross out|empty|call off|purge|ditch|eliminate) (.+)"
        ),
        _parse_drop,
    ),
    (
        r"(?:delete|remove|trash|erase|restore|undelete|clear)(?: (?:a|the|my|some) (?:task|to-?do|item)s?)?[.!:]*",
        answer("Say which todo is meant: `delete milk`, `delete 2` or `delete it`; `restore milk` brings it back."),
    ),
)
"""Rules that put todos into the trash or restore them: `delete milk`, `clear all completed`, `restore milk`."""
