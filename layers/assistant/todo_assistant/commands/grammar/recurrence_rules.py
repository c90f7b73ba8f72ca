"""Rules for commands that change or end the recurrence of todos."""

import re
from typing import Final

from todo_assistant.commands.grammar.commands import Repeat, Target
from todo_assistant.commands.grammar.rules import CommandParser, answer, compile_rules, or_new, with_target
from todo_assistant.commands.grammar.spans import IsReadable
from todo_assistant.commands.grammar.targets import parse_target
from todo_assistant.phrases.recurrences import RECURRENCE_START, is_recurrence_phrase
from todo_assistant.phrases.vocabulary import ADVERB, EACH


def _parse_repeat(found: re.Match[str], is_readable: IsReadable) -> Repeat | None:
    phrase = found["recurrence"]
    if not is_recurrence_phrase(phrase) or not is_readable(phrase):
        return None
    target = parse_target(found["todo"], is_readable)
    return Repeat(target, phrase) if target else None


def _stop_repeating(target: Target) -> Repeat:
    return Repeat(target, None)


_RECURRENCE: Final = (
    rf"(?P<recurrence>{RECURRENCE_START}.*|(?:on )?(?:the )?\S+(?: \w+){{0,2}} of (?:the month )?{EACH} .*)"
)
"""Matches a recurrence at the end of a command: `every week`, `on the last day of every month`."""
_REPEATING: Final = r"(?:repeat(?:s|ing)?|recur(?:s|ring)?)"
_REPEAT_OF: Final = r"(?:recurrence|repeat(?:s|ing)?|repetition|schedule) (?:of|from|on|for)"
_STOP: Final = with_target(_stop_repeating)
_OR_NEW: Final[CommandParser] = or_new(_parse_repeat)
RECURRENCE_RULES: Final = compile_rules(
    (
        (
            rf"(?:make|set) (?!.* (?:not|no longer|stop|non-?) ?{_REPEATING}).+ (?:to )?{_REPEATING}|repeat"
            rf" (?:it|that|this|them|\d{{1,4}})"
        ),
        answer("Say how often, too: `repeat milk every week`."),
    ),
    (rf"(?:stop|end|cancel|quit|do not|don\W?t|no longer) {_REPEATING} (.+?)(?: any ?more)?", _STOP),
    (
        (
            rf"(?:make|let) (.+?) (?:not|no longer|stop) {_REPEATING}(?: any ?more)?|make (.+?)"
            r" (?:non-?recurring|a one-?off|once only)"
        ),
        _STOP,
    ),
    (rf"(?:remove|clear|delete|stop|end|cancel|turn off) (?:the )?{_REPEAT_OF} (.+)", _STOP),
    (
        (
            r"(.+?) (?:should(?:n\W?t| not)|does(?:n\W?t| not)|no longer|need(?:n\W?t| not)) (?:repeats?"
            r"|recurs?)(?: any ?more)?"
        ),
        _STOP,
    ),
    (rf"(?:repeat|redo) (?P<todo>.+?) {_RECURRENCE}", _parse_repeat),
    (rf"make (?P<todo>.+?) {_REPEATING} {_RECURRENCE}", _parse_repeat),
    (rf"(?P<todo>.+?) (?:should |must )?(?:repeats?|recurs?) {_RECURRENCE}", or_new(_parse_repeat)),
    (
        (
            r"(?:set|change|move|re-?schedule|push|shift|schedule) (?P<todo>.+?) (?:to|for) (?:repeat |recur "
            rf"|be )?{_RECURRENCE}"
        ),
        _parse_repeat,
    ),
    (rf"make (?P<todo>.+?) (?P<recurrence>{ADVERB})", _OR_NEW),
    (rf"set (?P<todo>.+?) {_RECURRENCE}", _OR_NEW),
)
"""Rules that change or end a recurrence: `stop repeating milk`, `repeat milk every week`."""
