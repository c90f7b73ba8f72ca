"""Rules for projects, and for moving todos between projects and under parents."""

import re
from dataclasses import replace
from typing import Final

from todo_assistant.commands.grammar.commands import MoveTo, NewProject, Projects
from todo_assistant.commands.grammar.fields import PROJECT, parse_project_name
from todo_assistant.commands.grammar.quick_add import NOT_AN_ARTICLE, parse_quick_add
from todo_assistant.commands.grammar.quotes import unquote
from todo_assistant.commands.grammar.rules import always, answer, compile_rules, or_new, or_unsure
from todo_assistant.commands.grammar.spans import IsReadable
from todo_assistant.commands.grammar.targets import parse_target
from todo_assistant.phrases.vocabulary import MONTH


def _parse_new_project(found: re.Match[str], _: IsReadable) -> NewProject:
    return NewProject(parse_project_name(found["project_name"]))


def _parse_move_into(found: re.Match[str], is_readable: IsReadable) -> MoveTo | None:
    target = parse_target(found["todo"], is_readable)
    return MoveTo(target, project=parse_project_name(found["project"])) if target else None


def _parse_move_to(found: re.Match[str], is_readable: IsReadable) -> MoveTo | None:
    """Parses `move buy milk to Work`, whose last words may be a project or not."""
    target, name = parse_target(found["todo"], is_readable), unquote(found["place"].strip())
    place = parse_quick_add(found["place"], is_readable)
    if place.due or place.recurrence:
        return None
    return MoveTo(target, project=name, is_certain=False) if target and name else None


def _parse_move_out(found: re.Match[str], is_readable: IsReadable) -> MoveTo | None:
    target = parse_target(found["todo"], is_readable)
    if target is None:
        return None
    of_project = replace(target.filter, project=parse_project_name(found["project"]))
    return MoveTo(replace(target, filter=of_project), project="")


def _parse_leave_project(found: re.Match[str], is_readable: IsReadable) -> MoveTo | None:
    target = parse_target(found["todo"], is_readable)
    return MoveTo(target, project="") if target else None


def _parse_move_under(found: re.Match[str], is_readable: IsReadable) -> MoveTo | None:
    target = parse_target(found["todo"], is_readable)
    return MoveTo(target, parent=unquote(found["parent"])) if target else None


def _parse_move_to_top(found: re.Match[str], is_readable: IsReadable) -> MoveTo | None:
    target = parse_target(found["todo"], is_readable)
    return MoveTo(target, parent="") if target else None


_NAMED: Final = r"(?: (?:called|named|titled|for))?"
_NEW_PROJECT: Final = (
    rf"(?:add|create|make|new|start|set up)(?: (?:an?|the|my|new|another))* project\b:?{_NAMED} "
    r"(?P<project_name>(?!/?$|.* (?:to|on) (?:my|the) ).+)"
)
"""Matches commands that add a project, such as `new project Work`; not the new todo `add project plan to my list`."""
_PLACE: Final = rf"(?P<project>{PROJECT}|project .+)"
_SUBTODO: Final = r"sub-?(?:task|to-?do|item)"
PROJECT_RULES: Final = compile_rules(
    (_NEW_PROJECT, _parse_new_project),
    (
        r"(?:add|new|create|make|start)(?: (?:an?|the|my|new|another))* projects?[.!:]*",
        answer("Say its name, too: `new project Work`."),
    ),
    (
        (
            r"(?:(?:list|show|see|what are|which are)(?: me)? )?(?:(?:all|my|the|of)\b ?)*projects(?: list)?"
            r"|(?:what|which|how many) projects (?:do i have|are there|have i(?: got)?|exist)"
        ),
        always(Projects()),
    ),
    (r"(?:remove|take|move) (?P<todo>.+?) (?:from|out of|off) (?:its|the|any|their) project", _parse_leave_project),
    (r"move (?P<todo>.+?) to no project", _parse_leave_project),
    (
        (
            r"(?:rename|delete|remove|edit|archive|trash|drop|close|change(?: the name of)?) (?:the |my"
            r" )?(?:project (?!plan\b).+|(?:\S+ ){1,3}project(?: to .+)?)"
        ),
        answer("Projects cannot be renamed or deleted by a command. `move all /work to /home` moves the todos of one."),
    ),
    (rf"(?:move|take|remove|get) (?P<todo>.+?) out of (?:the )?(?:project )?{_PLACE}", _parse_move_out),
    (rf"(?:remove|take|move) (?P<todo>.+?) (?:from|off) {_PLACE}", _parse_move_out),
    (
        rf"(?:move|put|shift|assign|transfer) (?P<todo>.+?) (?:to|in|into|under|on) (?:the )?{_PLACE}",
        _parse_move_into,
    ),
    (
        r"(?:move|make|bring) (?P<todo>.+?) (?:to |a )?(?:the )?top(?:[ -]level)?(?: (?:task|to-?do|item))?",
        _parse_move_to_top,
    ),
    (
        (
            rf"(?:move|put|make|turn|nest) (?P<todo>.+?) (?:as |into )?(?:a )?{_SUBTODO} (?:of|to|under|for)"
            r" (?P<parent>.+)"
        ),
        _parse_move_under,
    ),
    (rf"(?:move|nest) (?P<todo>.+?) (?:under|below|beneath) {NOT_AN_ARTICLE}(?P<parent>.+)", _parse_move_under),
)
"""Rules for projects and parents: `projects`, `new project Work`, `move milk to /shop`, `move milk under bake cake`."""
_POSSIBLE_PLACE: Final = r"(?:the |my )?(?P<place>\S.{0,99}?)(?: project)?"
_CALENDAR_DATE: Final = (
    rf"(?:the )?(?:\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {MONTH}|{MONTH}\.? (?:the )?\d{{1,2}}(?:st|nd|rd|th)?)"
    r"(?:,? \d{4})?"
    r"|\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[./]\d{1,2}[./](?:\d{2}|\d{4})?"
)
"""Matches a day of the calendar. One that the rules for dates did not read does not exist: `31 february`."""
MOVE_RULES: Final = compile_rules(
    (
        (
            r"(?:move|re-?schedule|postpone|push|bump|shift|set|change|snooze|delay) .+ (?:to|until|till|for)"
            rf" (?:{_CALENDAR_DATE})"
        ),
        answer("There is no such date, so nothing was changed."),
    ),
    (r"move (?P<todo>.+?) out of (?:the |my )?(?P<project>\S.{0,99}?)(?: project)?", _parse_move_out),
    (rf"move (?P<todo>.+) (?:to|into|in|over to) {_POSSIBLE_PLACE}", _parse_move_to),
    (
        r"(?:transfer|assign|put|shift|stick) (?P<todo>.+) (?:to|into|in) (?:the |my )?(?P<place>\S.{0,99}?) project",
        _parse_move_to,
    ),
    (rf"(?:transfer|assign|put|shift|stick) (?P<todo>.+) (?:to|into|in|on) {_POSSIBLE_PLACE}", or_new(_parse_move_to)),
)
"""Rules for a project without its mark, tried after those for dates: `move buy milk to Work`."""
LEAVE_RULES: Final = compile_rules(
    (
        r"take (?P<todo>.+?) out of (?!the (?:trash|bin)$)(?:the |my )?(?P<project>\S.{0,99}?)(?: project)?",
        or_unsure(_parse_move_out),
    ),
    (r"remove (?P<todo>.+) from (?:the )?(?P<project>(?-i:[A-Z])\S{0,99})(?: project)?", or_unsure(_parse_move_out)),
)
"""Rules that take todos out of a project without its mark: `remove milk from Work`. Others remove it from the list."""
