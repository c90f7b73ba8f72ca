"""Rules for what is done with todos that there are."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from todo_assistant.commands.grammar import quick_add, targets
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
from todo_assistant.commands.grammar.due_spans import Readable
from todo_assistant.commands.grammar.quick_add import TAG
from todo_assistant.commands.grammar.rules import Reader, compiled
from todo_assistant.phrases.recurrences import RECURRENCE_START
from todo_assistant.phrases.vocabulary import COUNT, DAYS, EACH, HOURS

_LONGEST_DUE: Final = 110
"""Characters from the preposition to the end of what can be a date."""
_FROM_MY_LIST: Final = re.compile(r" (?:from|off|on) (?:my|the) (?:to-?do )?list$", re.IGNORECASE)
_PREPOSITION: Final = re.compile(
    rf" (?a:(?:to|until|till?|for|on|by|back)\b(?: (?:to|by))? |(?=(?:{COUNT} {DAYS}|{HOURS})$))", re.IGNORECASE
)


def _on_target(make: Callable[[Target], Command]) -> Reader:
    def read(found: re.Match[str], _: Readable) -> Command | None:
        target = targets.read(found[found.lastindex or 1])
        return make(target) if target else None

    return read


def _on_target_or_add(make: Callable[[Target], Command]) -> Reader:
    """For verbs that begin todos too: `finish report tomorrow` is a new one, as nothing is done at a date."""

    def read(found: re.Match[str], readable: Readable) -> Command | None:
        signs = quick_add.read(found[1], readable)
        if signs.due or signs.priority or signs.recurrence:
            return Add((quick_add.new_todo(found[0], readable),))
        target = targets.read(_FROM_MY_LIST.sub("", found[1]))
        return make(target) if target else None

    return read


def _move(found: re.Match[str], readable: Readable) -> Reschedule | None:
    words = found[1]
    for preposition in _PREPOSITION.finditer(words, max(0, len(words) - _LONGEST_DUE)):
        due = words[preposition.end() :]
        if readable(due) and (target := targets.read(words[: preposition.start()])):
            return Reschedule(target, due)
    signs = quick_add.read(words, readable)
    if _PREPOSITION.search(words) or not signs.due or not words.startswith(signs.title):
        return None
    target = targets.read(signs.title)
    return Reschedule(target, signs.due) if target else None


def _postpone(found: re.Match[str], readable: Readable) -> Reschedule | None:
    if moved := _move(found, readable):
        return moved
    target = targets.read(found[1])
    return Reschedule(target, "tomorrow") if target else None


def _clear(found: re.Match[str], _: Readable) -> Delete | None:
    """`clear the gutters` is a new todo."""
    target = targets.read(found[1])
    return Delete(target) if target and target.every else None


def _set_due(found: re.Match[str], readable: Readable) -> Reschedule | None:
    target = targets.read(found[1])
    return Reschedule(target, found[2]) if target and readable(found[2]) else None


def _repeat(found: re.Match[str], readable: Readable) -> Repeat | None:
    target = targets.read(found[1])
    return Repeat(target, found[2]) if target and readable(found[2]) else None


def _stop_repeating(target: Target) -> Repeat:
    return Repeat(target, None)


def _clear_due(target: Target) -> Reschedule:
    return Reschedule(target, None)


def _rename(found: re.Match[str], _: Readable) -> Update | None:
    target = targets.read(found[1])
    return Update(target, title=quick_add.unquoted(found[2])) if target else None


def _set(found: re.Match[str], readable: Readable) -> Update | None:
    signs = quick_add.read(found[1], readable)
    target = targets.read(re.sub(r" (?:to|as|with|at)$", "", signs.title)) or Target()
    if signs.due or signs.recurrence or not signs.priority or not (signs.title or signs.tags):
        return None
    if target.every or not signs.title:
        target = replace(target, tags=signs.tags, project=signs.project)
        return Update(target, priority=signs.priority)
    return Update(target, priority=signs.priority, add_tags=signs.tags)


def _set_priority(found: re.Match[str], _: Readable) -> Update | None:
    target, priority = targets.read(found[1]), quick_add.priority_named(found[2])
    return Update(target, priority=priority) if target and priority else None


def _prioritize(target: Target) -> Update:
    return Update(target, priority="high")


def _deprioritize(target: Target) -> Update:
    return Update(target, priority="low")


def _without_priority(target: Target) -> Update:
    return Update(target, priority="none")


def _tag(found: re.Match[str], _: Readable) -> Update | None:
    target = targets.read(found["target"])
    return Update(target, add_tags=_tags(found["tags"])) if target else None


def _untag(found: re.Match[str], _: Readable) -> Update | None:
    target = targets.read(found["target"])
    return Update(target, remove_tags=_tags(found["tags"])) if target else None


def _tags(words: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tag.lstrip("#@") for tag in re.split(r"[\s,]+", words) if tag))


_DONE: Final = r"(?:done|completed?|finished)"
_QUOTED_OR_NOT: Final = r"\"[^\"]+\"|.+?"
_TAGS: Final = rf"(?P<tags>(?:{TAG}[\s,]*)+)"
_DATE_OF: Final = r"(?:the )?(?:due )?date (?:of|from|for|on)"
ADD_TAG: Final = rf"add (?:the )?(?:tags? )?{_TAGS}to (?P<target>.+)"
_OFTEN: Final = rf"({RECURRENCE_START}.*|(?:on )?(?:the )?\S+(?: \w+)? of {EACH} .*)"
RULES: Final = compiled(
    (r"stop repeating (.+)|make (.+?) not repeat(?: any ?more)?", _on_target(_stop_repeating)),
    (
        r"(?:remove|clear|delete) (?:the )?(?:recurrence|repeat|repetition) (?:of|from|on) (.+)",
        _on_target(_stop_repeating),
    ),
    (rf"repeat (.+?) {_OFTEN}", _repeat),
    (rf"make (.+?) (?:repeat|recur|repeating|recurring) {_OFTEN}", _repeat),
    (rf"(?:set|change|move|re-?schedule|push|shift) (.+?) to (?:repeat )?{_OFTEN}", _repeat),
    (rf"(?:(?:remove|clear|delete) {_DATE_OF}|unschedule) (.+)", _on_target(_clear_due)),
    (rf"(?:set|change) {_DATE_OF} (.+?) to (.+)", _set_due),
    (r"(?:set|make) (.+?) due (.+)", _set_due),
    (rf"(?:rename|change (?:the )?(?:title|name) of) ({_QUOTED_OR_NOT}) (?:to|as|->|→) (.+)", _rename),
    (rf"tag (?P<target>.+?) (?:(?:with|as) )?{_TAGS}", _tag),
    (r"tag (?P<target>.+) (?:with|as) (?P<tags>[\w-]{1,50})", _tag),
    (ADD_TAG, _tag),
    (rf"untag (?P<target>.+?) (?:(?:with|from|as) )?{_TAGS}", _untag),
    (rf"remove (?:the )?(?:tags? )?{_TAGS}from (?P<target>.+)", _untag),
    (r"remove (?:the )?tag (?P<tags>[\w-]{1,50}) from (?P<target>.+)", _untag),
    (r"(?:set |change )?(?:the )?priority of (.+) to (\w+)", _set_priority),
    (r"(?:remove|clear) (?:(?:the )?priority|p[1-4]) (?:of|from) (.+)", _on_target(_without_priority)),
    (r"(?:set|make|change|give) (.+)", _set),
    (r"prioriti[sz]e (.+)", _on_target(_prioritize)),
    (r"deprioriti[sz]e (.+)", _on_target(_deprioritize)),
    (r"(?:mark|make) (.+?) (?:as )?(?:urgent|important)", _on_target(_prioritize)),
    (r"mark (.+?) (?:as )?(?:not (?:done|completed?|finished)|undone|open|incomplete)", _on_target(Reopen)),
    (rf"(?:mark|set) (.+?) (?:(?:as|to) )?{_DONE}", _on_target(Complete)),
    (r"(.+?) (?:is(?: not|n\W?t)|are not|aren\W?t) (?:done|completed?|finished)(?: yet)?", _on_target(Reopen)),
    (rf"(?:done|completed|finished|i(?:\W?ve| have)? (?:{_DONE}|bought))\b(?: with\b)?:? (.+)", _on_target(Complete)),
    (r"(?:(?:check|tick|cross) off|tick) (.+)", _on_target(Complete)),
    (rf"(.+?) (?:is|are) {_DONE}", _on_target(Complete)),
    (r"(?:complete|finish) (.+)", _on_target_or_add(Complete)),
    (r"(?:re-?open|undone|un-?check|un-?complete|untick) (.+)", _on_target(Reopen)),
    (r"(?:postpone|snooze|defer|delay) (.+)", _postpone),
    (r"(?:move|re-?schedule|push|shift|bump) (?!to )(.+)", _move),
    (r"(?:set|change) (.+?) to (.+)", _set_due),
    (r"(?:delete|remove|trash) (.+)", _on_target_or_add(Delete)),
    (r"clear (.+)", _clear),
    (r"(?:restore|undelete|bring back) (.+)", _on_target_or_add(Restore)),
)
