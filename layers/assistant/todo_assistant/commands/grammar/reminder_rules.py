"""Rules for reminders of todos that exist: `remind me about rent at 9`, `remove the reminder from rent`."""

import re
from typing import Final

from todo_assistant.commands.grammar.commands import Add, Command, Either, Incomplete, Remind, Target
from todo_assistant.commands.grammar.new_todo_rules import parse_reminder
from todo_assistant.commands.grammar.quick_add import parse_quick_add
from todo_assistant.commands.grammar.rules import always, compile_rules, with_target
from todo_assistant.commands.grammar.spans import IsReadable
from todo_assistant.commands.grammar.targets import is_definite, parse_target
from todo_assistant.phrases.vocabulary import COUNT, DAYS, HOURS

_AMOUNT: Final = rf"(?:{HOURS}|{COUNT} {DAYS}|the (?:day|week|hour))"
_BEFORE: Final = re.compile(
    (
        rf" ?(?P<amount>(?a:{_AMOUNT})) (?:before(?:hand)?|in advance|earlier|ahead|prior)(?: (?:it|that|the"
        r"|its)(?: (?:is|\w+))?(?: due)?)?$"
    ),
    re.IGNORECASE,
)
"""Finds a step from the todo's own date at the end of a command: ` 1 hour before`."""
_AT_DUE: Final = re.compile(
    r" (?:when (?:it|that|they) (?:is|are|\W?s) due|at (?:the|its) due (?:time|date)|on time|when due)$", re.IGNORECASE
)


def _parse_remind(found: re.Match[str], is_readable: IsReadable) -> Command | None:
    """Parses `about rent at 9`: a reminder of a todo that exists, or else a new todo with a reminder."""
    words = found["todo"]
    before, at_due = _BEFORE.search(words), _AT_DUE.search(words)
    step = before or at_due
    if step:
        target = parse_target(words[: step.start()], is_readable)
        return Remind(target, _before(before["amount"]) if before else "0 minutes before") if target else None
    parsed = parse_quick_add(words, is_readable)
    if parsed.recurrence or not parsed.title:
        return None
    target = parse_target(re.sub(r"^(?:of|about|for|to) ", "", parsed.title, flags=re.IGNORECASE), is_readable)
    if target is None or (parsed.due is None and not is_definite(target)):
        return None
    if parsed.due is None:
        return Incomplete("Say when, too: `remind me about rent tomorrow at 9`.")
    change = Remind(target, parsed.due)
    return change if is_definite(target) else Either(change, Add((parse_reminder(words, is_readable),)))


def _before(amount: str) -> str:
    """Returns the step before the date: `a day before` for `the day`."""
    return f"{re.sub('^the ', 'a ', amount.lower())} before"


def _parse_before(found: re.Match[str], is_readable: IsReadable) -> Remind | None:
    """Parses `remind me an hour before the dentist`."""
    target = parse_target(found["todo"], is_readable)
    return Remind(target, _before(found["amount"])) if target else None


def _parse_only_when(found: re.Match[str], is_readable: IsReadable) -> Incomplete | None:
    """Parses `remind me tomorrow`, which lacks a todo."""
    parsed = parse_quick_add(found["when"], is_readable)
    return None if parsed.title else _WHAT_AND_WHEN


def _clear_reminder(target: Target) -> Remind:
    return Remind(target, None)


_WHAT_AND_WHEN: Final = Incomplete(
    "Say of what and when: `remind me to call bob tomorrow at 5`, `remind me about rent at 9`."
)
_REMINDERS: Final = r"(?:the |my |any |all )*(?:reminders?|alarms?|notifications?|alerts?)"
REMINDER_RULES: Final = compile_rules(
    (
        rf"(?:remove|delete|clear|cancel|drop|turn off|disable|unset) {_REMINDERS}",
        always(Remind(Target(reference="it"), None)),
    ),
    (
        rf"(?:remove|delete|clear|cancel|drop|turn off|disable|unset|stop) {_REMINDERS} (?:from|of|for|on|about) (.+)",
        with_target(_clear_reminder),
    ),
    (r"(?:remove|delete|clear|cancel) (.+?)(?:\W?s) reminders?", with_target(_clear_reminder)),
    (
        r"(?:do not|don\W?t|stop|no need to) remind(?:ing)? me (?:about|of|to|for) (.+?)(?: any ?more)?",
        with_target(_clear_reminder),
    ),
    (rf"remind me (?P<amount>(?a:{_AMOUNT})) (?:before|ahead of|prior to) (?P<todo>.+)", _parse_before),
    (r"remind me(?: again)? (?:about|of|for) (?P<todo>.+)", _parse_remind),
    (r"remind me(?: again)? (?P<todo>(?!to\b).+ (?:about|of) .+)", _parse_remind),
    (
        (
            r"(?:set|add|create|make|put|schedule|new) (?:an? |the |another )?(?:reminder|alarm|alert)s? (?:for"
            r"|about|on|to|of) (?!me\b)(?P<todo>.+)"
        ),
        _parse_remind,
    ),
    (r"remind me(?: again)?(?: (?:to|about|of|that))?|(?:set|add) (?:a |the )?reminder", always(_WHAT_AND_WHEN)),
    (r"remind me(?: again)? (?P<when>.+)", _parse_only_when),
)
"""Rules that set or remove the reminder of a todo."""
