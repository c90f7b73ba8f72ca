"""Rules for commands that move or remove the due date of todos."""

import re
from typing import Final, Literal

from todo_assistant.commands.grammar.commands import Add, Command, Either, Incomplete, Reschedule, Target
from todo_assistant.commands.grammar.quick_add import parse_new_todo, parse_quick_add
from todo_assistant.commands.grammar.rules import (
    CommandParser,
    always,
    answer,
    compile_rules,
    or_new,
    with_target,
)
from todo_assistant.commands.grammar.spans import IsReadable
from todo_assistant.commands.grammar.targets import is_definite, parse_target
from todo_assistant.phrases.recurrences import is_recurrence_phrase
from todo_assistant.phrases.vocabulary import COUNT, DAYS, HOURS, WEEKDAY

type _Direction = Literal["later", "earlier"]

_MAX_DUE_CHARACTERS: Final = 110
"""Length of the end of a command that is searched for a due date, to bound the parsing time."""
_AMOUNT: Final = rf"(?:{HOURS}|(?:an?|another|{COUNT})(?: more| extra| whole)? {DAYS})"
_STEP: Final = re.compile(
    rf"(?: (?P<before>back|forwards?|up|out|ahead|later|earlier|on))?(?: to)?(?: by| for)? (?P<amount>(?a:{_AMOUNT}))"
    r"(?: (?P<after>later|earlier|sooner|back|forwards?|ahead|out|up|longer))?$",
    re.IGNORECASE,
)
"""Finds a step from the todo's own date at the end of a command: ` by 2 days`, ` back a week`, ` an hour later`."""
_DIRECTIONS: Final[dict[str, _Direction]] = {
    **dict.fromkeys(("back", "out", "later", "longer", "on"), "later"),
    **dict.fromkeys(("earlier", "sooner", "up"), "earlier"),
}
"""Directions of the words around an amount. `forward` and `ahead` mean either."""
_DUE_PREPOSITION: Final = re.compile(
    (
        r" (?:(?P<certain>(?:back |out |up |forward )?(?:to|until|till?)|back|to (?:be )?due)|for|on|by"
        r"|at)\b(?: (?:to|by|be due|on|at)\b)? ?"
    ),
    re.IGNORECASE,
)
"""Finds where a title ends and a due date begins: `to` in `move milk to friday`."""
_FROM_DAY: Final = re.compile(rf" from (?:{WEEKDAY}|today|tomorrow|\S{{1,20}}(?: \S{{1,12}})?)$", re.IGNORECASE)
"""Finds the earlier date in `move milk from monday to friday`."""


def _parse_step(words: str, is_readable: IsReadable, direction: _Direction | None) -> Reschedule | Incomplete | None:
    """Parses a target and a step from its own date: `rent by 2 days`. `direction` is the one that the verb has.

    Returns a question if neither the verb nor the words name the direction: `move rent forward by 2 days`.
    """
    step = _STEP.search(words, max(0, len(words) - _MAX_DUE_CHARACTERS))
    target = parse_target(words[: step.start()], is_readable) if step else None
    if step is None or target is None:
        return None
    amount = re.sub(r"^another\b", "a", re.sub(r" (?:more|extra|whole) ", " ", step["amount"]), flags=re.IGNORECASE)
    named = [(step[group] or "").lower() for group in ("after", "before")]
    is_ambiguous = direction == "later" and any(word.startswith(("forward", "ahead")) for word in named)
    chosen = next((_DIRECTIONS[word] for word in named if word in _DIRECTIONS), None if is_ambiguous else direction)
    if chosen is None:
        todo = words[: step.start()]
        options = tuple(f"move {todo} {amount} {each}" for each in ("later", "earlier"))
        return Incomplete("Later or earlier?", options)
    return Reschedule(target, f"{amount} {chosen}")


def _parse_due(words: str, is_readable: IsReadable) -> tuple[Reschedule, bool] | None:
    """Parses a target and its new due date, and returns whether `to` or `until` stands between them.

    Examples: `milk to friday`, `milk friday`. Returns None without a date.
    """
    for preposition in _DUE_PREPOSITION.finditer(words, max(0, len(words) - _MAX_DUE_CHARACTERS)):
        due = words[preposition.end() :]
        target = _parse_moved(words[: preposition.start()], is_readable) if _is_date(due, is_readable) else None
        if target:
            return Reschedule(target, due), preposition["certain"] is not None
    parsed = parse_quick_add(words, is_readable)
    if not parsed.due or not parsed.title or parsed.recurrence or not words.startswith(parsed.title):
        return None
    target = parse_target(parsed.title, is_readable)
    return (Reschedule(target, parsed.due), False) if target else None


def _parse_moved(words: str, is_readable: IsReadable) -> Target | None:
    """Parses the target of a move. The day in `dentist from monday` is no part of the title."""
    target = parse_target(words, is_readable)
    if target is None or is_definite(target):
        return target
    return parse_target(_FROM_DAY.sub("", words), is_readable)


def _is_date(phrase: str, is_readable: IsReadable) -> bool:
    return bool(phrase) and not is_recurrence_phrase(phrase) and is_readable(phrase)


def _parse_move(direction: _Direction | None, *, is_certain: bool) -> CommandParser:
    """Returns a parser for verbs that move a date.

    `direction` is that of a step. Unless `is_certain`, a line without `to`, such as `move boxes friday`, may be a
    new todo.
    """

    def parse(found: re.Match[str], is_readable: IsReadable) -> Command | None:
        words = found[found.lastindex or 1]
        if step := _parse_step(words, is_readable, direction):
            return step
        moved = _parse_due(words, is_readable)
        if moved is None:
            return None
        command, has_preposition = moved
        if is_certain or has_preposition or is_definite(command.target):
            return command
        return Either(command, Add((parse_new_todo(found.string, is_readable),)))

    return parse


def _parse_postpone(found: re.Match[str], is_readable: IsReadable) -> Command | None:
    """Parses `postpone milk by 2 days`. Without a date, as in `postpone milk`, the todo moves by a day."""
    if moved := _parse_move("later", is_certain=True)(found, is_readable):
        return moved
    target = parse_target(found[found.lastindex or 1], is_readable)
    return Reschedule(target, "1 day later") if target else None


def _parse_put_off(found: re.Match[str], is_readable: IsReadable) -> Command | None:
    """Parses `put off milk until friday` and `put milk off`. Without a date, the line may be a new todo."""
    words = found["todo"] or f"{found['before']}{found['due'] or ''}"
    dated = _parse_due(words, is_readable)
    if moved := _parse_step(words, is_readable, "later") or (dated[0] if dated else None):
        return moved
    target = None if found["due"] else parse_target(words, is_readable)
    if target and is_definite(target):
        return Reschedule(target, "1 day later")
    return (
        Either(Reschedule(target, "1 day later"), Add((parse_new_todo(found.string, is_readable),))) if target else None
    )


def _parse_bring_forward(found: re.Match[str], is_readable: IsReadable) -> Command | None:
    """Parses `bring dentist forward by a day` and `bring dentist forward to monday`."""
    words = f"{found['todo']} {found['due']}"
    moved = _parse_due(words, is_readable)
    return _parse_step(words, is_readable, "earlier") or (moved[0] if moved else None)


def _parse_set_due(found: re.Match[str], is_readable: IsReadable) -> Reschedule | None:
    if not _is_date(found["due"], is_readable):
        return None
    target = parse_target(found["todo"], is_readable)
    return Reschedule(target, found["due"]) if target else None


def _parse_make_it(found: re.Match[str], is_readable: IsReadable) -> Reschedule | None:
    """Parses `make it friday`, which moves the todo that the conversation touched last."""
    is_date = _is_date(found["due"], is_readable)
    return Reschedule(Target(reference="it"), found["due"]) if is_date else None


def _clear_due(target: Target) -> Reschedule:
    return Reschedule(target, None)


_DATE: Final = r"(?:(?:due )?(?:dates?|times?|day)|deadlines?|due)"
_DATE_OF: Final = rf"(?:the |its )?{_DATE} (?:of|from|for|on)"
"""Matches the words between a verb and the todo whose due date changes: `date of`, `the due date from`."""
_CHANGE: Final = r"(?:move|re-?schedule|push|shift|bump|change|set|update|extend|postpone|delay)"
DATE_RULES: Final = compile_rules(
    (rf"(?:remove|clear|delete|drop|unset) (?:the |its )?{_DATE}", always(Reschedule(Target(reference="it"), None))),
    (rf"(?:set|change|move) (?:the |its )?{_DATE} (?:to|for) (?P<due>.+)", _parse_make_it),
    (rf"(?:remove|clear|delete|drop|erase|unset|cancel) {_DATE_OF} (.+)|unschedule (.+)", with_target(_clear_due)),
    (
        (
            rf"(?:remove|clear|delete|drop) (.+?)(?:\W?s) {_DATE}|(?:take|strip) (?:the )?{_DATE} (?:off|from)"
            r" (?:of )?(.+)"
        ),
        with_target(_clear_due),
    ),
    (
        (
            r"(?:make|set|leave) (.+?) (?:undated|unscheduled|(?:without|with no) (?:a )?(?:due )?date|to (?:no"
            r"|without) (?:a )?(?:due )?date)"
        ),
        with_target(_clear_due),
    ),
    (rf"{_CHANGE} {_DATE_OF} (?P<todo>.+?) (?:to|until|for|as) (?P<due>.+)", _parse_set_due),
    (rf"{_CHANGE} (?P<todo>.+?)(?:\W?s)? {_DATE} (?:to|until|for|as) (?P<due>.+)", _parse_set_due),
    (rf"(?:set|make|give|add) (?:a |the )?{_DATE} (?:of |to )?(?P<due>.+?) (?:for|to|on) (?P<todo>.+)", _parse_set_due),
    (rf"give (?P<todo>.+?) (?:a |the )?{_DATE} (?:of )?(?P<due>.+)", _parse_set_due),
    (
        rf"(?:set|add) (?:a |the )?{_DATE} (?:for|to|on) (?P<todo>.+?)(?::| to| on| for| as| at) (?P<due>.+)",
        _parse_set_due,
    ),
    (r"(?:set|make) (?P<todo>.+?) (?:to be )?due(?: (?:on|by|at|for))? (?P<due>.+)", _parse_set_due),
    (r"(?P<todo>.+?) (?:is|are) (?:now )?due(?: (?:on|by|at))? (?P<due>.+)", or_new(_parse_set_due)),
    (
        r"(?:(?:actually|no|rather|sorry),? )?make (?:it|that|this)(?: (?:for|on|at))? (?P<due>.+?)(?: instead)?",
        _parse_make_it,
    ),
    (r"(?:put off|push back) (?P<todo>.+)|(?:put|push|move) (?P<before>.+?) (?:off|back)(?P<due> .+)?", _parse_put_off),
    (r"(?:postpone|snooze|defer) (.+)", _parse_postpone),
    (r"delay (.+)", or_new(_parse_postpone)),
    (r"(?:extend|prolong) (.+)|give me (?:\w+) more (?:days?|weeks?) for (.+)", _parse_move("later", is_certain=True)),
    (r"(?:pull|bring) (?P<todo>.+?) (?:forward|up) (?P<due>(?:by .+|to .+))", _parse_bring_forward),
    (r"bring (?:forward|up) (?P<todo>.+?) (?P<due>(?:by|to) .+)", _parse_bring_forward),
    (rf"(?:pull|bring) (?P<todo>.+?) (?:forward|up) (?P<due>(?a:{_AMOUNT})(?: earlier)?)", _parse_bring_forward),
    (r"re-?schedule (.+)", _parse_move(None, is_certain=True)),
    (r"update (.+ to .+)", or_new(_parse_move(None, is_certain=True))),
    (r"(?:move|shift|bump) (?!to )(.+)", _parse_move(None, is_certain=False)),
    (r"push (?!to )(.+)", _parse_move("later", is_certain=False)),
    (r"(?:set|change) (?P<todo>.+?) to (?P<due>.+)", _parse_set_due),
    (r"(?:set|schedule|plan|book) (?P<todo>.+?) (?:for|on|to|at) (?P<due>.+)", or_new(_parse_set_due)),
    (
        r"(?:re-?schedule|snooze|postpone|defer)(?: (.+))?",
        answer("Say what to move and to which date: `move milk to friday`, `postpone milk by 2 days`."),
    ),
)
"""Rules that move a due date: `snooze milk`, `move milk to friday`, `postpone milk by 2 days`."""
