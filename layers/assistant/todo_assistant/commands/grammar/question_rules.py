"""Rules for questions about the todos of the user: `what is due this week`, `how many are open`, `is milk done?`."""

import re
from dataclasses import replace
from typing import Final

from todo_assistant.commands.grammar.commands import Filter, Find, Show
from todo_assistant.commands.grammar.fields import TODO_NOUN
from todo_assistant.commands.grammar.groups import parse_group
from todo_assistant.commands.grammar.list_rules import find_group, parse_described, parse_find
from todo_assistant.commands.grammar.periods import DONE_VERB, PERIOD, read_past
from todo_assistant.commands.grammar.rules import always, answer, compile_rules
from todo_assistant.commands.grammar.spans import IsReadable
from todo_assistant.commands.grammar.targets import is_reference, parse_target

_NEXT: Final = Find(Filter(completed=False), next_only=True)
_HIGH: Final = Find(Filter(priority="high", completed=False))
_TRASH: Final = Find(Filter(trashed=True))
_UPCOMING: Final = Find(Filter(due="next 7 days", completed=False))


def _parse_done(found: re.Match[str], _: IsReadable) -> Find | None:
    """Parses `what did i finish yesterday`. Returns None if the words after the verb are no past day or span."""
    words = (found[found.lastindex or 1] or "").strip()
    day = read_past(words)
    return Find(Filter(completed=True, completed_on=day)) if day or not words else None


def _count_done(found: re.Match[str], is_readable: IsReadable) -> Find | None:
    command = _parse_done(found, is_readable)
    return replace(command, count=True) if command else None


def _count(found: re.Match[str], is_readable: IsReadable) -> Find | None:
    command = parse_described(found, is_readable)
    return replace(command, count=True) if command else None


def _parse_one(found: re.Match[str], is_readable: IsReadable) -> Find | None:
    """Parses a question about one todo by its words: `when is rent due`, `is milk done`."""
    words = next((group for group in found.groups() if group), "")
    if is_reference(words):
        return None
    return parse_find(words, is_readable, completed=None) if words else None


def _parse_due_question(found: re.Match[str], is_readable: IsReadable) -> Find | None:
    """Parses `is milk due friday`, which lists the todo with its due date. Returns None without a todo's words."""
    group = parse_group(found[1], is_readable)
    return Find(Filter(text=group.filter.text)) if group.filter.text else None


def _parse_show_numbers(found: re.Match[str], is_readable: IsReadable) -> Show | None:
    """Parses `what does number 3 say` and `open 2`. Returns None for words that are no numbers of a list."""
    target = parse_target(found[1], is_readable)
    return Show(target) if target and target.numbers else None


def _parse_show_it(found: re.Match[str], is_readable: IsReadable) -> Show | None:
    target = parse_target(found[1] or found[2], is_readable)
    return Show(target) if target else None


def _parse_subtodos(found: re.Match[str], is_readable: IsReadable) -> Find | None:
    group = parse_group(found[1], is_readable)
    return find_group(group, completed=None) if group.filter.parent and not group.filter.text else None


_WHAT_IS: Final = r"(?:what\W?s|what is|what are)"
_WHICH: Final = rf"(?:what|which)(?: (?:of|are|is))?(?: (?:my|the|all))*(?: (?:open|other|many))?(?: {TODO_NOUN})"
_HAVE: Final = (
    r"(?:(?:do|did|have|must|should|can|will|need) (?:i|we)|i|we)(?:(?: still)? (?:have|got|need|do))*(?: to)?(?: do)?"
)
_ANYTHING: Final = rf"(?:anything|something|any(?: open| other)? {TODO_NOUN}|{TODO_NOUN}|much|a lot|nothing|any)"
_DUE: Final = r"(?: (?:is |are )?(?:due|planned|scheduled|left|to do|coming up|on|open|going on|for me))*"
QUESTION_RULES: Final = compile_rules(
    (
        (
            r"(?:what|which) (?:day|date|time|year|month)(?: of the week)? (?:is|do we have)(?: it)?(?: (?:today|now))?"
            r"|what(?:\W?s| is) (?:today\W?s date|the (?:date|time|day)(?: today)?)"
        ),
        answer("I only know your todos. Type `today` to see the date and what is due."),
    ),
    (
        r"(?:who|what) are you|are you (?:an? )?(?:ai|bot|robot|human|real|chatgpt)|what(?:\W?s| is) your name",
        answer("I am the assistant of this todo list. Type `help` to see what I understand."),
    ),
    (
        (
            rf"(?:{_WHAT_IS} (?:coming )?next|{_WHAT_IS} (?:my|the) (?:next|first|most urgent)(?:"
            rf" {TODO_NOUN})?(?: due| to do)?|next(?: {TODO_NOUN})?"
            rf"|(?:(?:show|give|tell)(?: me)? )?(?:the|my) (?:next|first) (?:{TODO_NOUN})(?: due)?|what comes"
            r" next|(?:and )?then what"
            r"|what (?:should|must|do|can|shall) i (?:do|start with|begin with|work on|tackle)(?: (?:first|next"
            r"|now|then))?|what to do(?: (?:next|first|now))?"
            rf"|(?:what|which)(?: {TODO_NOUN})? (?:is|comes|should i do|do i do) (?:next|first)|(?:and )?what now"
            rf"|{_WHAT_IS} due next|show(?: me)? next)"
        ),
        always(_NEXT),
    ),
    (
        (
            rf"(?:{_WHAT_IS}|which (?:{TODO_NOUN} )?(?:is|are)|show(?: me)?|list)(?: the| my)? (?:most"
            r" )?(?:urgent|important|high[ -]priority|highest priority)"
            rf"(?: (?:{TODO_NOUN}|right now|now|today))?"
        ),
        always(_HIGH),
    ),
    (
        (
            rf"(?:(?:{_WHAT_IS}|show(?: me)?|list)(?: my| the| all)? )?(?:coming up|upcoming|ahead)(?:"
            rf" {TODO_NOUN})?(?: soon)?"
        ),
        always(_UPCOMING),
    ),
    (
        (
            r"(?:what(?:\W?s| does| did| is| was| are)(?: in)?|(?:show|open|read (?=me|out)|display|view|pull up|tell)"
            r"(?: ?(?:me|out))?(?: about)?(?: (?:the )?details of)?|(?:the )?details of) (.+?)"
            r"(?: says?| about| in detail| to me| out loud)?"
        ),
        _parse_show_numbers,
    ),
    (r"what does (it|that|this)(?: one)? say|(?:show|read|open)(?: me)? (it|that|this|that one)", _parse_show_it),
    (
        (
            rf"how (?:many|much)(?: {TODO_NOUN})?(?:(?: did| have)? i(?:\W?ve| have)?|(?: have)? we)(?:"
            rf" already)? {DONE_VERB}( .+)?"
        ),
        _count_done,
    ),
    (
        rf"how many(?: {TODO_NOUN})? (?:were|have been|got|are) (?:done|completed|finished)( .+)?",
        _count_done,
    ),
    (
        (
            rf"how many(?: (?:{TODO_NOUN}|of them))?(?: (?:do i (?:still )?have|have i(?: got)?|are there|are"
            r" left|is there|there are|left|remain(?:ing)?|to do|i have|are|is))*(?: (?:open|left|remaining|to do|in"
            r" total|total|on my list))?( .*)?"
        ),
        _count,
    ),
    (
        (
            r"how many ((?:open|overdue|completed|done|finished|high priority|urgent|undated|late|deleted)?(?:"
            rf" {TODO_NOUN})?.*?)(?: do i (?:still )?have(?: left)?| are there| have i(?: got)?| are left| left)?"
        ),
        _count,
    ),
    (r"(?:count|number of)(?: (?:all|my|the))* (.+)", _count),
    (r"how much (?:work |stuff )?(?:is (?:there|left)|do i have|have i)(?: (?:left|to do|open))*()", _count),
    (
        (
            rf"(?:(?:what|which)(?: (?:all|else))?(?: {TODO_NOUN})?(?:\W?ve| have| had| did| do)? (?:i"
            rf"|we)(?:\W?ve| have| had)?(?: already)? {DONE_VERB}(?: off)?|{_WHAT_IS} (?:done|completed|finished)"
            rf"|(?:what|which)(?: {TODO_NOUN})? (?:was|were|got|have been|has been) (?:done|completed|finished)"
            rf"|(?:show|list)(?: me)? what i(?:\W?ve| have)? {DONE_VERB})(?: so far)?( .+)?"
        ),
        _parse_done,
    ),
    (
        (
            rf"(?:(?:{_WHAT_IS}|show(?: me)?|list|which|what) )?(?:(?:are|me) )?(?:all )?(?:the"
            rf" )?((?:sub-?{TODO_NOUN}|steps) (?:of|under|for|in) .+)"
        ),
        _parse_subtodos,
    ),
    (rf"{_WHAT_IS} ((?:under|below) .+)", _parse_subtodos),
    (
        (
            rf"{_WHAT_IS} (?:(?:still )?(?:due|planned|scheduled|left|the plan|open)(?: (?:on my list|to"
            r" do))?(?: (?:on|for)(?= ))?\b)? ?(.*)"
        ),
        parse_described,
    ),
    (
        rf"{_WHAT_IS} (?:on|in) (?:my|the) (?:to-?do )?(?:list|agenda|calendar|schedule|plate)(?: for)? ?(.*)",
        parse_described,
    ),
    (rf"{_WHAT_IS} my (?:plan|plans|schedule|agenda)(?: for)? ?(.*)", parse_described),
    (
        rf"{_WHICH}(?: (?:are|is|do i have|have i|have|has|did i))?(?: (?:due|planned|scheduled|left))?( .*)?",
        parse_described,
    ),
    (r"what ((?:has|have|isn\W?t|is not|does not have|doesn\W?t have|do not have) .+)", parse_described),
    (rf"what {_HAVE}(?: (?:due|planned|scheduled|left|on))*( .*)?", parse_described),
    (rf"{_WHAT_IS} (?:happening|going on|on|there)(?: (?:on|for))? ?(.*)", parse_described),
    (
        r"(?:what|which)(?: did i| have i| i)? (?:deleted?|removed?|trash(?:ed)?)|what(?:\W?s| is| was) deleted",
        always(_TRASH),
    ),
    (rf"(?:(?:show|list)(?: me)? )?(?:done|completed|finished) (today|yesterday|{PERIOD})", _parse_done),
    (
        r"(?:is|when is|when\W?s) (?:it|that|this)(?: (?:due|done|finished))?",
        answer("Name the todo: `when is rent due`."),
    ),
    (r"tell me (?:more )?about (.+)|is there (?:an? |any )?(.+?) (?:on|in) (?:my|the)(?: to-?do)? list", _parse_one),
    (
        r"am i (?:late|behind)(?: (?:on|with|for))?(?: (?:anything|something|any(?:thing)? .*))?",
        always(Find(Filter(completed=False, overdue=True))),
    ),
    (
        r"do i have (?:an?|any) (?:to-?do|task|item|reminder)s? (?:about|for|on|called|named|with|to) (.+)",
        _parse_one,
    ),
    (r"what am i (?:doing|supposed to do|up to) ?(.*)", parse_described),
    (r"what (?:must|needs to|has to|should) (?:be|get) (?:done|finished|completed) ?(.*)", parse_described),
    (r"what remains(?: to do)? ?(.*)|what is remaining()", parse_described),
    (
        (
            r"(?:do i (?:still )?have|have i(?: got)?|is there|are there|i have)(?: (?:still|got))?"
            rf" {_ANYTHING}{_DUE} ?(.*)"
        ),
        parse_described,
    ),
    (rf"(?:is|are) {_ANYTHING}{_DUE} ?(.*)", parse_described),
    (r"am i (?:free|busy|available) ?(.*)", parse_described),
    (rf"(?:anything|any {TODO_NOUN}|something){_DUE} ?(.*)", parse_described),
    (
        (
            r"(?:when|what time|what day)(?: is|\W?s| was| are)(?: (?:the|my))? (.+?)(?: (?:due|scheduled"
            r"|planned|happening))?(?: again)?"
        ),
        _parse_one,
    ),
    (r"(?:when|what time|by when) (?:do|must|should|did|will|have) i (?:need to |have to |got to )?(.+)", _parse_one),
    (
        (
            r"(?:did|have|had) (?:i|we)(?: already| ever)? (?:done |finished? |completed? |got |do |mark(?:ed)?"
            r" )?(?:\S+ (?=\S))?(.+?)(?: (?:done|off))?(?: (?:yet|already|as done))?"
        ),
        _parse_one,
    ),
    (r"do i (?:still )?(?:need|have) to (?:\S+ (?=\S))?(.+?)", _parse_one),
    (
        (
            r"(?:is|are|was|were|has|have)(?: (?:the|my))? (.+?)(?: been)? (?:done|completed?|finished|open"
            r"|still open|overdue|late|bought|paid|in (?:my|the|the to-?do) list|on (?:my|the)(?: to-?do)? list"
            r"|there)(?: (?:yet|already))?"
        ),
        _parse_one,
    ),
    (r"is(?: (?:the|my))? (.+? (?:due|scheduled|planned)\b.*)", _parse_due_question),
    (r"do i have (?!to\b)(.+?)(?: (?:on|in) (?:my|the)(?: to-?do)? list)?", _parse_one),
    (
        r"(?:what|how) about (.+)|(?:show(?: me)? |what are |give me )?(?:the )?details (?:of|about|for|on) (.+)",
        _parse_one,
    ),
)
"""Rules for questions. Those with a group of todos fit only if all their words describe it."""
