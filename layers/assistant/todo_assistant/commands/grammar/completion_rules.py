"""Rules for commands that complete, skip or reopen todos."""

import re
from dataclasses import replace
from typing import Final

from todo_assistant.commands.grammar.commands import Command, Complete, Reopen, Skip, Target
from todo_assistant.commands.grammar.past_verbs import BARE_PAST_VERB, FINISHED, PARTICIPLE, PAST_VERB, to_present
from todo_assistant.commands.grammar.periods import read_past
from todo_assistant.commands.grammar.quick_add import parse_new_todo
from todo_assistant.commands.grammar.rules import (
    CommandParser,
    answer,
    compile_rules,
    or_new,
    or_unsure,
    with_target,
    with_target_or_new,
)
from todo_assistant.commands.grammar.spans import IsReadable
from todo_assistant.commands.grammar.targets import parse_target


def _parse_past(found: re.Match[str], is_readable: IsReadable) -> Complete | None:
    """Parses `i called mum`, whose target is `call mum`. `bought everything` does not mean every todo."""
    if re.fullmatch(r"(?:bought|got|did|made)", found[1], re.IGNORECASE):
        target = parse_target(found[2], is_readable)
    else:
        target = parse_target(f"{to_present(found[1])} {found[2]}", is_readable)
    return Complete(target) if target and not target.every else None


def _parse_not_past(found: re.Match[str], is_readable: IsReadable) -> Reopen | None:
    """Parses `i did not call mum`, whose target is `call mum`."""
    verb = found["verb"].lower()
    is_common = verb in {"buy", "bought", "get", "got", "do", "done", "finish", "finished", "complete", "completed"}
    target = parse_target(found["rest"] if is_common else f"{to_present(verb)} {found['rest']}", is_readable)
    return Reopen(target) if target else None


def _parse_skip(found: re.Match[str], is_readable: IsReadable) -> Skip | None:
    """Parses `skip milk`. A line with a date, such as `skip milk today`, is no certain command."""
    target, new = parse_target(found[1], is_readable), parse_new_todo(found.string, is_readable)
    return Skip(target) if target and not (new.due or new.recurrence) else None


def _reopen(target: Target) -> Reopen:
    """Returns the command for `reopen yesterday's tasks`, whose day is that of the completion."""
    due = target.filter.due
    if not (target.every and due and read_past(due)):
        return Reopen(target)
    return Reopen(replace(target, filter=replace(target.filter, due=None, completed_on=read_past(due))))


def _unless(pattern: str, parse: CommandParser) -> CommandParser:
    """Returns a parser that gives up if the first group of the match begins like the pattern."""
    excluded = re.compile(pattern, re.IGNORECASE)

    def parse_others(found: re.Match[str], is_readable: IsReadable) -> Command | None:
        return None if excluded.match(found[1]) else parse(found, is_readable)

    return parse_others


_DONE: Final = r"(?:done|completed?|finished|checked(?: off)?|ticked(?: off)?|accomplished)"
"""Matches the words for a completed todo: `done`, `complete`, `finished`."""
_NOT_DONE: Final = (
    r"(?:not(?: yet)? (?:done|completed?|finished)(?: yet)?|undone|open|incomplete|unfinished"
    r"|uncompleted|pending|active)"
)
_ALREADY: Final = r"(?: (?:now|already|all|finally|just|both))?"
_I_HAVE: Final = r"(?:i|we)(?:\W?ve|\W?m| have| am)?(?: (?:just|already|now|finally))?(?: been)?"
_MY_LIST: Final = r"(?: (?:my|the|that|this))?(?: to-?do)? list"
_NO_TITLE: Final = (
    r"(?:.* not$|check|make sure|ensure|wait|see|remind|tell|until|confirm|verify|if|once|when|let|get"
    r"|have|getting|having|be"
    r"|delete|remove|clear|list|show|find|move|complete|restore|reopen|trash|tag|untag|count|what|which"
    r"|how|who|ask|find out|call|celebrate|after|before|well|not|all|almost|nearly|half|consider it"
    r"|hope|pretend)\b"
)
"""Matches words before `done` that begin the title of a new todo: `make sure the oven is done`, `get it done`."""
_OCCURRENCE: Final = r"(?:(?:the |this )?(?:next |current )?(?:occurrence|one|time)|today's)"
COMPLETION_RULES: Final = compile_rules(
    (
        (
            r"(?:done|complete|finish|check off|delete|remove|postpone|move|snooze) (?:the |my )?next(?: (?:one"
            r"|task|to-?do|item))?"
        ),
        answer("Type `what's next` to see the next todo, and then `done it`."),
    ),
    (
        (
            r"(?:i|we) (?:did(?: not|n\W?t)|have(?: not|n\W?t)) (?:yet )?(?P<verb>buy|bought|get|got"
            rf"|{PAST_VERB}|\w+) (?P<rest>.+?)(?: yet)?"
        ),
        _parse_not_past,
    ),
    (rf"(?:mark|set|flag|change) (.+?) (?:(?:as|to|back to|back as) )?{_NOT_DONE}(?: again)?", with_target(Reopen)),
    (rf"(?:mark|set|flag|check|tick|cross|change) (.+?) (?:(?:as|to|off as|down as) )?{_DONE}", with_target(Complete)),
    (rf"(.+?)\W(?:s|re) (?:still )?not(?: yet)? {_DONE}(?: yet)?", with_target(Reopen)),
    (rf"mark (?:as )?{_DONE}:? (.+)", with_target(Complete)),
    (
        (
            r"(.+?) (?:(?:is|are)(?: still)?(?: not|n\W?t)|(?:was|were)(?: not|n\W?t)|(?:has|have)(?: not"
            r"|n\W?t) been)(?: (?:actually|really))?"
            rf" {_DONE}(?: yet)?"
        ),
        _unless(_NO_TITLE, with_target(Reopen)),
    ),
    (
        (
            rf"{_I_HAVE}(?: (?:have|did))?(?: not|n\W?t)(?: actually)? (?:do|done|finish(?:ed)?|complete[d]?)(?:"
            r" with)? (.+?)(?: yet)?"
        ),
        with_target(Reopen),
    ),
    (
        (
            rf"(?:{_I_HAVE} {_DONE}|done|completed|finished)\b(?: (?:with|working on|doing))?:? (?!by |in |when"
            r" )(.+)"
        ),
        with_target(Complete),
    ),
    (rf"(?:{_I_HAVE} )?(?:did|took care of|dealt with) (.+?)(?: already)?", with_target(Complete)),
    (rf"{_I_HAVE} ({PAST_VERB})(?: off)? (.+?)(?: already)?", _parse_past),
    (rf"(?:just|already|finally) ({PAST_VERB}) (.+?)", _parse_past),
    (rf"({PARTICIPLE}) (.+)", or_new(_parse_past)),
    (rf"({BARE_PAST_VERB}) (.+)", or_unsure(_parse_past)),
    (rf"(\S+(?: \S+){{0,5}}?)(?:,| -|:) (?:{FINISHED}|check)", with_target(Complete)),
    (
        (
            rf"(.+?)(?:['\u2019](?:s|re)| is| are| was| were| (?:has|have) been| got)(?: been)?{_ALREADY}"
            rf" (?:{FINISHED})(?: (?:now|already))?"
        ),
        _unless(_NO_TITLE, with_target(Complete)),
    ),
    (
        rf"(?:check|tick|cross|mark|strike|scratch) (?:off|out)(?: of)?:? (.+?)(?: (?:from|off|on){_MY_LIST})?",
        with_target(Complete),
    ),
    (rf"(?:check|tick|cross|mark|strike|scratch) (.+?) off(?:(?: of)?{_MY_LIST})?", with_target(Complete)),
    (r"\[x\] (.+)|[✓✔✅☑]\ufe0f? ?(.+)", with_target(Complete)),
    (r"(.+?)[ :-]+[✓✔✅☑]\ufe0f?", with_target(Complete)),
    (rf"(it|that|this|those|they)(?:\W?s|\W?re) (?:all )?{_DONE}(?: now)?", with_target(Complete)),
    (
        rf"(.+?) (?:is|are|was|were|(?:has|have) been|got){_ALREADY} {_DONE}(?: (?:now|already))?",
        _unless(_NO_TITLE, with_target(Complete)),
    ),
    (
        (
            r"(?:un-?check|un-?tick|un-?complete|un-?mark|un-?finish|undone|not done|re-?open|re-?activate"
            r"|undo completing|undo completion of|undo done) (.+)"
        ),
        with_target(_reopen),
    ),
    (r"(?:re-?open) (.+) again", with_target(Reopen)),
    (r"(?:open) ((?:it|that|this|them|\d+)) again", with_target(Reopen)),
    (r"(?:complete|finish|close|tick|check|x) (.+)", with_target_or_new(Complete)),
    (
        rf"skip (?:{_OCCURRENCE} of )?(.+?)(?: (?:this|for this|for the next) time| (?:just )?(?:this )?once)?",
        or_new(_parse_skip),
    ),
    (r"(?:undo|un-do) (?:the )?(.+)", with_target_or_new(Reopen)),
    (
        r"(\S+(?: \S+){0,5}?)(?:[:,]| -|['\u2019]s| is| are)? (?:not (?:yet )?|un)done(?: yet)?",
        _unless(_NO_TITLE, with_target(Reopen)),
    ),
    (
        r"(\S+(?: \S+){0,5}?) (?:done|finished|completed) (?:yesterday|today|this morning|last night|(?:on )?\w+day)",
        _unless(_NO_TITLE, with_target(Complete)),
    ),
    (rf"(\S+(?: \S+){{0,3}}?) (?:{FINISHED})", _unless(_NO_TITLE, or_unsure(with_target(Complete)))),
    (rf"(\S+(?: \S+){{0,5}}?)(?::| -)? {_DONE}", _unless(_NO_TITLE, with_target(Complete))),
    (
        rf"(?:{_DONE}|re-?open|check(?: off)?|tick(?: off)?|un-?check|finish)[.!:]*",
        answer("Say which todo is meant: `done milk`, `done 2` or `done it`; `reopen milk` opens it again."),
    ),
)
"""Rules that complete, skip or reopen todos: `done milk`, `milk is done`, `skip milk`, `reopen milk`."""
